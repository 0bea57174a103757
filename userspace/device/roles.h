/* SPDX-License-Identifier: Apache-2.0 */
/* The helper's roles as processes: started, connected, restarted when they die. */
#ifndef SB_ROLES_H
#define SB_ROLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/frame.h"
#include "device/message.h"

struct event_base;
struct sb_roles;

struct sb_roles_options {
	const char *config;	/* path */
	bool debug;
	bool ledger;		/* peers come from a ledger: its role runs, too */
};

/* What roles say to the parent; what they say to each other passes without it. */
typedef void (*sb_roles_handler)(void *context, const struct sb_frame_header *header, const uint8_t *payload);

/* Starts all of them. NULL when there is no memory. Options are kept by reference. */
struct sb_roles *sb_roles_start(struct event_base *base, const struct sb_roles_options *options,
				sb_roles_handler handler, void *context);

/* Collects those that ended; to be called at SIGCHLD. */
void sb_roles_reap(struct sb_roles *roles);

/* Says something to a role as the parent; -ENOTCONN while it does not run. */
int sb_roles_send(struct sb_roles *roles, enum sb_role_id to, enum sb_message type, const void *payload,
		  size_t length);

/* Ends all of them and waits for it. */
void sb_roles_stop(struct sb_roles *roles);

#endif
