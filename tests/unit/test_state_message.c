// SPDX-License-Identifier: Apache-2.0
/* One encoding only: whatever else says the same, or more, is refused. */
#include "cmocka_all.h"

#include <string.h>

#include "state/message.h"

#define READ(type, text)	sb_message_read(&sealbond__##type##__descriptor, (const uint8_t *)(text), sizeof(text) - 1)

static void refused(void *message)
{
	assert_null(message);
}

static void taken(void *message)
{
	assert_non_null(message);
	sb_message_free(message);
}

static void account(void **state)
{
	taken(READ(account, "\x08\x05\x10\x07"));
	taken(READ(account, ""));
	refused(READ(account, "\x10\x07\x08\x05"));		/* descending */
	refused(READ(account, "\x08\x05\x08\x06"));		/* twice */
	refused(READ(account, "\x08\x85\x00"));			/* a longer varint */
	refused(READ(account, "\x08\x00"));			/* a default */
	refused(READ(account, "\x08"));				/* cut */
	refused(READ(account, "\x08\x05\xf8\x07\x01"));		/* unknown, behind all others */
	refused(READ(account, "\x0a\x01\x05"));			/* another wire type */
}

static void nested(void **state)
{
	/* Members: one Member, with a key, and what is not known within. */
	taken(READ(members, "\x0a\x03\x0a\x01k"));
	refused(READ(members, "\x0a\x06\x0a\x01k\xf8\x07\x01"));
	refused(READ(members, "\x0a\x05\x0a\x01k\x10\x00"));
	taken(READ(members, "\x0a\x00"));
	/* Body: the last of two actions would count. */
	taken(READ(body, "\x62\x00"));
	refused(READ(body, "\x62\x00\x6a\x00"));
	refused(READ(body, "\x62\x00\x62\x00"));
}

static void texts(void **state)
{
	taken(READ(member, "\x1a\x02\xc3\xa9"));
	taken(READ(member, "\x1a\x04\xf0\x9f\x94\x92"));
	refused(READ(member, "\x1a\x01\xff"));
	refused(READ(member, "\x1a\x02\xc0\x80"));		/* NUL in two bytes */
	refused(READ(member, "\x1a\x03\xed\xa0\x80"));		/* a surrogate */
	refused(READ(member, "\x1a\x04\xf4\x90\x80\x80"));	/* above U+10FFFF */
	refused(READ(member, "\x1a\x02\xc3("));
	refused(READ(member, "\x1a\x01\xc3"));
	refused(READ(member, "\x1a\x03\x61\x00\x62"));		/* ends early */
}

/* 65,536 bytes of empty messages would be megabytes in memory. */
static void bounded(void **state)
{
	static uint8_t data[SB_MESSAGE_MEMORY_MAX / 16];

	for (size_t i = 0; i < sizeof(data); i += 2)
		data[i] = 0x0a;
	refused(sb_message_read(&sealbond__members__descriptor, data, sizeof(data)));
	taken(sb_message_read(&sealbond__members__descriptor, data, 2000));
}

static void fields(void **state)
{
	Sealbond__Device *device = sb_message_new(&sealbond__device__descriptor);

	sb_bytes_set(&device->owner, "12345", 5);
	sb_bytes_set(&device->owner, "67", 2);
	assert_true(sb_bytes_are(device->owner, "67", 2));
	assert_false(sb_bytes_are(device->owner, "678", 3));
	sb_bytes_set(&device->owner, NULL, 0);
	assert_true(sb_bytes_are(device->owner, NULL, 0));
	sb_text_set(&device->why, "because");
	sb_text_set(&device->why, "");
	assert_string_equal(device->why, "");
	sb_text_set(&device->why, "because");
	sb_message_free(device);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(account), cmocka_unit_test(nested), cmocka_unit_test(texts),
		cmocka_unit_test(bounded), cmocka_unit_test(fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
