// SPDX-License-Identifier: Apache-2.0
/* The firmware's event log, replayed. */
#include "cmocka_all.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdlib.h>

#include "boot/eventlog.h"

#define SEPARATOR	4
#define ACTION		5

struct log {
	uint8_t bytes[4096];
	size_t length;
};

static void put(struct log *log, const void *data, size_t length)
{
	memcpy(log->bytes + log->length, data, length);
	log->length += length;
}

static void put_number(struct log *log, uint32_t value, size_t length)
{
	for (size_t i = 0; i < length; i++, value >>= 8)
		put(log, &(uint8_t){ (uint8_t)value }, 1);
}

/* The head as OVMF writes it with SHA-1, SHA-256 and SHA-384 banks; sha256: their id of the second. */
static void begin(struct log *log, uint32_t sha256)
{
	static const uint8_t zero[20];

	log->length = 0;
	put_number(log, 0, 4);
	put_number(log, 3, 4);
	put(log, zero, 20);
	put_number(log, 16 + 8 + 4 + 3 * 4 + 1, 4);
	put(log, "Spec ID Event03", 16);
	put_number(log, 0, 4);
	put(log, "\0\2\0\2", 4);
	put_number(log, 3, 4);
	put_number(log, 0x0004, 2);
	put_number(log, 20, 2);
	put_number(log, sha256, 2);
	put_number(log, 32, 2);
	put_number(log, 0x000c, 2);
	put_number(log, 48, 2);
	put_number(log, 0, 1);
}

static void event(struct log *log, uint32_t pcr, uint32_t type, uint8_t digest)
{
	uint8_t bytes[48];

	memset(bytes, digest, sizeof(bytes));
	put_number(log, pcr, 4);
	put_number(log, type, 4);
	put_number(log, 3, 4);
	put_number(log, 0x0004, 2);
	put(log, bytes, 20);
	put_number(log, 0x000b, 2);
	put(log, bytes, 32);
	put_number(log, 0x000c, 2);
	put(log, bytes, 48);
	put_number(log, 5, 4);
	put(log, "event", 5);
}

static void extend(uint8_t value[32], uint8_t digest)
{
	uint8_t both[64];

	memcpy(both, value, 32);
	memset(both + 32, digest, 32);
	SHA256(both, sizeof(both), value);
}

static void replayed(void **state)
{
	uint8_t expected[32] = { 0 }, value[32];
	struct log log;

	begin(&log, 0x000b);
	event(&log, 14, ACTION, 1);
	event(&log, 4, ACTION, 2);
	event(&log, 14, 3, 9);	/* EV_NO_ACTION */
	event(&log, 14, SEPARATOR, 3);
	assert_int_equal(sb_eventlog_replay(log.bytes, log.length, 14, value), 0);
	extend(expected, 1);
	extend(expected, 3);
	assert_memory_equal(value, expected, 32);
	memset(expected, 0, 32);
	assert_int_equal(sb_eventlog_replay(log.bytes, log.length, 15, value), 0);
	assert_memory_equal(value, expected, 32);
}

static void other_formats(void **state)
{
	uint8_t value[32] = { 7 }, kept[32] = { 7 };
	struct log log;

	begin(&log, 0x0012);	/* SM3: no SHA-256 */
	assert_int_equal(sb_eventlog_replay(log.bytes, log.length, 14, value), -ENOENT);
	begin(&log, 0x000b);
	log.bytes[32] = 'X';	/* no "Spec ID Event03": TPM 1.2's format */
	assert_int_equal(sb_eventlog_replay(log.bytes, log.length, 14, value), -ENOENT);
	assert_int_equal(sb_eventlog_replay(log.bytes, 0, 14, value), -EBADMSG);
	assert_memory_equal(value, kept, 32);
}

/* Cut anywhere but between two events it is refused, and never read past its end. */
static void truncated(void **state)
{
	struct log log;
	size_t whole[3];

	begin(&log, 0x000b);
	whole[0] = log.length;
	event(&log, 14, ACTION, 1);
	whole[1] = log.length;
	event(&log, 14, ACTION, 2);
	whole[2] = log.length;
	for (size_t length = 0; length <= log.length; length++) {
		bool expected = length == whole[0] || length == whole[1] || length == whole[2];
		uint8_t *copy = malloc(length ? length : 1), value[32];

		memcpy(copy, log.bytes, length);
		assert_int_equal(sb_eventlog_replay(copy, length, 14, value), expected ? 0 : -EBADMSG);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replayed),
		cmocka_unit_test(other_formats),
		cmocka_unit_test(truncated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
