/* SPDX-License-Identifier: Apache-2.0 */
/* The changes of one block: keys that get a value, keys that go. The last word on a key counts. */
#ifndef SB_TREE_BATCH_H
#define SB_TREE_BATCH_H

#include "tree/page.h"

struct sb_change {
	uint8_t path[SB_TREE_HASH_LEN];
	uint8_t leaf[SB_TREE_HASH_LEN];
	size_t key;			/* where it begins in the batch's keys */
	uint32_t order;
	uint8_t key_length;
	bool removed;
};

/* All zeros is an empty batch. Its memory is kept for the next block. */
struct sb_batch {
	struct sb_change *change;
	size_t count, room;
	uint8_t *keys;
	size_t keys_length, keys_room;
};

/* 0; -EINVAL for a key or a value that is empty or too long; -ENOMEM. Both are copied or hashed. */
int sb_batch_put(struct sb_batch *batch, const void *key, size_t key_length, const void *value,
		 size_t value_length);
int sb_batch_remove(struct sb_batch *batch, const void *key, size_t key_length);

/* Ascending by path, one change a key. Adding to it afterwards is allowed. */
void sb_batch_sort(struct sb_batch *batch);

static inline struct sb_page_key sb_change_key(const struct sb_batch *batch, const struct sb_change *change)
{
	return (struct sb_page_key){ batch->keys + change->key, change->key_length };
}

void sb_batch_reset(struct sb_batch *batch);
void sb_batch_free(struct sb_batch *batch);

#endif
