// SPDX-License-Identifier: Apache-2.0
/* WebSocket frames, against the examples of RFC 6455. */
#include "cmocka_all.h"

#include <errno.h>

#include "ledger/ws_frame.h"

static struct sb_ws_frame frame;

static void test_hello(void **state)
{
	/* section 5.7: a single-frame masked text message */
	uint8_t bytes[] = { 0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58 };

	for (size_t length = 0; length < sizeof(bytes); length++)
		assert_int_equal(sb_ws_take(bytes, length, 100, &frame), 0);
	assert_int_equal(sb_ws_take(bytes, sizeof(bytes), 100, &frame), sizeof(bytes));
	assert_int_equal(frame.opcode, SB_WS_TEXT);
	assert_true(frame.last);
	assert_int_equal(frame.length, 5);
	assert_memory_equal(frame.data, "Hello", 5);
}

static void test_refused(void **state)
{
	static const struct {
		uint8_t bytes[16];
		int rc;
	} bad[] = {
		{ { 0x81, 0x05, 'H', 'e', 'l', 'l', 'o' }, -EBADMSG },		/* not masked */
		{ { 0xc1, 0x80 }, -EBADMSG },					/* a reserved bit */
		{ { 0x83, 0x80 }, -EBADMSG },					/* a reserved opcode */
		{ { 0x8b, 0x80 }, -EBADMSG },
		{ { 0x09, 0x80 }, -EBADMSG },					/* a ping in pieces */
		{ { 0x89, 0xfe, 0, 126 }, -EBADMSG },				/* a ping that is too long */
		{ { 0x81, 0xfe, 0, 101 }, -EFBIG },
		{ { 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff }, -EFBIG },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t bytes[16];

		memcpy(bytes, bad[i].bytes, sizeof(bytes));
		assert_int_equal(sb_ws_take(bytes, sizeof(bytes), 100, &frame), bad[i].rc);
	}
}

/* 125 bytes in a short head, 126 and 65,535 in two, more in eight. */
static void test_heads(void **state)
{
	uint8_t head[SB_WS_HEAD_MAX];

	assert_int_equal(sb_ws_head(SB_WS_TEXT, 125, head), 2);
	assert_int_equal(head[0], 0x81);
	assert_int_equal(head[1], 125);
	assert_int_equal(sb_ws_head(SB_WS_TEXT, 126, head), 4);
	assert_memory_equal(head, ((uint8_t[]){ 0x81, 126, 0, 126 }), 4);
	assert_int_equal(sb_ws_head(SB_WS_PONG, 65535, head), 4);
	assert_memory_equal(head, ((uint8_t[]){ 0x8a, 126, 0xff, 0xff }), 4);
	assert_int_equal(sb_ws_head(SB_WS_TEXT, 65536, head), 10);
	assert_memory_equal(head, ((uint8_t[]){ 0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0 }), 10);
}

static void test_accept(void **state)
{
	char accept[SB_WS_ACCEPT_ROOM];

	/* section 1.3 */
	assert_true(sb_ws_accept("dGhlIHNhbXBsZSBub25jZQ==", accept));
	assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	assert_false(sb_ws_accept("", accept));
	assert_false(sb_ws_accept("dGhlIHNhbXBsZSBub25jZQ=!", accept));
	assert_false(sb_ws_accept("dGhlIHNhbXBsZSBub25jZQ==x", accept));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello), cmocka_unit_test(test_refused), cmocka_unit_test(test_heads),
		cmocka_unit_test(test_accept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
