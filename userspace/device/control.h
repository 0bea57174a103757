/* SPDX-License-Identifier: Apache-2.0 */
/* The socket on which the CLI reaches the helper: one request a connection, from root only. */
#ifndef SB_CONTROL_H
#define SB_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "device/message.h"

struct event_base;
struct sb_control;

/* ask: sends a request on its way; what it returns below 0 is answered at once. */
typedef int (*sb_control_ask)(void *context, const struct sb_control_request *request);

int sb_control_open(struct sb_control **control, struct event_base *base, const char *run_dir,
		    sb_control_ask ask, void *context, struct sb_error *error);
void sb_control_close(struct sb_control *control);

/* Hands a reply to the connection that it is for; unknown ones are dropped. */
void sb_control_answer(struct sb_control *control, const struct sb_control_reply *reply);
/* The same with another message, to the request with this id. */
void sb_control_answer_by(struct sb_control *control, uint32_t id, enum sb_message type, const void *payload,
			  size_t length);

#endif
