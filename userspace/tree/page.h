/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page: four levels of the binary tree with up to 16 children, read and written as one.
 *
 * The nodes are numbered as in a heap: 1 is the page's root, 2n and 2n + 1 are the children of n (bit 0 and
 * bit 1 of the path), 16 + s is slot s, where s is the next four bits of the path. A slot is empty, a leaf,
 * or inner: the root of another page.
 */
#ifndef SB_TREE_PAGE_H
#define SB_TREE_PAGE_H

#include <stdbool.h>

#include "tree/hash.h"

#define SB_TREE_KEY_MAX		255	/* bytes; none is empty */
#define SB_TREE_VALUE_MAX	65536	/* bytes; none is empty */
#define SB_TREE_BITS		256
#define SB_TREE_PAGES		64	/* on the longest way down */
#define SB_PAGE_SLOTS		16
/* Four bytes of maps, nodes 2 to 31, keys of leaves with a length byte. */
#define SB_PAGE_MAX		(4 + 30 * SB_TREE_HASH_LEN + SB_PAGE_SLOTS * (1 + SB_TREE_KEY_MAX))

struct sb_page_key {
	const uint8_t *data;
	size_t length;
};

struct sb_page {
	uint16_t leaves, inners;		/* bit s: slot s is one */
	uint8_t hash[32][SB_TREE_HASH_LEN];	/* by node; zeros where there is nothing */
	struct sb_page_key key[SB_PAGE_SLOTS];	/* of leaves */
};

void sb_page_clear(struct sb_page *page);

/* 0 or -EUCLEAN. The keys point into data. */
int sb_page_decode(const uint8_t *data, size_t length, struct sb_page *page);

/* Returns the length. */
size_t sb_page_encode(const struct sb_page *page, uint8_t out[SB_PAGE_MAX]);

/* Sets a slot: key for a leaf; NULL and a hash for an inner slot; neither to empty it. */
void sb_page_set(struct sb_page *page, unsigned int slot, const uint8_t *hash, const struct sb_page_key *key);

/* Hashes what is above the slots in dirty (bit s: slot s), up to the page's root. */
void sb_page_rehash(struct sb_page *page, uint16_t dirty);

/* Hashes the page's root alone, which a decoded page lacks. */
void sb_page_root(struct sb_page *page);

/* Nothing below the node. */
bool sb_page_empty(const struct sb_page *page, unsigned int node);

/* The slot of the only leaf below the node, to which the subtree collapses; -1 where it does not. */
int sb_page_lone(const struct sb_page *page, unsigned int node);

/* The slot that a path takes in a page at a depth (in pages). */
static inline unsigned int sb_page_slot(const uint8_t path[SB_TREE_HASH_LEN], unsigned int depth)
{
	return depth & 1 ? path[depth / 2] & 15 : path[depth / 2] >> 4;
}

#endif
