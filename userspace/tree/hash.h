/* SPDX-License-Identifier: Apache-2.0 */
/* The four hashes of the tree, SHA-256 each. docs/ledger-store.md has the formats. */
#ifndef SB_TREE_HASH_H
#define SB_TREE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define SB_TREE_HASH_LEN	32

/* How a leaf joins its two hashes: ICS-23's LengthOp, by its number there. */
enum sb_leaf_format {
	SB_LEAF_PLAIN = 0,		/* H(0x00 || path || H(value)): SmtSpec as published */
	SB_LEAF_VAR_PROTO = 1,		/* H(0x00 || 0x20 || path || 0x20 || H(value)): ours */
};

/* Of a key it is the record's path in the tree. */
void sb_tree_digest(const void *data, size_t length, uint8_t digest[SB_TREE_HASH_LEN]);

void sb_tree_leaf(enum sb_leaf_format format, const uint8_t path[SB_TREE_HASH_LEN],
		  const uint8_t value_digest[SB_TREE_HASH_LEN], uint8_t leaf[SB_TREE_HASH_LEN]);

/* H(0x01 || left || right); out may be one of them. */
void sb_tree_inner(const uint8_t left[SB_TREE_HASH_LEN], const uint8_t right[SB_TREE_HASH_LEN],
		   uint8_t out[SB_TREE_HASH_LEN]);

#endif
