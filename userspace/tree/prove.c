// SPDX-License-Identifier: Apache-2.0
#include "tree/prove.h"

#include <errno.h>
#include <string.h>

/* The existence proof of the leaf at the end of a way, which it points into. */
static int existence(const struct sb_pages *pages, const struct sb_tree_way *way, struct sb_existence *exist)
{
	struct sb_page_key key = { way->key, way->key_length };
	uint8_t path[SB_TREE_HASH_LEN];

	sb_tree_digest(key.data, key.length, path);
	exist->key = key.data;
	exist->key_length = key.length;
	exist->format = SB_LEAF_VAR_PROTO;
	exist->depth = way->depth;
	for (unsigned int i = 0; i < way->depth; i++) {
		unsigned int depth = way->depth - 1 - i;

		exist->sibling[i] = way->sibling[depth];
		exist->right[i] = path[depth / 8] >> (7 - depth % 8) & 1;
	}
	return pages->value(pages->context, &key, &exist->value, &exist->value_length);
}

/* The record beside a path and its proof; *found is false at the tree's edge. */
static int neighbour(const struct sb_pages *pages, const uint8_t *path, bool above, struct sb_tree_way *way,
		     struct sb_existence *exist, bool *found)
{
	uint8_t key[SB_TREE_KEY_MAX], beside[SB_TREE_HASH_LEN];
	size_t length;
	int rc = sb_tree_neighbour(pages, path, above, key, &length);

	*found = !rc;
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	sb_tree_digest(key, length, beside);
	rc = sb_tree_find(pages, beside, way);
	return rc ? rc : existence(pages, way, exist);
}

/* Where the key's path ends, and whether that is the key itself. */
static int locate(const struct sb_pages *pages, const void *key, size_t key_length,
		  uint8_t path[SB_TREE_HASH_LEN], struct sb_tree_way *way, bool *found)
{
	int rc;

	if (!key_length || key_length > SB_TREE_KEY_MAX)
		return -EINVAL;
	sb_tree_digest(key, key_length, path);
	rc = sb_tree_find(pages, path, way);
	if (!rc)
		*found = way->key_length == key_length && !memcmp(way->key, key, key_length);
	return rc;
}

int sb_tree_prove(const struct sb_pages *pages, const void *key, size_t key_length,
		  uint8_t *out, size_t room, size_t *length, bool *present)
{
	uint8_t path[SB_TREE_HASH_LEN];
	struct sb_tree_way way, other;
	struct sb_proof proof = { .path = path };
	bool found;
	int rc = locate(pages, key, key_length, path, &way, &found);

	if (rc)
		return rc;
	if (found) {
		proof.kind = SB_PROOF_EXISTENCE;
		rc = existence(pages, &way, &proof.exist);
	} else {
		proof.kind = SB_PROOF_ABSENCE;
		rc = neighbour(pages, path, false, &way, &proof.left, &proof.has_left);
		if (!rc)
			rc = neighbour(pages, path, true, &other, &proof.right, &proof.has_right);
	}
	if (!rc)
		rc = sb_proof_encode(&proof, out, room, length);
	if (!rc)
		*present = found;
	return rc;
}

int sb_tree_prove_simple(const struct sb_pages *pages, const void *key, size_t key_length,
			 uint8_t out[SB_SIMPLE_MAX], size_t *length)
{
	uint8_t path[SB_TREE_HASH_LEN];
	struct sb_existence exist;
	struct sb_tree_way way;
	bool found;
	int rc = locate(pages, key, key_length, path, &way, &found);

	if (rc)
		return rc;
	if (!found)
		return -ENOENT;
	rc = existence(pages, &way, &exist);
	return rc ? rc : sb_proof_simple(&exist, out, length);
}
