/* SPDX-License-Identifier: GPL-2.0-only */
/* The exceptions of a namespace, with their counters. */
#ifndef SB_EXCEPTION_H
#define SB_EXCEPTION_H

#include "exception_match.h"
#include "verdict.h"

struct sb_net;

struct sb_exception_report {
	struct sb_exception_spec spec;	/* with the defaults filled in */
	u64 passed, passed_bytes, over;
};

/*
 * sb_exceptions_set() - replace the list; @n may be 0. sn->lock held. Returns 0, -EINVAL
 * (*text says why), -E2BIG, -EEXIST (a name twice), -ENOMEM, or on a locked machine -EPERM unless
 * it is the list that is there; the old list stays on failure.
 */
int sb_exceptions_set(struct sb_net *sn, const struct sb_exception_spec *specs, unsigned int n,
		      const char **text);

/* sb_exceptions_free() - at the namespace's end, behind sb_hooks_net_exit(). */
void sb_exceptions_free(struct sb_net *sn);

/* sb_exceptions_get() - the one at @index, or -ENOENT behind the last. Any context. */
int sb_exceptions_get(struct sb_net *sn, unsigned int index, struct sb_exception_report *report);

/*
 * sb_exceptions_ask() - may this packet of @len bytes pass in clear? With @charge it is
 * counted and paid for; without, a later hook does that. Under RCU, any context.
 */
enum sb_excuse sb_exceptions_ask(struct sb_net *sn, const struct sb_flow *flow, u32 len,
				 bool charge);

#endif
