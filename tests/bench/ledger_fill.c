// SPDX-License-Identifier: Apache-2.0
/*
 * A home with many devices, for what a ledger of that size needs:
 *   ledger_fill HOME DEVICES [ABCI_URL SNAPSHOT_EVERY]
 * HOME is one that `sealbond-ledgerd init` has just made, or with a URL what `sealbond-ledgerd run --abci` has, and
 * CometBFT makes the blocks, until a signal comes. The chain makes its first blocks here, and each of them
 * also gets records of live devices: the device, its two bond keys and its owner's account, shaped as those of a
 * device that has enrolled, with keys and ids of their own. They come with no transaction; all else is the ledger's.
 */
#include "device_world.h"

#include <signal.h>
#include <stdio.h>

#include "abci/serve.h"
#include "ledger/chain_internal.h"
#include "ledger/ledger_app.h"
#include "ledger/ledger_app_internal.h"

#define CHUNK		50000	/* devices a block */
#define KINDS		4
#define ENDPOINTS	160	/* bytes, sealed */
#define PROFILE		300

struct entry {
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length;
	uint64_t device;
	enum sb_record_kind kind;
};

static struct {
	struct sb_app app;
	uint64_t made, count;
	Sealbond__Device *like;
} filler;

/* What is asked for of a device: the same each time, and no other's. */
static void value_of(uint64_t device, uint64_t what, uint8_t out[32])
{
	const uint64_t both[2] = { device, what };

	SHA256((const uint8_t *)both, sizeof(both), out);
}

enum { ID, KEY, NEXT_KEY, OWNER, EK_X, EK_Y, AK_X, AK_Y, BOX_KEY, EK_NAME, AK_NAME, PCRS_AND_MORE };

static void set_span(ProtobufCBinaryData span, size_t from_end, uint64_t device, uint64_t what)
{
	if (span.len >= from_end)
		value_of(device, what, span.data + span.len - from_end);
}

/* A device's record: the other one's, with what differs. Returns its bytes, to be freed. */
static uint8_t *device_value(uint64_t device, size_t *length)
{
	Sealbond__Device *like = filler.like;

	set_span(like->ek_public, 64, device, EK_X);
	set_span(like->ek_public, 32, device, EK_Y);
	set_span(like->ak_public, 64, device, AK_X);
	set_span(like->ak_public, 32, device, AK_Y);
	set_span(like->ek_name, 32, device, EK_NAME);
	set_span(like->ak_name, 32, device, AK_NAME);
	set_span(like->owner, 32, device, OWNER);
	set_span(like->box_key, 32, device, BOX_KEY);
	set_span(like->key, 32, device, KEY);
	set_span(like->next_key, 32, device, NEXT_KEY);
	set_span(like->cap->current, 32, device, KEY);
	set_span(like->cap->next, 32, device, NEXT_KEY);
	set_span(like->pcr_values, 32, device, PCRS_AND_MORE);
	set_span(like->boot->values, 32, device, PCRS_AND_MORE + 3);
	set_span(like->endpoints, 32, device, PCRS_AND_MORE + 1);
	set_span(like->profile->sealed, 32, device, PCRS_AND_MORE + 2);
	like->index = (uint32_t)device + 2;
	return sb_message_pack(like, length);
}

static uint8_t *entry_value(const struct entry *entry, size_t *length)
{
	Sealbond__KnownKey by = SEALBOND__KNOWN_KEY__INIT;
	Sealbond__Account account = SEALBOND__ACCOUNT__INIT;
	uint8_t id[32];

	if (entry->kind == SB_RECORD_DEVICE)
		return device_value(entry->device, length);
	if (entry->kind == SB_RECORD_BOND_KEY) {
		value_of(entry->device, ID, id);
		by.enroller = span32(id);
		return sb_message_pack(&by, length);
	}
	account.next = 2;
	return sb_message_pack(&account, length);
}

static int by_key(const void *a, const void *b)
{
	const struct entry *one = a, *other = b;
	size_t shorter = one->length < other->length ? one->length : other->length;
	int order = memcmp(one->key, other->key, shorter);

	return order ? order : (one->length > other->length) - (one->length < other->length);
}

/* Ascending, as a block's changes come from the state machine. */
static size_t list_entries(struct entry *list, uint64_t count)
{
	static const struct {
		enum sb_record_kind kind;
		uint64_t what;
	} kinds[KINDS] = { { SB_RECORD_DEVICE, ID }, { SB_RECORD_BOND_KEY, KEY }, { SB_RECORD_BOND_KEY, NEXT_KEY },
			   { SB_RECORD_ACCOUNT, OWNER } };
	uint8_t id[32];
	size_t at = 0;

	for (uint64_t i = 0; i < count; i++)
		for (size_t kind = 0; kind < KINDS; kind++) {
			struct entry *entry = &list[at++];

			value_of(filler.made + i, kinds[kind].what, id);
			entry->length = sb_record_key(kinds[kind].kind, id, 32, entry->key);
			entry->device = filler.made + i;
			entry->kind = kinds[kind].kind;
		}
	qsort(list, at, sizeof(*list), by_key);
	return at;
}

static int finish(void *context, uint8_t app_hash[SB_APP_HASH_LEN])
{
	static struct entry list[CHUNK * KINDS];
	struct sb_ledger_app *app = context;
	uint64_t count = filler.count - filler.made < CHUNK ? filler.count - filler.made : CHUNK;
	size_t entries = list_entries(list, count);
	int rc = 0;

	for (size_t i = 0; !rc && i < entries; i++) {
		size_t length;
		uint8_t *value = entry_value(&list[i], &length);

		rc = app->records.put(app->records.context, list[i].key, list[i].length, value, length);
		free(value);
	}
	filler.made += count;
	return rc ? rc : filler.app.finish(context, app_hash);
}

/* The record of a device that has come its whole way. */
static Sealbond__Device *live_device(void)
{
	static const uint8_t zeros[PROFILE];
	Sealbond__Device *record;
	struct plant *plant;
	void *state;

	plant_with_a(&state);
	plant = state;
	record = device_record(&plant->ledger, &plant->a);
	assert_non_null(record);
	sb_bytes_set(&record->endpoints, zeros, ENDPOINTS);
	record->profile = sb_message_new(&sealbond__profile__descriptor);
	record->profile->version = 1;
	sb_bytes_set(&record->profile->sealed, zeros, PROFILE);
	plant_close(&state);
	return record;
}

/* Until a signal comes; the records come with the first blocks. */
static int serve(const char *home, const char *url, const char *every)
{
	const struct sb_abci_options options = { .snapshot_every = (int64_t)strtoull(every, NULL, 10), .snapshots = 2 };
	struct sb_error error = { "" };
	struct sb_app app;
	sigset_t signals;
	int rc;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	filler.like = live_device();
	rc = sb_ledger_app_open(home, &filler.app, &error);
	app = filler.app;
	app.finish = finish;
	if (!rc)
		rc = sb_abci_serve(home, url, &app, &options, &error);
	if (rc)
		fprintf(stderr, "ledger_fill: %s\n", error.text);
	return rc ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct sb_chain_options options = { .interval = 1000, .idle = 60000, .pool_count = 16, .pool_bytes = 1 << 20 };
	struct sb_error error = { "" };
	struct sb_chain *chain = NULL;
	struct sb_app app;
	int rc;

	filler.count = argc == 3 || argc == 5 ? strtoull(argv[2], NULL, 10) : 0;
	if (!filler.count) {
		fputs("usage: ledger_fill HOME DEVICES [ABCI_URL SNAPSHOT_EVERY]\n", stderr);
		return 2;
	}
	if (argc == 5)
		return serve(argv[1], argv[3], argv[4]);
	filler.like = live_device();
	rc = sb_ledger_app_open(argv[1], &filler.app, &error);
	app = filler.app;
	app.finish = finish;
	if (!rc)
		rc = sb_chain_open(argv[1], &app, &options, &chain, &error);
	while (!rc && filler.made < filler.count)
		rc = sb_chain_make(chain, false, &error);
	/* Every block's time is of its predecessor's vote: one more stands at now. */
	for (int i = 0; !rc && i < 2; i++)
		rc = sb_chain_make(chain, false, &error);
	if (rc)
		fprintf(stderr, "ledger_fill: %s\n", error.text);
	else
		printf("{\"name\": \"filled\", \"value\": %llu, \"what\": \"devices, %d records each\"}\n",
		       (unsigned long long)filler.made, KINDS);
	sb_chain_close(chain);
	sb_ledger_app_close(&filler.app);
	sb_message_free(filler.like);
	return rc ? 1 : 0;
}
