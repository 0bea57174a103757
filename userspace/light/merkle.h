/* SPDX-License-Identifier: Apache-2.0 */
/* CometBFT's Merkle tree (crypto/merkle; the shape of RFC 6962), leaf after leaf. */
#ifndef SB_LIGHT_MERKLE_H
#define SB_LIGHT_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SB_MERKLE_LEVELS	32	/* 2^32 leaves */
#define SB_MERKLE_LEN		32

struct sb_merkle {
	uint64_t leaves;
	uint8_t level[SB_MERKLE_LEVELS][SB_MERKLE_LEN];	/* roots of whole subtrees */
};

void sb_merkle_init(struct sb_merkle *merkle);
void sb_merkle_add(struct sb_merkle *merkle, const void *leaf, size_t length);

/* Of no leaves it is SHA-256 of nothing. */
void sb_merkle_root(const struct sb_merkle *merkle, uint8_t root[SB_MERKLE_LEN]);

/* The hash of a leaf, and of two nodes; out may be one of them. */
void sb_merkle_leaf(const void *leaf, size_t length, uint8_t out[SB_MERKLE_LEN]);
void sb_merkle_join(const uint8_t left[SB_MERKLE_LEN], const uint8_t right[SB_MERKLE_LEN],
		    uint8_t out[SB_MERKLE_LEN]);

/* crypto/merkle/proof.go, Proof: the pointers are somebody else's memory. */
#define SB_MERKLE_AUNTS		64
struct sb_merkle_proof {
	uint64_t total, index;
	const uint8_t *leaf;			/* its hash, SB_MERKLE_LEN bytes */
	unsigned int aunts;
	const uint8_t *aunt[SB_MERKLE_AUNTS];	/* from below, SB_MERKLE_LEN bytes each */
};

/*
 * sb_merkle_climb() - the root that a proof leads to (computeHashFromAunts). False where there are
 * not as many aunts as the place of the leaf needs.
 */
bool sb_merkle_climb(const struct sb_merkle_proof *proof, uint8_t root[SB_MERKLE_LEN]);

#endif
