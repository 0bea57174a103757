// SPDX-License-Identifier: Apache-2.0
/* Checkpoints, the file of what is trusted and proofs of records, byte by byte: each form that is not theirs. */
#include "fake_ledger.h"

#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include "common/cleanup.h"
#include "light/trust_file.h"

static struct sb_error error;

static void person(unsigned int number, secp256k1_keypair *pair, uint8_t key[32])
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	uint8_t secret[32] = { 8, (uint8_t)number };
	secp256k1_xonly_pubkey public;

	assert_int_equal(secp256k1_keypair_create(context, pair, secret), 1);
	assert_int_equal(secp256k1_keypair_xonly_pub(context, &public, NULL, pair), 1);
	assert_int_equal(secp256k1_xonly_pubkey_serialize(context, key, &public), 1);
	secp256k1_context_destroy(context);
}

static struct sb_members one_member(void)
{
	struct sb_members members = { .count = 1, .threshold = 1, .member[0].weight = 1 };
	secp256k1_keypair pair;

	person(1, &pair, members.member[0].key);
	return members;
}

static void sign(struct sb_checkpoint *checkpoint)
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	uint8_t message[32];
	secp256k1_keypair pair;

	checkpoint->signatures = 1;
	person(1, &pair, checkpoint->signature[0].key);
	assert_int_equal(sb_checkpoint_message(checkpoint, message), 0);
	assert_int_equal(secp256k1_schnorrsig_sign32(context, checkpoint->signature[0].signature, message, &pair, NULL),
			 1);
	secp256k1_context_destroy(context);
}

static struct sb_checkpoint at_height(int64_t height)
{
	struct sb_checkpoint checkpoint = { .chain = "c", .height = height, .time = { WORLD_START + height, 5 } };

	checkpoint.hash[0] = (uint8_t)height;
	return checkpoint;
}

static void members_at_their_bounds(void **state)
{
	static struct sb_members members;
	uint8_t many[5 + 36 * (SB_MEMBERS_MAX + 1)] = { SB_MEMBERS_MAX + 1, 0, 0, 0, 1 };
	struct sb_reader reader = { many, sizeof(many), false };

	assert_int_equal(sb_members_sort(&members), -EINVAL);	/* nobody */
	members.count = SB_MEMBERS_MAX + 1;
	assert_int_equal(sb_members_sort(&members), -EINVAL);
	for (size_t i = 0; i <= SB_MEMBERS_MAX; i++) {
		many[5 + 36 * i] = (uint8_t)i;
		many[5 + 36 * i + 35] = 1;
	}
	assert_false(sb_members_get(&reader, &members));
	many[0]--;
	reader = (struct sb_reader){ many, sizeof(many), false };
	assert_true(sb_members_get(&reader, &members));
	many[4] = 0;			/* a threshold that nobody reaches already */
	reader = (struct sb_reader){ many, sizeof(many), false };
	assert_false(sb_members_get(&reader, &members));
}

/* One member and one signature behind a chain of one letter. */
enum { CP_KIND = 4, CP_CHAIN = 5, CP_HEIGHT = 7, CP_NANOS = 55, CP_MEMBERS = 59, CP_SIGNATURES = 100 };

static void odd_checkpoints(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} odd[] = {
		{ 0, 'T' }, { CP_KIND, 0 }, { CP_KIND, 3 }, { CP_CHAIN + 1, 0 }, { CP_HEIGHT, 0x80 }, { CP_HEIGHT + 7, 0 },
		{ CP_NANOS, 0x40 }, { CP_MEMBERS + 4, 0 }, { CP_MEMBERS + 4, 2 },
	};
	struct sb_checkpoint checkpoint = at_height(9), read;
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	size_t used;

	checkpoint.members = one_member();
	sign(&checkpoint);
	sb_checkpoint_write(&checkpoint, &bytes);
	assert_int_equal(bytes.data[CP_SIGNATURES], 1);
	assert_int_equal(sb_checkpoint_read(bytes.data, bytes.length, &read, &used), 0);
	for (size_t i = 0; i < SB_ARRAY_SIZE(odd); i++) {
		uint8_t before = bytes.data[odd[i].at];

		bytes.data[odd[i].at] = odd[i].byte;
		if (sb_checkpoint_read(bytes.data, bytes.length, &read, &used) != -EBADMSG)
			fail_msg("%zu: it was read", i);
		bytes.data[odd[i].at] = before;
	}
}

/* Chains without a name or with too long a one, a recovery of nothing, too many signatures. */
static void checkpoints_at_their_bounds(void **state)
{
	uint8_t none[4 + 2 + 52 + 5 + 1] = "SBCP\1", lost[4 + 3 + 52 + 40 + 6] = "SBCP\2\1c";
	uint8_t many[4 + 3 + 52 + 5 + 1 + 96 * (SB_MEMBERS_MAX + 1)] = "SBCP\1\1c";
	uint8_t longer[4 + 2 + 51 + 52 + 6] = "SBCP\1\x33";
	struct sb_checkpoint read;
	size_t used;

	none[6 + 7] = 1;
	assert_int_equal(sb_checkpoint_read(none, sizeof(none), &read, &used), -EBADMSG);
	memset(longer + 6, 'x', 51);
	longer[6 + 51 + 7] = 1;
	assert_int_equal(sb_checkpoint_read(longer, sizeof(longer), &read, &used), -EBADMSG);
	lost[7 + 7] = 9;
	lost[7 + 52 + 7] = 1;
	assert_int_equal(sb_checkpoint_read(lost, sizeof(lost), &read, &used), 0);
	lost[7 + 52 + 7] = 0;
	assert_int_equal(sb_checkpoint_read(lost, sizeof(lost), &read, &used), -EBADMSG);
	lost[7 + 52] = 0x80;
	assert_int_equal(sb_checkpoint_read(lost, sizeof(lost), &read, &used), -EBADMSG);
	many[7 + 7] = 1;
	many[7 + 52 + 5] = SB_MEMBERS_MAX + 1;
	for (size_t i = 0; i <= SB_MEMBERS_MAX; i++)
		many[7 + 52 + 6 + 96 * i] = (uint8_t)i;
	assert_int_equal(sb_checkpoint_read(many, sizeof(many), &read, &used), -EBADMSG);
	many[7 + 52 + 5]--;
	assert_int_equal(sb_checkpoint_read(many, sizeof(many), &read, &used), 0);
}

static void nobodys_signature(void **state)
{
	struct sb_checkpoint checkpoint = at_height(9);
	struct sb_members members = { .count = 1, .threshold = 1, .member[0].weight = 1 };

	/* a member whose key is no point */
	memset(members.member[0].key, 0xff, 32);
	checkpoint.signatures = 1;
	memset(checkpoint.signature[0].key, 0xff, 32);
	assert_int_equal(sb_checkpoint_verify(&checkpoint, &members, &error), -EKEYREJECTED);
	/* members that cannot be */
	members = one_member();
	sign(&checkpoint);
	assert_int_equal(sb_checkpoint_verify(&checkpoint, &members, &error), 0);
	members.threshold = 0;
	assert_int_equal(sb_checkpoint_verify(&checkpoint, &members, &error), -ENOKEY);
}

static int follow(const struct sb_checkpoint *list, size_t count, struct sb_checkpoint *last)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	struct sb_members members = one_member();

	for (size_t i = 0; i < count; i++)
		sb_checkpoint_write(&list[i], &bytes);
	return sb_checkpoint_follow(bytes.data, bytes.length, "c", 5, &members, last, &error);
}

static void odd_lists(void **state)
{
	static struct sb_checkpoint list[SB_CHECKPOINTS_MAX + 1], last, before;

	for (size_t i = 0; i <= SB_CHECKPOINTS_MAX; i++) {
		list[i] = at_height(10 + (int64_t)i);
		sign(&list[i]);
	}
	assert_int_equal(follow(list, SB_CHECKPOINTS_MAX, &last), 0);
	assert_int_equal(last.height, 10 + SB_CHECKPOINTS_MAX - 1);
	assert_int_equal(follow(list, SB_CHECKPOINTS_MAX + 1, &last), -EBADMSG);
	before = list[0];
	list[0] = list[1];
	list[1] = before;
	assert_int_equal(follow(list, 2, &last), -EBADMSG);
	list[1] = list[0];
	assert_int_equal(follow(list, 2, &last), -EBADMSG);
	list[1] = at_height(9);		/* lower, and yet later */
	list[1].time.seconds = WORLD_START + 100;
	sign(&list[1]);
	assert_int_equal(follow(list, 2, &last), -EBADMSG);
	list[1] = at_height(20);
	list[1].time = list[0].time;
	sign(&list[1]);
	assert_int_equal(follow(list, 2, &last), -EBADMSG);
}

static struct ledger ledger;

/* A file of the first block alone, or of nothing; the checksum fits whatever is done to it. */
static void trust_file(unsigned int blocks, struct sb_bytes *bytes)
{
	struct sb_trust trust = { .chain = WORLD_CHAIN };

	for (unsigned int h = 1; h <= blocks; h++) {
		struct sb_light_block block = world_copy(&ledger.at[h].block);

		sb_trust_add(&trust, &block);
	}
	bytes->length = 0;
	sb_trust_write(&trust, bytes);
	sb_trust_free(&trust);
}

static int read_again(struct sb_bytes *bytes, size_t length)
{
	struct sb_trust read;
	uint8_t digest[32];
	int result;

	sb_digest_of(bytes->data, length, digest);
	bytes->length = length;
	sb_bytes_put(bytes, digest, sizeof(digest));
	result = sb_trust_read(bytes->data, bytes->length, &read);
	if (result == 0)
		sb_trust_free(&read);
	return result;
}

static int changed(unsigned int blocks, size_t at, uint8_t byte)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };

	trust_file(blocks, &bytes);
	bytes.data[at] = byte;
	return read_again(&bytes, bytes.length - 32);
}

/* Where things stand in such a file. */
enum {
	NAME = sizeof(WORLD_CHAIN) - 1,
	TRUST_HEIGHT = 8 + 1 + NAME + 16 + 8, TRUST_MEMBERS = TRUST_HEIGHT + 8, TRUST_COUNT = TRUST_MEMBERS + 5,
	TRUST_BLOCK = TRUST_COUNT + 1 + 4,
	LAST_HASH = TRUST_BLOCK + 8 + 8 + 8 + 12,	/* of the first block: none */
	APP = LAST_HASH + 1 + 4 + 1 + 7 * 33,
	ROUND = APP + 33 + 20, VOTES = ROUND + 4 + 33 + 4 + 33, VOTE_TIME = VOTES + 2 + 1 + 20,
};

static void odd_trust_files(void **state)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };

	ledger_init(&ledger, WORLD_START, 1, 0);
	ledger_grow(&ledger, SB_TRUST_BLOCKS);
	assert_int_equal(changed(1, 0, 'S'), 0);
	assert_int_equal(changed(1, 0, 'T'), -EBADMSG);
	assert_int_equal(changed(0, 9, 0), -EBADMSG);			/* a NUL in the chain's name */
	assert_int_equal(changed(1, TRUST_HEIGHT, 0x80), -EBADMSG);
	assert_int_equal(changed(1, TRUST_MEMBERS + 4, 1), -EBADMSG);	/* a threshold without members */
	assert_int_equal(changed(1, LAST_HASH, 31), -EBADMSG);
	assert_int_equal(changed(1, LAST_HASH + 6, 33), -EBADMSG);	/* last_commit, with one byte too many */
	assert_int_equal(changed(1, APP, 33), -EBADMSG);
	assert_int_equal(changed(1, ROUND, 0x80), -EBADMSG);
	assert_int_equal(changed(1, VOTE_TIME + 8, 0x3b), 0);		/* a vote's time is in no hash */
	assert_int_equal(changed(1, VOTE_TIME + 8, 0x3c), -EBADMSG);
	/* the last block in itself, a byte behind everything, and less than a checksum */
	assert_int_equal(changed(1, APP + 5, 0x55), -EBADMSG);
	trust_file(1, &bytes);
	bytes.data[bytes.length - 32] = 0;
	assert_int_equal(read_again(&bytes, bytes.length - 31), -EBADMSG);
	assert_int_equal(sb_trust_read(bytes.data, 31, &(struct sb_trust){ .count = 0 }), -EBADMSG);
	ledger_free(&ledger);
}

/* Chains without a name or with too long a one; a block too many; blocks that do not ascend. */
static void trust_files_at_their_bounds(void **state)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL }, none = { .data = NULL };
	sb_cleanup_free uint8_t *rest = NULL;
	struct sb_trust trust = { .chain = WORLD_CHAIN };
	size_t size, length;

	ledger_init(&ledger, WORLD_START, 1, 0);
	ledger_grow(&ledger, SB_TRUST_BLOCKS);
	trust_file(0, &none);
	sb_bytes_put(&bytes, none.data, 8);
	sb_bytes_be(&bytes, 0, 1);
	sb_bytes_put(&bytes, none.data + 9 + NAME, none.length - 32 - 9 - NAME);
	assert_int_equal(read_again(&bytes, bytes.length), -EBADMSG);
	for (uint8_t name = SB_CHAIN_NAME_MAX; name <= SB_CHAIN_NAME_MAX + 1; name++) {
		bytes.length = 8;
		sb_bytes_be(&bytes, name, 1);
		for (size_t i = 0; i < name; i++)
			sb_bytes_put(&bytes, "x", 1);
		sb_bytes_put(&bytes, none.data + 9 + NAME, none.length - 32 - 9 - NAME);
		assert_int_equal(read_again(&bytes, bytes.length), name == SB_CHAIN_NAME_MAX ? 0 : -EBADMSG);
	}
	trust_file(SB_TRUST_BLOCKS, &bytes);
	length = bytes.length - 32;
	size = (length - TRUST_COUNT - 1) / SB_TRUST_BLOCKS;
	rest = malloc(size);
	assert_non_null(rest);
	memcpy(rest, bytes.data + length - size, size);
	bytes.length = length;
	sb_bytes_put(&bytes, rest, size);
	bytes.data[TRUST_COUNT]++;
	assert_int_equal(read_again(&bytes, length + size), -EBADMSG);
	for (unsigned int h = 2; h >= 1; h--) {
		struct sb_light_block block = world_copy(&ledger.at[h].block);

		sb_trust_add(&trust, &block);
	}
	bytes.length = 0;
	sb_trust_write(&trust, &bytes);
	assert_int_equal(read_again(&bytes, bytes.length - 32), -EBADMSG);
	sb_trust_free(&trust);
	ledger_free(&ledger);
}

/* A ValueOp's parts, as a test wants them; what is NULL is left out. */
struct parts {
	const char *key, *total, *index, *leaf, *aunt;
	size_t leaf_length, aunt_length, aunts;
	const char *behind;
};

static const char zeros[40];

static const struct parts plain = { "\x0a\1k", "\x08\2", "\x10\1", zeros, zeros, 32, 32, 1, NULL };

static void put_text(struct sb_bytes *out, const char *text)
{
	if (text)
		sb_bytes_put(out, text, strlen(text));
}

static bool reads(const struct parts *parts)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes proof = { .data = NULL }, whole = { .data = NULL };
	sb_cleanup_free uint8_t *exact = NULL;
	struct sb_value_op op;
	bool read;

	put_text(&proof, parts->total);
	put_text(&proof, parts->index);
	if (parts->leaf) {
		sb_bytes_be(&proof, 0x1a, 1);
		sb_bytes_be(&proof, parts->leaf_length, 1);
		sb_bytes_put(&proof, parts->leaf, parts->leaf_length);
	}
	for (size_t i = 0; i < parts->aunts; i++) {
		sb_bytes_be(&proof, 0x22, 1);
		sb_bytes_be(&proof, parts->aunt_length, 1);
		sb_bytes_put(&proof, parts->aunt, parts->aunt_length);
	}
	put_text(&whole, parts->key);
	sb_bytes_be(&whole, 0x12, 1);
	if (proof.length > 127)
		sb_bytes_be(&whole, (proof.length & 127) | 128, 1);
	sb_bytes_be(&whole, proof.length > 127 ? proof.length >> 7 : proof.length, 1);
	sb_bytes_put(&whole, proof.data, proof.length);
	put_text(&whole, parts->behind);
	exact = malloc(whole.length);
	memcpy(exact, whole.data, whole.length);
	read = sb_value_op_read(exact, whole.length, &op);
	/* and no part of it, in memory of just that length */
	for (size_t length = 0; read && length < whole.length; length++) {
		uint8_t *part = malloc(length + !length);

		memcpy(part, exact, length);
		assert_false(sb_value_op_read(part, length, &op));
		free(part);
	}
	return read;
}

static void value_ops(void **state)
{
	struct parts parts = plain;

	assert_true(reads(&parts));
	parts.index = NULL;
	assert_true(reads(&parts));
	parts.total = "\x08\x81\x01";
	assert_true(reads(&parts));
#define REFUSED(field, value)	do { parts = plain; parts.field = value; assert_false(reads(&parts)); } while (0)
	REFUSED(key, NULL);
	REFUSED(key, "\x0a\x81\x80\x80\x80\x80\x80\x80\x80\x80\x01k");
	REFUSED(behind, "x");
	REFUSED(total, "\x08\x82\x80\x80\x80\x80\x80\x80\x80\x80\x01");
	REFUSED(index, "\x10\x81\x80\x80\x80\x80\x80\x80\x80\x80\x01");
	REFUSED(leaf, NULL);
	REFUSED(leaf_length, 31);
	REFUSED(leaf_length, 33);
	REFUSED(aunt_length, 31);
	REFUSED(aunts, SB_MERKLE_AUNTS + 1);
	parts = plain;
	parts.aunts = SB_MERKLE_AUNTS;
	assert_true(reads(&parts));
}

/* Numbers and lengths have one form: the shortest, and none for 0. */
static void one_form_of_numbers(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} odd[] = {
		{ "\x0a\x81\0k\x12\x22\x1a\x20", 8 }, { "\x0a\0\x12\x22\x1a\x20", 6 },
		{ "\x0a\1k\x12\x25\x08\x81\0\x1a\x20", 10 }, { "\x0a\1k\x12\x24\x08\0\x1a\x20", 9 },
		{ "\x0a\1k\x12\x24\x10\0\x1a\x20", 9 },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(odd); i++) {
		uint8_t data[64] = { 0 };
		struct sb_value_op op;

		memcpy(data, odd[i].bytes, odd[i].length);
		assert_false(sb_value_op_read(data, odd[i].length + 32, &op));
	}
}

#define RECORD_KEY	"m"	/* whose place begins with a 0 */

/* A record's proof by hand, in a tree of any shape: two levels of aunts. */
struct record {
	uint8_t op[256], store[64], path[32], root[32];
	struct sb_query_answer answer;
	struct sb_app_hash app;
};

static void leaf_of(const uint8_t path[32], const void *value, size_t length, uint8_t leaf[32])
{
	uint8_t bytes[66] = { 32 };

	memcpy(bytes + 1, path, 32);
	bytes[33] = 32;
	sb_digest_of(value, length, bytes + 34);
	sb_merkle_leaf(bytes, sizeof(bytes), leaf);
}

static void make_record(struct record *record, uint8_t total, uint8_t index, const char *value)
{
	struct sb_merkle_proof proof = { .total = total, .index = index, .aunts = 2 };
	uint8_t leaf[32], *at = record->op;

	memset(record, 0, sizeof(*record));
	sb_tree_digest(RECORD_KEY, 1, record->path);
	leaf_of(record->path, value, strlen(value), leaf);
	proof.leaf = leaf;
	proof.aunt[0] = proof.aunt[1] = (const uint8_t *)zeros;
	assert_true(sb_merkle_climb(&proof, record->root));
	sb_query_app_hash(record->root, record->app.bytes);
	record->app.length = 32;
	memcpy(at, "\x0a\x20", 2);
	memcpy(at + 2, record->path, 32);
	at += 34;
	*at++ = 0x12;
	*at++ = (uint8_t)(2 + (index ? 2 : 0) + 34 * 3);
	*at++ = 0x08;
	*at++ = total;
	if (index) {
		*at++ = 0x10;
		*at++ = index;
	}
	memcpy(at, "\x1a\x20", 2);
	memcpy(at + 2, leaf, 32);
	memcpy(at + 34, "\x22\x20", 2);
	memcpy(at + 68, "\x22\x20", 2);
	at += 102;
	memcpy(record->store, "\x0a\x08" SB_QUERY_STORE "\x12\x24\x08\x01\x1a\x20", 16);
	memcpy(record->store + 16, record->app.bytes, 32);
	record->answer = (struct sb_query_answer){
		.ops = 2, .key = record->path, .key_length = 32, .value = (uint8_t *)(uintptr_t)value,
		.value_length = strlen(value),
		.op = { { SB_OP_SIMPLE, record->path, record->op, 32, (size_t)(at - record->op) },
			{ SB_OP_SIMPLE, (uint8_t *)SB_QUERY_STORE, record->store, 8, 48 } },
	};
}

static int proven(const struct record *record)
{
	bool present;

	return sb_query_verify(&record->app, RECORD_KEY, 1, &record->answer, &present, &error);
}

static void places(void **state)
{
	struct record record;
	uint8_t place;

	make_record(&record, 4, 0, "value");
	place = record.path[0] >> 6;
	for (uint8_t index = 0; index < 4; index++) {
		make_record(&record, 4, index, "value");
		assert_int_equal(proven(&record), index == place ? 0 : -EKEYREJECTED);
	}
	/* the same place in a tree of another size */
	assert_true(place < 2);
	make_record(&record, 3, place, "value");
	assert_int_equal(proven(&record), -EKEYREJECTED);
	/* nothing is no value: else a record could be passed off as none */
	make_record(&record, 4, place, "");
	assert_int_equal(proven(&record), -EKEYREJECTED);
}

static void odd_answers(void **state)
{
	struct record record, good;
	uint8_t other[32] = { 0 }, place;

	make_record(&good, 4, 0, "value");
	place = good.path[0] >> 6;
#define AGAIN()	make_record(&record, 4, place, "value")
	AGAIN();
	record.answer.op[0].key = other;
	assert_int_equal(proven(&record), -EKEYREJECTED);
	AGAIN();
	record.answer.op[1].key = other;
	assert_int_equal(proven(&record), -EKEYREJECTED);
	AGAIN();
	record.answer.key = other;
	assert_int_equal(proven(&record), -EKEYREJECTED);
	AGAIN();
	strcpy(record.answer.op[0].type, "iavl:v");
	assert_int_equal(proven(&record), -EBADMSG);
	AGAIN();
	strcpy(record.answer.op[1].type, "iavl:v");
	assert_int_equal(proven(&record), -EKEYREJECTED);
	AGAIN();
	record.app.length = 31;
	assert_int_equal(proven(&record), -EKEYREJECTED);
	AGAIN();
	record.answer.ops = 0;
	assert_int_equal(proven(&record), -EBADMSG);
	assert_non_null(strstr(error.text, "has no proof"));
	AGAIN();
	assert_int_equal(proven(&record), 0);
}

/* An ICS-23 operation that says another key. */
static void other_ics23(void **state)
{
	static uint8_t data[SB_PROOF_MAX];
	struct sb_memory *memory = sb_memory_new();
	struct record record;
	bool present;

	assert_int_equal(sb_memory_put(memory, RECORD_KEY, 1, "value", 5), 0);
	assert_int_equal(sb_memory_put(memory, "l", 1, "other", 5), 0);
	make_record(&record, 4, 0, "value");
	assert_int_equal(sb_memory_root(memory, record.root), 0);
	sb_query_app_hash(record.root, record.app.bytes);
	memcpy(record.store + 16, record.app.bytes, 32);
	strcpy(record.answer.op[0].type, SB_OP_ICS23);
	record.answer.op[0].data = data;
	assert_int_equal(sb_tree_prove(sb_memory_pages(memory), RECORD_KEY, 1, data, sizeof(data),
				       &record.answer.op[0].data_length, &present), 0);
	assert_int_equal(proven(&record), 0);
	record.answer.op[0].key = (uint8_t *)RECORD_KEY;
	record.answer.op[0].key_length = 1;
	assert_int_equal(proven(&record), 0);
	strcpy(record.answer.op[0].type, "ics23:iavl");
	assert_int_equal(proven(&record), -EBADMSG);
	strcpy(record.answer.op[0].type, SB_OP_ICS23);
	record.answer.op[0].key = (uint8_t *)"l";
	assert_int_equal(proven(&record), -EKEYREJECTED);
	sb_memory_free(memory);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_at_their_bounds), cmocka_unit_test(odd_checkpoints),
		cmocka_unit_test(checkpoints_at_their_bounds), cmocka_unit_test(nobodys_signature),
		cmocka_unit_test(odd_lists), cmocka_unit_test(odd_trust_files),
		cmocka_unit_test(trust_files_at_their_bounds), cmocka_unit_test(value_ops),
		cmocka_unit_test(one_form_of_numbers), cmocka_unit_test(places), cmocka_unit_test(odd_answers),
		cmocka_unit_test(other_ics23),
	};

	return cmocka_run_group_tests_name("light bytes", tests, NULL, NULL);
}
