// SPDX-License-Identifier: Apache-2.0
/* How a transaction comes in: its form, its signer, its sequence; what is refused leaves nothing. */
#include "ledger_world.h"
#include "state/cert.h"
#include "state/quote.h"

struct plant {
	struct ledger ledger;
	struct person member, stranger;
};

static int open_plant(void **state)
{
	struct plant *plant = calloc(1, sizeof(*plant));
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Parameters parameters;
	Sealbond__Member member = SEALBOND__MEMBER__INIT, *members[] = { &member };

	assert_non_null(plant);
	make_person(&plant->member, 1);
	make_person(&plant->stranger, 2);
	sane_parameters(&parameters);
	member.key = (ProtobufCBinaryData){ 32, plant->member.key };
	member.weight = 1;
	genesis.parameters = &parameters;
	genesis.n_members = 1;
	genesis.members = members;
	genesis.threshold = 1;
	ledger_open(&plant->ledger, &genesis);
	*state = plant;
	return 0;
}

static int close_plant(void **state)
{
	struct plant *plant = *state;

	ledger_close(&plant->ledger);
	free(plant);
	return 0;
}

/* A suspension of a device that is not there: it comes as far as its rule. */
static void some_body(Sealbond__Body *body)
{
	static uint8_t device[32] = { 9 };
	static Sealbond__Suspend suspend;

	sealbond__suspend__init(&suspend);
	suspend.device = (ProtobufCBinaryData){ 32, device };
	sealbond__body__init(body);
	body->action_case = SEALBOND__BODY__ACTION_SUSPEND;
	body->suspend = &suspend;
}

/* The code of the member's transaction after a change to its bytes, or to what it is made of. */
static uint32_t changed(struct plant *plant, void (*change)(Sealbond__SignedTx *tx))
{
	Sealbond__SignedTx *tx;
	Sealbond__Body body;
	uint8_t *data;
	size_t length;
	uint32_t code;

	some_body(&body);
	data = sign_body(&plant->member, &body, &length);
	plant->member.sequence--;
	tx = sb_message_read(&sealbond__signed_tx__descriptor, data, length);
	free(data);
	assert_non_null(tx);
	change(tx);
	data = sb_message_pack(tx, &length);
	sb_message_free(tx);
	code = ledger_send(&plant->ledger, data, length);
	free(data);
	return code;
}

static void nothing(Sealbond__SignedTx *tx)
{
}

static void signature(Sealbond__SignedTx *tx)
{
	tx->person->signature.data[40] ^= 1;
}

static void short_signature(Sealbond__SignedTx *tx)
{
	tx->person->signature.len--;
}

static void body(Sealbond__SignedTx *tx)
{
	tx->body.data[tx->body.len - 1] ^= 1;
}

static void sequence_over(Sealbond__SignedTx *tx)
{
	tx->person->sequence--;
}

static void sequence_far(Sealbond__SignedTx *tx)
{
	tx->person->sequence += SB_SEQUENCE_AHEAD;
}

static void no_body(Sealbond__SignedTx *tx)
{
	sb_bytes_set(&tx->body, NULL, 0);
}

static void body_twice(Sealbond__SignedTx *tx)
{
	uint8_t twice[256];

	memcpy(twice, tx->body.data, tx->body.len);
	memcpy(twice + tx->body.len, tx->body.data, tx->body.len);
	sb_bytes_set(&tx->body, twice, 2 * tx->body.len);
}

static void other_key(Sealbond__SignedTx *tx)
{
	struct person stranger;

	make_person(&stranger, 2);
	memcpy(tx->person->key.data, stranger.key, 32);
}

/* A device's signature under what only people may say. */
static void by_device(Sealbond__SignedTx *tx)
{
	sb_message_free(tx->person);
	tx->auth_case = SEALBOND__SIGNED_TX__AUTH_DEVICE;
	tx->device = sb_message_new(&sealbond__device_auth__descriptor);
}

static void nobody(Sealbond__SignedTx *tx)
{
	sb_message_free(tx->person);
	tx->auth_case = SEALBOND__SIGNED_TX__AUTH__NOT_SET;
	tx->person = NULL;
}

static void how_it_comes_in(void **state)
{
	static const struct {
		void (*change)(Sealbond__SignedTx *tx);
		uint32_t code;
	} cases[] = {
		{ signature, SB_TX_SIGNATURE }, { body, SB_TX_SIGNATURE }, { short_signature, SB_TX_FIELD },
		{ sequence_over, SB_TX_SEQUENCE }, { sequence_far, SB_TX_SEQUENCE }, { no_body, SB_TX_MALFORMED },
		{ body_twice, SB_TX_MALFORMED }, { other_key, SB_TX_NO_ACCOUNT }, { by_device, SB_TX_AUTH_KIND },
		{ nobody, SB_TX_AUTH_KIND },
	};
	struct plant *plant = *state;
	uint32_t untouched = changed(plant, nothing);

	/* As it is, it comes as far as the rule, which then finds no such device. */
	assert_true(untouched == SB_TX_UNKNOWN_DEVICE || untouched == SB_TX_NOT_ALLOWED);
	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++)
		assert_int_equal(changed(plant, cases[i].change), cases[i].code);
}

static void bytes(void **state)
{
	static const uint8_t large[SB_TX_MAX + 1];
	struct plant *plant = *state;
	struct sb_tx_result result;
	Sealbond__Body what;
	uint8_t *tx, *longer;
	size_t length;

	assert_int_equal(ledger_send(&plant->ledger, large, sizeof(large)), SB_TX_TOO_LONG);
	assert_int_equal(ledger_send(&plant->ledger, large, 0), SB_TX_MALFORMED);
	some_body(&what);
	tx = sign_body(&plant->member, &what, &length);
	longer = malloc(length + 3);
	assert_non_null(longer);
	memcpy(longer, tx, length);
	memcpy(longer + length, "\xf8\x07\x01", 3);
	assert_int_equal(ledger_send(&plant->ledger, longer, length + 3), SB_TX_MALFORMED);
	/* What is left is no transaction, or one without its signature. */
	for (size_t cut = 0; cut < length; cut++) {
		uint32_t code = ledger_send(&plant->ledger, tx, cut);

		assert_true(code == SB_TX_MALFORMED || code == SB_TX_AUTH_KIND);
	}
	/* The same bytes on another chain are somebody else's. */
	assert_int_equal(sb_machine_check(&plant->ledger.world.records, "plan", 9, START, tx, length, &result), 0);
	assert_int_equal(result.code, SB_TX_SIGNATURE);
	free(longer);
	free(tx);
}

/* At the door a key's later transactions may wait for its earlier ones; in a block each has its turn. */
static void ahead(void **state)
{
	struct plant *plant = *state;
	struct sb_tx_result result;
	Sealbond__Body what;
	size_t length;
	uint8_t *tx;

	some_body(&what);
	plant->member.sequence += 3;
	tx = sign_body(&plant->member, &what, &length);
	assert_int_equal(sb_machine_check(&plant->ledger.world.records, CHAIN, 9, START, tx, length, &result), 0);
	assert_int_equal(result.code, SB_TX_OK);
	tx[length - 1] ^= 1;
	assert_int_equal(sb_machine_check(&plant->ledger.world.records, CHAIN, 9, START, tx, length, &result), 0);
	assert_int_equal(result.code, SB_TX_SIGNATURE);
	tx[length - 1] ^= 1;
	ledger_begin(&plant->ledger);
	assert_int_equal(sb_machine_deliver(plant->ledger.machine, tx, length, &result), 0);
	assert_int_equal(result.code, SB_TX_SEQUENCE);
	ledger_finish(&plant->ledger);
	free(tx);
}

static void refused_leaves_nothing(void **state)
{
	struct plant *plant = *state;
	uint8_t before[32], after[32];
	Sealbond__Body what;

	record_world_digest(&plant->ledger.world, before);
	some_body(&what);
	assert_int_not_equal(says(&plant->ledger, &plant->member, &what), SB_TX_OK);
	record_world_digest(&plant->ledger.world, after);
	assert_memory_equal(before, after, 32);
}

/* A store that fails ends the block: it must not look like a refusal that others do not see. */
static void store_fails(void **state)
{
	struct plant *plant = *state;
	struct sb_tx_result result;
	Sealbond__Body what;
	size_t length;
	uint8_t *tx;

	some_body(&what);
	tx = sign_body(&plant->member, &what, &length);
	ledger_begin(&plant->ledger);
	plant->ledger.world.fails = -EIO;
	assert_int_equal(sb_machine_deliver(plant->ledger.machine, tx, length, &result), -EIO);
	assert_int_equal(result.code, SB_TX_INTERNAL);
	note_code(result.code);
	sb_machine_abort(plant->ledger.machine);
	free(tx);
}

static void names(void **state)
{
	static const uint32_t all[] = {
#define X(number, name, text, sentence) number,
		SB_TX_CODES(X)
#undef X
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(all); i++) {
		assert_true(strlen(sb_tx_sentence(all[i])) + 2 < SB_TX_LOG_MAX);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(sb_tx_name(all[i]), sb_tx_name(all[j]));
	}
	assert_string_equal(sb_tx_name(9999), "unknown-code");
	/* What the pure checks say has the same name here. */
	for (unsigned int v = 1; v < SB_QUOTE_VERDICTS; v++)
		assert_string_equal(sb_tx_name(SB_TX_QUOTE + v), sb_quote_name(v));
	for (unsigned int v = 1; v < SB_AK_VERDICTS; v++)
		assert_string_equal(sb_tx_name(SB_TX_AK + v), sb_ak_name(v));
	for (unsigned int v = 1; v < SB_CHAIN_VERDICTS; v++)
		assert_string_equal(sb_tx_name(SB_TX_CERT + v), sb_chain_name(v));
}

static void record_keys(void **state)
{
	uint8_t key[SB_RECORD_KEY_MAX], path[32];
	size_t longer = 0;

	for (uint32_t i = 0; i < 400000; i++) {
		size_t length = sb_record_key(SB_RECORD_DEVICE, &i, sizeof(i), key);

		SHA256(key, length, path);
		assert_false(path[0] == 'x' && path[1] == ':');
		longer += length > 1 + sizeof(i);
	}
	assert_true(longer > 0);
}

int main(void)
{
#define IN_PLANT(test) cmocka_unit_test_setup_teardown(test, open_plant, close_plant)
	const struct CMUnitTest tests[] = {
		IN_PLANT(how_it_comes_in), IN_PLANT(bytes), IN_PLANT(ahead), IN_PLANT(refused_leaves_nothing),
		IN_PLANT(store_fails), cmocka_unit_test(names), cmocka_unit_test(record_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
