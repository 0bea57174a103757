// SPDX-License-Identifier: Apache-2.0
/* Which packets an exception means, which specifications are refused, and the budgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "exception_match.h"
#include "sealbond/limits.h"

#define IN	SEALBOND_X_DIR_IN
#define OUT	SEALBOND_X_DIR_OUT

static struct sb_exception_spec spec(u8 kind)
{
	struct sb_exception_spec s = { .name = "x", .kind = kind };

	return s;
}

static struct sb_flow flow4(u8 dir, u8 proto, u16 sport, u16 dport)
{
	struct sb_flow f = {
		.ifname = "eth0", .ethertype = 0x0800, .dir = dir, .family = 4, .proto = proto,
		.hop_limit = 64, .ports = proto == 6 || proto == 17, .sport = sport,
		.dport = dport, .saddr = { 10, 0, 0, 1 }, .daddr = { 10, 0, 0, 2 },
	};

	return f;
}

static struct sb_flow flow6(u8 dir, u8 proto, u16 sport, u16 dport)
{
	struct sb_flow f = {
		.ifname = "eth0", .ethertype = 0x86dd, .dir = dir, .family = 6, .proto = proto,
		.hop_limit = 255, .ports = proto == 6 || proto == 17, .sport = sport,
		.dport = dport, .saddr = { 0xfd, [15] = 1 }, .daddr = { 0xfd, [15] = 2 },
	};

	return f;
}

static struct sb_flow icmp6(u8 dir, u8 type, u8 hop_limit)
{
	struct sb_flow f = flow6(dir, 58, 0, 0);

	f.icmp_type = type;
	f.hop_limit = hop_limit;
	return f;
}

static bool means(struct sb_exception_spec s, struct sb_flow f)
{
	assert_null(sb_exception_check(&s));
	return sb_exception_match(&s, &f);
}

static void test_arp(void **state)
{
	struct sb_flow arp = { .ifname = "eth0", .ethertype = 0x0806, .dir = OUT };

	assert_true(means(spec(SEALBOND_EXC_ARP), arp));
	arp.packet_socket = true;
	assert_false(means(spec(SEALBOND_EXC_ARP), arp));
	assert_false(means(spec(SEALBOND_EXC_ARP), flow4(OUT, 17, 68, 67)));
	arp = (struct sb_flow){ .ethertype = 0x88cc, .dir = OUT };
	for (int kind = SEALBOND_EXC_ARP; kind < SEALBOND_EXC_MATCH; kind++)
		assert_false(means(spec(kind), arp));
}

static void test_nd(void **state)
{
	for (int type = 0; type < 256; type++) {
		bool nd = type >= 133 && type <= 136;

		assert_int_equal(means(spec(SEALBOND_EXC_ND), icmp6(OUT, type, 255)), nd);
		assert_int_equal(means(spec(SEALBOND_EXC_ND), icmp6(IN, type, 255)), nd);
		assert_false(means(spec(SEALBOND_EXC_ND), icmp6(IN, type, 254)));
	}
	/* the same number as a type of ICMPv4, and UDP with something in its place */
	struct sb_flow f = flow4(IN, 1, 0, 0);

	f.icmp_type = 135;
	f.hop_limit = 255;
	assert_false(means(spec(SEALBOND_EXC_ND), f));
	f = icmp6(IN, 135, 255);
	f.proto = 17;
	assert_false(means(spec(SEALBOND_EXC_ND), f));
}

static void check_dhcp(u8 kind, struct sb_flow (*flow)(u8, u8, u16, u16), u16 client, u16 server)
{
	assert_true(means(spec(kind), flow(OUT, 17, client, server)));
	assert_true(means(spec(kind), flow(IN, 17, server, client)));
	/* the other end's direction, other ports, another protocol */
	assert_false(means(spec(kind), flow(OUT, 17, server, client)));
	assert_false(means(spec(kind), flow(IN, 17, client, server)));
	assert_false(means(spec(kind), flow(OUT, 17, client, server + 1)));
	assert_false(means(spec(kind), flow(OUT, 17, client + 1, server)));
	assert_false(means(spec(kind), flow(IN, 17, server, client + 1)));
	assert_false(means(spec(kind), flow(IN, 17, server + 1, client)));
	assert_false(means(spec(kind), flow(OUT, 6, client, server)));
}

static void test_dhcp(void **state)
{
	struct sb_flow raw = flow4(OUT, 17, 68, 67), short_one = raw;

	check_dhcp(SEALBOND_EXC_DHCP4, flow4, 68, 67);
	check_dhcp(SEALBOND_EXC_DHCP6, flow6, 546, 547);
	assert_false(means(spec(SEALBOND_EXC_DHCP4), flow6(OUT, 17, 68, 67)));
	assert_false(means(spec(SEALBOND_EXC_DHCP6), flow4(OUT, 17, 546, 547)));
	short_one.ports = false;
	assert_false(means(spec(SEALBOND_EXC_DHCP4), short_one));
	/* DHCPv4 is what packet sockets may send */
	raw.packet_socket = true;
	assert_true(means(spec(SEALBOND_EXC_DHCP4), raw));
	raw = flow6(OUT, 17, 546, 547);
	raw.packet_socket = true;
	assert_false(means(spec(SEALBOND_EXC_DHCP6), raw));
}

static void test_icmp_error(void **state)
{
	for (int type = 0; type < 256; type++) {
		struct sb_flow v4 = flow4(IN, 1, 0, 0), v6 = icmp6(IN, type, 64);

		v4.icmp_type = type;
		assert_false(means(spec(SEALBOND_EXC_ICMP_ERROR), v4));
		assert_false(means(spec(SEALBOND_EXC_ICMP_ERROR), v6));
		v4.quotes_ours = true;
		v6.quotes_ours = true;
		assert_int_equal(means(spec(SEALBOND_EXC_ICMP_ERROR), v4),
				 type == 3 || type == 11);
		assert_int_equal(means(spec(SEALBOND_EXC_ICMP_ERROR), v6),
				 type >= 1 && type <= 3);
		v4.proto = 58;
		v6.proto = 1;
		assert_false(means(spec(SEALBOND_EXC_ICMP_ERROR), v4));
		assert_false(means(spec(SEALBOND_EXC_ICMP_ERROR), v6));
	}
}

static void test_named(void **state)
{
	struct sb_exception_spec ntp = spec(SEALBOND_EXC_MATCH);

	ntp.proto = 17;
	ntp.family = 4;
	ntp.prefix = 32;
	memcpy(ntp.remote, (u8[]){ 10, 0, 0, 2 }, 4);
	ntp.remote_port = 123;
	assert_true(means(ntp, flow4(OUT, 17, 5000, 123)));
	assert_false(means(ntp, flow4(OUT, 17, 123, 5000)));
	assert_false(means(ntp, flow4(OUT, 6, 5000, 123)));
	assert_false(means(ntp, flow6(OUT, 17, 5000, 123)));
	/* coming in, the remote side is the source */
	assert_false(means(ntp, flow4(IN, 17, 123, 5000)));
	ntp.remote[3] = 1;
	assert_true(means(ntp, flow4(IN, 17, 123, 5000)));
	assert_false(means(ntp, flow4(OUT, 17, 5000, 123)));

	ntp.dir = OUT;
	assert_false(means(ntp, flow4(IN, 17, 123, 5000)));
	ntp.dir = 0;
	ntp.local_port = 5000;
	assert_true(means(ntp, flow4(IN, 17, 123, 5000)));
	assert_false(means(ntp, flow4(IN, 17, 123, 5001)));
	strcpy(ntp.ifname, "eth0");
	assert_true(means(ntp, flow4(IN, 17, 123, 5000)));
	strcpy(ntp.ifname, "eth");
	assert_false(means(ntp, flow4(IN, 17, 123, 5000)));
	strcpy(ntp.ifname, "eth01");
	assert_false(means(ntp, flow4(IN, 17, 123, 5000)));
}

static void test_ledger(void **state)
{
	struct sb_exception_spec s = spec(SEALBOND_EXC_LEDGER);
	struct sb_flow out = flow4(OUT, 6, 40000, 26657), in = flow4(IN, 6, 26657, 40000), other;

	s.remote_port = 26657;
	s.family = 4;
	s.prefix = 32;
	memcpy(s.remote, out.daddr, 4);
	memcpy(in.saddr, out.daddr, 4);
	/* Another socket: told, and not let through. */
	assert_false(means(s, out));
	assert_true(sb_exception_is_ledgers(&s, &out));
	assert_true(sb_exception_is_ledgers(&s, &in));
	out.ledger = in.ledger = true;
	assert_true(means(s, out));
	assert_true(means(s, in));
	/* The helper's socket, and something that is not the endpoint. */
	other = out;
	other.dport = 26658;
	assert_false(means(s, other));
	assert_false(sb_exception_is_ledgers(&s, &other));
	other = out;
	other.daddr[3]++;
	assert_false(means(s, other));
	other = in;
	other.saddr[3]++;
	assert_false(means(s, other));
	other = out;
	other.proto = 17;
	assert_false(means(s, other));
	other = out;
	other.fragment = true;
	assert_false(means(s, other));
	other = out;
	other.packet_socket = true;
	assert_false(means(s, other));
	/* By its port only: whose address it is decides the helper; no reason of its own for others. */
	s.family = s.prefix = 0;
	memset(s.remote, 0, sizeof(s.remote));
	assert_true(means(s, out));
	out.ledger = false;
	assert_false(means(s, out));
	assert_false(sb_exception_is_ledgers(&s, &out));
	s.remote_port = 0;
	assert_non_null(sb_exception_check(&s));
	s.remote_port = 26657;
	s.local_port = 1;
	assert_non_null(sb_exception_check(&s));
	s.local_port = 0;
	s.proto = 6;
	assert_non_null(sb_exception_check(&s));
}

static void test_never(void **state)
{
	struct sb_exception_spec any = spec(SEALBOND_EXC_MATCH);
	struct sb_flow f = flow4(OUT, 17, 1, 2);

	any.proto = 17;
	assert_true(means(any, f));
	/* a port that is asked for and cannot be read, even where zero would fit */
	any.local_port = 1;
	f.ports = false;
	assert_false(means(any, f));
	any.local_port = 0;
	any.remote_port = 2;
	assert_false(means(any, f));
	any.remote_port = 0;
	f.ports = true;
	f.fragment = true;
	assert_false(means(any, f));
	f.fragment = false;
	f.packet_socket = true;
	assert_false(means(any, f));
	f = (struct sb_flow){ .ethertype = 0x0800, .dir = OUT };	/* unreadable */
	assert_false(means(any, f));
}

static void test_prefix(void **state)
{
	struct sb_exception_spec s = spec(SEALBOND_EXC_MATCH);
	struct sb_flow f = flow6(OUT, 6, 1, 2);

	s.proto = 6;
	s.family = 6;
	memcpy(s.remote, f.daddr, 16);
	/* with one bit flipped an address is in just the prefixes that end before it */
	for (int bit = 0; bit < 128; bit++) {
		memcpy(f.daddr, s.remote, 16);
		f.daddr[bit / 8] ^= 0x80 >> bit % 8;
		for (int prefix = 0; prefix <= 128; prefix++) {
			s.prefix = prefix;
			assert_int_equal(means(s, f), prefix <= bit);
		}
	}
}

static void refused(struct sb_exception_spec s)
{
	const char *text = sb_exception_check(&s);

	assert_non_null(text);
	assert_true(strlen(text) > 10);
}

static void test_check(void **state)
{
	static const u8 with_ports[] = { 6, 17, 132, 136 };
	struct sb_exception_spec s;

	for (size_t i = 0; i < ARRAY_SIZE(with_ports); i++) {
		s = spec(SEALBOND_EXC_MATCH);
		s.proto = with_ports[i];
		s.local_port = 1;
		assert_null(sb_exception_check(&s));
	}

#define REFUSED(k, ...) do { s = spec(k); __VA_ARGS__; refused(s); } while (0)
	REFUSED(SEALBOND_EXC_NONE, (void)0);
	REFUSED(__SEALBOND_EXC_MAX, (void)0);
	REFUSED(SEALBOND_EXC_ARP, s.name[0] = 0);
	REFUSED(SEALBOND_EXC_ARP, memset(s.name, 'a', sizeof(s.name)));
	REFUSED(SEALBOND_EXC_ARP, memset(s.ifname, 'a', sizeof(s.ifname)));
	REFUSED(SEALBOND_EXC_ARP, s.dir = 4);
	REFUSED(SEALBOND_EXC_ARP, s.rate = SB_EXC_RATE_MAX + 1);
	REFUSED(SEALBOND_EXC_ARP, s.bytes = SB_EXC_BYTES_MAX + 1u);
	REFUSED(SEALBOND_EXC_ARP, s.proto = 17);
	REFUSED(SEALBOND_EXC_ND, s.family = 6);
	REFUSED(SEALBOND_EXC_DHCP4, s.remote_port = 67);
	REFUSED(SEALBOND_EXC_DHCP6, s.local_port = 546);
	REFUSED(SEALBOND_EXC_ICMP_ERROR, s.prefix = 8);
	REFUSED(SEALBOND_EXC_MATCH, (void)0);
	REFUSED(SEALBOND_EXC_MATCH, s.proto = 1; s.local_port = 7);
	REFUSED(SEALBOND_EXC_MATCH, s.proto = 50; s.remote_port = 7);
	REFUSED(SEALBOND_EXC_MATCH, s.proto = 17; s.family = 5);
	REFUSED(SEALBOND_EXC_MATCH, s.proto = 17; s.prefix = 8);
	REFUSED(SEALBOND_EXC_MATCH, s.proto = 17; s.family = 4; s.prefix = 33);
	REFUSED(SEALBOND_EXC_MATCH, s.proto = 17; s.family = 6; s.prefix = 129);
	REFUSED(SEALBOND_EXC_MATCH, s.proto = 58; s.family = 4; s.prefix = 32);
	REFUSED(SEALBOND_EXC_MATCH, s.proto = 1; s.family = 6; s.prefix = 128);
}

/* In any time t at most rate * (t + burst) + 1 packets, and about as many when they are there. */
static void test_rate(void **state)
{
	struct sb_exception_spec s = spec(SEALBOND_EXC_ARP);
	struct sb_budget b = {};
	u64 now = 1000 * SB_NS_PER_S;
	unsigned int n = 0;

	s.rate = 50;
	for (int i = 0; i < 1000; i++)
		n += sb_budget_take(&b, &s, now, 60);
	assert_int_equal(n, 51);
	assert_false(sb_budget_has(&b, now));
	for (int i = 0; i < 10000; i++, now += SB_NS_PER_S / 1000)
		n += sb_budget_take(&b, &s, now, 60);
	assert_in_range(n, 51 + 499, 51 + 501);
	/* idle time is saved up to the burst, no further */
	now += 3600 * SB_NS_PER_S;
	assert_true(sb_budget_has(&b, now));
	for (n = 0; sb_budget_take(&b, &s, now, 60); n++)
		;
	assert_int_equal(n, 51);
}

static void test_bytes(void **state)
{
	struct sb_exception_spec s = spec(SEALBOND_EXC_ARP);
	struct sb_budget b = {};
	u64 now = 5 * SB_NS_PER_S, sum = 0;

	s.bytes = 10000;
	s.rate = SB_EXC_RATE_MAX;
	for (int i = 0; i < 100000; i++, now += SB_NS_PER_S / 10000)
		if (sb_budget_take(&b, &s, now, 1500))
			sum += 1500;
	/* ten seconds, the burst, and what one packet may overdraw */
	assert_in_range(sum, 100000, 110000 + 1500);

	/* one that is larger than the burst passes, and is paid for */
	b = (struct sb_budget){};
	assert_true(sb_budget_take(&b, &s, now, 65000));
	assert_false(sb_budget_has(&b, now + 5 * SB_NS_PER_S));
	assert_true(sb_budget_has(&b, now + 6 * SB_NS_PER_S));
	assert_false(sb_budget_has(&b, now + 5500 * (SB_NS_PER_S / 1000) - 1));
	assert_true(sb_budget_has(&b, now + 5500 * (SB_NS_PER_S / 1000)));
	/* what is refused costs nothing */
	struct sb_budget before = b;

	assert_false(sb_budget_take(&b, &s, now, 1));
	assert_memory_equal(&b, &before, sizeof(b));
}

static void test_budget_defaults(void **state)
{
	struct sb_exception_spec s = spec(SEALBOND_EXC_ARP);
	struct sb_budget b = {};
	unsigned int n = 0;

	while (sb_budget_take(&b, &s, SB_NS_PER_S, 1))
		n++;
	assert_int_equal(n, SB_EXC_RATE + 1);
	/* the largest packet at the slowest rate does not overflow */
	b = (struct sb_budget){};
	s.bytes = 1;
	assert_true(sb_budget_take(&b, &s, SB_NS_PER_S, U32_MAX));
	assert_int_equal(b.bytes_ns, SB_NS_PER_S * (1 + (u64)U32_MAX));
}

/* Each field counts, and padding does not. */
static void test_same(void **state)
{
	static const struct sb_exception_spec all = {
		.name = "ntp", .ifname = "eth0", .kind = SEALBOND_EXC_MATCH, .dir = OUT, .proto = 17,
		.family = 4, .prefix = 24, .remote = { 192, 0, 2 }, .local_port = 1, .remote_port = 123,
		.rate = 5, .bytes = 6,
	};
	struct sb_exception_spec a, b;

	memset(&a, 0xff, sizeof(a));
	memset(&b, 0, sizeof(b));
	a = all;
	b = all;
	memset(b.name + 4, 0xaa, sizeof(b.name) - 4);
	assert_true(sb_exception_same(&a, &b));
#define OTHER(field, value) do { b = all; b.field = value; assert_false(sb_exception_same(&a, &b)); } while (0)
	OTHER(name[0], 'm');
	OTHER(ifname[3], '1');
	OTHER(kind, SEALBOND_EXC_ARP);
	OTHER(dir, IN);
	OTHER(proto, 6);
	OTHER(family, 6);
	OTHER(prefix, 25);
	OTHER(remote[15], 1);
	OTHER(local_port, 2);
	OTHER(remote_port, 124);
	OTHER(rate, 6);
	OTHER(bytes, 7);
#undef OTHER
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arp),
		cmocka_unit_test(test_nd),
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_icmp_error),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_ledger),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_budget_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
