/* SPDX-License-Identifier: Apache-2.0 */
/* Records in an ascending array, and the hashes of some blocks: what stands below a state machine in tests. */
#ifndef RECORDS_WORLD_H
#define RECORDS_WORLD_H

#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "common/cleanup.h"
#include "state/run.h"

#define BLOCKS_KEPT	4096

struct record {
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t key_length, length;
	uint8_t *value;
};

struct block_said {
	uint64_t height;
	int64_t seconds;
	uint8_t hash[32];
};

struct record_world {
	struct sb_records records;
	struct record *record;
	size_t count, room;
	struct block_said block[BLOCKS_KEPT];
	int fails;	/* what get says from now on */
	int blocks_fail;	/* and what block_hash says */
};

static inline int record_order(const struct record *record, const void *key, size_t length)
{
	size_t shorter = record->key_length < length ? record->key_length : length;
	int order = memcmp(record->key, key, shorter);

	return order ? order : (record->key_length > length) - (record->key_length < length);
}

/* The first that is not below the key. */
static inline size_t record_place(const struct record_world *world, const void *key, size_t length)
{
	size_t low = 0, high = world->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (record_order(&world->record[middle], key, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static inline struct record *record_at(struct record_world *world, const void *key, size_t length)
{
	size_t at = record_place(world, key, length);

	return at < world->count && record_order(&world->record[at], key, length) == 0 ? &world->record[at] : NULL;
}

static inline int world_get(void *context, const void *key, size_t key_length, const uint8_t **value, size_t *length)
{
	struct record_world *world = context;
	struct record *record = record_at(world, key, key_length);

	if (world->fails)
		return world->fails;
	if (!record)
		return -ENOENT;
	*value = record->value;
	*length = record->length;
	return 0;
}

static inline int world_put(void *context, const void *key, size_t key_length, const void *value, size_t length)
{
	struct record_world *world = context;
	struct record *record = record_at(world, key, key_length);

	if (!record) {
		size_t at = record_place(world, key, key_length);

		if (world->count == world->room) {
			world->room = world->room ? 2 * world->room : 64;
			world->record = realloc(world->record, world->room * sizeof(*world->record));
			assert_non_null(world->record);
		}
		record = &world->record[at];
		memmove(record + 1, record, (world->count++ - at) * sizeof(*record));
		*record = (struct record){ .key_length = key_length };
		memcpy(record->key, key, key_length);
	}
	free(record->value);
	record->value = malloc(length);
	assert_non_null(record->value);
	memcpy(record->value, value, length);
	record->length = length;
	return 0;
}

static inline int world_remove(void *context, const void *key, size_t key_length)
{
	struct record_world *world = context;
	struct record *record = record_at(world, key, key_length);

	if (!record)
		return -ENOENT;
	free(record->value);
	memmove(record, record + 1, (size_t)(&world->record[--world->count] - record) * sizeof(*record));
	return 0;
}

static inline int world_each(void *context, const void *prefix, size_t prefix_length,
			     int (*each)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
					 size_t length), void *each_context)
{
	struct record_world *world = context;
	int result = 0;

	for (size_t i = record_place(world, prefix, prefix_length); i < world->count && !result; i++) {
		const struct record *record = &world->record[i];

		if (record->key_length < prefix_length || memcmp(record->key, prefix, prefix_length) != 0)
			break;
		result = each(each_context, record->key, record->key_length, record->value, record->length);
	}
	return result;
}

static inline int world_block_hash(void *context, uint64_t height, uint8_t hash[32], int64_t *seconds)
{
	struct record_world *world = context;
	const struct block_said *block = &world->block[height % BLOCKS_KEPT];

	if (world->blocks_fail)
		return world->blocks_fail;
	if (!height || block->height != height)
		return -ENOENT;
	memcpy(hash, block->hash, 32);
	*seconds = block->seconds;
	return 0;
}

static inline void record_world_init(struct record_world *world)
{
	memset(world, 0, sizeof(*world));
	world->records = (struct sb_records){ world, world_get, world_put, world_remove, world_each, world_block_hash,
					     NULL };
}

static inline void record_world_free(struct record_world *world)
{
	for (size_t i = 0; i < world->count; i++)
		free(world->record[i].value);
	free(world->record);
}

/* A hash of everything, to compare two worlds by. */
static inline void record_world_digest(const struct record_world *world, uint8_t digest[32])
{
	SHA256_CTX hash;

	SHA256_Init(&hash);
	for (size_t i = 0; i < world->count; i++) {
		SHA256_Update(&hash, &world->record[i].key_length, sizeof(size_t));
		SHA256_Update(&hash, world->record[i].key, world->record[i].key_length);
		SHA256_Update(&hash, &world->record[i].length, sizeof(size_t));
		SHA256_Update(&hash, world->record[i].value, world->record[i].length);
	}
	SHA256_Final(digest, &hash);
}

#endif
