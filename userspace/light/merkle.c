// SPDX-License-Identifier: Apache-2.0
#include "light/merkle.h"

#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"

void sb_merkle_init(struct sb_merkle *merkle)
{
	merkle->leaves = 0;
}

void sb_merkle_join(const uint8_t left[SB_MERKLE_LEN], const uint8_t right[SB_MERKLE_LEN],
		    uint8_t out[SB_MERKLE_LEN])
{
	struct sb_digest hash;

	sb_digest_init(&hash);
	sb_digest_update(&hash, "\1", 1);
	sb_digest_update(&hash, left, SB_MERKLE_LEN);
	sb_digest_update(&hash, right, SB_MERKLE_LEN);
	sb_digest_final(&hash, out);
}

void sb_merkle_leaf(const void *leaf, size_t length, uint8_t out[SB_MERKLE_LEN])
{
	struct sb_digest hash;

	sb_digest_init(&hash);
	sb_digest_update(&hash, "\0", 1);
	sb_digest_update(&hash, leaf, length);
	sb_digest_final(&hash, out);
}

/* The bits of the number of leaves say which levels hold a whole subtree. */
void sb_merkle_add(struct sb_merkle *merkle, const void *leaf, size_t length)
{
	uint8_t node[SB_MERKLE_LEN];
	unsigned int level = 0;

	if (merkle->leaves >= UINT32_MAX)
		abort();
	sb_merkle_leaf(leaf, length, node);
	for (uint64_t bits = merkle->leaves; bits & 1; bits >>= 1)
		sb_merkle_join(merkle->level[level++], node, node);
	memcpy(merkle->level[level], node, sizeof(node));
	merkle->leaves++;
}

/* Split at the largest power of two below the number: from the small subtrees to the great. */
void sb_merkle_root(const struct sb_merkle *merkle, uint8_t root[SB_MERKLE_LEN])
{
	uint64_t bits = merkle->leaves;
	uint8_t node[SB_MERKLE_LEN];
	unsigned int level = 0;

	if (!bits) {
		sb_digest_of(NULL, 0, root);
		return;
	}
	while (!(bits & 1)) {
		bits >>= 1;
		level++;
	}
	memcpy(node, merkle->level[level], sizeof(node));
	for (bits >>= 1, level++; bits; bits >>= 1, level++)
		if (bits & 1)
			sb_merkle_join(merkle->level[level], node, node);
	memcpy(root, node, sizeof(node));
}

/* The largest power of two below a number above 1. */
static uint64_t split(uint64_t total)
{
	return UINT64_C(1) << (63 - __builtin_clzll(total - 1));
}

bool sb_merkle_climb(const struct sb_merkle_proof *proof, uint8_t root[SB_MERKLE_LEN])
{
	uint64_t index = proof->index, total = proof->total;
	bool right[SB_MERKLE_AUNTS];
	unsigned int depth = 0;
	uint8_t node[SB_MERKLE_LEN];

	if (index >= total || proof->aunts > SB_MERKLE_AUNTS)
		return false;
	/* From the root down: on which side the leaf lies. */
	while (total > 1) {
		uint64_t left = split(total);

		if (depth == proof->aunts)
			return false;
		right[depth] = index >= left;
		total = right[depth] ? total - left : left;
		index -= right[depth] ? left : 0;
		depth++;
	}
	if (depth != proof->aunts)
		return false;
	memcpy(node, proof->leaf, sizeof(node));
	for (unsigned int i = 0; i < depth; i++)
		if (right[depth - 1 - i])
			sb_merkle_join(proof->aunt[i], node, node);
		else
			sb_merkle_join(node, proof->aunt[i], node);
	memcpy(root, node, sizeof(node));
	return true;
}
