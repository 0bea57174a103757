// SPDX-License-Identifier: Apache-2.0
/* ABCI as CometBFT asks it: each method, what is refused, and what a crash leaves. */
#include "abci_world.h"

#include <errno.h>

#include "light/query.h"

static void echo_and_info(void **state)
{
	struct engine *engine = *state;
	Abci__Response *response;

	response = ASK(engine, &engine->query, ECHO, echo, Echo, echo, _message.message = (char *)"hello");
	assert_string_equal(response->echo->message, "hello");
	DONE(response);
	DONE(ASK(engine, &engine->query, FLUSH, flush, Flush, flush));
	assert_int_equal(engine_height(engine), 0);
}

static void no_request(void **state)
{
	struct engine *engine = *state;
	struct sb_abci_output out = { 0 };
	Abci__Request request = ABCI__REQUEST__INIT;
	Abci__Response *response;

	assert_int_equal(sb_abci_answer(engine->abci, &engine->query, (const uint8_t *)"\xff\xff", 2, &out,
					&engine->error), -EPROTO);
	assert_true(out.length > 4);
	sb_abci_output_free(&out);
	assert_int_equal(ask(engine, &engine->query, &request, &response), -EPROTO);
	DONE(response);
}

static void beginnings(void **state)
{
	struct engine *engine = *state;
	Abci__Response *response;

	assert_int_equal(try_init(engine, 0, VALIDATORS, 10, &response), -EINVAL);
	assert_non_null(strstr(response->exception->error, "app_state.validators"));
	DONE(response);
	assert_int_equal(try_init(engine, VALIDATORS, 2, 10, &response), -EINVAL);
	DONE(response);
	assert_int_equal(try_init(engine, VALIDATORS, VALIDATORS, 11, &response), -EINVAL);
	DONE(response);
	assert_int_equal(try_init(engine, VALIDATORS, 0, 0, &response), 0);
	DONE(response);
	engine_init(engine);
	response = finalize(engine, 0, NULL, 0, NULL);
	/* (those of the genesis were told) */
	assert_int_equal(response->finalize_block->n_validator_updates, 0);
	DONE(response);
	assert_int_equal(engine_height(engine), 0);
	commit(engine);
	assert_int_equal(engine_height(engine), 1);
	assert_int_equal(try_init(engine, VALIDATORS, VALIDATORS, 10, &response), -EEXIST);
	DONE(response);
	engine->consensus.in_block = true;
}

/* What is asked of the state meets no block that is under way. */
static void beside_a_block(void **state)
{
	struct engine *engine = *state;
	uint8_t key[SB_RECORD_KEY_MAX], new_one[32] = { 9 }, other[32];
	size_t length = sb_record_key(SB_RECORD_VALIDATOR, new_one, 32, key);
	Abci__Response *response, *block;
	ProtobufCBinaryData tx;

	engine_init(engine);
	empty_blocks(engine, 2);
	tx = decide_validator(engine, new_one, 10);
	response = ASK(engine, &engine->mempool, CHECK_TX, check_tx, RequestCheckTx, request_check_tx, _message.tx = tx);
	assert_int_equal(response->check_tx->code, 0);
	DONE(response);
	block = finalize(engine, 1, &tx, 0, NULL);
	assert_int_equal(block->finalize_block->tx_results[0]->code, 0);
	assert_int_equal(block->finalize_block->tx_results[0]->data.len, 32);
	DONE(block);
	memcpy(other, engine->app_hash, 32);
	assert_int_equal(engine_height(engine), 2);
	assert_memory_not_equal(other, engine->app_hash, 32);
	response = ASK(engine, &engine->query, QUERY, query, RequestQuery, request_query, ({
		_message.path = (char *)SB_QUERY_PATH;
		_message.data = BYTES(key, length);
		_message.prove = true;
	}));
	assert_int_equal(response->query->height, 2);
	assert_int_equal(response->query->value.len, 0);
	assert_int_equal(response->query->proof_ops->n_ops, 2);
	DONE(response);
	response = ASK(engine, &engine->mempool, CHECK_TX, check_tx, RequestCheckTx, request_check_tx, _message.tx = tx);
	assert_int_equal(response->check_tx->code, 0);
	DONE(response);
	commit(engine);
	response = ASK(engine, &engine->query, QUERY, query, RequestQuery, request_query, ({
		_message.path = (char *)SB_QUERY_PATH;
		_message.data = BYTES(key, length);
		_message.prove = true;
	}));
	assert_int_equal(response->query->height, 3);
	assert_true(response->query->value.len > 32);
	assert_string_equal(response->query->proof_ops->ops[0]->type, "simple:v");
	DONE(response);
	/* once more: its sequence is over */
	response = ASK(engine, &engine->mempool, CHECK_TX, check_tx, RequestCheckTx, request_check_tx, ({
		_message.tx = tx;
		_message.type = 1;
	}));
	assert_int_equal(response->check_tx->code, SB_TX_SEQUENCE);
	DONE(response);
	free(tx.data);
}

static void checks_at_the_door(void **state)
{
	struct engine *engine = *state;
	uint8_t *big = calloc(1, 1 << 20), key[32] = { 9 };
	ProtobufCBinaryData cases[] = { BYTES("nothing", 7), BYTES(big, 65537), BYTES(big, 1 << 20), BYTES("", 0),
					decide_validator(engine, key, 10) };
	static const uint32_t codes[] = { SB_TX_MALFORMED, SB_TX_TOO_LONG, SB_TX_TOO_LONG, SB_TX_MALFORMED,
					  SB_TX_SIGNATURE };

	engine_init(engine);
	empty_blocks(engine, 1);
	cases[4].data[cases[4].len - 1] ^= 1;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		Abci__Response *response = ASK(engine, &engine->mempool, CHECK_TX, check_tx, RequestCheckTx,
					       request_check_tx, _message.tx = cases[i]);

		assert_int_equal(response->check_tx->code, codes[i]);
		assert_true(response->check_tx->log[0]);
		DONE(response);
	}
	free(cases[4].data);
	free(big);
}

static Abci__Verdict process(struct engine *engine, size_t count, ProtobufCBinaryData *txs)
{
	Abci__Response *response = ASK(engine, &engine->consensus, PROCESS_PROPOSAL, process_proposal,
				       RequestProcessProposal, request_process_proposal, ({
		_message.n_txs = count;
		_message.txs = txs;
	}));
	Abci__Verdict verdict = response->process_proposal->status;

	DONE(response);
	return verdict;
}

static void proposals(void **state)
{
	struct engine *engine = *state;
	uint8_t key[32] = { 9 };
	ProtobufCBinaryData a, b, list[5];
	Abci__Response *response;

	engine_init(engine);
	empty_blocks(engine, 1);
	a = decide_validator(engine, key, 10);
	b = decide_validator(engine, key, 11);
	memcpy(list, (ProtobufCBinaryData[]){ a, BYTES("no", 2), a, b, b }, sizeof(list));
	response = ASK(engine, &engine->consensus, PREPARE_PROPOSAL, prepare_proposal, RequestPrepareProposal,
		       request_prepare_proposal, ({
		_message.max_tx_bytes = 10000;
		_message.n_txs = 5;
		_message.txs = list;
	}));
	assert_int_equal(response->prepare_proposal->n_txs, 2);
	assert_true(sb_bytes_are(response->prepare_proposal->txs[0], a.data, a.len));
	assert_true(sb_bytes_are(response->prepare_proposal->txs[1], b.data, b.len));
	assert_int_equal(process(engine, 2, response->prepare_proposal->txs), ABCI__VERDICT__VERDICT_ACCEPT);
	DONE(response);
	assert_int_equal(process(engine, 5, list), ABCI__VERDICT__VERDICT_REJECT);
	assert_int_equal(process(engine, 2, list), ABCI__VERDICT__VERDICT_REJECT);
	list[1] = a;
	assert_int_equal(process(engine, 2, list), ABCI__VERDICT__VERDICT_REJECT);
	assert_int_equal(process(engine, 0, NULL), ABCI__VERDICT__VERDICT_ACCEPT);
	list[1] = b;
	/* with its field's number and its length (two bytes, since it has more than 127) */
	assert_true(a.len > 127);
	for (int64_t less = 0; less < 2; less++) {
		response = ASK(engine, &engine->consensus, PREPARE_PROPOSAL, prepare_proposal, RequestPrepareProposal,
			       request_prepare_proposal, ({
			_message.max_tx_bytes = (int64_t)a.len + 3 - less;
			_message.n_txs = 2;
			_message.txs = list;
		}));
		assert_int_equal(response->prepare_proposal->n_txs, 1 - less);
		DONE(response);
	}
	free(a.data);
	free(b.data);
}

/* One that waits for another, which this pool does not have yet, is left for a later block. */
static void out_of_order(void **state)
{
	struct engine *engine = *state;
	Abci__Time time = ABCI__TIME__INIT;
	ProtobufCBinaryData first, list[2];
	uint8_t key[32] = { 9 };
	Abci__Response *response;

	engine_init(engine);
	empty_blocks(engine, 1);
	time.seconds = START + 100;
	first = decide_validator(engine, key, 10);
	list[0] = decide_validator(engine, key, 11);
	list[1] = first;
	for (int64_t height = 2; height <= 64; height += 62) {
		response = ASK(engine, &engine->consensus, PREPARE_PROPOSAL, prepare_proposal, RequestPrepareProposal,
			       request_prepare_proposal, ({
			_message.max_tx_bytes = 10000;
			_message.n_txs = 2;
			_message.txs = list;
			_message.height = height;
			_message.time = &time;
		}));
		/* for ever it does not stay in anybody's way */
		assert_int_equal(response->prepare_proposal->n_txs, height == 64 ? 2 : 1);
		if (height == 2)
			assert_true(sb_bytes_are(response->prepare_proposal->txs[0], first.data, first.len));
		DONE(response);
	}
	assert_int_equal(engine_height(engine), 1);
	free(list[0].data);
	free(first.data);
}

static void votes(void **state)
{
	struct engine *engine = *state;
	Abci__Response *response = ASK(engine, &engine->consensus, EXTEND_VOTE, extend_vote, RequestExtendVote,
				       request_extend_vote, _message.height = 1);

	assert_int_equal(response->extend_vote->vote_extension.len, 0);
	DONE(response);
	response = ASK(engine, &engine->consensus, VERIFY_VOTE_EXTENSION, verify_vote_extension,
		       RequestVerifyVoteExtension, request_verify_vote_extension, _message.height = 1);
	assert_int_equal(response->verify_vote_extension->status, ABCI__VERDICT__VERDICT_ACCEPT);
	DONE(response);
	response = ASK(engine, &engine->consensus, VERIFY_VOTE_EXTENSION, verify_vote_extension,
		       RequestVerifyVoteExtension, request_verify_vote_extension,
		       _message.vote_extension = BYTES("x", 1));
	assert_int_equal(response->verify_vote_extension->status, ABCI__VERDICT__VERDICT_REJECT);
	DONE(response);
}

static void order(void **state)
{
	struct engine *engine = *state;
	Abci__Request request = ABCI__REQUEST__INIT;
	Abci__RequestCommit none = ABCI__REQUEST_COMMIT__INIT;
	Abci__RequestFinalizeBlock block = ABCI__REQUEST_FINALIZE_BLOCK__INIT;
	Abci__Time time = ABCI__TIME__INIT;
	uint8_t hash[32] = { 1 };
	Abci__Response *response;

	request.value_case = ABCI__REQUEST__VALUE_COMMIT;
	request.commit = &none;
	assert_int_equal(ask(engine, &engine->consensus, &request, &response), -EPROTO);
	DONE(response);
	engine_init(engine);
	assert_int_equal(ask(engine, &engine->consensus, &request, &response), -EPROTO);
	DONE(response);
	DONE(finalize(engine, 0, NULL, 0, NULL));
	request.value_case = ABCI__REQUEST__VALUE_FINALIZE_BLOCK;
	request.finalize_block = &block;
	block.hash = BYTES(hash, 32);
	block.height = 2;
	block.time = &time;
	/* before its commit, and of another connection meanwhile */
	assert_int_equal(ask(engine, &engine->consensus, &request, &response), -EPROTO);
	DONE(response);
	assert_int_equal(ask(engine, &engine->query, &request, &response), -EPROTO);
	assert_non_null(strstr(response->exception->error, "another connection"));
	DONE(response);
	commit(engine);
	for (int i = 0; i < 3; i++) {
		block.hash.len = i == 0 ? 31 : 32;
		block.height = i == 1 ? 0 : 2;
		block.time = i == 2 ? NULL : &time;
		assert_int_equal(ask(engine, &engine->consensus, &request, &response), -EPROTO);
		DONE(response);
	}
	empty_blocks(engine, 3);
}

static void check_update(const Abci__Response *response, const uint8_t *key, int64_t power)
{
	const Abci__ResponseFinalizeBlock *block = response->finalize_block;

	assert_int_equal(block->n_validator_updates, key ? 1 : 0);
	if (!key)
		return;
	assert_true(sb_bytes_are(block->validator_updates[0]->pub_key->ed25519, key, 32));
	assert_int_equal(block->validator_updates[0]->power, power);
}

static void validators(void **state)
{
	struct engine *engine = *state;
	static const struct {
		uint8_t key;
		uint64_t power;
	} steps[] = { { 9, 10 }, { 9, 12 }, { 9, 12 }, { 9, 0 }, { 0x11, 0 } };
	Abci__Response *block;

	engine_init(engine);
	empty_blocks(engine, 1);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint8_t key[32];
		ProtobufCBinaryData tx;

		memset(key, steps[i].key, sizeof(key));
		tx = decide_validator(engine, key, steps[i].power);
		block = finalize(engine, 1, &tx, 0, NULL);
		assert_int_equal(block->finalize_block->tx_results[0]->code, 0);
		check_update(block, i == 2 ? NULL : key, (int64_t)steps[i].power);
		DONE(block);
		free(tx.data);
		commit(engine);
		/* once only, and not again after the state was opened anew */
		if (i == 1) {
			engine_stop(engine);
			engine_start(engine);
		}
		block = finalize(engine, 0, NULL, 0, NULL);
		check_update(block, NULL, 0);
		DONE(block);
		commit(engine);
		empty_blocks(engine, engine->height + 1);
	}
}

static uint32_t decided(struct engine *engine, const uint8_t key[32], uint64_t power)
{
	ProtobufCBinaryData tx = decide_validator(engine, key, power);
	Abci__Response *block = finalize(engine, 1, &tx, 0, NULL);
	uint32_t code = block->finalize_block->tx_results[0]->code;

	if (code)
		engine->member.sequence--;
	note_code(code);
	DONE(block);
	free(tx.data);
	commit(engine);
	return code;
}

/* Whose signature the commit of the block before has: only these are sure to make the next blocks. */
static void signers(void **state)
{
	struct engine *engine = *state;
	uint8_t key[32] = { 9 };

	engine_init(engine);
	assert_int_equal(decided(engine, key, 10), SB_TX_VALIDATORS_ASLEEP);
	for (int flag = 0; flag < 4; flag++) {
		engine->signs[1] = flag == ABCI__BLOCK_ID_FLAG__FLAG_COMMIT ? 77 : (Abci__BlockIdFlag)flag;
		if (flag)
			assert_int_equal(decided(engine, key, 10), SB_TX_VALIDATORS_ASLEEP);
	}
	/* of those who are left more than two thirds have signed */
	assert_int_equal(decided(engine, engine->validator[1], 0), SB_TX_OK);
	assert_int_equal(decided(engine, key, 9), SB_TX_VALIDATORS_CHANGE);
	empty_blocks(engine, engine->height + 1);
	assert_int_equal(decided(engine, key, 9), SB_TX_OK);
}

static Abci__Response *accuse(struct engine *engine, const uint8_t key[32], Abci__MisbehaviorType type)
{
	Abci__Misbehavior one = ABCI__MISBEHAVIOR__INIT, *list[] = { &one, &one };
	Abci__Validator validator = ABCI__VALIDATOR__INIT;
	uint8_t hash[32];

	SHA256(key, 32, hash);
	validator.address = BYTES(hash, 20);
	one.validator = &validator;
	one.type = type;
	one.height = 1;
	return finalize(engine, 0, NULL, 2, list);
}

static uint64_t incidents(struct engine *engine)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length = sb_record_key(SB_RECORD_COUNTERS, NULL, 0, key);
	SB_AUTO_MESSAGE Sealbond__Counters *counters = NULL;
	Abci__Response *response = ASK(engine, &engine->query, QUERY, query, RequestQuery, request_query, ({
		_message.path = (char *)SB_QUERY_PATH;
		_message.data = BYTES(key, length);
	}));

	counters = sb_message_read(&sealbond__counters__descriptor, response->query->value.data,
				   response->query->value.len);
	DONE(response);
	return counters ? counters->incidents : 0;
}

static void misbehavior(void **state)
{
	struct engine *engine = *state;
	uint8_t stranger[32] = { 77 };
	Abci__Response *block;

	engine_init(engine);
	empty_blocks(engine, 1);
	/* told twice in a block, and again in the next one: one incident */
	block = accuse(engine, engine->validator[1], ABCI__MISBEHAVIOR_TYPE__DUPLICATE_VOTE);
	check_update(block, engine->validator[1], 0);
	DONE(block);
	commit(engine);
	assert_int_equal(incidents(engine), 1);
	block = accuse(engine, engine->validator[1], ABCI__MISBEHAVIOR_TYPE__DUPLICATE_VOTE);
	check_update(block, NULL, 0);
	DONE(block);
	commit(engine);
	assert_int_equal(incidents(engine), 1);
	block = accuse(engine, stranger, ABCI__MISBEHAVIOR_TYPE__DUPLICATE_VOTE);
	check_update(block, NULL, 0);
	DONE(block);
	commit(engine);
	assert_int_equal(incidents(engine), 2);
	block = accuse(engine, engine->validator[2], ABCI__MISBEHAVIOR_TYPE__LIGHT_CLIENT_ATTACK);
	check_update(block, engine->validator[2], 0);
	DONE(block);
	commit(engine);
	/* the last one stays, or there would be nobody */
	block = accuse(engine, engine->validator[0], ABCI__MISBEHAVIOR_TYPE__DUPLICATE_VOTE);
	check_update(block, NULL, 0);
	DONE(block);
	commit(engine);
	assert_int_equal(incidents(engine), 4);
}

/* A process that ends between FinalizeBlock and Commit is where it was, and comes to the same again. */
static void crashes(void **state)
{
	struct engine *engine = *state;
	uint8_t key[32] = { 9 }, hash[32];
	ProtobufCBinaryData tx;

	engine_init(engine);
	engine_stop(engine);
	engine_start(engine);
	assert_int_equal(engine_height(engine), 0);
	engine_init(engine);
	DONE(finalize(engine, 0, NULL, 0, NULL));
	memcpy(hash, engine->app_hash, 32);
	engine_stop(engine);
	engine_start(engine);
	assert_int_equal(engine_height(engine), 0);
	engine->height = 0;
	engine_init(engine);
	DONE(finalize(engine, 0, NULL, 0, NULL));
	assert_memory_equal(hash, engine->app_hash, 32);
	commit(engine);
	tx = decide_validator(engine, key, 10);
	for (int i = 0; i < 3; i++) {
		DONE(finalize(engine, 1, &tx, 0, NULL));
		if (i)
			assert_memory_equal(hash, engine->app_hash, 32);
		memcpy(hash, engine->app_hash, 32);
		/* a connection that breaks, or the whole process */
		if (i == 1) {
			sb_abci_leave(engine->abci, &engine->consensus);
			engine->height = 1;
		} else if (i == 0) {
			engine_stop(engine);
			engine_start(engine);
			assert_int_equal(engine_height(engine), 1);
			engine->height = 1;
		}
	}
	commit(engine);
	engine_stop(engine);
	engine_start(engine);
	assert_int_equal(engine_height(engine), 2);
	assert_memory_equal(hash, engine->app_hash, 32);
	free(tx.data);
}

static void retaining(void **state)
{
	struct engine *engine = *state;

	engine->options.retain = 10;
	engine_init(engine);
	for (int i = 1; i <= 12; i++) {
		DONE(finalize(engine, 0, NULL, 0, NULL));
		assert_int_equal(commit(engine), i > 10 ? i - 10 : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(echo_and_info, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(no_request, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(beginnings, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(beside_a_block, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(checks_at_the_door, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(proposals, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(out_of_order, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(votes, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(order, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(validators, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(signers, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(misbehavior, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(crashes, engine_set_up, engine_tear_down),
		cmocka_unit_test_setup_teardown(retaining, engine_set_up, engine_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
