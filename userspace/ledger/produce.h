/* SPDX-License-Identifier: Apache-2.0 */
/* When a block is due, and of which kind. Pure. */
#ifndef SB_LEDGER_PRODUCE_H
#define SB_LEDGER_PRODUCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "light/block.h"

/* Milliseconds of a clock that only goes forward. */
struct sb_produce {
	uint64_t interval, idle;	/* between blocks with transactions; between empty ones */
	uint64_t last;			/* when the last block was made */
	uint64_t last_full;		/* when the last one with transactions was begun; 0: none was */
	size_t waiting;			/* transactions */
	bool more;			/* the last block had no room for all */
	/*
	 * The state after a block stands in the header of the next: so one follows at once, that what has just
	 * been committed can be proven. Where that one changed the state, too, the next waits its interval.
	 */
	bool follow, changed;
};

enum sb_produce_kind {
	SB_PRODUCE_NONE,
	SB_PRODUCE_EMPTY,
	SB_PRODUCE_FULL,
};

/*
 * sb_produce_next() - what is due at now. After NONE, *wait says in how many milliseconds something may be.
 *
 * A block's time is that of the vote for the one before it. After a pause that would be old, so an empty block
 * comes before the transactions that end the pause.
 */
enum sb_produce_kind sb_produce_next(const struct sb_produce *state, uint64_t now, uint64_t *wait);

/* The time of a vote: now, but at least a millisecond after the block's time, whatever the clock says. */
struct sb_chain_time sb_vote_time(struct sb_chain_time now, struct sb_chain_time block);

#endif
