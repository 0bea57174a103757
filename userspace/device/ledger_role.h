/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger role's process: its event loop speaks with the other roles, a thread beside it runs device/ledger.h,
 * whose calls may take their time. Shared by ledger_role.c and ledger_calls.c only.
 */
#ifndef SB_LEDGER_ROLE_H
#define SB_LEDGER_ROLE_H

#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>

#include "common/frame.h"
#include "device/channel.h"
#include "device/ledger.h"
#include "device/ledger_light.h"
#include "device/ledger_news.h"
#include "device/message.h"
#include "device/names.h"

#define ROLE_ASKERS_MAX	8

struct ledger_role {
	struct event_base *base;
	struct sb_channel *channel;
	struct event *told;	/* the thread has something for the loop */
	int told_fd;
	struct sb_ledger_light *light;
	struct sb_ledger *ledger;
	struct sb_ledger_port port;
	struct sb_names names;	/* as they were when the sandbox was made */
	uint32_t last_id;	/* of questions to the tpm role; the thread's */

	pthread_mutex_t lock;	/* of everything below */
	pthread_cond_t changed;
	bool stop, anew;	/* anew: the process ends, to be started again */
	/* the thread's question, and its answer */
	bool asking, answered;
	uint8_t to;
	uint16_t type, answer_type;
	size_t length, answer_length;
	uint8_t question[SB_FRAME_MAX], answer[SB_FRAME_MAX];
	bool one_way;
	/* for the thread */
	bool hurry, keys_changed;
	struct sb_news news;
	/* for people */
	struct sb_ledger_reply reply;
	uint64_t steps;
	struct {
		uint32_t id;
		uint64_t after;	/* steps */
	} asker[ROLE_ASKERS_MAX];
	size_t askers;
};

/* ledger_calls.c: fills the port; what it asks goes over the role's loop. */
void ledger_role_port(struct ledger_role *role);
/* Asks another role, and waits. 0, -ETIMEDOUT or -ESHUTDOWN. Thread only. answer NULL: none comes. */
int ledger_role_ask(struct ledger_role *role, enum sb_role_id to, enum sb_message type, const void *question,
		    size_t length, enum sb_message answer_type, void *answer, size_t answer_length, unsigned int seconds);

#endif
