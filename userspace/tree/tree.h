/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compact sparse Merkle tree over pages that somebody else keeps: no I/O here.
 *
 * A record's place is the hash of its key, so the tree depends on the records only, not on their history.
 * Pages are named by the way to them: the first `depth` half-bytes of a path. Errors are the keeper's, or
 * -EUCLEAN for pages that do not fit together.
 */
#ifndef SB_TREE_H
#define SB_TREE_H

#include "tree/batch.h"

struct sb_pages {
	void *context;
	/* 0; -ENOENT. What is found is valid until the next put or remove. */
	int (*get)(void *context, const uint8_t path[SB_TREE_HASH_LEN], unsigned int depth,
		   const uint8_t **data, size_t *length);
	int (*put)(void *context, const uint8_t path[SB_TREE_HASH_LEN], unsigned int depth,
		   const uint8_t *data, size_t length);
	int (*remove)(void *context, const uint8_t path[SB_TREE_HASH_LEN], unsigned int depth);
	/* The value of a key that is in the tree. Valid as what get finds. */
	int (*value)(void *context, const struct sb_page_key *key, const uint8_t **data, size_t *length);
};

/* The working memory of sb_tree_apply, for any number of calls, one at a time. NULL: no memory. */
struct sb_tree_work;
struct sb_tree_work *sb_tree_work_new(void);
void sb_tree_work_free(struct sb_tree_work *work);

/*
 * Makes the changes of a batch (which it sorts) and hashes what they touch, each node once. After an error
 * the pages are in between: the keeper must be able to take them back.
 */
int sb_tree_apply(const struct sb_pages *pages, struct sb_tree_work *work, struct sb_batch *batch,
		  uint8_t root[SB_TREE_HASH_LEN]);

/* Zeros for an empty tree. */
int sb_tree_root(const struct sb_pages *pages, uint8_t root[SB_TREE_HASH_LEN]);

/* The way to where a path ends: at a leaf, its own or another, or where nothing is. */
struct sb_tree_way {
	unsigned int depth;					/* bits */
	uint8_t sibling[SB_TREE_BITS][SB_TREE_HASH_LEN];	/* from the root down */
	size_t key_length;					/* of the leaf; 0: nothing is there */
	uint8_t key[SB_TREE_KEY_MAX];
};

int sb_tree_find(const struct sb_pages *pages, const uint8_t path[SB_TREE_HASH_LEN], struct sb_tree_way *way);

/* The key whose path is the next below a path, or above: 0, or -ENOENT where there is none. */
int sb_tree_neighbour(const struct sb_pages *pages, const uint8_t path[SB_TREE_HASH_LEN], bool above,
		      uint8_t key[SB_TREE_KEY_MAX], size_t *key_length);

#endif
