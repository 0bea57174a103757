// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <errno.h>

#include "common/frame.h"

static const struct sb_frame_header header = { .length = 5, .type = 0x1234, .from = 1, .to = 2 };

static void round_trip(void **state)
{
	uint8_t frame[32];
	struct sb_frame_header read;
	const uint8_t *payload;

	assert_int_equal(sb_frame_encode(frame, sizeof(frame), &header, "hello"), 13);
	assert_int_equal(sb_frame_decode(frame, 13, &read, &payload), 13);
	assert_memory_equal(&read, &header, sizeof(header));
	assert_ptr_equal(payload, frame + 8);
	assert_memory_equal(payload, "hello", 5);
}

/* Each part of a frame asks for more and touches nothing; bytes behind a frame are the next one's. */
static void truncated(void **state)
{
	uint8_t frame[14] = { 0 };

	sb_frame_encode(frame, sizeof(frame), &header, "hello");
	for (size_t length = 0; length < 13; length++) {
		struct sb_frame_header read = { .type = 7 };
		const uint8_t *payload = NULL;
		uint8_t *copy = malloc(length + 1);

		memcpy(copy, frame, length);
		assert_int_equal(sb_frame_decode(copy, length, &read, &payload), 0);
		assert_int_equal(read.type, 7);
		assert_null(payload);
		free(copy);
	}
	struct sb_frame_header read;
	const uint8_t *payload;

	assert_int_equal(sb_frame_decode(frame, sizeof(frame), &read, &payload), 13);
}

static void empty(void **state)
{
	const struct sb_frame_header nothing = { .type = 1 };
	struct sb_frame_header read;
	const uint8_t *payload;
	uint8_t frame[8];

	assert_int_equal(sb_frame_encode(frame, sizeof(frame), &nothing, NULL), 8);
	assert_int_equal(sb_frame_decode(frame, 8, &read, &payload), 8);
	assert_int_equal(read.length, 0);
}

/* Refused at the header, before anybody waits for or allocates what it promises. */
static void oversized(void **state)
{
	static const uint32_t lengths[] = { SB_FRAME_MAX + 1, 0x7fffffff, 0xffffffff, 0xfffffff8 };
	uint8_t frame[8] = { 0 }, small[12];
	struct sb_frame_header read, big = { .length = SB_FRAME_MAX + 1 };
	const uint8_t *payload;
	uint8_t *whole = calloc(1, SB_FRAME_MAX + 8), *payload_max = calloc(1, SB_FRAME_MAX + 1);

	for (size_t i = 0; i < 4; i++) {
		memcpy(frame, &lengths[i], 4);
		assert_int_equal(sb_frame_decode(frame, sizeof(frame), &read, &payload), -EMSGSIZE);
	}
	assert_int_equal(sb_frame_encode(whole, SB_FRAME_MAX + 8, &big, payload_max), -EMSGSIZE);
	assert_int_equal(sb_frame_encode(small, sizeof(small), &header, "hello"), -EMSGSIZE);
	big.length = SB_FRAME_MAX;
	assert_int_equal(sb_frame_encode(whole, SB_FRAME_MAX + 8, &big, payload_max), SB_FRAME_MAX + 8);
	assert_int_equal(sb_frame_decode(whole, SB_FRAME_MAX + 8, &read, &payload), SB_FRAME_MAX + 8);
	free(whole);
	free(payload_max);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(truncated), cmocka_unit_test(empty),
		cmocka_unit_test(oversized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
