/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a trusted block to another one, by as few blocks between as the rules allow (CometBFT:
 * light/client.go, verifySkipping and backwards). Where the blocks come from is the caller's.
 */
#ifndef SB_LIGHT_SYNC_H
#define SB_LIGHT_SYNC_H

#include "common/error.h"
#include "light/verify.h"

#define SB_LIGHT_BLOCKS_HELD	64	/* at once while skipping; 9/16 a step reaches 2^50 heights */
#define SB_LIGHT_BACK_MAX	10000	/* headers, backwards */

/*
 * A source gives the block at a height (more than 0). It may lie: everything is verified. Returns
 * 0 and *block, which the caller frees, or -errno with a sentence. It need not see to it that the
 * height is the one that was asked for.
 */
struct sb_light_source {
	int (*block)(void *context, int64_t height, struct sb_light_block *block,
		     struct sb_error *error);
	void *context;
};

/* How it ended, beside the error. */
struct sb_light_report {
	enum sb_light_verdict verdict;	/* why a block was not believed; OK: the source failed */
	int64_t height;			/* of the block at fault */
	unsigned int fetched;
};

/*
 * sb_light_sync() - verify the block at @height, above the trusted one's.
 * In: *trusted, a block that is believed. Out: on success *trusted is the new one (the old is
 * freed); on failure it is untouched.
 * Returns 0; -EBADMSG: not believed, *report says why; or what the source returned.
 */
int sb_light_sync(struct sb_light_block *trusted, int64_t height, const struct sb_light_source *source,
		  const struct sb_light_rules *rules, const struct sb_light_now *now,
		  struct sb_light_report *report, struct sb_error *error);

/*
 * sb_light_back() - the header at @height, below @trusted, by the chain of hashes.
 * Out: *header. Returns as above; -E2BIG: more than SB_LIGHT_BACK_MAX lie between.
 */
int sb_light_back(const struct sb_header *trusted, int64_t height, const struct sb_light_source *source,
		  struct sb_header *header, struct sb_light_report *report, struct sb_error *error);

#endif
