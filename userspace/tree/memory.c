// SPDX-License-Identifier: Apache-2.0
#include "tree/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tree/table.h"

struct sb_memory {
	struct sb_pages pages;
	struct sb_table page, value;
	struct sb_batch batch;
	struct sb_tree_work *work;
};

#define NAME_MAX_LEN	(1 + SB_TREE_HASH_LEN)

/* A page's name: its depth, and the half-bytes of the path down to it. */
static size_t page_name(const uint8_t *path, unsigned int depth, uint8_t name[NAME_MAX_LEN])
{
	size_t bytes = (depth + 1) / 2;

	name[0] = (uint8_t)depth;
	memcpy(name + 1, path, bytes);
	if (depth & 1)
		name[bytes] &= 0xf0;
	return 1 + bytes;
}

static int show(const struct sb_table_item *item, const uint8_t **data, size_t *length)
{
	if (!item)
		return -ENOENT;
	*data = item->bytes + item->key_length;
	*length = item->length;
	return 0;
}

static int get(void *context, const uint8_t *path, unsigned int depth, const uint8_t **data, size_t *length)
{
	const struct sb_memory *memory = context;
	uint8_t name[NAME_MAX_LEN];

	return show(sb_table_get(&memory->page, name, page_name(path, depth, name)), data, length);
}

static int put(void *context, const uint8_t *path, unsigned int depth, const uint8_t *data, size_t length)
{
	struct sb_memory *memory = context;
	uint8_t name[NAME_MAX_LEN];

	return sb_table_put(&memory->page, name, page_name(path, depth, name), data, length);
}

static int take_away(void *context, const uint8_t *path, unsigned int depth)
{
	struct sb_memory *memory = context;
	uint8_t name[NAME_MAX_LEN];

	sb_table_remove(&memory->page, name, page_name(path, depth, name));
	return 0;
}

static int value(void *context, const struct sb_page_key *key, const uint8_t **data, size_t *length)
{
	const struct sb_memory *memory = context;
	int rc = show(sb_table_get(&memory->value, key->data, key->length), data, length);

	return rc == -ENOENT ? -EUCLEAN : rc;
}

struct sb_memory *sb_memory_new(void)
{
	struct sb_memory *memory = calloc(1, sizeof(*memory));

	if (!memory)
		return NULL;
	memory->pages = (struct sb_pages){ memory, get, put, take_away, value };
	memory->work = sb_tree_work_new();
	if (!memory->work) {
		free(memory);
		return NULL;
	}
	return memory;
}

void sb_memory_free(struct sb_memory *memory)
{
	if (!memory)
		return;
	sb_table_free(&memory->page);
	sb_table_free(&memory->value);
	sb_batch_free(&memory->batch);
	sb_tree_work_free(memory->work);
	free(memory);
}

int sb_memory_put(struct sb_memory *memory, const void *key, size_t key_length, const void *data, size_t length)
{
	int rc = sb_batch_put(&memory->batch, key, key_length, data, length);

	return rc ? rc : sb_table_put(&memory->value, key, key_length, data, length);
}

int sb_memory_remove(struct sb_memory *memory, const void *key, size_t key_length)
{
	int rc = sb_batch_remove(&memory->batch, key, key_length);

	if (!rc)
		sb_table_remove(&memory->value, key, key_length);
	return rc;
}

int sb_memory_root(struct sb_memory *memory, uint8_t root[SB_TREE_HASH_LEN])
{
	int rc = sb_tree_apply(&memory->pages, memory->work, &memory->batch, root);

	if (!rc)
		sb_batch_reset(&memory->batch);
	return rc;
}

const struct sb_pages *sb_memory_pages(const struct sb_memory *memory)
{
	return &memory->pages;
}
