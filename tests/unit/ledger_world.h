/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger in memory, and people who sign. */
#ifndef LEDGER_WORLD_H
#define LEDGER_WORLD_H

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdio.h>

#include "records_world.h"
#include "state/machine.h"
#include "state/person.h"
#include "state/verified.h"

#define CHAIN		"plant"
#define START		1800000000	/* seconds: the genesis' time */
#define BLOCK_S		5		/* between two blocks */

struct person {
	secp256k1_keypair pair;
	uint8_t key[32];
	uint64_t sequence;	/* of the next transaction */
};

static inline secp256k1_context *person_context(void)
{
	static secp256k1_context *context;

	if (!context)
		context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	return context;
}

static inline void make_person(struct person *person, uint32_t number)
{
	uint8_t secret[32] = { 0 };
	secp256k1_xonly_pubkey point;

	memcpy(secret, &number, sizeof(number));
	secret[31] = 1;
	assert_true(secp256k1_keypair_create(person_context(), &person->pair, secret));
	assert_true(secp256k1_keypair_xonly_pub(person_context(), &point, NULL, &person->pair));
	secp256k1_xonly_pubkey_serialize(person_context(), person->key, &point);
	person->sequence = 1;
}

#define SET_MOST	16

/* Those who make a block. */
struct ledger_set {
	uint8_t key[SET_MOST][32];
	uint64_t power[SET_MOST];
	size_t count;
};

struct ledger {
	struct record_world world;
	struct sb_machine *machine;
	int64_t height, time;
	struct sb_tx_result last;
	bool apart;		/* each transaction is delivered in a block of its own */
	/* As CometBFT has it: what a block has changed of them counts from the second block after it on. */
	struct ledger_set set[4];	/* by height modulo 4 */
	uint8_t asleep[SET_MOST][32];
	size_t sleepers;
};

static inline bool is_asleep(const struct ledger *ledger, const uint8_t key[32])
{
	for (size_t i = 0; i < ledger->sleepers; i++)
		if (memcmp(ledger->asleep[i], key, 32) == 0)
			return true;
	return false;
}

static inline int add_to_set(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct ledger_set *set = context;
	SB_AUTO_MESSAGE Sealbond__Validator *validator =
		sb_message_read(&sealbond__validator__descriptor, value, length);

	(void)key, (void)key_length;
	if (set->count == SET_MOST)
		return 0;
	memcpy(set->key[set->count], validator->key.data, 32);
	set->power[set->count++] = validator->power;
	return 0;
}

static inline void note_set(struct ledger *ledger, int64_t height)
{
	struct ledger_set *set = &ledger->set[height % 4];
	const uint8_t kind = SB_RECORD_VALIDATOR;

	set->count = 0;
	assert_int_equal(ledger->world.records.each(&ledger->world, &kind, 1, add_to_set, set), 0);
}

static inline void tell_signers(struct ledger *ledger)
{
	const struct ledger_set *set = &ledger->set[(ledger->height + 3) % 4];
	uint8_t address[SET_MOST][SB_ADDRESS_LEN];
	size_t count = 0;

	for (size_t i = 0; i < set->count && ledger->height > 1; i++)
		if (!is_asleep(ledger, set->key[i]))
			sb_signer_address(set->key[i], address[count++]);
	sb_machine_signed(ledger->machine, address, count);
}

/* Would there be the next block? */
static inline bool ledger_goes_on(const struct ledger *ledger)
{
	const struct ledger_set *set = &ledger->set[(ledger->height + 1) % 4];
	uint64_t power = 0, awake = 0;

	for (size_t i = 0; i < set->count; i++) {
		power += set->power[i];
		awake += is_asleep(ledger, set->key[i]) ? 0 : set->power[i];
	}
	return 3 * awake > 2 * power;
}

/* Hash of the block at a height: anything, but the same on every run. */
static inline void block_hash_of(int64_t height, uint8_t hash[32])
{
	char text[32];
	int length = snprintf(text, sizeof(text), "block %lld", (long long)height);

	SHA256((const uint8_t *)text, (size_t)length, hash);
}

static inline void note_block(struct ledger *ledger)
{
	struct block_said *block = &ledger->world.block[ledger->height % BLOCKS_KEPT];

	block->height = (uint64_t)ledger->height;
	block->seconds = ledger->time;
	block_hash_of(ledger->height, block->hash);
}

static inline void ledger_begin(struct ledger *ledger)
{
	ledger->height++;
	ledger->time += BLOCK_S;
	note_block(ledger);
	assert_int_equal(sb_machine_begin(ledger->machine, ledger->height, ledger->time), 0);
	tell_signers(ledger);
}

static inline void ledger_finish(struct ledger *ledger)
{
	assert_int_equal(sb_machine_finish(ledger->machine), 0);
	note_set(ledger, ledger->height + 2);
}

/* A block without a transaction, after so many seconds. */
static inline void ledger_wait(struct ledger *ledger, int64_t seconds)
{
	ledger->time += seconds - BLOCK_S;
	ledger_begin(ledger);
	ledger_finish(ledger);
}

/* What ledgers that are opened from now on remember of signatures; NULL: nothing. */
static struct sb_verified *ledger_verified;

static inline void ledger_open(struct ledger *ledger, const Sealbond__Genesis *genesis)
{
	struct sb_tx_result result;

	memset(ledger, 0, sizeof(*ledger));
	record_world_init(&ledger->world);
	ledger->world.records.verified = ledger_verified;
	ledger->time = START;
	ledger->machine = sb_machine_new(&ledger->world.records, CHAIN);
	assert_non_null(ledger->machine);
	assert_int_equal(sb_machine_init(ledger->machine, genesis, START, &result), 0);
	assert_string_equal(result.log, "");
	assert_int_equal(result.code, 0);
	note_set(ledger, 1);
	note_set(ledger, 2);
	ledger_wait(ledger, BLOCK_S);
}

static inline void ledger_close(struct ledger *ledger)
{
	sb_machine_free(ledger->machine);
	record_world_free(&ledger->world);
}

/* A test that wants to see each transaction defines it before. */
#ifndef LEDGER_SENT
#define LEDGER_SENT(ledger, tx, length)
#endif
/* For codes_seen.c, which looks at the end of a run whether each code was met. */
static inline void note_code(uint32_t code)
{
	const char *path = getenv("SB_CODES_SEEN");
	FILE *file = path ? fopen(path, "a") : NULL;

	if (!file)
		return;
	fprintf(file, "%u\n", code);
	fclose(file);
}

/* In a block of its own; check says before what the block says after. */
static inline uint32_t ledger_send(struct ledger *ledger, const uint8_t *tx, size_t length)
{
	struct sb_tx_result checked;

	assert_int_equal(sb_machine_check(&ledger->world.records, CHAIN, ledger->height + 1, ledger->time + BLOCK_S,
					  tx, length, &checked), 0);
	ledger_begin(ledger);
	assert_int_equal(sb_machine_deliver(ledger->machine, tx, length, &ledger->last), 0);
	ledger_finish(ledger);
	LEDGER_SENT(ledger, tx, length);
	note_code(ledger->last.code);
	if (ledger->last.code == SB_TX_QUOTE_CLONE)
		assert_int_equal(checked.code, SB_TX_OK);
	/* (who has signed is known in a block alone) */
	else if (ledger->last.code != SB_TX_VALIDATORS_ASLEEP && ledger->last.code != SB_TX_VALIDATORS_CHANGE)
		assert_int_equal(checked.code, ledger->last.code);
	return ledger->last.code;
}

/* The transaction of a person, to be freed; its sequence counts on. */
static inline uint8_t *sign_body(struct person *person, const Sealbond__Body *body, size_t *length)
{
	Sealbond__SignedTx tx = SEALBOND__SIGNED_TX__INIT;
	Sealbond__PersonAuth auth = SEALBOND__PERSON_AUTH__INIT;
	uint8_t message[32], signature[64], *packed, *whole;

	packed = sb_message_pack(body, &tx.body.len);
	tx.body.data = packed;
	sb_person_message(CHAIN, person->key, person->sequence, packed, tx.body.len, message);
	assert_true(secp256k1_schnorrsig_sign32(person_context(), signature, message, &person->pair, NULL));
	auth.key = (ProtobufCBinaryData){ 32, person->key };
	auth.sequence = person->sequence++;
	auth.signature = (ProtobufCBinaryData){ 64, signature };
	tx.auth_case = SEALBOND__SIGNED_TX__AUTH_PERSON;
	tx.person = &auth;
	whole = sb_message_pack(&tx, length);
	free(packed);
	return whole;
}

/* What was refused has used no sequence up. */
static inline uint32_t says(struct ledger *ledger, struct person *person, const Sealbond__Body *body)
{
	size_t length;
	uint8_t *tx = sign_body(person, body, &length);
	uint32_t code = ledger_send(ledger, tx, length);

	if (code != SB_TX_OK)
		person->sequence--;
	free(tx);
	return code;
}

/* Parameters that a test may change before it opens its ledger. */
static inline void sane_parameters(Sealbond__Parameters *parameters)
{
	static uint8_t overlay4[5] = { 10, 77, 0, 0, 16 }, overlay6[17] = { 0xfd, 0x77, [16] = 64 };

	sealbond__parameters__init(parameters);
	parameters->enrolment = 1;
	parameters->enrollers_needed = 1;
	parameters->admission = 1;
	parameters->lease = 86400;
	parameters->beacon_age = 600;
	parameters->pcrs = 1 << 7;
	parameters->pcrs_allowed = 0xffff;
	parameters->cap_pcr = 14;
	parameters->overlay4 = (ProtobufCBinaryData){ sizeof(overlay4), overlay4 };
	parameters->overlay6 = (ProtobufCBinaryData){ sizeof(overlay6), overlay6 };
	parameters->devices_most = 1000000;
	parameters->devices_per_block = 1000;
	parameters->enrolling_most = 1000;
	parameters->enrolling_for = 86400;
	parameters->zones_most = 1000;
	parameters->proposals_most = 16;
	parameters->vote_for = 86400;
	parameters->name = (char *)"Plant 1";
}

#endif
