/* SPDX-License-Identifier: Apache-2.0 */
/* One grant out of several endpoints' answers. Pure. */
#ifndef SB_LEDGER_GRANT_H
#define SB_LEDGER_GRANT_H

#include "common/grant.h"
#include "state/membership.h"

#define SB_MERGE_BODIES	4	/* nodes that are blocks apart give different durations */

struct sb_grant_wanted {
	uint8_t chain_id[32], holder[32], device[32], nonce[SB_GRANT_NONCE_LEN];
	const uint8_t (*keys)[SB_GRANT_POINT_LEN];	/* of those who may sign */
	size_t keys_count;
	unsigned int threshold;
	const struct sb_tag_rules *rules;		/* that it has to have; NULL: none */
};

struct sb_grant_merge {
	size_t count;
	struct sb_grant_file grant[SB_MERGE_BODIES];	/* ascending by key id, valid signatures only */
};

/*
 * sb_grant_merge_add() - an endpoint's answer. A signature that no key of ours has made is left out: one bad one of a
 * known key would have the kernel refuse the whole grant, and an endpoint could put it there.
 * Returns 0; -EBADMSG: not a grant; -ENOMSG: not about this request; -EKEYREJECTED: nothing in it is signed by a key
 * that may; -ENOSPC: yet another body.
 */
int sb_grant_merge_add(struct sb_grant_merge *merge, const struct sb_grant_wanted *wanted, const uint8_t *data,
		       size_t length);

/* The one with enough signatures, of these the one that lasts longest; or NULL. */
const struct sb_grant_file *sb_grant_merge_ready(const struct sb_grant_merge *merge,
						 const struct sb_grant_wanted *wanted);

#endif
