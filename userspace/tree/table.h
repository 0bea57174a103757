/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte strings by byte strings, in memory. Open addressing, so that a look-up is a miss or two of the cache;
 * an item's room is kept when it is overwritten. Not for keys of somebody who wants the table slow.
 */
#ifndef SB_TREE_TABLE_H
#define SB_TREE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct sb_table_item {
	uint32_t key_length, length, room;
	uint8_t bytes[];	/* the key, then the value */
};

struct sb_table_entry {
	uint64_t hash;
	struct sb_table_item *item;
};

/* All zeros is an empty table. */
struct sb_table {
	struct sb_table_entry *entry;
	size_t size, count;	/* size: a power of two, or 0 */
};

/* NULL where there is none; valid until this key is put or removed. */
struct sb_table_item *sb_table_get(const struct sb_table *table, const void *key, size_t key_length);

/* 0 or -ENOMEM. */
int sb_table_put(struct sb_table *table, const void *key, size_t key_length, const void *value, size_t length);
void sb_table_remove(struct sb_table *table, const void *key, size_t key_length);
void sb_table_free(struct sb_table *table);

#endif
