// SPDX-License-Identifier: Apache-2.0
/* A ledger that is closed, and goes on as another chain: what it still takes, and what the other one begins with. */
#include "assembly_world.h"

static Sealbond__Change closing(bool close)
{
	Sealbond__Change made = SEALBOND__CHANGE__INIT;

	made.change_case = SEALBOND__CHANGE__CHANGE_CLOSE;
	made.close = close;
	return made;
}

static char *url[9] = {
	(char *)"http://a:1", (char *)"http://b:1", (char *)"http://c:1", (char *)"http://d:1", (char *)"http://e:1",
	(char *)"http://f:1", (char *)"http://g:1", (char *)"http://h:1", (char *)"http://i:1",
};

static Sealbond__Change successor(Sealbond__Succession *room, const struct assembly *assembly)
{
	static uint8_t hash[32] = { 7 };

	sealbond__succession__init(room);
	room->chain = (char *)"plant-2";
	room->height = (uint64_t)assembly->ledger.height + 100;
	room->hash = span32(hash);
	room->n_endpoints = 4;
	room->endpoints = url;
	return change(SEALBOND__CHANGE__CHANGE_SUCCESSION, room);
}

static Sealbond__Succession *record(struct assembly *assembly)
{
	return record_of(&assembly->ledger, &sealbond__succession__descriptor, SB_RECORD_SUCCESSION, NULL, 0);
}

static uint32_t imports(struct assembly *assembly, struct person *by)
{
	static const uint8_t id[32] = { 1 };
	ProtobufCBinaryData devices[] = { span32(id) };
	BODY(IMPORT_KEYS, import_keys, ImportKeys, keys);

	keys.list = (ProtobufCBinaryData){ 16, (uint8_t *)id };
	keys.n_devices = 1;
	keys.devices = devices;
	return says(&assembly->ledger, by, &body);
}

static void closed_takes_members_word_alone(void **state)
{
	struct assembly *assembly = *state;
	SB_AUTO_MESSAGE Sealbond__Succession *now = NULL;
	Sealbond__Change one = threshold_of(1), close = closing(true), open = closing(false);
	Sealbond__Succession room;
	Sealbond__Change go = successor(&room, assembly);
	uint8_t before[32];

	assert_int_equal(decide(assembly, 1, &go), SB_TX_CHANGE);
	assert_int_equal(decide(assembly, 1, &open), SB_TX_CHANGE);
	assert_int_equal(proposes(assembly, &assembly->member[2], 1, &one, before), SB_TX_OK);
	assert_int_equal(imports(assembly, &assembly->member[0]), SB_TX_NOT_ALLOWED);
	assert_int_equal(decide(assembly, 1, &close), SB_TX_OK);
	now = record(assembly);
	assert_non_null(now);
	assert_int_equal(now->closed, assembly->ledger.height);
	assert_int_equal(imports(assembly, &assembly->member[0]), SB_TX_CLOSED);
	assert_int_equal(decide(assembly, 1, &close), SB_TX_CHANGE);
	/* what was proposed before cannot change what has been taken away */
	assert_int_equal(votes(assembly, &assembly->member[0], before, false), SB_TX_CLOSED);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_CLOSED);
	/* the members may think better of it */
	assert_int_equal(decide(assembly, 1, &open), SB_TX_OK);
	assert_null(record(assembly));
	assert_int_equal(imports(assembly, &assembly->member[0]), SB_TX_NOT_ALLOWED);
	assert_int_equal(votes(assembly, &assembly->member[0], before, false), SB_TX_OK);
}

static void the_last_word(void **state)
{
	struct assembly *assembly = *state;
	SB_AUTO_MESSAGE Sealbond__Succession *now = NULL;
	Sealbond__Change many[2] = { closing(true) }, open = closing(false);
	Sealbond__Succession room;
	uint64_t closed;
	uint8_t id[32];

	/* what the new chain began with would be older than the closing */
	many[1] = successor(&room, assembly);
	assert_int_equal(decide(assembly, 2, many), SB_TX_CHANGE);
	assert_int_equal(decide(assembly, 1, many), SB_TX_OK);
	closed = (uint64_t)assembly->ledger.height;
	assert_int_equal(proposes(assembly, &assembly->member[2], 1, &open, id), SB_TX_OK);
	many[0] = successor(&room, assembly);
	room.height = closed;
	assert_int_equal(decide(assembly, 1, many), SB_TX_CHANGE);
	many[0] = successor(&room, assembly);
	room.chain = (char *)CHAIN;
	assert_int_equal(decide(assembly, 1, many), SB_TX_CHANGE);
	many[0] = successor(&room, assembly);
	assert_int_equal(decide(assembly, 1, many), SB_TX_OK);
	now = record(assembly);
	assert_non_null(now);
	assert_string_equal(now->chain, "plant-2");
	assert_int_equal(now->closed, closed);
	assert_int_equal(now->decided, assembly->ledger.height);
	assert_int_equal(now->n_endpoints, 4);
	/* nothing at all from now on: not even by all members */
	assert_int_equal(votes(assembly, &assembly->member[0], id, false), SB_TX_SUCCEEDED);
	assert_int_equal(withdraws(assembly, &assembly->member[2], id), SB_TX_SUCCEEDED);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, &open, NULL), SB_TX_SUCCEEDED);
	assert_int_equal(imports(assembly, &assembly->member[0]), SB_TX_SUCCEEDED);
	assert_non_null(strstr(assembly->ledger.last.log, "plant-2"));
	/* and it goes on making blocks, in which proofs stand */
	ledger_wait(&assembly->ledger, parameters.vote_for + 1);
}

static void forms(void **state)
{
	static char *const good[] = { (char *)"http://a:1", (char *)"ftp://b" };
	struct assembly *assembly = *state;
	static char long_name[] = "a name of a chain that has more than fifty characters";
	Sealbond__Succession room;
	Sealbond__Change one = successor(&room, assembly), close = closing(true);

	assert_int_equal(decide(assembly, 1, &close), SB_TX_OK);
#define BAD(field, value, says) do { \
		one = successor(&room, assembly); \
		room.field = value; \
		assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD); \
		assert_non_null(strstr(assembly->ledger.last.log, "changes[0]." says)); \
	} while (0)
	BAD(chain, (char *)"", "chain");
	BAD(chain, long_name, "chain");
	BAD(chain, (char *)"a\nb", "chain");
	BAD(height, 0, "height");
	BAD(height, UINT64_MAX, "height");
	BAD(hash.len, 31, "hash");
	BAD(n_endpoints, 0, "endpoints");
	BAD(n_endpoints, 9, "endpoints");
	BAD(closed, 1, "closed");
	BAD(decided, 1, "closed");
#undef BAD
	one = successor(&room, assembly);
	room.n_endpoints = 2;
	room.endpoints = (char **)good;
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);
	assert_non_null(strstr(assembly->ledger.last.log, "endpoints[1]"));
}

/* Everything that this one has, as a genesis' records. */
struct taken {
	Sealbond__Record record[64], *records[64];
	size_t count;
};

static int take(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct taken *taken = context;
	Sealbond__Record *one = &taken->record[taken->count];

	assert_true(taken->count < 64);
	sealbond__record__init(one);
	sb_bytes_set(&one->key, key, key_length);
	sb_bytes_set(&one->value, value, length);
	taken->records[taken->count++] = one;
	return 0;
}

static void the_other_chain_is_open(void **state)
{
	struct assembly *assembly = *state, next = { 0 };
	Sealbond__Change close = closing(true), one = threshold_of(1);
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Ledger ledger = SEALBOND__LEDGER__INIT;
	struct taken taken = { .count = 0 };
	struct sb_records *records = &assembly->ledger.world.records;
	struct sb_tx_result result;
	uint8_t key[] = { SB_RECORD_LEDGER }, *value;
	size_t length;

	assert_int_equal(decide(assembly, 1, &close), SB_TX_OK);
	assert_int_equal(records->each(records->context, "", 0, take, &taken), 0);
	ledger.id = (char *)CHAIN;
	value = sb_message_pack(&ledger, &length);
	take(&taken, key, 1, value, length);
	free(value);
	genesis.n_records = taken.count;
	genesis.records = taken.records;
	ledger_open(&next.ledger, &genesis);
	memcpy(next.member, assembly->member, sizeof(next.member));
	next.ledger.height = assembly->ledger.height;
	assert_null(record(&next));
	assert_int_equal(decide(&next, 1, &one), SB_TX_OK);
	ledger_close(&next.ledger);
	/* an id that cannot be */
	ledger.id = (char *)"a\nb";
	sb_bytes_set(&taken.record[taken.count - 1].value, "\n\003a\nb", 5);
	memset(&next, 0, sizeof(next));
	record_world_init(&next.ledger.world);
	next.ledger.machine = sb_machine_new(&next.ledger.world.records, "plant-2");
	assert_int_equal(sb_machine_init(next.ledger.machine, &genesis, START, &result), 0);
	assert_int_equal(result.code, SB_TX_FIELD);
	assert_non_null(strstr(result.log, "ledger's id"));
	ledger_close(&next.ledger);
	for (size_t i = 0; i < taken.count; i++) {
		free(taken.record[i].key.data);
		free(taken.record[i].value.data);
	}
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_assembly, close_assembly)
	const struct CMUnitTest tests[] = {
		WITH(closed_takes_members_word_alone), WITH(the_last_word), WITH(forms), WITH(the_other_chain_is_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
