// SPDX-License-Identifier: Apache-2.0
#include "tree/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SIZE	1024
#define ROUND		64	/* bytes that an item grows by: a line of the cache */

static uint64_t mix(uint64_t word)
{
	word ^= word >> 32;
	word *= UINT64_C(0xd6e8feb86659fd93);
	return word ^ word >> 32;
}

static uint64_t hash_of(const uint8_t *key, size_t length)
{
	uint64_t hash = length, word;

	for (; length >= sizeof(word); key += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, key, sizeof(word));
		hash = mix(hash ^ word);
	}
	word = 0;
	memcpy(&word, key, length);
	return mix(mix(hash ^ word));
}

/* Where the key is, or where it would be put. The table has a free entry. */
static size_t place(const struct sb_table *table, uint64_t hash, const void *key, size_t length)
{
	size_t mask = table->size - 1, at = hash & mask;

	for (; table->entry[at].item; at = (at + 1) & mask) {
		const struct sb_table_item *item = table->entry[at].item;

		if (table->entry[at].hash == hash && item->key_length == length && !memcmp(item->bytes, key, length))
			break;
	}
	return at;
}

static int grow(struct sb_table *table)
{
	struct sb_table old = *table;
	struct sb_table_entry *entry;

	if (4 * (table->count + 1) <= 3 * table->size)
		return 0;
	table->size = old.size ? 2 * old.size : FIRST_SIZE;
	entry = calloc(table->size, sizeof(*entry));
	if (!entry) {
		*table = old;
		return -ENOMEM;
	}
	table->entry = entry;
	for (size_t i = 0; i < old.size; i++) {
		const struct sb_table_item *item = old.entry[i].item;

		if (item)
			entry[place(table, old.entry[i].hash, item->bytes, item->key_length)] = old.entry[i];
	}
	free(old.entry);
	return 0;
}

struct sb_table_item *sb_table_get(const struct sb_table *table, const void *key, size_t key_length)
{
	if (!table->size)
		return NULL;
	return table->entry[place(table, hash_of(key, key_length), key, key_length)].item;
}

int sb_table_put(struct sb_table *table, const void *key, size_t key_length, const void *value, size_t length)
{
	uint64_t hash = hash_of(key, key_length);
	struct sb_table_entry *entry;
	struct sb_table_item *item;
	int rc = grow(table);

	if (rc)
		return rc;
	entry = &table->entry[place(table, hash, key, key_length)];
	item = entry->item;
	if (!item || item->room < length) {
		size_t bytes = (sizeof(*item) + key_length + length + ROUND - 1) / ROUND * ROUND;

		item = realloc(item, bytes);
		if (!item)
			return -ENOMEM;
		memcpy(item->bytes, key, key_length);
		item->key_length = (uint32_t)key_length;
		item->room = (uint32_t)(bytes - sizeof(*item) - key_length);
		table->count += !entry->item;
		*entry = (struct sb_table_entry){ hash, item };
	}
	memcpy(item->bytes + key_length, value, length);
	item->length = (uint32_t)length;
	return 0;
}

void sb_table_remove(struct sb_table *table, const void *key, size_t key_length)
{
	size_t mask = table->size - 1, hole, at;

	if (!table->size)
		return;
	hole = place(table, hash_of(key, key_length), key, key_length);
	if (!table->entry[hole].item)
		return;
	free(table->entry[hole].item);
	table->count--;
	/* what was pushed on by the one that goes moves up, so that no search ends too early */
	for (at = (hole + 1) & mask; table->entry[at].item; at = (at + 1) & mask) {
		size_t home = table->entry[at].hash & mask;

		if (((at - home) & mask) >= ((at - hole) & mask)) {
			table->entry[hole] = table->entry[at];
			hole = at;
		}
	}
	table->entry[hole].item = NULL;
}

void sb_table_free(struct sb_table *table)
{
	for (size_t i = 0; i < table->size; i++)
		free(table->entry[i].item);
	free(table->entry);
	*table = (struct sb_table){};
}
