// SPDX-License-Identifier: Apache-2.0
/* The light client's pure parts: checkpoints, what is kept, proofs, answers, time, order. */
#include "checkpoint_sign.h"
#include "fake_ledger.h"

#include "common/cleanup.h"
#include "light/answer.h"
#include "light/json.h"
#include "light/json_get.h"
#include "light/json_write.h"
#include "light/now.h"
#include "light/trust_file.h"

static struct sb_error error;

static void member(unsigned int number, secp256k1_keypair *pair, uint8_t key[32])
{
	uint8_t secret[32] = { 7, (uint8_t)(number >> 8), (uint8_t)number };

	key_of_secret(secret, pair, key);
}

/* Members first to first + count - 1, of weight 1 each. */
static void members_of(unsigned int first, unsigned int count, uint32_t threshold, struct sb_members *members)
{
	secp256k1_keypair pair;

	*members = (struct sb_members){ .count = count, .threshold = threshold };
	for (unsigned int i = 0; i < count; i++) {
		member(first + i, &pair, members->member[i].key);
		members->member[i].weight = 1;
	}
	assert_int_equal(sb_members_sort(members), 0);
}

static void sign(struct sb_checkpoint *checkpoint, unsigned int number)
{
	secp256k1_keypair pair;
	uint8_t key[32];

	member(number, &pair, key);
	sign_checkpoint(checkpoint, &pair, key);
}

static struct sb_checkpoint at_height(int64_t height)
{
	struct sb_checkpoint checkpoint = { .chain = WORLD_CHAIN, .height = height,
					    .time = { WORLD_START + height, 5 } };

	memset(checkpoint.hash, (int)height, sizeof(checkpoint.hash));
	return checkpoint;
}

static void members_that_cannot_be(void **state)
{
	struct sb_members members, good;

	members_of(1, 3, 2, &good);
	members = good;
	members.threshold = 0;
	assert_int_equal(sb_members_sort(&members), -EINVAL);
	members.threshold = 4;
	assert_int_equal(sb_members_sort(&members), -EINVAL);
	members = good;
	members.member[1] = members.member[0];
	assert_int_equal(sb_members_sort(&members), -EINVAL);
	members = good;
	members.member[1].weight = 0;
	assert_int_equal(sb_members_sort(&members), -EINVAL);
	members.count = 0;
	assert_int_equal(sb_members_sort(&members), -EINVAL);
}

static void checkpoints_as_bytes(void **state)
{
	struct sb_checkpoint checkpoint = at_height(9), read;
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	size_t used;

	members_of(4, 2, 1, &checkpoint.members);
	sign(&checkpoint, 1);
	sign(&checkpoint, 2);
	sb_checkpoint_write(&checkpoint, &bytes);
	memset(&read, 0, sizeof(read));
	assert_int_equal(sb_checkpoint_read(bytes.data, bytes.length, &read, &used), 0);
	assert_int_equal(used, bytes.length);
	assert_memory_equal(&read, &checkpoint, sizeof(read));
	for (size_t length = 0; length < bytes.length; length++)
		assert_int_equal(sb_checkpoint_read(bytes.data, length, &read, &used), -EBADMSG);
	/* signatures and members out of order */
	memcpy(checkpoint.signature[0].key, "\xff\xff\xff\xff", 4);
	bytes.length = 0;
	sb_checkpoint_write(&checkpoint, &bytes);
	assert_int_equal(sb_checkpoint_read(bytes.data, bytes.length, &read, &used), -EBADMSG);
}

/* What a member signs does not change by a byte without a new version. */
static void checkpoint_message(void **state)
{
	struct sb_checkpoint checkpoint = { .chain = "c", .height = 1, .time = { 2, 3 } };
	static const char text[] = "sealbond checkpoint v1\0" "SBCP\1" "\1" "c" "\0\0\0\0\0\0\0\1";
	uint8_t bytes[256] = { 0 }, message[32], wanted[32];
	size_t length = sizeof(text) - 1;

	memcpy(bytes, text, length);
	length += 32;			/* the hash: zeros */
	bytes[length + 7] = 2;		/* seconds */
	bytes[length + 11] = 3;		/* nanoseconds */
	length += 12 + 5;		/* no members, threshold 0 */
	sb_digest_of(bytes, length, wanted);
	assert_int_equal(sb_checkpoint_message(&checkpoint, message), 0);
	assert_memory_equal(message, wanted, 32);
}

/* A recovery says more, is read again the same, and cannot be passed off as a plain checkpoint. */
static void recovery_as_bytes(void **state)
{
	struct sb_checkpoint recovery = at_height(90), read;
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	uint8_t plain[32], message[32];
	size_t used;

	assert_int_equal(sb_checkpoint_message(&recovery, plain), 0);
	recovery.after = 9;
	memset(recovery.after_hash, 9, sizeof(recovery.after_hash));
	assert_int_equal(sb_checkpoint_message(&recovery, message), 0);
	assert_memory_not_equal(plain, message, sizeof(plain));
	sign(&recovery, 1);
	sb_checkpoint_write(&recovery, &bytes);
	memset(&read, 0, sizeof(read));
	assert_int_equal(sb_checkpoint_read(bytes.data, bytes.length, &read, &used), 0);
	assert_memory_equal(&read, &recovery, sizeof(read));
	for (size_t length = 0; length < bytes.length; length++)
		assert_int_equal(sb_checkpoint_read(bytes.data, length, &read, &used), -EBADMSG);
	/* it follows a lower block, or it is none */
	recovery.after = 90;
	bytes.length = 0;
	sb_checkpoint_write(&recovery, &bytes);
	assert_int_equal(sb_checkpoint_read(bytes.data, bytes.length, &read, &used), -EBADMSG);
}

static void checkpoint_signatures(void **state)
{
	struct sb_checkpoint checkpoint = at_height(9), changed;
	struct sb_members members;

	members_of(1, 3, 3, &members);
	sign(&checkpoint, 1);
	sign(&checkpoint, 9);		/* nobody's */
	assert_int_equal(sb_checkpoint_verify(&checkpoint, &members, &error), -ENOKEY);
	members.member[0].weight = members.member[1].weight = members.member[2].weight = 3;
	assert_int_equal(sb_checkpoint_verify(&checkpoint, &members, &error), 0);
	changed = checkpoint;
	changed.height++;
	assert_int_equal(sb_checkpoint_verify(&changed, &members, &error), -EKEYREJECTED);
	changed = checkpoint;
	changed.members = members;
	assert_int_equal(sb_checkpoint_verify(&changed, &members, &error), -EKEYREJECTED);
	members.count = 0;
	members.threshold = 0;
	assert_int_equal(sb_checkpoint_verify(&checkpoint, &members, &error), -ENOKEY);
}

/* Each names who may sign the next: a device follows although nobody of its own members is left. */
static void checkpoints_hand_over(void **state)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes list = { .data = NULL };
	struct sb_checkpoint one = at_height(10), two = at_height(20), three = at_height(30), last;
	struct sb_members members, now;
	size_t first;

	members_of(1, 2, 2, &members);
	members_of(3, 2, 2, &one.members);
	sign(&one, 1);
	sign(&one, 2);
	sign(&two, 3);
	sign(&two, 4);
	sign(&three, 3);		/* not enough yet */
	sb_checkpoint_write(&one, &list);
	first = list.length;
	sb_checkpoint_write(&two, &list);
	sb_checkpoint_write(&three, &list);

	now = members;
	assert_int_equal(sb_checkpoint_follow(list.data, list.length, WORLD_CHAIN, 5, &now, &last, &error), 0);
	assert_int_equal(last.height, 20);
	assert_memory_equal(&now, &one.members, sizeof(now));
	/* who is behind the first one already does not need it, but its members */
	now = one.members;
	assert_int_equal(sb_checkpoint_follow(list.data, list.length, WORLD_CHAIN, 10, &now, &last, &error), 0);
	assert_int_equal(last.height, 20);
	assert_int_equal(sb_checkpoint_follow(list.data, list.length, WORLD_CHAIN, 30, &now, &last, &error), -ENOENT);
	/* without the first nobody knows the second's signers */
	now = members;
	assert_int_equal(sb_checkpoint_follow(list.data + first, list.length - first, WORLD_CHAIN, 5, &now, &last,
					      &error), -ENOKEY);
	assert_memory_equal(&now, &members, sizeof(now));
	assert_int_equal(sb_checkpoint_follow(list.data, list.length - 1, WORLD_CHAIN, 5, &now, &last, &error),
			 -EBADMSG);
	assert_int_equal(sb_checkpoint_follow(list.data, list.length, "other", 5, &now, &last, &error), -EKEYREJECTED);
}

static struct ledger ledger;

static void trust_as_bytes(void **state)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL }, again = { .data = NULL };
	struct sb_trust trust = { .chain = WORLD_CHAIN, .received_ms = 77, .members_height = 3 }, read;

	ledger_init(&ledger, WORLD_START, 3, 2);
	ledger_grow(&ledger, 12);
	world_commit(&ledger.at[12].block, 1);
	members_of(1, 2, 1, &trust.members);
	memset(trust.boot_id, 4, sizeof(trust.boot_id));
	for (unsigned int h = 2; h <= 12; h += 2) {
		struct sb_light_block block = world_copy(&ledger.at[h].block);

		sb_trust_add(&trust, &block);
	}
	/* the first and the latest are kept */
	assert_int_equal(trust.count, SB_TRUST_BLOCKS);
	assert_int_equal(trust.block[0].header.height, 2);
	assert_int_equal(trust.block[1].header.height, 6);
	assert_int_equal(sb_trust_latest(&trust)->header.height, 12);
	sb_trust_write(&trust, &bytes);
	assert_int_equal(sb_trust_read(bytes.data, bytes.length, &read), 0);
	sb_trust_write(&read, &again);
	assert_int_equal(again.length, bytes.length);
	assert_memory_equal(again.data, bytes.data, bytes.length);
	assert_memory_equal(&read.block[4].header, &ledger.at[12].block.header, sizeof(read.block[4].header));
	sb_trust_free(&read);
	for (size_t i = 0; i < bytes.length; i += 7) {
		bytes.data[i] ^= 0x10;
		assert_int_equal(sb_trust_read(bytes.data, bytes.length, &read), -EBADMSG);
		bytes.data[i] ^= 0x10;
	}
	assert_int_equal(sb_trust_read(bytes.data, bytes.length - 1, &read), -EBADMSG);
	/* with a checksum that fits, blocks must still be whole */
	trust.block[2].header.data.bytes[0] ^= 1;
	again.length = 0;
	sb_trust_write(&trust, &again);
	assert_int_equal(sb_trust_read(again.data, again.length, &read), -EBADMSG);
	sb_trust_free(&trust);
	ledger_free(&ledger);
}

static void climbs(void **state)
{
	for (unsigned int total = 1; total <= 9; total++) {
		for (unsigned int at = 0; at < total; at++) {
			struct sb_merkle_proof proof = { .total = total, .index = at };
			uint8_t leaf[9][32], level[9][32], root[32], wanted[32], aunts[8][32];
			unsigned int first = 0, count = total, span[8][2], spans = 0;
			struct sb_merkle merkle;

			sb_merkle_init(&merkle);
			for (unsigned int i = 0; i < total; i++) {
				memset(leaf[i], (int)i + 1, 32);
				sb_merkle_add(&merkle, leaf[i], 32);
				sb_merkle_leaf(leaf[i], 32, level[i]);
			}
			sb_merkle_root(&merkle, wanted);
			while (count > 1) {
				unsigned int left = 1;
				bool right;

				while (left * 2 < count)
					left *= 2;
				right = at >= first + left;
				span[spans][0] = right ? first : first + left;
				span[spans++][1] = right ? left : count - left;
				first += right ? left : 0;
				count = right ? count - left : left;
			}
			for (unsigned int i = 0; i < spans; i++) {
				struct sb_merkle part;

				sb_merkle_init(&part);
				for (unsigned int j = 0; j < span[i][1]; j++)
					sb_merkle_add(&part, leaf[span[i][0] + j], 32);
				sb_merkle_root(&part, aunts[spans - 1 - i]);
				proof.aunt[spans - 1 - i] = aunts[spans - 1 - i];
			}
			proof.leaf = level[at];
			proof.aunts = spans;
			assert_true(sb_merkle_climb(&proof, root));
			assert_memory_equal(root, wanted, 32);
			proof.aunts++;
			proof.aunt[spans] = wanted;
			assert_false(sb_merkle_climb(&proof, root));
			proof.aunts = spans;
			proof.index = total;
			assert_false(sb_merkle_climb(&proof, root));
		}
	}
}

/* A record under the app hash of a real tree, by both kinds of proofs; each byte that is changed spoils it. */
static void proves(void **state)
{
	static uint8_t data[SB_PROOF_MAX], store[80];
	uint8_t path[32], root[32];
	struct sb_app_hash app = { .length = 32 };
	struct sb_query_answer answer = { .ops = 2 };
	bool present;

	ledger_init(&ledger, WORLD_START, 1, 0);
	for (unsigned int i = 0; i < 40; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k/%u", i);
		ledger_set(&ledger, key, "value");
	}
	ledger_state(&ledger);
	assert_int_equal(sb_tree_root(sb_memory_pages(ledger.state[0].memory), root), 0);
	sb_query_app_hash(root, app.bytes);
	memcpy(store, "\x0a\x08" SB_QUERY_STORE "\x12\x24\x08\x01\x1a\x20", 16);
	memcpy(store + 16, app.bytes, 32);
	strcpy(answer.op[1].type, SB_OP_SIMPLE);
	answer.op[1].key = (uint8_t *)SB_QUERY_STORE;
	answer.op[1].key_length = 8;
	answer.op[1].data = store;
	answer.op[1].data_length = 48;
	answer.op[0].key = path;
	answer.op[0].key_length = 32;
	answer.op[0].data = data;
	answer.key = path;
	answer.key_length = 32;

	sb_tree_digest("k/7", 3, path);
	answer.value = (uint8_t *)"value";
	answer.value_length = 5;
	strcpy(answer.op[0].type, SB_OP_SIMPLE);
	assert_int_equal(sb_tree_prove_simple(sb_memory_pages(ledger.state[0].memory), "k/7", 3, data,
					      &answer.op[0].data_length), 0);
	assert_int_equal(sb_query_verify(&app, "k/7", 3, &answer, &present, &error), 0);
	assert_true(present);
	for (size_t i = 0; i < answer.op[0].data_length; i++) {
		data[i] ^= 1;
		assert_true(sb_query_verify(&app, "k/7", 3, &answer, &present, &error) < 0);
		data[i] ^= 1;
	}
	for (size_t i = 0; i < 48; i++) {
		store[i] ^= 1;
		assert_true(sb_query_verify(&app, "k/7", 3, &answer, &present, &error) < 0);
		store[i] ^= 1;
	}
	assert_true(sb_query_verify(&app, "k/8", 3, &answer, &present, &error) < 0);
	answer.value_length = 4;
	assert_true(sb_query_verify(&app, "k/7", 3, &answer, &present, &error) < 0);
	answer.value_length = 0;
	assert_true(sb_query_verify(&app, "k/7", 3, &answer, &present, &error) < 0);
	answer.value_length = 5;
	answer.ops = 1;
	assert_true(sb_query_verify(&app, "k/7", 3, &answer, &present, &error) < 0);
	answer.ops = 2;
	app.bytes[3] ^= 1;
	assert_true(sb_query_verify(&app, "k/7", 3, &answer, &present, &error) < 0);
	app.bytes[3] ^= 1;

	/* ics23: the same, and absence */
	strcpy(answer.op[0].type, SB_OP_ICS23);
	assert_int_equal(sb_tree_prove(sb_memory_pages(ledger.state[0].memory), "k/7", 3, data, sizeof(data),
				       &answer.op[0].data_length, &present), 0);
	assert_int_equal(sb_query_verify(&app, "k/7", 3, &answer, &present, &error), 0);
	assert_true(present);
	sb_tree_digest("none", 4, path);
	assert_int_equal(sb_tree_prove(sb_memory_pages(ledger.state[0].memory), "none", 4, data, sizeof(data),
				       &answer.op[0].data_length, &present), 0);
	answer.value_length = 0;
	assert_int_equal(sb_query_verify(&app, "none", 4, &answer, &present, &error), 0);
	assert_false(present);
	for (size_t i = 0; i < answer.op[0].data_length; i++) {
		data[i] ^= 1;
		assert_true(sb_query_verify(&app, "none", 4, &answer, &present, &error) < 0);
		data[i] ^= 1;
	}
	answer.value_length = 5;
	assert_true(sb_query_verify(&app, "none", 4, &answer, &present, &error) < 0);
	ledger_free(&ledger);
}

static enum sb_fault answered(const char *text)
{
	json_object *result = NULL;
	enum sb_fault fault = sb_answer_result(text, strlen(text), 7, &result, &error);

	json_object_put(result);
	return fault;
}

static void answers(void **state)
{
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}\n"), SB_FAULT_NONE);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}"), SB_FAULT_ID);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":{}}"), SB_FAULT_ID);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"result\":{}}"), SB_FAULT_ID);
	assert_int_equal(answered("{\"jsonrpc\":\"1.0\",\"id\":7,\"result\":{}}"), SB_FAULT_ANSWER);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":7}"), SB_FAULT_ANSWER);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}} x"), SB_FAULT_ANSWER);
	assert_int_equal(answered("[]"), SB_FAULT_ANSWER);
	assert_int_equal(answered("<html>"), SB_FAULT_ANSWER);
	assert_int_equal(answered(""), SB_FAULT_TRUNCATED);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":7,\"resu"), SB_FAULT_TRUNCATED);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32603,\"message\":\"Internal error\","
				  "\"data\":\"height 99 must be less than or equal to the current blockchain height 60\"}}"),
			 SB_FAULT_TOO_HIGH);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32603,\"message\":\"Internal error\","
				  "\"data\":\"height 3 is not available, lowest height is 9\"}}"), SB_FAULT_NOT_AVAILABLE);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32603,\"message\":\"Internal error\","
				  "\"data\":\"tx (AB12) not found\"}}"), SB_FAULT_NOT_FOUND);
	assert_int_equal(answered("{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32603,\"message\":\"\x1b[31mred\"}}"),
			 SB_FAULT_RPC);
	/* nobody's terminal is written to */
	assert_null(strchr(error.text, '\x1b'));
}

static void times(void **state)
{
	struct sb_now_facts facts = { .believed = true, .clock = { 1000, 5 }, .floor = 500 };
	struct sb_light_now now = sb_now_of(&facts);

	assert_true(now.known && now.time.seconds == 1000);
	facts.believed = false;
	now = sb_now_of(&facts);
	assert_true(!now.known && now.time.seconds == 500);
	facts.has_proven = true;
	facts.proven = (struct sb_chain_time){ 700, 900000000 };
	facts.elapsed_ms = 2200;
	now = sb_now_of(&facts);
	assert_true(!now.known && now.time.seconds == 703 && now.time.nanos == 100000000);
	facts.believed = true;
	now = sb_now_of(&facts);
	assert_true(now.known && now.time.seconds == 1000);
	/* a clock that lost the time is none */
	facts.clock.seconds = 60;
	now = sb_now_of(&facts);
	assert_true(!now.known && now.time.seconds == 703);
	facts.has_proven = false;
	now = sb_now_of(&facts);
	assert_true(!now.known && now.time.seconds == 500);
}

static void text(void **state)
{
	static const uint8_t bytes[] = { 0xff, 0xee, 0xdd, 0xcc, 0x01 };
	static const char *const wanted[] = { "", "/w==", "/+4=", "/+7d", "/+7dzA==", "/+7dzAE=" };
	char time[SB_JSON_TIME_ROOM];
	struct sb_chain_time read;

	for (size_t i = 0; i <= sizeof(bytes); i++) {
		json_object *object = sb_json_put_base64(bytes, i);

		assert_string_equal(json_object_get_string(object), wanted[i]);
		json_object_put(object);
	}
	assert_string_equal(sb_json_put_time(time, (struct sb_chain_time){ 1700000000, 120000000 }),
			    "2023-11-14T22:13:20.12Z");
	assert_string_equal(sb_json_put_time(time, (struct sb_chain_time){ 1700000000, 0 }), "2023-11-14T22:13:20Z");
	assert_string_equal(sb_json_put_time(time, (struct sb_chain_time){ INT64_MIN, 0 }), "0001-01-01T00:00:00Z");
	assert_int_equal(sb_json_time(time, &read), 0);
}

/* An endpoint's words come to a terminal: nothing in them moves its cursor. */
static void words_of_others(void **state)
{
	json_object *object = json_tokener_parse("{\"data\": \"a\\u001b[2Jb\\u007f\\u009b31mc \\u00e4\"}");
	char text[40], little[4];

	assert_non_null(object);
	sb_json_copy_text(object, "data", text, sizeof(text));
	assert_string_equal(text, "a [2Jb  31mc \xc3\xa4");
	sb_json_copy_text(object, "data", little, sizeof(little));
	assert_string_equal(little, "a [");
	json_object_put(object);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_that_cannot_be), cmocka_unit_test(checkpoints_as_bytes),
		cmocka_unit_test(checkpoint_message), cmocka_unit_test(recovery_as_bytes), cmocka_unit_test(checkpoint_signatures),
		cmocka_unit_test(checkpoints_hand_over), cmocka_unit_test(trust_as_bytes), cmocka_unit_test(climbs),
		cmocka_unit_test(proves), cmocka_unit_test(answers), cmocka_unit_test(times),
		cmocka_unit_test(text), cmocka_unit_test(words_of_others),
	};

	return cmocka_run_group_tests_name("light formats", tests, NULL, NULL);
}
