// SPDX-License-Identifier: Apache-2.0
/* The state machine's records in the store, and what is noted beside them. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "ledger/ledger_app_internal.h"

static const char chain_note[] = "chain", time_note[] = "time";

/* A note of a height: its hash, and seconds. */
struct beacon_note {
	uint8_t hash[32];
	uint64_t seconds;
};

struct time_note {
	uint64_t height, seconds;
};

static void beacon_name(uint64_t height, uint8_t name[9])
{
	const uint64_t number = htobe64(height);

	name[0] = 'h';
	memcpy(name + 1, &number, sizeof(number));
}

static int find_beacon(struct sb_view *view, uint64_t height, uint8_t hash[32], int64_t *seconds)
{
	struct beacon_note note;
	const uint8_t *value;
	uint8_t name[9];
	size_t length;
	int rc;

	beacon_name(height, name);
	rc = sb_view_note(view, name, sizeof(name), &value, &length);
	if (rc)
		return rc;
	if (length != sizeof(note))
		return -EUCLEAN;
	memcpy(&note, value, sizeof(note));
	memcpy(hash, note.hash, sizeof(note.hash));
	*seconds = (int64_t)be64toh(note.seconds);
	return 0;
}

/* A key without bytes is none; the store would call it an error of the caller. */
static int view_get(void *context, const void *key, size_t key_length, const uint8_t **value, size_t *length)
{
	return sb_view_get(context, key, key_length, value, length);
}

static int view_each(void *context, const void *prefix, size_t prefix_length,
		     int (*each)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
				 size_t length), void *each_context)
{
	return sb_view_each(context, prefix, prefix_length, NULL, 0, each, each_context);
}

static int view_block_hash(void *context, uint64_t height, uint8_t hash[32], int64_t *seconds)
{
	return find_beacon(context, height, hash, seconds);
}

void sb_app_view_records(struct sb_view *view, struct sb_records *records)
{
	*records = (struct sb_records){ .context = view, .get = view_get, .each = view_each,
					.block_hash = view_block_hash };
}

static struct sb_view *pending(void *context)
{
	struct sb_ledger_app *app = context;

	return sb_store_pending(app->store);
}

static int block_get(void *context, const void *key, size_t key_length, const uint8_t **value, size_t *length)
{
	return pending(context) ? view_get(pending(context), key, key_length, value, length) : -EINVAL;
}

static int block_put(void *context, const void *key, size_t key_length, const void *value, size_t length)
{
	struct sb_ledger_app *app = context;

	return sb_store_put(app->store, key, key_length, value, length);
}

static int block_remove(void *context, const void *key, size_t key_length)
{
	struct sb_ledger_app *app = context;

	return sb_store_remove(app->store, key, key_length);
}

static int block_each(void *context, const void *prefix, size_t prefix_length,
		      int (*each)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
				  size_t length), void *each_context)
{
	return pending(context) ? view_each(pending(context), prefix, prefix_length, each, each_context) : -EINVAL;
}

static int block_block_hash(void *context, uint64_t height, uint8_t hash[32], int64_t *seconds)
{
	return pending(context) ? find_beacon(pending(context), height, hash, seconds) : -EINVAL;
}

void sb_app_block_records(struct sb_ledger_app *app)
{
	app->records = (struct sb_records){ app, block_get, block_put, block_remove, block_each, block_block_hash,
					     app->verified };
}

int sb_app_note_block(struct sb_ledger_app *app, const struct sb_app_block *block)
{
	struct beacon_note note = { .seconds = htobe64((uint64_t)block->seconds) };
	struct time_note time = { htobe64((uint64_t)block->height), htobe64((uint64_t)block->seconds) };
	uint8_t name[9];
	int rc;

	memcpy(note.hash, block->hash, sizeof(note.hash));
	beacon_name((uint64_t)block->height, name);
	rc = sb_store_note(app->store, name, sizeof(name), &note, sizeof(note));
	if (!rc)
		rc = sb_store_note(app->store, time_note, sizeof(time_note), &time, sizeof(time));
	if (rc || block->height <= SB_BEACONS_KEPT)
		return rc;
	beacon_name((uint64_t)block->height - SB_BEACONS_KEPT, name);
	rc = sb_store_note(app->store, name, sizeof(name), "", 0);
	return rc == -ENOENT ? 0 : rc;
}

int sb_app_forget_beacons(struct sb_ledger_app *app, int64_t height)
{
	uint8_t name[9];
	int rc = 0;

	for (int64_t i = 0; !rc && i < SB_BEACONS_KEPT && height > i; i++) {
		beacon_name((uint64_t)(height - i), name);
		rc = sb_store_note(app->store, name, sizeof(name), "", 0);
	}
	return rc == -ENOENT ? 0 : rc;
}

int sb_app_note_chain(struct sb_ledger_app *app)
{
	return sb_store_note(app->store, chain_note, sizeof(chain_note), app->chain, strlen(app->chain));
}

int sb_app_read_chain(struct sb_view *view, char chain[SB_CHAIN_NAME_MAX + 1])
{
	const uint8_t *value;
	size_t length;
	int rc = sb_view_note(view, chain_note, sizeof(chain_note), &value, &length);

	chain[0] = 0;
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (length > SB_CHAIN_NAME_MAX || memchr(value, 0, length))
		return -EUCLEAN;
	memcpy(chain, value, length);
	chain[length] = 0;
	return 0;
}

int sb_app_read_time(struct sb_view *view, struct sb_app_time *time)
{
	struct time_note note;
	const uint8_t *value;
	size_t length;
	int rc = sb_view_note(view, time_note, sizeof(time_note), &value, &length);

	*time = (struct sb_app_time){ 0, 0 };
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (length != sizeof(note))
		return -EUCLEAN;
	memcpy(&note, value, sizeof(note));
	time->height = (int64_t)be64toh(note.height);
	time->seconds = (int64_t)be64toh(note.seconds);
	return 0;
}
