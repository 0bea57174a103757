// SPDX-License-Identifier: Apache-2.0
/*
 * A state as chunks, and back. A chunk is entries: what it is, one byte; the key's length, one byte; the value's,
 * four, big endian; key; value. First the chain's name, the seal that the beacons begin with and the beacons, then
 * all records, each list ascending. The records have to lead to the app hash, and one of them vouches for the rest.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ledger/ledger_app_internal.h"
#include "light/query.h"
#include "state/reader.h"

#define HEAD	6

enum what { CHAIN = 1, SEAL = 2, BEACON = 3, RECORD = 4 };

struct sb_app_copy {
	struct sb_view *view;
	int64_t height, beacon;		/* of the copy; the next one */
	enum what stage;
	uint8_t last[SB_TREE_KEY_MAX];	/* record that was copied */
	size_t last_length;
};

struct chunk {
	struct sb_app_copy *copy;
	uint8_t *out;
	size_t room, length;
};

static int copy_open(void *context, struct sb_app_copy **out)
{
	struct sb_ledger_app *app = context;
	struct sb_app_copy *copy = calloc(1, sizeof(*copy));
	int rc = copy ? sb_view_open(app->store, &copy->view) : -ENOMEM;

	if (rc) {
		free(copy);
		return rc;
	}
	copy->height = (int64_t)sb_view_height(copy->view);
	copy->beacon = sb_app_first_seal(copy->height) + 1;
	copy->stage = CHAIN;
	*out = copy;
	return 0;
}

static void copy_close(struct sb_app_copy *copy)
{
	if (!copy)
		return;
	sb_view_close(copy->view);
	free(copy);
}

/* false: no room for it in this chunk. */
static bool put(struct chunk *chunk, enum what what, const void *key, size_t key_length, const void *value,
		size_t length)
{
	const uint32_t size = htobe32((uint32_t)length);
	uint8_t *at = chunk->out + chunk->length;

	if (HEAD + key_length + length > chunk->room - chunk->length)
		return false;
	at[0] = (uint8_t)what;
	at[1] = (uint8_t)key_length;
	memcpy(at + 2, &size, sizeof(size));
	memcpy(at + HEAD, key, key_length);
	memcpy(at + HEAD + key_length, value, length);
	chunk->length += HEAD + key_length + length;
	return true;
}

/* 1: the chunk is full. */
static int put_note(struct chunk *chunk, enum what what, const uint8_t name[SB_APP_NOTE_NAME])
{
	const uint8_t *value;
	size_t length;
	int rc = sb_view_note(chunk->copy->view, name, SB_APP_NOTE_NAME, &value, &length);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	return !put(chunk, what, name, SB_APP_NOTE_NAME, value, length);
}

static int put_beacons(struct chunk *chunk)
{
	struct sb_app_copy *copy = chunk->copy;
	uint8_t name[SB_APP_NOTE_NAME];
	int rc = 0;

	for (; copy->beacon <= copy->height && !rc; copy->beacon += !rc) {
		sb_app_beacon_name(copy->beacon, name);
		rc = put_note(chunk, BEACON, name);
	}
	return rc;
}

static int put_record(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct chunk *chunk = context;

	if (!put(chunk, RECORD, key, key_length, value, length))
		return 1;
	memcpy(chunk->copy->last, key, key_length);
	chunk->copy->last_length = key_length;
	return 0;
}

static int put_stage(struct chunk *chunk)
{
	struct sb_app_copy *copy = chunk->copy;
	char chain[SB_CHAIN_NAME_MAX + 1];
	uint8_t name[SB_APP_NOTE_NAME];
	int rc;

	switch (copy->stage) {
	case CHAIN:
		rc = sb_app_read_chain(copy->view, chain);
		return rc ? rc : !put(chunk, CHAIN, "", 0, chain, strlen(chain));
	case SEAL:
		sb_app_seal_name(sb_app_first_seal(copy->height), name);
		return put_note(chunk, SEAL, name);
	case BEACON:
		return put_beacons(chunk);
	default:
		return sb_view_each(copy->view, NULL, 0, copy->last, copy->last_length, put_record, chunk);
	}
}

static int copy_next(struct sb_app_copy *copy, uint8_t *out, size_t room, size_t *length)
{
	struct chunk chunk = { copy, out, room, 0 };
	int rc = 0;

	while (copy->stage <= RECORD && !rc) {
		rc = put_stage(&chunk);
		if (!rc)
			copy->stage++;
	}
	*length = chunk.length;
	return rc < 0 ? rc : 0;
}

/* ---- and back */

struct restoring {
	struct sb_ledger_app *app;
	int64_t height, beacon, first;	/* of the state; the least that may come next; the first that came */
	enum what stage;
	char chain[SB_CHAIN_NAME_MAX + 1];
	uint8_t last[SB_TREE_KEY_MAX];
	size_t last_length;
};

static bool ascends(struct restoring *restoring, struct sb_span key)
{
	size_t both = key.length < restoring->last_length ? key.length : restoring->last_length;
	int order = memcmp(key.data, restoring->last, both);

	if (order < 0 || (!order && key.length <= restoring->last_length))
		return false;
	memcpy(restoring->last, key.data, key.length);
	restoring->last_length = key.length;
	return true;
}

static int take_record(struct restoring *restoring, struct sb_span key, struct sb_span value)
{
	if (!key.length || !value.length || value.length > SB_TREE_VALUE_MAX || !ascends(restoring, key))
		return -EBADMSG;
	return sb_store_put(restoring->app->store, key.data, key.length, value.data, value.length);
}

static int take_chain(struct restoring *restoring, struct sb_span key, struct sb_span value)
{
	if (key.length || restoring->chain[0] || !value.length || value.length > SB_CHAIN_NAME_MAX ||
	    memchr(value.data, 0, value.length))
		return -EBADMSG;
	memcpy(restoring->chain, value.data, value.length);
	return 0;
}

/* A seal, or a beacon: those of the one window that this height has, ascending. */
static int take_note(struct restoring *restoring, enum what what, struct sb_span key, struct sb_span value)
{
	uint8_t name[SB_APP_NOTE_NAME];
	uint64_t number;
	int64_t height;

	if (key.length != sizeof(name) || value.length != (what == SEAL ? SB_APP_SEAL_LEN : SB_APP_BEACON_LEN))
		return -EBADMSG;
	memcpy(&number, key.data + 1, sizeof(number));
	height = (int64_t)be64toh(number);
	if (what == SEAL ? height != sb_app_first_seal(restoring->height) || !height :
	    height < restoring->beacon || height > restoring->height)
		return -EBADMSG;
	if (what == SEAL)
		sb_app_seal_name(height, name);
	else
		sb_app_beacon_name(height, name);
	if (memcmp(name, key.data, sizeof(name)) != 0)
		return -EBADMSG;
	if (what == BEACON) {
		restoring->beacon = height + 1;
		restoring->first = restoring->first ? restoring->first : height;
	}
	return sb_store_note(restoring->app->store, key.data, key.length, value.data, value.length);
}

static int take_entry(struct restoring *restoring, struct sb_reader *reader)
{
	enum what what = sb_read_u8(reader);
	size_t key_length = sb_read_u8(reader), length = sb_read_u32(reader);
	struct sb_span key = sb_read_span(reader, key_length), value = sb_read_span(reader, length);

	if (reader->failed || what < restoring->stage)
		return -EBADMSG;
	restoring->stage = what;
	switch (what) {
	case CHAIN:
		return take_chain(restoring, key, value);
	case SEAL:
	case BEACON:
		return take_note(restoring, what, key, value);
	case RECORD:
		return take_record(restoring, key, value);
	default:
		return -EBADMSG;
	}
}

static int take_chunks(struct restoring *restoring, const struct sb_app_chunks *chunks)
{
	int rc = 0;

	for (uint32_t i = 0; i < chunks->count && !rc; i++) {
		struct sb_reader reader = { 0 };

		rc = chunks->get(chunks->context, i, &reader.data, &reader.left);
		while (!rc && reader.left)
			rc = take_entry(restoring, &reader);
	}
	return rc;
}

static int take_all(struct restoring *restoring, const struct sb_app_chunks *chunks,
		    const uint8_t app_hash[SB_APP_HASH_LEN])
{
	struct sb_ledger_app *app = restoring->app;
	uint8_t root[SB_TREE_HASH_LEN], leads_to[SB_APP_HASH_LEN];
	int rc = sb_store_begin(app->store);

	if (!rc)
		rc = take_chunks(restoring, chunks);
	if (!rc)
		rc = sb_store_root(app->store, root);
	if (rc)
		return rc;
	sb_query_app_hash(root, leads_to);
	if (memcmp(leads_to, app_hash, sizeof(leads_to)) != 0 || !restoring->chain[0] || !restoring->first)
		return -EBADMSG;
	/* the seals are over the chain's name, too */
	strcpy(app->chain, restoring->chain);
	rc = sb_app_check_seal(app, restoring->height, restoring->first);
	if (!rc)
		rc = sb_app_note_chain(app);
	return rc ? rc : sb_store_commit(app->store, (uint64_t)restoring->height);
}

static int restore(void *context, const struct sb_app_chunks *chunks, int64_t height,
		   const uint8_t app_hash[SB_APP_HASH_LEN], struct sb_error *error)
{
	struct sb_ledger_app *app = context;
	struct restoring restoring = { .app = app, .height = height, .beacon = sb_app_first_seal(height) + 1,
				       .stage = CHAIN };
	struct sb_view *view;
	uint64_t now = 0;
	int rc = sb_view_open(app->store, &view);

	if (!rc) {
		now = sb_view_height(view);
		sb_view_close(view);
	}
	if (rc || now || app->begun)
		return sb_fail(error, rc ? rc : -EEXIST, "a state is taken over only where none was begun");
	rc = height > 0 && height % SB_BEACONS_SEALED == 0 ? take_all(&restoring, chunks, app_hash) : -EBADMSG;
	sb_store_abort(app->store);
	if (rc)
		app->chain[0] = 0;
	else
		rc = sb_app_read_names(app);
	return rc ? sb_fail(error, rc, "%s", rc == -EBADMSG ? "it is not the state that the app hash is of" :
			    strerror(-rc)) : 0;
}

const struct sb_app_copying sb_app_copying = {
	.open = copy_open, .next = copy_next, .close = copy_close, .every = SB_BEACONS_SEALED, .restore = restore,
};
