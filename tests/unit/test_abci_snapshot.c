// SPDX-License-Identifier: Apache-2.0
/* A state goes from one node to another by a snapshot; what a liar sends along is found, and who it was. */
#include "abci_world.h"

#include <errno.h>

#include "common/sha256.h"
#include "state/zone.h"

#define CHUNKS_MOST	8
#define RECORDS		40	/* beside those of the genesis: more than a chunk holds */

/* What a peer has offered: a snapshot and its chunks, to be tampered with. */
struct offered {
	uint64_t height;
	uint32_t format, chunks;
	uint8_t hash[32], metadata[CHUNKS_MOST * 32], app_hash[32];
	size_t metadata_length;
	uint8_t *chunk[CHUNKS_MOST];
	size_t length[CHUNKS_MOST];
};

struct pair {
	struct engine *old, *new;
	struct offered offered;
};

/* A big record, so that there is something to copy. */
static ProtobufCBinaryData big_tx(struct engine *engine, uint8_t number)
{
	static uint8_t sealed[SB_ZONE_RECORD_MAX];
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__CreateZone zone = SEALBOND__CREATE_ZONE__INIT;
	uint8_t id[16] = { number, 1 };
	ProtobufCBinaryData tx;

	memset(sealed, number, sizeof(sealed));
	zone.zone = BYTES(id, sizeof(id));
	zone.key = BYTES(engine->member.key, 32);
	zone.sealed = BYTES(sealed, sizeof(sealed));
	body.action_case = SEALBOND__BODY__ACTION_CREATE_ZONE;
	body.create_zone = &zone;
	tx.data = sign_body(&engine->member, &body, &tx.len);
	return tx;
}

static void take_snapshot(struct engine *engine, struct offered *offered)
{
	Abci__Response *response = ASK(engine, &engine->snapshot, LIST_SNAPSHOTS, list_snapshots,
				       RequestListSnapshots, request_list_snapshots);
	const Abci__Snapshot *one = response->list_snapshots->snapshots[0];

	assert_true(response->list_snapshots->n_snapshots >= 1);
	offered->height = one->height;
	offered->format = one->format;
	offered->chunks = one->chunks;
	memcpy(offered->hash, one->hash.data, 32);
	assert_true(one->chunks >= 1 && one->chunks <= CHUNKS_MOST);
	assert_int_equal(one->metadata.len, one->chunks * 32);
	offered->metadata_length = one->metadata.len;
	memcpy(offered->metadata, one->metadata.data, one->metadata.len);
	DONE(response);
	for (uint32_t i = 0; i < offered->chunks; i++) {
		response = ASK(engine, &engine->snapshot, LOAD_SNAPSHOT_CHUNK, load_snapshot_chunk,
			       RequestLoadSnapshotChunk, request_load_snapshot_chunk, ({
			_message.height = offered->height;
			_message.format = offered->format;
			_message.chunk = i;
		}));
		offered->length[i] = response->load_snapshot_chunk->chunk.len;
		assert_true(offered->length[i] > 0 && offered->length[i] <= 1 << 20);
		offered->chunk[i] = malloc(offered->length[i]);
		memcpy(offered->chunk[i], response->load_snapshot_chunk->chunk.data, offered->length[i]);
		DONE(response);
	}
}

/* As a liar would who makes all hashes fit. */
static void make_fit(struct offered *offered)
{
	for (uint32_t i = 0; i < offered->chunks; i++)
		sb_digest_of(offered->chunk[i], offered->length[i], offered->metadata + 32 * i);
	sb_digest_of(offered->metadata, offered->metadata_length, offered->hash);
}

/* Its height; 0: none yet. */
static int64_t newest_snapshot(struct engine *engine)
{
	Abci__Response *response = ASK(engine, &engine->snapshot, LIST_SNAPSHOTS, list_snapshots, RequestListSnapshots,
				       request_list_snapshots);
	int64_t height = response->list_snapshots->n_snapshots ?
		(int64_t)response->list_snapshots->snapshots[0]->height : 0;

	DONE(response);
	return height;
}

static void engine_wait_snapshot(struct engine *engine, int64_t least)
{
	while (newest_snapshot(engine) < least)
		usleep(1000);	/* lint: sleep: ABCI tells nobody that one is there */
}

static int set_up(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	pair->old = engine_new(100);
	pair->new = engine_new(100);
	engine_init(pair->old);
	for (uint8_t i = 0; i < RECORDS; i++) {
		ProtobufCBinaryData tx = big_tx(pair->old, i);
		Abci__Response *block = finalize(pair->old, 1, &tx, 0, NULL);

		assert_int_equal(block->finalize_block->tx_results[0]->code, 0);
		DONE(block);
		commit(pair->old);
		free(tx.data);
	}
	empty_blocks(pair->old, 99);
	DONE(finalize(pair->old, 0, NULL, 0, NULL));
	commit(pair->old);
	memcpy(pair->offered.app_hash, pair->old->app_hash, 32);
	sb_abci_leave(pair->old->abci, &pair->old->consensus);
	/* the next block changes the state while the copy is made */
	empty_blocks(pair->old, 101);
	engine_wait_snapshot(pair->old, 1);
	take_snapshot(pair->old, &pair->offered);
	assert_int_equal(pair->offered.height, 100);
	assert_true(pair->offered.chunks > 1);
	*state = pair;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *pair = *state;

	for (uint32_t i = 0; i < CHUNKS_MOST; i++)
		free(pair->offered.chunk[i]);
	engine_free(pair->old);
	engine_free(pair->new);
	free(pair);
	return 0;
}

static Abci__OfferResult offer(struct pair *pair)
{
	const struct offered *offered = &pair->offered;
	Abci__Snapshot snapshot = ABCI__SNAPSHOT__INIT;
	Abci__OfferResult result;
	Abci__Response *response;

	snapshot.height = offered->height;
	snapshot.format = offered->format;
	snapshot.chunks = offered->chunks;
	snapshot.hash = BYTES(offered->hash, 32);
	snapshot.metadata = BYTES(offered->metadata, offered->metadata_length);
	response = ASK(pair->new, &pair->new->snapshot, OFFER_SNAPSHOT, offer_snapshot, RequestOfferSnapshot,
		       request_offer_snapshot, ({
		_message.snapshot = &snapshot;
		_message.app_hash = BYTES(offered->app_hash, 32);
	}));
	result = response->offer_snapshot->result;
	DONE(response);
	return result;
}

/* The response, to be freed. */
static Abci__Response *apply(struct pair *pair, uint32_t index, const char *sender)
{
	const struct offered *offered = &pair->offered;

	return ASK(pair->new, &pair->new->snapshot, APPLY_SNAPSHOT_CHUNK, apply_snapshot_chunk,
		   RequestApplySnapshotChunk, request_apply_snapshot_chunk, ({
		_message.index = index;
		_message.chunk = BYTES(offered->chunk[index], offered->length[index]);
		_message.sender = (char *)sender;
	}));
}

static Abci__ApplyResult apply_all(struct pair *pair, const char *rejected)
{
	Abci__ApplyResult result = ABCI__APPLY_RESULT__APPLY_UNKNOWN;

	for (uint32_t i = 0; i < pair->offered.chunks; i++) {
		Abci__Response *response = apply(pair, i, "mallory");
		const Abci__ResponseApplySnapshotChunk *one = response->apply_snapshot_chunk;

		result = one->result;
		if (rejected && i + 1 == pair->offered.chunks) {
			assert_int_equal(one->n_reject_senders, 1);
			assert_string_equal(one->reject_senders[0], rejected);
		}
		DONE(response);
	}
	return result;
}

static void joins(void **state)
{
	struct pair *pair = *state;
	uint8_t key[32] = { 9 };
	ProtobufCBinaryData tx;

	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_ACCEPT);
	/* half done, and offered anew: from the beginning */
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_ACCEPT);
	assert_int_equal(apply_all(pair, NULL), ABCI__APPLY_RESULT__APPLY_ACCEPT);
	assert_int_equal(engine_height(pair->new), 100);
	assert_memory_equal(pair->new->app_hash, pair->offered.app_hash, 32);
	pair->new->height = 100;
	/* what came is on the disk, with chain, validators, accounts and beacons */
	engine_stop(pair->new);
	engine_start(pair->new);
	empty_blocks(pair->new, 101);
	assert_memory_equal(pair->new->app_hash, pair->old->app_hash, 32);
	tx = decide_validator(pair->old, key, 10);
	for (int i = 0; i < 2; i++) {
		struct engine *engine = i ? pair->new : pair->old;
		Abci__Response *block = finalize(engine, 1, &tx, 0, NULL);

		assert_int_equal(block->finalize_block->tx_results[0]->code, 0);
		assert_int_equal(block->finalize_block->n_validator_updates, 1);
		DONE(block);
		commit(engine);
	}
	free(tx.data);
	/* the next seal is over beacons that came along */
	empty_blocks(pair->old, 201);
	empty_blocks(pair->new, 201);
	assert_memory_equal(pair->new->app_hash, pair->old->app_hash, 32);
	/* and its state is none to be replaced */
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_ABORT);
}

static void bad_offers(void **state)
{
	struct pair *pair = *state;
	struct offered good = pair->offered, *offered = &pair->offered;

	offered->format = 2;
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_REJECT_FORMAT);
	*offered = good;
	offered->height = 99;
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_REJECT);
	*offered = good;
	offered->chunks++;
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_REJECT);
	*offered = good;
	offered->chunks = 0;
	offered->metadata_length = 0;
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_REJECT);
	*offered = good;
	offered->hash[0] ^= 1;
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_REJECT);
	*offered = good;
	/* nothing was offered: no chunk is taken */
	assert_int_equal(apply_all(pair, NULL), ABCI__APPLY_RESULT__APPLY_ABORT);
	engine_init(pair->new);
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_ABORT);
}

static void bad_chunk(void **state)
{
	struct pair *pair = *state;
	Abci__Response *response;

	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_ACCEPT);
	pair->offered.chunk[0][20] ^= 1;
	response = apply(pair, 0, "mallory");
	assert_int_equal(response->apply_snapshot_chunk->result, ABCI__APPLY_RESULT__APPLY_RETRY);
	assert_int_equal(response->apply_snapshot_chunk->n_refetch_chunks, 1);
	assert_int_equal(response->apply_snapshot_chunk->refetch_chunks[0], 0);
	assert_int_equal(response->apply_snapshot_chunk->n_reject_senders, 1);
	assert_string_equal(response->apply_snapshot_chunk->reject_senders[0], "mallory");
	DONE(response);
	pair->offered.chunk[0][20] ^= 1;
	assert_int_equal(apply_all(pair, NULL), ABCI__APPLY_RESULT__APPLY_ACCEPT);
	assert_int_equal(engine_height(pair->new), 100);
}

/* An entry of this kind, counted from 1, in the first chunk. */
static uint8_t *entry(struct offered *offered, uint8_t what, unsigned int number)
{
	uint8_t *at = offered->chunk[0], *end = at + offered->length[0];

	while (at < end) {
		size_t value = (size_t)at[2] << 24 | (size_t)at[3] << 16 | (size_t)at[4] << 8 | at[5];

		if (at[0] == what && !--number)
			return at;
		at += 6 + at[1] + value;
	}
	fail_msg("no entry of kind %u", what);
	return NULL;
}

static void lie(struct pair *pair)
{
	make_fit(&pair->offered);
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_ACCEPT);
	assert_int_equal(apply_all(pair, "mallory"), ABCI__APPLY_RESULT__APPLY_REJECT_SNAPSHOT);
	assert_int_equal(engine_height(pair->new), 0);
}

/* All hashes of the snapshot fit; the state is another than the chain's. */
static void lies(void **state)
{
	struct pair *pair = *state;
	struct offered *offered = &pair->offered;
	uint8_t *at, kept[64];

	/* a record's value, its key, one more, one less, two in the other order */
	at = entry(offered, 4, 3);
	at[6 + at[1]] ^= 1;
	lie(pair);
	at[6 + at[1]] ^= 1;
	at[6 + at[1] - 1] ^= 1;
	lie(pair);
	at[6 + at[1] - 1] ^= 1;
	/* a beacon's hash, its time, its height; the chain's name */
	at = entry(offered, 3, 50);
	assert_int_equal(at[1], 9);
	at[6 + 9] ^= 1;
	lie(pair);
	at[6 + 9] ^= 1;
	at[6 + 9 + 39] ^= 1;
	lie(pair);
	at[6 + 9 + 39] ^= 1;
	at[6 + 8] ^= 0x40;
	lie(pair);
	at[6 + 8] ^= 0x40;
	at = entry(offered, 1, 1);
	at[6] ^= 1;
	lie(pair);
	at[6] ^= 1;
	/* two entries of one place, and one that has none */
	at = entry(offered, 3, 1);
	memcpy(kept, at, 55);
	memcpy(at, at + 55, 55);
	lie(pair);
	memcpy(at, kept, 55);
	at[0] = 9;
	lie(pair);
	at[0] = 3;
	/* bytes that belong to nothing, and an entry that ends behind its chunk */
	offered->length[0]--;
	lie(pair);
	offered->length[0]++;
	/* another chain's state */
	offered->app_hash[0] ^= 1;
	lie(pair);
	offered->app_hash[0] ^= 1;
	/* nothing of all that is left, and the true one is taken */
	make_fit(offered);
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_ACCEPT);
	assert_int_equal(apply_all(pair, NULL), ABCI__APPLY_RESULT__APPLY_ACCEPT);
	assert_memory_equal(pair->new->app_hash, pair->new->app_hash, 32);
	assert_int_equal(engine_height(pair->new), 100);
}

/* They survive a restart; the oldest go, and a damaged chunk is not given away. */
static void kept(void **state)
{
	struct pair *pair = *state;
	Abci__Response *response;
	char path[128];
	FILE *file;

	engine_stop(pair->old);
	engine_start(pair->old);
	empty_blocks(pair->old, 201);
	engine_wait_snapshot(pair->old, 200);
	empty_blocks(pair->old, 301);
	engine_stop(pair->old);
	engine_start(pair->old);
	response = ASK(pair->old, &pair->old->snapshot, LIST_SNAPSHOTS, list_snapshots, RequestListSnapshots,
		       request_list_snapshots);
	assert_true(response->list_snapshots->n_snapshots >= 1 && response->list_snapshots->n_snapshots <= 2);
	assert_true(response->list_snapshots->snapshots[0]->height >= 200);
	snprintf(path, sizeof(path), "%s/snapshots/%d/0", pair->old->home,
		 (int)response->list_snapshots->snapshots[0]->height);
	pair->offered.height = response->list_snapshots->snapshots[0]->height;
	DONE(response);
	file = fopen(path, "r+");
	assert_non_null(file);
	fputc('x', file);
	fclose(file);
	response = ASK(pair->old, &pair->old->snapshot, LOAD_SNAPSHOT_CHUNK, load_snapshot_chunk,
		       RequestLoadSnapshotChunk, request_load_snapshot_chunk, ({
		_message.height = pair->offered.height;
		_message.format = 1;
	}));
	assert_int_equal(response->load_snapshot_chunk->chunk.len, 0);
	DONE(response);
}

/* What the member of @by has signed is taken by @one. */
static void takes_a_decision(struct engine *one, struct engine *by, const uint8_t key[32])
{
	ProtobufCBinaryData tx = decide_validator(by, key, 11);
	Abci__Response *block = finalize(one, 1, &tx, 0, NULL);

	assert_int_equal(block->finalize_block->tx_results[0]->code, SB_TX_OK);
	DONE(block);
	commit(one);
	free(tx.data);
}

/*
 * Another chain, of another name, goes on with the state that this one has exported: it is the same ledger, for which
 * people sign. Its snapshots are good, too, and bring that along.
 */
static void goes_on(void **state)
{
	struct pair *pair = *state;
	struct engine *other = engine_new(100);
	struct sb_app_exported exported;
	Abci__Response *block;
	ProtobufCBinaryData tx;
	uint8_t key[32] = { 9 };
	size_t length;
	char *text;
	FILE *out = open_memstream(&text, &length);

	engine_stop(pair->old);
	assert_int_equal(sb_ledger_app_export(pair->old->home, out, &exported, &pair->old->error), 0);
	fclose(out);
	engine_start(pair->old);
	assert_string_equal(exported.chain, CHAIN);
	assert_int_equal(exported.height, 101);
	assert_true(exported.records > RECORDS);
	other->state = text;
	other->chain = "another-name";
	engine_init(other);
	other->height = exported.height;
	/* sequences go on, or what somebody has said could be said again */
	other->member.sequence = pair->old->member.sequence - 1;
	for (int i = 0; i < 2; i++) {
		tx = decide_validator(other, key, 10);
		block = finalize(other, 1, &tx, 0, NULL);
		assert_int_equal(block->finalize_block->tx_results[0]->code, i ? SB_TX_OK : SB_TX_SEQUENCE);
		assert_int_equal(block->finalize_block->n_validator_updates, i);
		DONE(block);
		commit(other);
		free(tx.data);
	}
	empty_blocks(other, 200);
	sb_abci_leave(other->abci, &other->consensus);
	for (uint32_t i = 0; i < CHUNKS_MOST; i++)
		free(pair->offered.chunk[i]);
	memset(&pair->offered, 0, sizeof(pair->offered));
	memcpy(pair->offered.app_hash, other->app_hash, 32);
	/* (the snapshot is made beside this) */
	engine_wait_snapshot(other, 1);
	take_snapshot(other, &pair->offered);
	assert_int_equal(offer(pair), ABCI__OFFER_RESULT__OFFER_ACCEPT);
	assert_int_equal(apply_all(pair, NULL), ABCI__APPLY_RESULT__APPLY_ACCEPT);
	assert_int_equal(engine_height(pair->new), 200);
	pair->new->height = 200;
	takes_a_decision(other, other, key);
	other->member.sequence--;
	takes_a_decision(pair->new, other, key);
	empty_blocks(pair->new, 301);
	empty_blocks(other, 301);
	assert_memory_equal(pair->new->app_hash, other->app_hash, 32);
	engine_free(other);
	free(text);
}

static void bad_states(void **state)
{
	struct pair *pair = *state;
	static const char *const texts[] = {
		"{\"records\":[]}", "{\"records\":[{\"key\":\"50\",\"value\":\"01\"}]}",
		"{\"records\":[{\"key\":\"\",\"value\":\"01\"}]}", "{\"records\":[{\"key\":\"50\",\"value\":\"\"}]}",
		"{\"threshold\":1,\"records\":[{\"key\":\"50\",\"value\":\"08\"}]}", "{\"records\":[{\"kay\":\"50\"}]}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		Abci__Response *response;

		pair->new->state = texts[i];
		assert_int_equal(try_init(pair->new, 0, 0, 0, &response), -EINVAL);
		assert_true(response->exception->error[0]);
		DONE(response);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(joins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_offers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_chunk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(bad_states, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
