// SPDX-License-Identifier: Apache-2.0
#include "ledger/produce.h"

#define OLD_LEAST	2000	/* milliseconds: a younger block's vote gives a good time */

static enum sb_produce_kind at(uint64_t due, uint64_t now, enum sb_produce_kind kind, uint64_t *wait)
{
	if (now >= due)
		return kind;
	*wait = due - now;
	return SB_PRODUCE_NONE;
}

enum sb_produce_kind sb_produce_next(const struct sb_produce *state, uint64_t now, uint64_t *wait)
{
	uint64_t old = 2 * state->interval > OLD_LEAST ? 2 * state->interval : OLD_LEAST;

	if (state->follow)
		return SB_PRODUCE_EMPTY;
	if (state->waiting) {
		uint64_t due = !state->last_full || state->more ? 0 : state->last_full + state->interval;

		return at(due, now, now - state->last > old ? SB_PRODUCE_EMPTY : SB_PRODUCE_FULL, wait);
	}
	return at(state->last + (state->changed ? state->interval : state->idle), now, SB_PRODUCE_EMPTY, wait);
}

struct sb_chain_time sb_vote_time(struct sb_chain_time now, struct sb_chain_time block)
{
	struct sb_chain_time least = block;

	least.nanos += 1000000;
	if (least.nanos >= 1000000000) {
		least.nanos -= 1000000000;
		least.seconds++;
	}
	return sb_time_compare(now, least) < 0 ? least : now;
}
