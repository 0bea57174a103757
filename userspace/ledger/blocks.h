/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain on the disk: blocks, their commits and results by height, and where a transaction or a block is.
 *
 * One thread writes. A block is first pended, so that after a crash the same block is signed again and no
 * other; then appended with what it led to. Each of the two is one LMDB transaction and on the disk when the
 * call returns. Readers may be in any thread.
 *
 * Errors: -ENOENT, -ENOMEM, -ENOSPC when the map is full, -EUCLEAN for a store that is damaged or of another
 * format, or another of the system's.
 */
#ifndef SB_LEDGER_BLOCKS_H
#define SB_LEDGER_BLOCKS_H

#include "ledger/block.h"

#define SB_BLOCKS_MAP_SIZE	(UINT64_C(256) << 30)	/* bytes of address space; the file has what is used */

struct sb_blocks;

enum sb_blocks_table {
	SB_BLOCKS_BLOCK,	/* sb_block_encode */
	SB_BLOCKS_COMMIT,	/* sb_commit_encode: the one that the validator signed for this block */
	SB_BLOCKS_RESULTS,	/* sb_results_encode */
	SB_BLOCKS_APP_HASH,	/* the application's after the block; of height 0, after the genesis */
};

/* map_size 0: SB_BLOCKS_MAP_SIZE. The directory exists. */
int sb_blocks_open(const char *directory, uint64_t map_size, struct sb_blocks **blocks);
void sb_blocks_close(struct sb_blocks *blocks);

/* Height of the last block that was appended, 0 for none. */
int sb_blocks_tip(struct sb_blocks *blocks, int64_t *height);

/* The app hash of the genesis: set once, before the first block. */
int sb_blocks_start(struct sb_blocks *blocks, const uint8_t app_hash[SB_APP_HASH_LEN]);

/* The block that is to follow the tip, and the time of the vote for it. */
int sb_blocks_pend(struct sb_blocks *blocks, const uint8_t *block, size_t length, struct sb_chain_time vote);
int sb_blocks_pending(struct sb_blocks *blocks, uint8_t **block, size_t *length, struct sb_chain_time *vote);

/*
 * Where a chain that was restored from a backup goes on: above every height that it can have signed before. There
 * are no blocks between the two heights. From the next one on its validator is this one.
 */
struct sb_gap {
	int64_t last, next;
	uint8_t validator[SB_ED25519_KEY_LEN];
};
#define SB_GAPS_MAX	64

/* All of them, ascending; -E2BIG: more than SB_GAPS_MAX. */
int sb_blocks_gaps(struct sb_blocks *blocks, struct sb_gap gaps[SB_GAPS_MAX], size_t *count);

/* Pends the block at the gap's end; gap->last is the tip. -EEXIST: there is a gap already that is not crossed. */
int sb_blocks_resume(struct sb_blocks *blocks, const struct sb_gap *gap, const uint8_t *block, size_t length,
		     struct sb_chain_time vote);

/* Everything of the block after the tip, which becomes the tip; the pending one goes. */
struct sb_blocks_new {
	int64_t height;
	const struct sb_block *block;
	const uint8_t *bytes;		/* the block, encoded */
	size_t length;
	const struct sb_commit *commit;	/* for this block */
	const struct sb_tx_result *results;	/* one a transaction */
	uint8_t app_hash[SB_APP_HASH_LEN];
};
int sb_blocks_append(struct sb_blocks *blocks, const struct sb_blocks_new *new);

/* Out: *data, to be freed. */
int sb_blocks_get(struct sb_blocks *blocks, enum sb_blocks_table table, int64_t height, uint8_t **data,
		  size_t *length);

/* Where a transaction is, by its SHA-256; code: its result's. The last place, where it is in several. */
struct sb_tx_place {
	int64_t height;
	uint32_t index, code;
};
int sb_blocks_find_tx(struct sb_blocks *blocks, const uint8_t id[32], struct sb_tx_place *place);

/*
 * Old blocks are removed, with their commits, results and notes of transactions, from the lowest on and at most so many
 * in one call: below a height, and earlier than a time. Block 1, both sides of each gap, and what is needed stay.
 */
struct sb_blocks_prune {
	int64_t below, before;		/* before: seconds since 1970 */
	unsigned int most;
	bool (*needed)(void *context, int64_t height);	/* NULL: nothing else */
	void *context;
};
int sb_blocks_prune(struct sb_blocks *blocks, const struct sb_blocks_prune *wish);

/* From this height on all blocks are there, but for those of gaps. */
int sb_blocks_base(struct sb_blocks *blocks, int64_t *height);

/* The height of a block, by its header's hash. */
int sb_blocks_find(struct sb_blocks *blocks, const uint8_t hash[32], int64_t *height);

#endif
