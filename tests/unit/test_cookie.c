// SPDX-License-Identifier: Apache-2.0
/* macs, cookies, their ages, and token buckets. */
#include "hs_world.h"

#define S SB_NS_PER_S

static struct sb_cookie_jar jar;
static struct sb_rate_table table;
static struct sb_addr src;
static u8 pub[SB_KEY_LEN], key[SB_KEY_LEN], msg[128];

static int setup(void **state)
{
	memset(&jar, 0, sizeof(jar));
	memset(msg, 0x31, sizeof(msg));
	sb_shim_random = NULL;
	fill_key(pub, 5);
	sb_mac1_key(key, pub);
	sb_macs_fill(msg, sizeof(msg), key, NULL);
	sb_addr_v4(&src, htonl(0x0a000001), 1000);
	return sb_rate_init(&table);
}

static void ask(u8 cookie[SB_MAC_LEN], u64 now)
{
	struct sb_msg_cookie reply;

	assert_int_equal(sb_cookie_reply(&jar, &reply, pub, msg, sizeof(msg), 42, &src, now), 0);
	assert_int_equal(sb_msg_type((u8 *)&reply, sizeof(reply)), SB_MSG_COOKIE);
	assert_int_equal(be32_to_cpu(reply.receiver), 42);
	assert_int_equal(sb_cookie_open(cookie, &reply, pub, msg + sizeof(msg) - 32), 0);
}

static bool good(const u8 cookie[SB_MAC_LEN], u64 now)
{
	sb_macs_fill(msg, sizeof(msg), key, cookie);
	return sb_mac2_ok(&jar, msg, sizeof(msg), &src, now);
}

static void test_macs(void **state)
{
	size_t at;

	assert_true(sb_mac1_ok(msg, sizeof(msg), key));
	for (at = 0; at < sizeof(msg) - SB_MAC_LEN; at++) {
		msg[at] ^= 1;
		assert_false(sb_mac1_ok(msg, sizeof(msg), key));
		msg[at] ^= 1;
	}
	assert_false(sb_mac1_ok(msg, sizeof(msg), pub));
}

static void test_cookie_is_bound(void **state)
{
	u8 cookie[SB_MAC_LEN];
	struct sb_msg_cookie reply;
	u8 other[SB_KEY_LEN], mac1[SB_MAC_LEN];
	size_t at;

	assert_false(sb_mac2_ok(&jar, msg, sizeof(msg), &src, 0));
	ask(cookie, 0);
	assert_true(good(cookie, 0));
	for (at = 0; at < sizeof(msg); at++) {
		msg[at] ^= 1;
		assert_false(sb_mac2_ok(&jar, msg, sizeof(msg), &src, 0));
		msg[at] ^= 1;
	}
	src.port++;
	assert_false(good(cookie, 0));
	src.port--;
	src.ip[15]++;
	assert_false(good(cookie, 0));

	/* The reply opens only for this message and this receiver. */
	assert_int_equal(sb_cookie_reply(&jar, &reply, pub, msg, sizeof(msg), 1, &src, 0), 0);
	memcpy(mac1, msg + sizeof(msg) - 32, sizeof(mac1));
	memcpy(other, pub, sizeof(other));
	memset(cookie, 9, sizeof(cookie));
	mac1[0] ^= 1;
	assert_int_equal(sb_cookie_open(cookie, &reply, pub, mac1), -EBADMSG);
	mac1[0] ^= 1;
	other[0] ^= 1;
	assert_int_equal(sb_cookie_open(cookie, &reply, other, mac1), -EBADMSG);
	assert_int_equal(cookie[0], 9);
	assert_int_equal(sb_cookie_open(cookie, &reply, pub, mac1), 0);
}

static void test_cookie_age(void **state)
{
	u8 first[SB_MAC_LEN], again[SB_MAC_LEN], second[SB_MAC_LEN];

	ask(first, 10 * S);
	ask(again, 129 * S);
	assert_memory_equal(first, again, sizeof(first));
	assert_true(good(first, 249 * S));
	assert_false(good(first, 250 * S));

	/* A new secret: the one before is still recognised, for as long again. */
	ask(second, 130 * S);
	assert_memory_not_equal(first, second, sizeof(first));
	assert_true(good(first, 249 * S));
	assert_true(good(second, 249 * S));
	assert_false(good(first, 250 * S));
	assert_true(good(second, 369 * S));
	assert_false(good(second, 370 * S));

	/* After a long silence the old one does not come back as `previous`. */
	ask(first, 1000 * S);
	assert_false(good(second, 1000 * S));
	assert_true(good(first, 1000 * S));
}

static unsigned int tokens(enum sb_rate what, u64 now)
{
	unsigned int n = 0;

	while (n < 1000 && sb_rate_ok(&table, what, &src, now))
		n++;
	return n;
}

static void test_rate(void **state)
{
	static const u8 v6[16] = { 0x20, 1, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 };
	unsigned int i, free_prefixes = 0;

	/* At boot, too: time zero is nothing special. */
	assert_int_equal(tokens(SB_RATE_COOKIE, 0), SB_RATE_BURST);
	assert_int_equal(tokens(SB_RATE_HANDSHAKE, 0), SB_RATE_BURST);
	assert_int_equal(tokens(SB_RATE_COOKIE, S / SB_RATE_PER_S), 1);
	assert_int_equal(tokens(SB_RATE_COOKIE, 100 * S), SB_RATE_BURST);

	/* All of an IPv6 /64 is one source. */
	sb_addr_v6(&src, v6, 1);
	assert_int_equal(tokens(SB_RATE_COOKIE, 200 * S), SB_RATE_BURST);
	src.ip[15] = 1;
	src.ip[8] = 0xff;
	assert_int_equal(tokens(SB_RATE_COOKIE, 200 * S), 0);

	/* Other sources hardly notice: one slot of many is taken. */
	for (i = 0; i < 100; i++) {
		sb_addr_v4(&src, htonl(0x0b000000 + i), 1);
		free_prefixes += sb_rate_ok(&table, SB_RATE_COOKIE, &src, 200 * S);
	}
	assert_true(free_prefixes > 90);
}

static void test_rate_is_bounded(void **state)
{
	unsigned int i, n = 0;

	for (i = 0; i < 50000; i++) {
		sb_addr_v4(&src, htonl(0x0b000000 + i), 1);
		n += sb_rate_ok(&table, SB_RATE_COOKIE, &src, S);
	}
	assert_true(n <= SB_RATE_SLOTS * SB_RATE_BURST);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(test_macs), T(test_cookie_is_bound), T(test_cookie_age),
		T(test_rate), T(test_rate_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
