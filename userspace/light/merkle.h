/* SPDX-License-Identifier: Apache-2.0 */
/* CometBFT's Merkle tree (crypto/merkle; the shape of RFC 6962), leaf after leaf. */
#ifndef SB_LIGHT_MERKLE_H
#define SB_LIGHT_MERKLE_H

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

#endif
