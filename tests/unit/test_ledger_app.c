// SPDX-License-Identifier: Apache-2.0
/*
 * The ledger as its chain and its clients see it: blocks on the disk, proofs that a light client takes, lists,
 * grants that a kernel would take and those that nobody gets.
 */
#include "app_world.h"

#include "ledger/block.h"

static int open_node(void **state)
{
	assert_true(sodium_init() >= 0);
	*state = make_node(NULL);
	begin_chain(*state);
	return 0;
}

/* Through the light client's verifier, under the app hash of the last block. */
static bool proven(struct node *node, const uint8_t *key, size_t length, const struct sb_app_answer *answer)
{
	struct sb_query_answer query = { .code = answer->code, .height = answer->height, .key = answer->key,
					 .key_length = answer->key_length, .value = answer->value,
					 .value_length = answer->value_length, .ops = answer->ops };
	struct sb_app_hash app = { .length = 32 };
	struct sb_error error;
	bool present = false;

	for (unsigned int i = 0; i < answer->ops; i++) {
		memcpy(query.op[i].type, answer->op[i].type, sizeof(query.op[i].type));
		query.op[i].key = answer->op[i].key;
		query.op[i].key_length = answer->op[i].key_length;
		query.op[i].data = answer->op[i].data;
		query.op[i].data_length = answer->op[i].data_length;
	}
	memcpy(app.bytes, node->app_hash, 32);
	if (sb_query_verify(&app, key, length, &query, &present, &error) < 0)
		return false;
	assert_int_equal(present, answer->value_length != 0);
	return true;
}

static void proofs(void **state)
{
	struct node *node = *state;
	struct sb_app_answer answer;
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length = sb_record_key(SB_RECORD_PARAMETERS, NULL, 0, key);

	ask(node, SB_QUERY_PATH, key, length, true, &answer);
	assert_int_equal(answer.code, 0);
	assert_true(answer.value_length > 10);
	assert_string_equal(answer.op[0].type, "simple:v");
	assert_true(proven(node, key, length, &answer));
	answer.value[3] ^= 1;
	assert_false(proven(node, key, length, &answer));
	sb_app_answer_free(&answer);
	length = sb_record_key(SB_RECORD_DEVICE, node->plant.a.id, 32, key);
	ask(node, SB_QUERY_PATH, key, length, true, &answer);
	assert_int_equal(answer.value_length, 0);
	assert_string_equal(answer.op[0].type, "ics23:smt");
	assert_true(proven(node, key, length, &answer));
	sb_app_answer_free(&answer);
	ask(node, SB_QUERY_PATH, key, 0, true, &answer);
	assert_int_equal(answer.code, SB_TX_FIELD);
	sb_app_answer_free(&answer);
	ask(node, "/nothing", key, 1, true, &answer);
	assert_int_equal(answer.code, SB_TX_UNKNOWN);
	sb_app_answer_free(&answer);
}

static void accounts_and_lists(void **state)
{
	struct node *node = *state;
	Sealbond__RecordsRequest request = SEALBOND__RECORDS_REQUEST__INIT;
	struct sb_app_answer answer;
	uint8_t kind = SB_RECORD_ACCOUNT, after[SB_RECORD_KEY_MAX];
	unsigned int seen = 0;
	bool more = true;

	ask(node, "/account", node->plant.member.key, 32, false, &answer);
	assert_int_equal(answer.value_length, 2);
	sb_app_answer_free(&answer);
	ask(node, "/account", node->plant.a.owner.key, 32, false, &answer);
	assert_int_equal(answer.code, SB_TX_NO_ACCOUNT);
	sb_app_answer_free(&answer);
	ask(node, "/records", "no request", 10, false, &answer);
	assert_int_equal(answer.code, SB_TX_MALFORMED);
	sb_app_answer_free(&answer);
	request.prefix = (ProtobufCBinaryData){ 1, &kind };
	request.most = 1;
	while (more) {
		SB_AUTO_MESSAGE Sealbond__RecordsAnswer *list = NULL;
		size_t length;
		uint8_t *packed = sb_message_pack(&request, &length);

		ask(node, "/records", packed, length, false, &answer);
		free(packed);
		list = sb_message_read(&sealbond__records_answer__descriptor, answer.value, answer.value_length);
		sb_app_answer_free(&answer);
		assert_non_null(list);
		assert_int_equal(list->n_records, 1);
		assert_int_equal(list->height, node->height);
		more = list->more;
		memcpy(after, list->records[0]->key.data, list->records[0]->key.len);
		request.after = (ProtobufCBinaryData){ list->records[0]->key.len, after };
		seen++;
	}
	assert_int_equal(seen, 2);
}

static bool is_signed_by(const struct sb_grant_file *grant, const uint8_t point[64])
{
	uint8_t message[SB_GRANT_MESSAGE_LEN], digest[32];
	struct sb_span hash = { digest, 32 };

	sb_grant_file_message(grant, message);
	sb_digest_of(message, sizeof(message), digest);
	return sb_ecdsa_verify(SB_TPM_CURVE_P256, (struct sb_span){ point, 32 }, (struct sb_span){ point + 32, 32 }, hash,
			       (struct sb_span){ grant->signature[0].r, 32 },
			       (struct sb_span){ grant->signature[0].s, 32 }) == 0;
}

static uint32_t owner_word(struct node *node, struct device *device, bool resume)
{
	size_t length;

	if (resume) {
		BODY(RESUME, resume, Resume, message);

		message.device = span32(device->id);
		return put_tx(node, sign_body(&device->owner, &body, &length), &length);
	} else {
		BODY(SUSPEND, suspend, Suspend, message);

		message.device = span32(device->id);
		return put_tx(node, sign_body(&device->owner, &body, &length), &length);
	}
}

static void grants(void **state)
{
	struct node *node = *state;
	struct device *a = &node->plant.a, *b = &node->plant.b;
	uint8_t secret[32], zone[32], other[32], other_zone[32], holder_proof[64], device_proof[64], nonce[16] = { 1 };
	Sealbond__GrantRequest request = SEALBOND__GRANT_REQUEST__INIT;
	struct sb_grant_file grant;

	sb_zone_authority_new(secret, zone);
	sb_zone_authority_new(other, other_zone);
	live(node, a, secret, holder_proof);
	live(node, b, secret, device_proof);
	request.holder = span32(a->id);
	request.device = span32(b->id);
	request.nonce = (ProtobufCBinaryData){ 16, nonce };
	request.zone = span32(zone);
	request.holder_proof = (ProtobufCBinaryData){ 64, holder_proof };
	request.device_proof = (ProtobufCBinaryData){ 64, device_proof };
	request.as_of = node->time;
	assert_int_equal(granted(node, &request, &grant), SB_TX_OK);
	assert_memory_equal(grant.body.device_id, b->id, 32);
	assert_memory_equal(grant.body.holder, a->id, 32);
	assert_memory_equal(grant.body.key, b->current, 32);
	assert_memory_equal(grant.body.nonce, nonce, 16);
	assert_memory_equal(grant.body.overlay4, "\x0a\x4d\x00\x02", 4);
	assert_int_equal(grant.body.flags, 0);
	/* The earlier of the two leases: a's, which came six blocks before. */
	assert_int_equal(sb_grant_file_duration(&grant), (86400 - 6 * BLOCK_S) * 1000);
	assert_int_equal(sb_grant_file_hold(&grant), 0);
	assert_true(is_signed_by(&grant, node->grant_point));
	request.as_of = 0;

	nonce[0] = 0;
	assert_int_equal(granted(node, &request, &grant), SB_TX_MALFORMED);
	nonce[0] = 1;
	request.zone = span32(other_zone);
	assert_int_equal(granted(node, &request, &grant), SB_TX_NOT_ALLOWED);
	request.zone = span32(zone);
	request.device_proof = (ProtobufCBinaryData){ 64, holder_proof };
	assert_int_equal(granted(node, &request, &grant), SB_TX_NOT_ALLOWED);
	request.device_proof = (ProtobufCBinaryData){ 64, device_proof };
	request.holder_proof = (ProtobufCBinaryData){ 64, device_proof };
	assert_int_equal(granted(node, &request, &grant), SB_TX_NOT_ALLOWED);
	request.holder_proof = (ProtobufCBinaryData){ 64, holder_proof };
	request.device = span32(zone);
	assert_int_equal(granted(node, &request, &grant), SB_TX_UNKNOWN_DEVICE);
	request.device = span32(a->id);
	assert_int_equal(granted(node, &request, &grant), SB_TX_MALFORMED);
	request.device = span32(b->id);
	/* What the ledger does not let talk gets no grant, on either side. */
	assert_int_equal(owner_word(node, b, false), SB_TX_OK);
	assert_int_equal(granted(node, &request, &grant), SB_TX_STATE);
	assert_int_equal(owner_word(node, b, true), SB_TX_OK);
	assert_int_equal(granted(node, &request, &grant), SB_TX_STATE);
	assert_int_equal(owner_word(node, a, false), SB_TX_OK);
	assert_int_equal(granted(node, &request, &grant), SB_TX_STATE);
}

/* Closed and opened it is where it was; a block that was begun and not committed is begun again. */
static void on_the_disk(void **state)
{
	struct node *node = *state;
	uint8_t secret[32], zone[32], proof[64], hash[32], hash_again[32];
	struct sb_tx_result result;
	struct sb_error error;
	int64_t height;
	size_t length;
	uint8_t *tx;
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

	sb_zone_authority_new(secret, zone);
	live(node, &node->plant.a, secret, proof);
	heartbeat_of(&node->plant.a, &heartbeat);
	tx = quote_body(&node->plant.a, node->height, &body, &length);
	begin_block(node);
	assert_int_equal(node->app.deliver(node->app.context, tx, length, &result), 0);
	assert_int_equal(result.code, SB_TX_OK);
	assert_int_equal(node->app.finish(node->app.context, hash), 0);
	sb_ledger_app_close(&node->app);
	assert_int_equal(sb_ledger_app_open(node->home, &node->app, &error), 0);
	assert_int_equal(node->app.info(node->app.context, &height, hash_again), 0);
	assert_int_equal(height, node->height - 1);
	assert_memory_equal(hash_again, node->app_hash, 32);
	node->height--;
	node->time -= BLOCK_S;
	assert_int_equal(put_tx(node, tx, &length), SB_TX_OK);
	assert_memory_equal(node->app_hash, hash, 32);
}

#define PREPARED	40

/* A block that did not come through the door: looked at by several threads before, it leads to the same. */
static void prepared(void **state)
{
	struct node *node = *state;
	uint8_t secret[32], zone[32], proof[64], hash[2][32], *bytes[PREPARED];
	struct sb_tx txs[PREPARED];

	sb_zone_authority_new(secret, zone);
	live(node, &node->plant.a, secret, proof);
	for (unsigned int i = 0; i < PREPARED; i++) {
		BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

		heartbeat_of(&node->plant.a, &heartbeat);
		bytes[i] = quote_body(&node->plant.a, node->height, &body, &txs[i].length);
		txs[i].data = bytes[i];
		/* Of three that follow another, one is cut and one has another body than was signed. */
		if (i % 4 == 1)
			txs[i].length--;
		if (i % 4 == 2)
			bytes[i][8] ^= 1;
	}
	for (int round = 0; round < 2; round++) {
		begin_block(node);
		if (round)
			node->app.prepare(node->app.context, txs, PREPARED);
		for (unsigned int i = 0; i < PREPARED; i++) {
			struct sb_tx_result result;

			assert_int_equal(node->app.deliver(node->app.context, txs[i].data, txs[i].length, &result), 0);
			assert_int_equal(result.code == SB_TX_OK, i % 4 == 0 || i % 4 == 3);
		}
		assert_int_equal(node->app.finish(node->app.context, hash[round]), 0);
		/* The same block once more. */
		node->height--;
		node->time -= BLOCK_S;
	}
	assert_memory_equal(hash[0], hash[1], 32);
	for (unsigned int i = 0; i < PREPARED; i++)
		free(bytes[i]);
}

int main(void)
{
#define IN_NODE(test) cmocka_unit_test_setup_teardown(test, open_node, close_node)
	const struct CMUnitTest tests[] = {
		IN_NODE(proofs), IN_NODE(accounts_and_lists), IN_NODE(grants), IN_NODE(on_the_disk), IN_NODE(prepared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
