/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records, their tree and a few notes beside it, in LMDB: the state of a ledger at its last committed height.
 *
 * One process writes, in one thread, one block at a time: begin, changes, root, commit or abort. A commit
 * writes records, pages, notes, root and height in one transaction and returns when they are on the disk;
 * whatever happens before leaves the block before. Views read a committed state, in any thread and process,
 * each in one thread at a time, for a short while: a view that stays keeps the space of what was overwritten.
 *
 * Errors: -ENOENT; -EINVAL for keys and values out of bounds, and calls out of order; -ENOSPC when the map
 * is full; -EUCLEAN for a store that is damaged, of another format, or whose root is not that of its pages;
 * -EAGAIN for too many views; or another of the system's.
 */
#ifndef SB_TREE_STORE_H
#define SB_TREE_STORE_H

#include "tree/prove.h"

#define SB_STORE_MAP_SIZE	(UINT64_C(64) << 30)	/* bytes of address space; the file has what is used */
#define SB_STORE_VIEWS_MAX	126
#define SB_STORE_NOTE_MAX	(16U << 20)		/* bytes of a note's value */

struct sb_store;
struct sb_view;

/* Opens the store in an existing directory, or makes it. map_size 0: SB_STORE_MAP_SIZE. */
int sb_store_open(const char *directory, uint64_t map_size, struct sb_store **store);

/* Views are to be closed before; a block under way is aborted. NULL is allowed. */
void sb_store_close(struct sb_store *store);

int sb_store_begin(struct sb_store *store);
int sb_store_put(struct sb_store *store, const void *key, size_t key_length, const void *value,
		 size_t value_length);

/* -ENOENT where there is no such key. */
int sb_store_remove(struct sb_store *store, const void *key, size_t key_length);

/* A note is outside the tree: a height, a time, a block. An empty value removes it. */
int sb_store_note(struct sb_store *store, const void *name, size_t name_length, const void *value,
		  size_t value_length);

/* Removes all records (not the notes), for a state that comes from elsewhere. */
int sb_store_clear(struct sb_store *store);

/* The root with the changes so far; once a block is what it is made for. */
int sb_store_root(struct sb_store *store, uint8_t root[SB_TREE_HASH_LEN]);

/* height must be above the last one. After an error the block is aborted. */
int sb_store_commit(struct sb_store *store, uint64_t height);
void sb_store_abort(struct sb_store *store);

/* The block under way, as it is; belongs to the store. Proofs are of the last sb_store_root. NULL: none is. */
struct sb_view *sb_store_pending(struct sb_store *store);

/* The committed state. A store without a commit has height 0 and is empty. */
int sb_view_open(struct sb_store *store, struct sb_view **view);
void sb_view_close(struct sb_view *view);

uint64_t sb_view_height(const struct sb_view *view);
void sb_view_root(const struct sb_view *view, uint8_t root[SB_TREE_HASH_LEN]);

/* What is found is valid until the view closes; in a pending block, until its next change. */
int sb_view_get(struct sb_view *view, const void *key, size_t key_length, const uint8_t **value,
		size_t *value_length);
int sb_view_note(struct sb_view *view, const void *name, size_t name_length, const uint8_t **value,
		 size_t *value_length);

/* The tree, for sb_tree_prove and its kin. */
const struct sb_pages *sb_view_pages(const struct sb_view *view);

/*
 * Calls each(context, …) for every record whose key begins with prefix, ascending, those above `after` only
 * where after_length is not 0. 0, or what stopped it: the first result that is not 0. In a pending block
 * nothing may be changed meanwhile.
 */
typedef int sb_view_each_fn(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
			    size_t value_length);
int sb_view_each(struct sb_view *view, const void *prefix, size_t prefix_length, const void *after,
		 size_t after_length, sb_view_each_fn *each, void *context);

#endif
