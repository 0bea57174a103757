/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a light client trusts, as a file: the first block, the latest few, and the members whom it
 * has verified last. Pure; trust.h keeps it in a directory.
 *
 * Integers big endian:
 *   "SBTRUST" 1 (one byte)
 *   length of the chain id (1), chain id
 *   boot id (16), boot time at which the latest block was received, in ms (8)
 *   members as of height (8), members (light/checkpoint.h)
 *   number of blocks (1), each: length (4), block
 *   SHA-256 of everything before
 * A block: version of blocks (8) and of the application (8), height (8), time: seconds (8), nanoseconds
 * (4), last block's id, hashes of last commit, data, validators, next validators, consensus,
 * last results, evidence, application, proposer (20); commit: round (4), block id, number of votes
 * (2), each: flag (1) and, unless absent, address (20), time (12), signature (64); number of
 * validators (2), each: key (32), power (8). A hash is its length (1), 0 or 32 (the application's:
 * up to 32), and so many bytes; a block id is a hash, number of parts (4), the parts' hash.
 */
#ifndef SB_LIGHT_TRUST_FILE_H
#define SB_LIGHT_TRUST_FILE_H

#include "light/checkpoint.h"

#define SB_TRUST_BLOCKS		5	/* the first, and the latest */
#define SB_TRUST_FILE_MAX	(2U << 20)

struct sb_trust {
	char chain[SB_CHAIN_NAME_MAX + 1];
	/* Since when we have the latest block, on whose clock: it tells how much time went by. */
	uint8_t boot_id[16];		/* zeros: not known */
	uint64_t received_ms;
	int64_t members_height;
	struct sb_members members;
	size_t count;
	struct sb_light_block block[SB_TRUST_BLOCKS];	/* heights ascending */
};

void sb_trust_free(struct sb_trust *trust);

/* The latest block; NULL where there is none. */
static inline struct sb_light_block *sb_trust_latest(struct sb_trust *trust)
{
	return trust->count ? &trust->block[trust->count - 1] : NULL;
}

/*
 * sb_trust_add() - @block, above the latest, becomes the latest; what is too many goes, but never
 * the first. Takes the block over.
 */
void sb_trust_add(struct sb_trust *trust, struct sb_light_block *block);

/* sb_light_block_copy() - Returns 0 or -ENOMEM; *copy is to be freed. */
int sb_light_block_copy(const struct sb_light_block *block, struct sb_light_block *copy);

void sb_trust_write(const struct sb_trust *trust, struct sb_bytes *out);

/*
 * sb_trust_read() - Returns 0 and *trust, which is to be freed; -EBADMSG for what is not in the one
 * form above, blocks that are not whole in themselves among it; -ENOMEM.
 */
int sb_trust_read(const uint8_t *data, size_t length, struct sb_trust *trust);

#endif
