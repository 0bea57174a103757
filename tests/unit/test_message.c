// SPDX-License-Identifier: Apache-2.0
/* What the wire's shape is, and what addresses hash to. */
#include "hs_world.h"

static void test_type(void **state)
{
	static const size_t lengths[] = { [1] = 236, [2] = 128, [3] = 76 };
	u8 msg[300];
	size_t len;
	int type;

	for (type = 0; type < 256; type++) {
		for (len = 0; len <= sizeof(msg); len++) {
			bool good = type >= 1 && type <= 3 && len == lengths[type];

			memset(msg, 0, sizeof(msg));
			msg[4] = (u8)type;
			msg[5] = 1;
			assert_int_equal(sb_msg_type(msg, len), good ? type : -EPROTO);
		}
	}
}

static void test_head(void **state)
{
	u8 msg[236] = {};
	size_t at;

	sb_msg_head_fill((struct sb_msg_head *)msg, SB_MSG_INITIATION);
	assert_memory_equal(msg, "\0\0\0\0\1\1\0\0", 8);
	for (at = 0; at < 8; at++) {
		if (at == 4 || at == 5)
			continue;
		msg[at] = 1;
		assert_int_equal(sb_msg_type(msg, sizeof(msg)), -EPROTO);
		msg[at] = 0;
	}
	msg[5] = 0;
	assert_int_equal(sb_msg_type(msg, sizeof(msg)), -EPROTONOSUPPORT);
	msg[5] = 2;
	assert_int_equal(sb_msg_type(msg, 8), -EPROTONOSUPPORT);
}

static void test_addresses(void **state)
{
	struct sb_addr v4, v6;
	u8 a[SB_NAT_HASH_LEN], b[SB_NAT_HASH_LEN];

	sb_addr_v4(&v4, htonl(0x01020304), 9);
	assert_memory_equal(v4.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4", 16);
	assert_int_equal(v4.port, 9);
	sb_addr_v6(&v6, v4.ip, 10);
	sb_nat_hash(a, &v4, &v6);
	sb_nat_hash(b, &v6, &v4);
	assert_memory_not_equal(a, b, sizeof(a));
	v6.port = 11;
	sb_nat_hash(b, &v4, &v6);
	assert_memory_not_equal(a, b, sizeof(a));
	v6.port = 10;
	v6.ip[15]++;
	sb_nat_hash(b, &v4, &v6);
	assert_memory_not_equal(a, b, sizeof(a));
	v6.ip[15]--;
	sb_nat_hash(b, &v4, &v6);
	assert_memory_equal(a, b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_type), cmocka_unit_test(test_head),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
