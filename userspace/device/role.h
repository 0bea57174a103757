/* SPDX-License-Identifier: Apache-2.0 */
/* What every role's process does first, and its line to the parent. */
#ifndef SB_ROLE_H
#define SB_ROLE_H

#include <stddef.h>
#include <stdint.h>

#include "common/sandbox.h"
#include "device/channel.h"
#include "device/message.h"

struct event_base;

/* The exit code of a role that has to be started anew, for its sandbox is of what is no more: not a failure of it. */
#define SB_ROLE_ANEW	75

/*
 * Opens the channel on SB_ROLE_FD and ends the event loop at SIGTERM and SIGINT, and when the
 * parent is gone. Frames go to frame with context. Returns the channel or NULL.
 */
struct sb_channel *sb_role_open(struct event_base *base,
				void (*frame)(void *context, const struct sb_frame_header *header,
					      const uint8_t *payload), void *context);

#endif
