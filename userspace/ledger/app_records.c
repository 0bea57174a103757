// SPDX-License-Identifier: Apache-2.0
/* The state machine's records in the store, and what is noted beside them. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "ledger/ledger_app_internal.h"
#include "state/crypto.h"
#include "state/tpm_public.h"

static const char chain_note[] = "chain", time_note[] = "time";

/* A note of a height: its hash, and seconds. */
struct beacon_note {
	uint8_t hash[32];
	uint64_t seconds;
};

struct time_note {
	uint64_t height, seconds;
};

static void name_of(char kind, int64_t height, uint8_t name[SB_APP_NOTE_NAME])
{
	const uint64_t number = htobe64((uint64_t)height);

	name[0] = (uint8_t)kind;
	memcpy(name + 1, &number, sizeof(number));
}

void sb_app_beacon_name(int64_t height, uint8_t name[SB_APP_NOTE_NAME])
{
	name_of('h', height, name);
}

void sb_app_seal_name(int64_t height, uint8_t name[SB_APP_NOTE_NAME])
{
	name_of('H', height, name);
}

static int find_beacon(struct sb_view *view, uint64_t height, uint8_t hash[32], int64_t *seconds)
{
	struct beacon_note note;
	const uint8_t *value;
	uint8_t name[SB_APP_NOTE_NAME];
	size_t length;
	int rc;

	sb_app_beacon_name((int64_t)height, name);
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
	uint8_t name[SB_APP_NOTE_NAME];
	int rc;

	memcpy(note.hash, block->hash, sizeof(note.hash));
	sb_app_beacon_name(block->height, name);
	rc = sb_store_note(app->store, name, sizeof(name), &note, sizeof(note));
	return rc ? rc : sb_store_note(app->store, time_note, sizeof(time_note), &time, sizeof(time));
}

/* A seal is over the one before it and the beacons between them; the first over the chain's name. */
static int fold(struct sb_ledger_app *app, int64_t height, uint8_t seal[SB_APP_SEAL_LEN])
{
	static const char tag[] = "sealbond blocks v1";
	struct {
		uint8_t tag[sizeof(tag)], chain[SB_CHAIN_NAME_MAX + 1], before[SB_APP_SEAL_LEN];
		struct {
			uint64_t height;
			struct beacon_note note;
		} __attribute__((packed)) beacon[SB_BEACONS_SEALED];
	} __attribute__((packed)) whole;
	const struct sb_span span = { (const uint8_t *)&whole, sizeof(whole) };

	memset(&whole, 0, sizeof(whole));
	memcpy(whole.tag, tag, sizeof(tag));
	strcpy((char *)whole.chain, app->chain);
	memcpy(whole.before, seal, SB_APP_SEAL_LEN);
	for (size_t i = 0; i < SB_BEACONS_SEALED; i++) {
		int64_t at = height - SB_BEACONS_SEALED + 1 + (int64_t)i, seconds = 0;
		int rc = find_beacon(pending(app), (uint64_t)at, whole.beacon[i].note.hash, &seconds);

		/* a chain may begin in between */
		if (rc && rc != -ENOENT)
			return rc;
		whole.beacon[i].height = htobe64((uint64_t)at);
		whole.beacon[i].note.seconds = htobe64((uint64_t)seconds);
	}
	sb_hash(SB_TPM_ALG_SHA256, &span, 1, seal);
	return 0;
}

static int read_seal(struct sb_view *view, int64_t height, uint8_t seal[SB_APP_SEAL_LEN])
{
	uint8_t name[SB_APP_NOTE_NAME];
	const uint8_t *value;
	size_t length;
	int rc;

	memset(seal, 0, SB_APP_SEAL_LEN);
	sb_app_seal_name(height, name);
	rc = sb_view_note(view, name, sizeof(name), &value, &length);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (length != SB_APP_SEAL_LEN)
		return -EUCLEAN;
	memcpy(seal, value, length);
	return 0;
}

static int note_seal(struct sb_ledger_app *app, int64_t height, const uint8_t seal[SB_APP_SEAL_LEN])
{
	uint8_t name[SB_APP_NOTE_NAME];

	sb_app_seal_name(height, name);
	return sb_store_note(app->store, name, sizeof(name), seal, seal ? SB_APP_SEAL_LEN : 0);
}

/* What the state says of them. */
static size_t seal_record(int64_t height, const uint8_t seal[SB_APP_SEAL_LEN], uint8_t **record)
{
	Sealbond__Blocks blocks = SEALBOND__BLOCKS__INIT;
	size_t length;

	blocks.height = (uint64_t)height;
	blocks.seal = (ProtobufCBinaryData){ SB_APP_SEAL_LEN, (uint8_t *)seal };
	*record = sb_message_pack(&blocks, &length);
	return length;
}

static int forget_beacons(struct sb_ledger_app *app, int64_t height)
{
	uint8_t name[SB_APP_NOTE_NAME];
	int rc = height > 0 ? note_seal(app, height - SB_BEACONS_SEALED, NULL) : 0;

	for (int64_t at = height - SB_BEACONS_SEALED + 1; at <= height && at > 0 && !rc; at++) {
		sb_app_beacon_name(at, name);
		rc = sb_store_note(app->store, name, sizeof(name), "", 0);
	}
	return rc;
}

int sb_app_seal_blocks(struct sb_ledger_app *app)
{
	uint8_t seal[SB_APP_SEAL_LEN], key[SB_RECORD_KEY_MAX];
	sb_cleanup_free uint8_t *record = NULL;
	size_t length;
	int rc;

	if (!app->height || app->height % SB_BEACONS_SEALED)
		return 0;
	rc = read_seal(pending(app), app->height - SB_BEACONS_SEALED, seal);
	if (!rc)
		rc = fold(app, app->height, seal);
	if (!rc)
		rc = note_seal(app, app->height, seal);
	if (rc)
		return rc;
	length = seal_record(app->height, seal, &record);
	rc = sb_store_put(app->store, key, sb_record_key(SB_RECORD_BLOCKS, NULL, 0, key), record, length);
	return rc ? rc : forget_beacons(app, app->height - SB_BEACONS_KEPT);
}

int sb_app_check_seal(struct sb_ledger_app *app, int64_t height, int64_t first)
{
	struct time_note time = { .height = htobe64((uint64_t)height) };
	uint8_t seal[SB_APP_SEAL_LEN], key[SB_RECORD_KEY_MAX], hash[32];
	sb_cleanup_free uint8_t *record = NULL;
	const uint8_t *value;
	size_t length, there;
	/* (a chain may begin with a later block than the first: nothing was sealed before) */
	int64_t at = (first - 1) / SB_BEACONS_SEALED * SB_BEACONS_SEALED, seconds = 0;
	int rc = read_seal(pending(app), at, seal);

	while (!rc && at < height) {
		at += SB_BEACONS_SEALED;
		rc = fold(app, at, seal);
		if (!rc)
			rc = note_seal(app, at, seal);
	}
	if (!rc)
		rc = sb_view_get(pending(app), key, sb_record_key(SB_RECORD_BLOCKS, NULL, 0, key), &value, &there);
	if (rc)
		return rc == -ENOENT ? -EBADMSG : rc;
	length = seal_record(height, seal, &record);
	if (length != there || memcmp(record, value, length) != 0)
		return -EBADMSG;
	rc = find_beacon(pending(app), (uint64_t)height, hash, &seconds);
	time.seconds = htobe64((uint64_t)seconds);
	return rc ? rc == -ENOENT ? -EBADMSG : rc :
	       sb_store_note(app->store, time_note, sizeof(time_note), &time, sizeof(time));
}

int sb_app_forget_beacons(struct sb_ledger_app *app, int64_t height)
{
	uint8_t name[SB_APP_NOTE_NAME];
	int rc = 0;

	for (int64_t i = 0; !rc && i < SB_BEACONS_KEPT + SB_BEACONS_SEALED && height > i; i++) {
		sb_app_beacon_name(height - i, name);
		rc = sb_store_note(app->store, name, sizeof(name), "", 0);
		if (!rc && (height - i) % SB_BEACONS_SEALED == 0)
			rc = note_seal(app, height - i, NULL);
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

int sb_app_read_ledger(struct sb_view *view, const char *chain, char ledger[SB_CHAIN_NAME_MAX + 1])
{
	SB_AUTO_MESSAGE Sealbond__Ledger *record = NULL;
	uint8_t key[SB_RECORD_KEY_MAX];
	const uint8_t *value;
	size_t length, key_length = sb_record_key(SB_RECORD_LEDGER, NULL, 0, key);
	int rc = sb_view_get(view, key, key_length, &value, &length);

	if (rc && rc != -ENOENT)
		return rc;
	if (!rc)
		record = sb_message_read(&sealbond__ledger__descriptor, value, length);
	if (!rc && (!record || !record->id[0] || strlen(record->id) > SB_CHAIN_NAME_MAX))
		return -EUCLEAN;
	strcpy(ledger, record ? record->id : chain);
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
