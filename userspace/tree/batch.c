// SPDX-License-Identifier: Apache-2.0
#include "tree/batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more of the changes and for length more bytes of keys. */
static int make_room(struct sb_batch *batch, size_t length)
{
	if (batch->count == UINT32_MAX)
		return -ENOMEM;
	if (batch->count == batch->room) {
		size_t room = batch->room ? 2 * batch->room : 1024;
		struct sb_change *change = reallocarray(batch->change, room, sizeof(*change));

		if (!change)
			return -ENOMEM;
		batch->change = change;
		batch->room = room;
	}
	if (batch->keys_room - batch->keys_length < length) {
		size_t room = batch->keys_room ? 2 * batch->keys_room : 64 * 1024;
		uint8_t *keys = realloc(batch->keys, room);

		if (!keys)
			return -ENOMEM;
		batch->keys = keys;
		batch->keys_room = room;
	}
	return 0;
}

static struct sb_change *add(struct sb_batch *batch, const void *key, size_t key_length)
{
	struct sb_change *change = &batch->change[batch->count];

	sb_tree_digest(key, key_length, change->path);
	change->key = batch->keys_length;
	change->key_length = (uint8_t)key_length;
	change->order = (uint32_t)batch->count++;
	memcpy(batch->keys + batch->keys_length, key, key_length);
	batch->keys_length += key_length;
	return change;
}

int sb_batch_put(struct sb_batch *batch, const void *key, size_t key_length, const void *value,
		 size_t value_length)
{
	uint8_t digest[SB_TREE_HASH_LEN];
	struct sb_change *change;
	int rc;

	if (!key_length || key_length > SB_TREE_KEY_MAX || !value_length || value_length > SB_TREE_VALUE_MAX)
		return -EINVAL;
	rc = make_room(batch, key_length);
	if (rc)
		return rc;
	change = add(batch, key, key_length);
	change->removed = false;
	sb_tree_digest(value, value_length, digest);
	sb_tree_leaf(SB_LEAF_VAR_PROTO, change->path, digest, change->leaf);
	return 0;
}

int sb_batch_remove(struct sb_batch *batch, const void *key, size_t key_length)
{
	int rc;

	if (!key_length || key_length > SB_TREE_KEY_MAX)
		return -EINVAL;
	rc = make_room(batch, key_length);
	if (!rc)
		add(batch, key, key_length)->removed = true;
	return rc;
}

static int compare(const void *a, const void *b)
{
	const struct sb_change *one = a, *two = b;
	int order = memcmp(one->path, two->path, SB_TREE_HASH_LEN);

	return order ? order : (one->order > two->order) - (one->order < two->order);
}

void sb_batch_sort(struct sb_batch *batch)
{
	size_t kept = 0;

	if (!batch->count)
		return;
	qsort(batch->change, batch->count, sizeof(*batch->change), compare);
	for (size_t i = 0; i < batch->count; i++) {
		struct sb_change *change = &batch->change[i];

		if (kept && !memcmp(batch->change[kept - 1].path, change->path, SB_TREE_HASH_LEN))
			kept--;
		batch->change[kept] = *change;
		batch->change[kept].order = (uint32_t)kept;
		kept++;
	}
	batch->count = kept;
}

void sb_batch_reset(struct sb_batch *batch)
{
	batch->count = 0;
	batch->keys_length = 0;
}

void sb_batch_free(struct sb_batch *batch)
{
	free(batch->change);
	free(batch->keys);
	*batch = (struct sb_batch){};
}
