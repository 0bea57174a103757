// SPDX-License-Identifier: Apache-2.0
/* Verification. proof_wire.c reads and writes. */
#include "tree/proof.h"

#include <errno.h>
#include <string.h>

static const uint8_t nothing[SB_TREE_HASH_LEN];

/* The bit of a path at a depth below the root: 1 is right. */
static bool path_bit(const uint8_t path[SB_TREE_HASH_LEN], unsigned int depth)
{
	return path[depth / 8] >> (7 - depth % 8) & 1;
}

/* From a record to the root, on the sides that its path says. */
static bool climb(const struct sb_existence *exist, enum sb_leaf_format format, uint8_t root[SB_TREE_HASH_LEN],
		  uint8_t path[SB_TREE_HASH_LEN])
{
	uint8_t digest[SB_TREE_HASH_LEN], node[SB_TREE_HASH_LEN];

	if (exist->format != format)
		return false;
	sb_tree_digest(exist->key, exist->key_length, path);
	for (unsigned int i = 0; i < exist->depth; i++)
		if (exist->right[i] != path_bit(path, exist->depth - 1 - i))
			return false;
	sb_tree_digest(exist->value, exist->value_length, digest);
	sb_tree_leaf(format, path, digest, node);
	for (unsigned int i = 0; i < exist->depth; i++)
		sb_tree_inner(exist->right[i] ? exist->sibling[i] : node,
			      exist->right[i] ? node : exist->sibling[i], node);
	memcpy(root, node, sizeof(node));
	return true;
}

static bool leads_to(const struct sb_existence *exist, enum sb_leaf_format format,
		     const uint8_t root[SB_TREE_HASH_LEN], uint8_t path[SB_TREE_HASH_LEN])
{
	uint8_t reached[SB_TREE_HASH_LEN];

	return climb(exist, format, reached, path) && !memcmp(reached, root, sizeof(reached));
}

/* Nothing lies between the record and the edge of the subtree that steps, the lowest ones, lead up to. */
static bool at_edge(const struct sb_existence *exist, unsigned int steps, bool right_edge)
{
	for (unsigned int i = 0; i < steps; i++)
		if (exist->right[i] != right_edge && memcmp(exist->sibling[i], nothing, sizeof(nothing)) != 0)
			return false;
	return true;
}

/* Both have been led to one root: their ways part at one node, and nothing lies between them. */
static bool are_neighbours(const struct sb_existence *left, const struct sb_existence *right)
{
	unsigned int l = left->depth, r = right->depth;

	while (l && r && left->right[l - 1] == right->right[r - 1]) {
		/* implied by the root; asked because a verifier of ICS-23 asks */
		if (memcmp(left->sibling[l - 1], right->sibling[r - 1], SB_TREE_HASH_LEN) != 0)
			return false;
		l--;
		r--;
	}
	/* one above the other cannot be: a leaf has nothing below it */
	if (!l || !r || left->right[l - 1])
		return false;
	return at_edge(left, l - 1, true) && at_edge(right, r - 1, false);
}

static bool proves_absence(const struct sb_proof *proof, enum sb_leaf_format format,
			   const uint8_t root[SB_TREE_HASH_LEN], const uint8_t path[SB_TREE_HASH_LEN])
{
	uint8_t left[SB_TREE_HASH_LEN], right[SB_TREE_HASH_LEN];

	if (memcmp(proof->path, path, SB_TREE_HASH_LEN) != 0)
		return false;
	if (!proof->has_left && !proof->has_right)
		return !memcmp(root, nothing, sizeof(nothing));
	if (proof->has_left &&
	    (!leads_to(&proof->left, format, root, left) || memcmp(left, path, sizeof(left)) >= 0))
		return false;
	if (proof->has_right &&
	    (!leads_to(&proof->right, format, root, right) || memcmp(path, right, sizeof(right)) >= 0))
		return false;
	if (!proof->has_right)
		return at_edge(&proof->left, proof->left.depth, true);
	if (!proof->has_left)
		return at_edge(&proof->right, proof->right.depth, false);
	return are_neighbours(&proof->left, &proof->right);
}

int sb_proof_verify_existence(enum sb_leaf_format format, const uint8_t root[SB_TREE_HASH_LEN],
			      const void *key, size_t key_length, const void *value, size_t value_length,
			      const uint8_t *proof, size_t length)
{
	uint8_t path[SB_TREE_HASH_LEN];
	struct sb_proof read;
	int rc = sb_proof_decode(proof, length, &read);

	if (rc)
		return rc;
	if (read.kind != SB_PROOF_EXISTENCE ||
	    read.exist.key_length != key_length || memcmp(read.exist.key, key, key_length) != 0 ||
	    read.exist.value_length != value_length || memcmp(read.exist.value, value, value_length) != 0 ||
	    !leads_to(&read.exist, format, root, path))
		return -EKEYREJECTED;
	return 0;
}

int sb_proof_verify_absence(enum sb_leaf_format format, const uint8_t root[SB_TREE_HASH_LEN],
			    const void *key, size_t key_length, const uint8_t *proof, size_t length)
{
	uint8_t path[SB_TREE_HASH_LEN];
	struct sb_proof read;
	int rc = sb_proof_decode(proof, length, &read);

	if (rc)
		return rc;
	sb_tree_digest(key, key_length, path);
	if (read.kind != SB_PROOF_ABSENCE || !proves_absence(&read, format, root, path))
		return -EKEYREJECTED;
	return 0;
}

int sb_proof_root(enum sb_leaf_format format, const uint8_t *proof, size_t length, uint8_t root[SB_TREE_HASH_LEN])
{
	uint8_t path[SB_TREE_HASH_LEN];
	struct sb_proof read;
	const struct sb_existence *exist;
	int rc = sb_proof_decode(proof, length, &read);

	if (rc)
		return rc;
	if (read.kind == SB_PROOF_ABSENCE && !read.has_left && !read.has_right) {
		memcpy(root, nothing, sizeof(nothing));
		return 0;
	}
	exist = read.kind == SB_PROOF_EXISTENCE ? &read.exist : read.has_left ? &read.left : &read.right;
	return climb(exist, format, root, path) ? 0 : -EBADMSG;
}
