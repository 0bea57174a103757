// SPDX-License-Identifier: Apache-2.0
/* A connection of ABCI: its frames, and what CometBFT's pool asks in a row. */
#include "abci_world.h"

#include <errno.h>

static void put_input(struct sb_abci_input *in, const void *data, size_t length)
{
	const uint8_t *from = data;
	size_t space;

	while (length) {
		uint8_t *at = sb_abci_space(in, &space);
		size_t part = length < space ? length : space;

		memcpy(at, from, part);
		sb_abci_added(in, part);
		from += part;
		length -= part;
	}
}

static int take_of(const void *data, size_t length, size_t *size)
{
	struct sb_abci_input in = { 0 };
	const uint8_t *message;
	int rc;

	put_input(&in, data, length);
	rc = sb_abci_take(&in, &message, size);
	sb_abci_input_free(&in);
	return rc;
}

static void frames(void **state)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 16383, 16384, 200000 };
	struct sb_abci_input in = { 0 };
	const uint8_t *message;
	size_t size = 7;

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		uint8_t head[SB_ABCI_LENGTH_MAX], *data = malloc(lengths[i] + 1);
		size_t head_length = sb_abci_length(lengths[i], head);

		memset(data, (int)i, lengths[i] + 1);
		put_input(&in, head, head_length);
		if (lengths[i])
			assert_int_equal(sb_abci_take(&in, &message, &size), 0);
		put_input(&in, data, lengths[i]);
		assert_int_equal(sb_abci_take(&in, &message, &size), 1);
		assert_int_equal(size, lengths[i]);
		assert_memory_equal(message, data, size);
		assert_int_equal(sb_abci_take(&in, &message, &size), 0);
		free(data);
	}
	sb_abci_input_free(&in);
	/* two at once, and half of a third */
	put_input(&in, "\1a\2bc\3d", 7);
	assert_int_equal(sb_abci_take(&in, &message, &size), 1);
	assert_int_equal(sb_abci_take(&in, &message, &size), 1);
	assert_memory_equal(message, "bc", 2);
	assert_int_equal(sb_abci_take(&in, &message, &size), 0);
	sb_abci_input_free(&in);
}

static void bad_frames(void **state)
{
	size_t size;

	assert_int_equal(take_of("", 0, &size), 0);
	assert_int_equal(take_of("\x80", 1, &size), 0);
	assert_int_equal(take_of("\x80\x00", 2, &size), -EBADMSG);
	assert_int_equal(take_of("\x81\x80\x00", 3, &size), -EBADMSG);
	assert_int_equal(take_of("\x81\x80\x80\x20", 4, &size), -EMSGSIZE);
	assert_int_equal(take_of("\xff\xff\xff\xff\x0f", 5, &size), -EMSGSIZE);
	assert_int_equal(take_of("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, &size), -EMSGSIZE);
	/* the longest that is allowed is waited for, and takes no memory yet */
	assert_int_equal(take_of("\x80\x80\x80\x20", 4, &size), 0);
}

/* A request of the pool's, to be freed. */
static uint8_t *pool_request(const ProtobufCBinaryData *tx, size_t *length)
{
	Abci__RequestCheckTx check = ABCI__REQUEST_CHECK_TX__INIT;
	Abci__Flush flush = ABCI__FLUSH__INIT;
	Abci__Request request = ABCI__REQUEST__INIT;
	uint8_t *packed;

	request.value_case = tx ? ABCI__REQUEST__VALUE_CHECK_TX : ABCI__REQUEST__VALUE_FLUSH;
	if (tx) {
		check.tx = *tx;
		request.check_tx = &check;
	} else {
		request.flush = &flush;
	}
	packed = malloc(abci__request__get_packed_size(&request) + 1);
	*length = abci__request__pack(&request, packed);
	assert_true(sb_abci_is_of_pool(packed, *length));
	return packed;
}

/* The code of the next response, or -1: a Flush, -2: an exception. */
static int64_t next_of_pool(struct sb_abci_input *in)
{
	const uint8_t *message;
	Abci__Response *response;
	int64_t code = -2;
	size_t size;

	assert_int_equal(sb_abci_take(in, &message, &size), 1);
	response = abci__response__unpack(NULL, size, message);
	assert_non_null(response);
	if (response->value_case == ABCI__RESPONSE__VALUE_CHECK_TX)
		code = response->check_tx->code;
	else if (response->value_case == ABCI__RESPONSE__VALUE_FLUSH)
		code = -1;
	DONE(response);
	return code;
}

static void many_at_the_door(void **state)
{
	struct engine *engine = *state;
	uint8_t key[32] = { 9 };
	ProtobufCBinaryData good = decide_validator(engine, key, 10), bad = BYTES("nothing", 7);
	const ProtobufCBinaryData *wave[] = { &good, &bad, NULL, &good, &good, &bad, NULL };
	struct sb_abci_pool pool = { .count = 0 };
	struct sb_abci_output out = { 0 };
	struct sb_abci_input in = { 0 };

	engine_init(engine);
	empty_blocks(engine, 1);
	while (pool.count < SB_ABCI_POOL_MOST) {
		pool.message[pool.count] = pool_request(wave[pool.count % 7], &pool.length[pool.count]);
		pool.count++;
	}
	assert_false(sb_abci_is_of_pool((const uint8_t *)"", 0));
	assert_false(sb_abci_is_of_pool((const uint8_t *)"\x1a\x00", 2));
	assert_int_equal(sb_abci_answer_pool(engine->abci, &engine->mempool, &pool, &out, &engine->error), 0);
	assert_int_equal(pool.count, 0);
	put_input(&in, out.data, out.length);
	for (size_t i = 0; i < SB_ABCI_POOL_MOST; i++) {
		const ProtobufCBinaryData *tx = wave[i % 7];

		assert_int_equal(next_of_pool(&in), !tx ? -1 : tx == &good ? 0 : SB_TX_MALFORMED);
	}
	/* one that is no request: those before it have their answers, those behind it none */
	out.length = 0;
	pool.count = 3;
	free((void *)pool.message[1]);
	pool.message[1] = (const uint8_t *)strdup("\x42\x7f");
	pool.length[1] = 2;
	assert_int_equal(sb_abci_answer_pool(engine->abci, &engine->mempool, &pool, &out, &engine->error), -EPROTO);
	put_input(&in, out.data, out.length);
	assert_int_equal(next_of_pool(&in), 0);
	assert_int_equal(next_of_pool(&in), -2);
	assert_int_equal(in.begin, in.end);
	for (size_t i = 0; i < SB_ABCI_POOL_MOST; i++)
		free((void *)pool.message[i]);
	sb_abci_input_free(&in);
	sb_abci_output_free(&out);
	free(good.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames),
		cmocka_unit_test(bad_frames),
		cmocka_unit_test_setup_teardown(many_at_the_door, engine_set_up, engine_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
