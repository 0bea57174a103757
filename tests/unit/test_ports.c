// SPDX-License-Identifier: Apache-2.0
/* What passes through a bond that is for some protocols and ports. */
#include "cmocka_all.h"

#include "ports.h"

#define IN	SEALBOND_X_DIR_IN
#define OUT	SEALBOND_X_DIR_OUT
#define BOTH	(IN | OUT)

static bool allows(struct sb_port_rule rule, struct sb_flow flow)
{
	const struct sb_ports ports = { .n = 1, .rule = { rule } };

	return sb_ports_allow(&ports, &flow);
}

static struct sb_flow packet(u8 dir, u8 proto, u16 sport, u16 dport, bool opens)
{
	return (struct sb_flow){ .dir = dir, .family = 4, .proto = proto, .sport = sport, .dport = dport, .opens = opens,
				 .ports = sb_ports_of(proto) };
}

/* We connect to the peer's port 502, it answers; and nothing else. */
static void we_begin(void **state)
{
	const struct sb_port_rule rule = { .proto = 6, .by = OUT, .first = 502, .last = 503 };

	for (u16 port = 500; port < 506; port++) {
		bool ours = port == 502 || port == 503;

		assert_int_equal(allows(rule, packet(OUT, 6, 40000, port, true)), ours);
		assert_int_equal(allows(rule, packet(OUT, 6, 40000, port, false)), ours);
		assert_int_equal(allows(rule, packet(IN, 6, port, 40000, false)), ours);
		/* From its port it does not connect to us, */
		assert_false(allows(rule, packet(IN, 6, port, 40000, true)));
		/* nor to our port of that number, */
		assert_false(allows(rule, packet(IN, 6, 40000, port, true)));
		assert_false(allows(rule, packet(IN, 6, 40000, port, false)));
		/* nor do we send from there. */
		assert_false(allows(rule, packet(OUT, 6, port, 40000, false)));
		assert_false(allows(rule, packet(OUT, 17, 40000, port, false)));
	}
}

static void it_begins(void **state)
{
	const struct sb_port_rule rule = { .proto = 6, .by = IN, .first = 502, .last = 502 };

	assert_true(allows(rule, packet(IN, 6, 40000, 502, true)));
	assert_true(allows(rule, packet(OUT, 6, 502, 40000, false)));
	assert_false(allows(rule, packet(OUT, 6, 502, 40000, true)));
	assert_false(allows(rule, packet(OUT, 6, 40000, 502, true)));
}

static void either_begins(void **state)
{
	const struct sb_port_rule tcp = { .proto = 6, .by = BOTH, .first = 502, .last = 502 };
	const struct sb_port_rule udp = { .proto = 17, .by = BOTH, .first = 123, .last = 123 };

	for (u8 dir = IN; dir <= OUT; dir++) {
		assert_true(allows(tcp, packet(dir, 6, 40000, 502, true)));
		assert_true(allows(tcp, packet(dir, 6, 502, 40000, false)));
		assert_false(allows(tcp, packet(dir, 6, 502, 40000, true)));
		assert_true(allows(udp, packet(dir, 17, 40000, 123, false)));
		assert_true(allows(udp, packet(dir, 17, 123, 40000, false)));
		assert_false(allows(udp, packet(dir, 17, 124, 40000, false)));
	}
}

/* Without ports: by who begins where that can be told. */
static void whole_protocols(void **state)
{
	const struct sb_port_rule tcp = { .proto = 6, .by = OUT }, icmp = { .proto = 1, .by = OUT };

	assert_true(allows(tcp, packet(OUT, 6, 1, 2, true)));
	assert_true(allows(tcp, packet(IN, 6, 1, 2, false)));
	assert_false(allows(tcp, packet(IN, 6, 1, 2, true)));
	assert_true(allows(icmp, packet(OUT, 1, 0, 0, false)));
	assert_true(allows(icmp, packet(IN, 1, 0, 0, false)));
	assert_false(allows(icmp, packet(OUT, 58, 0, 0, false)));
}

static void what_cannot_be_read(void **state)
{
	const struct sb_port_rule tcp = { .proto = 6, .by = BOTH, .first = 1, .last = 65535 };
	const struct sb_port_rule any = { .proto = 6, .by = BOTH };
	struct sb_flow flow = packet(OUT, 6, 40000, 502, true);

	assert_true(allows(tcp, flow));
	flow.fragment = true;
	assert_false(allows(tcp, flow));
	assert_false(allows(any, flow));
	flow.fragment = false;
	flow.ports = false;
	assert_false(allows(tcp, flow));
	flow = packet(OUT, 6, 40000, 502, true);
	flow.family = 0;
	assert_false(allows(any, flow));
	/* Confirmations of a bond have nothing in them. */
	assert_true(allows(tcp, packet(OUT, 59, 0, 0, false)));
}

static void several_and_none(void **state)
{
	const struct sb_ports none = { .n = 0 };
	const struct sb_ports two = { .n = 2, .rule = { { 6, OUT, 502, 502 }, { 17, IN, 53, 53 }, { 1, BOTH, 0, 0 } } };
	struct sb_flow tcp = packet(OUT, 6, 40000, 502, true), udp = packet(IN, 17, 40000, 53, false);
	struct sb_flow icmp = packet(IN, 1, 0, 0, false), fragment = tcp;

	fragment.fragment = true;
	assert_true(sb_ports_allow(&none, &fragment));
	assert_true(sb_ports_allow(&two, &tcp));
	assert_true(sb_ports_allow(&two, &udp));
	/* The third is not counted. */
	assert_false(sb_ports_allow(&two, &icmp));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(we_begin), cmocka_unit_test(it_begins), cmocka_unit_test(either_begins),
		cmocka_unit_test(whole_protocols), cmocka_unit_test(what_cannot_be_read),
		cmocka_unit_test(several_and_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
