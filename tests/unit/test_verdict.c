// SPDX-License-Identifier: Apache-2.0
/*
 * The verdict against every combination of facts (8.3 million). Two tables say, apart from the
 * code and in no order of its own, by which ways a packet passes and which reason a dropped one
 * gets; further tests state the promises that the tables must keep.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "verdict.h"

enum {
	LEASE = 1 << 0,
	QUARANTINE = 1 << 1,
	SOURCE = 1 << 2,
	PEER = 1 << 3,
	BONDED = 1 << 4,
	TRANSFORMING = 1 << 5,
	TRANSFORMED = 1 << 6,
	OWN_SOCKET = 1 << 7,
	OUR_PORT = 1 << 8,
	PACKET_SOCKET = 1 << 9,
	FORWARDED = 1 << 10,
	REPEATED = 1 << 11,
	ALL_BITS = (1 << 12) - 1,
};

#define IS(x)		(1u << (x))
#define NOT(x)		(~(1u << (x)))
#define PRE		IS(SB_HOOK_PRE)
#define POST		IS(SB_HOOK_POST)
#define EGRESS		IS(SB_HOOK_EGRESS)
#define PROTECTED	IS(SB_DEVICE_PROTECTED)
#define SB0		IS(SB_DEVICE_SB0)
#define OTHER		IS(SB_DEVICE_OTHER)
#define SEALED		IS(SB_SHAPE_SEALED)
#define CLEAR		IS(SB_SHAPE_CLEAR)
#define CLEAR_OR_ARP	(CLEAR | IS(SB_SHAPE_ARP))
#define OURS		IS(SB_SA_OURS)

/* A set of facts. Masks of zero mean any. */
struct set {
	const char *name;
	unsigned int hooks, devices, shapes, sas;
	unsigned int all, none;
	unsigned int reason;
};

/* Every way in or out, but for the excused ones. */
static const struct set ways[] = {
	{ "loopback", .devices = IS(SB_DEVICE_LOOPBACK) },
	{ "inside the machine", .devices = IS(SB_DEVICE_INSIDE) },
	{ "our ESP comes in", PRE, PROTECTED, SEALED, .sas = OURS },
	{ "a handshake comes in", PRE, PROTECTED, .shapes = IS(SB_SHAPE_HANDSHAKE) },
	{ "out of our SA onto sb0", PRE, SB0, NOT(SB_SHAPE_DUMMY), OURS,
	  .all = LEASE | SOURCE, .none = QUARANTINE },
	{ "onto sb0 towards a bond", POST, SB0, .all = PEER | BONDED, .none = FORWARDED },
	{ "into our SA", POST, PROTECTED, .sas = OURS,
	  .all = TRANSFORMING | LEASE, .none = QUARANTINE },
	{ "out of an SA and on to egress", POST, PROTECTED, NOT(SB_SHAPE_MALFORMED),
	  .all = TRANSFORMED, .none = TRANSFORMING | REPEATED },
	{ "from our socket", POST, PROTECTED,
	  .all = OWN_SOCKET, .none = TRANSFORMING | TRANSFORMED },
	{ "our ESP leaves", EGRESS, PROTECTED, SEALED, OURS,
	  .all = LEASE, .none = QUARANTINE | FORWARDED | PACKET_SOCKET | REPEATED },
	{ "a fragment of it leaves", EGRESS, PROTECTED, IS(SB_SHAPE_OUR_FRAGMENT),
	  .none = PACKET_SOCKET },
	{ "our socket's leaves", EGRESS, PROTECTED, .all = OWN_SOCKET, .none = PACKET_SOCKET },
};

/* What an exception can excuse. */
static const struct set excusable[] = {
	{ "in", PRE, PROTECTED, CLEAR_OR_ARP, NOT(SB_SA_FOREIGN), .none = FORWARDED },
	{ "out", POST, PROTECTED, CLEAR_OR_ARP,
	  .none = FORWARDED | OUR_PORT | TRANSFORMING | TRANSFORMED | OWN_SOCKET },
	{ "leaving", EGRESS, PROTECTED, CLEAR_OR_ARP,
	  .none = FORWARDED | OUR_PORT | PACKET_SOCKET | OWN_SOCKET },
	{ "a packet socket's", EGRESS, PROTECTED, CLEAR, .all = PACKET_SOCKET, .none = FORWARDED },
	{ "without bonds", .devices = OTHER, .shapes = CLEAR_OR_ARP,
	  .none = FORWARDED | TRANSFORMING | TRANSFORMED },
};

/* The reason of a dropped packet: that of the first set that it is in. */
#define R(x) .reason = SEALBOND_REASON_##x
static const struct set reasons[] = {
	{ "", .devices = OTHER, R(OTHER_NETNS) },

	{ "", PRE, SB0, .sas = IS(SB_SA_NONE), R(NOT_SEALED) },
	{ "", PRE, SB0, .sas = IS(SB_SA_FOREIGN), R(FOREIGN_SA) },
	{ "", POST, SB0, .all = FORWARDED, R(FORWARDED) },
	{ "", POST, SB0, .none = PEER, R(NO_BOND) },
	{ "", PRE | POST, SB0, .none = LEASE, R(LEASE_ENDED) },
	{ "", PRE | POST, SB0, .all = QUARANTINE, R(QUARANTINED) },
	{ "", PRE, SB0, .none = SOURCE, R(WRONG_SOURCE) },
	{ "", POST, SB0, .none = BONDED, R(NO_BOND) },
	{ "", EGRESS, SB0, R(NOT_SEALED) },

	{ "", EGRESS, PROTECTED, .all = PACKET_SOCKET, R(RAW_FRAME) },
	{ "", POST, PROTECTED, .sas = NOT(SB_SA_OURS), .all = TRANSFORMING, R(FOREIGN_SA) },
	{ "", POST, PROTECTED, .all = TRANSFORMING, .none = LEASE, R(LEASE_ENDED) },
	{ "", POST, PROTECTED, .all = TRANSFORMING | QUARANTINE, R(QUARANTINED) },
	{ "", POST, PROTECTED, NOT(SB_SHAPE_MALFORMED), .all = TRANSFORMED | REPEATED,
	  .none = TRANSFORMING, R(REPEATED) },
	{ "", EGRESS, PROTECTED, SEALED, OURS, .none = LEASE | FORWARDED, R(LEASE_ENDED) },
	{ "", EGRESS, PROTECTED, SEALED, OURS, .all = QUARANTINE, .none = FORWARDED,
	  R(QUARANTINED) },
	{ "", EGRESS, PROTECTED, SEALED, OURS, .all = REPEATED, .none = FORWARDED, R(REPEATED) },
	{ "", PRE, PROTECTED, SEALED, R(UNKNOWN_SPI) },
	{ "", .devices = PROTECTED, .shapes = IS(SB_SHAPE_MALFORMED), R(MALFORMED) },
	{ "", PRE, PROTECTED, .sas = IS(SB_SA_FOREIGN), R(FOREIGN_SA) },
	{ "", PRE, PROTECTED, R(CLEAR_IN) },
	{ "", .devices = PROTECTED, .shapes = IS(SB_SHAPE_UNKNOWN), R(UNKNOWN_FRAME) },
	{ "", .devices = PROTECTED, .all = FORWARDED, R(FORWARDED) },
	{ "", .devices = PROTECTED, .all = OUR_PORT, R(FOREIGN_SOCKET) },
	{ "", .devices = PROTECTED, .shapes = SEALED, R(UNKNOWN_SPI) },
	{ "", .devices = PROTECTED, R(CLEAR_OUT) },
};

static bool in_set(const struct set *s, const struct sb_facts *f, unsigned int bits)
{
	return (!s->hooks || s->hooks & IS(f->hook)) &&
	       (!s->devices || s->devices & IS(f->device)) &&
	       (!s->shapes || s->shapes & IS(f->shape)) &&
	       (!s->sas || s->sas & IS(f->sa)) &&
	       (bits & s->all) == s->all && !(bits & s->none);
}

static const struct set *find(const struct set *sets, size_t n, const struct sb_facts *f,
			      unsigned int bits)
{
	for (size_t i = 0; i < n; i++)
		if (in_set(&sets[i], f, bits))
			return &sets[i];
	return NULL;
}

static void set_bits(struct sb_facts *f, unsigned int bits)
{
	f->lease_live = bits & LEASE;
	f->quarantined = bits & QUARANTINE;
	f->source_ok = bits & SOURCE;
	f->peer = bits & PEER;
	f->bonded = bits & BONDED;
	f->transforming = bits & TRANSFORMING;
	f->transformed = bits & TRANSFORMED;
	f->own_socket = bits & OWN_SOCKET;
	f->our_port = bits & OUR_PORT;
	f->packet_socket = bits & PACKET_SOCKET;
	f->forwarded = bits & FORWARDED;
	f->repeated = bits & REPEATED;
}

typedef void check_fn(const struct sb_facts *f, unsigned int bits, struct sb_verdict v);

static void for_all(check_fn *check)
{
	struct sb_facts f;
	unsigned int bits;

	for (f.hook = 0; f.hook < SB_HOOKS; f.hook++)
	for (f.device = 0; f.device < SB_DEVICES; f.device++)
	for (f.shape = 0; f.shape < SB_SHAPES; f.shape++)
	for (f.sa = 0; f.sa < SB_ASSOCIATIONS; f.sa++)
	for (f.excuse = 0; f.excuse < SB_EXCUSES; f.excuse++)
	for (bits = 0; bits <= ALL_BITS; bits++) {
		set_bits(&f, bits);
		check(&f, bits, sb_verdict(&f));
	}
}

static void explain(const struct sb_facts *f, unsigned int bits, struct sb_verdict v,
		    const char *what)
{
	fail_msg("%s: hook %u device %u shape %u sa %u excuse %u bits %x: outcome %u reason %u ask %u",
		 what, f->hook, f->device, f->shape, f->sa, f->excuse, bits, v.outcome, v.reason,
		 v.ask);
}

static unsigned long passed, dropped, consumed;

static void check_tables(const struct sb_facts *f, unsigned int bits, struct sb_verdict v)
{
	const struct set *way = find(ways, ARRAY_SIZE(ways), f, bits);
	const struct set *excuse = find(excusable, ARRAY_SIZE(excusable), f, bits);
	unsigned int reason;

	if (f->device == SB_DEVICE_SB0 && f->hook == SB_HOOK_PRE && f->sa == SB_SA_OURS &&
	    f->shape == SB_SHAPE_DUMMY &&
	    (bits & (LEASE | SOURCE | QUARANTINE)) == (LEASE | SOURCE)) {
		if (v.outcome != SB_CONSUME || v.reason || v.ask)
			explain(f, bits, v, "a dummy is consumed");
		consumed++;
		return;
	}
	if (way || (excuse && f->excuse == SB_EXCUSE_PASSES)) {
		if (v.outcome != SB_ACCEPT || v.reason || v.ask)
			explain(f, bits, v, way ? way->name : excuse->name);
		passed++;
		return;
	}
	dropped++;
	if (v.outcome != SB_DROP)
		explain(f, bits, v, "passes without a way");
	if (v.ask != (excuse && f->excuse == SB_EXCUSE_UNASKED))
		explain(f, bits, v, "ask");
	reason = find(reasons, ARRAY_SIZE(reasons), f, bits)->reason;
	if (excuse && f->excuse == SB_EXCUSE_SPENT)
		reason = SEALBOND_REASON_OVER_BUDGET;
	if (excuse && f->excuse == SB_EXCUSE_LEDGER)
		reason = SEALBOND_REASON_LEDGER_SOCKET;
	if (v.reason != reason)
		explain(f, bits, v, "reason");
}

static void test_tables(void **state)
{
	for_all(check_tables);
	assert_int_equal(passed + dropped + consumed,
			 (unsigned long)SB_HOOKS * SB_DEVICES * SB_SHAPES * SB_ASSOCIATIONS *
			 SB_EXCUSES * (ALL_BITS + 1));
	assert_true(passed && dropped && consumed);
}

/* Nothing leaves a protected device but ours and what is excused. */
static void check_leaves(const struct sb_facts *f, unsigned int bits, struct sb_verdict v)
{
	bool ours = f->sa == SB_SA_OURS, live = (bits & LEASE) && !(bits & QUARANTINE);
	bool after_sa = f->shape == SB_SHAPE_SEALED && ours;

	if (f->device != SB_DEVICE_PROTECTED || f->hook == SB_HOOK_PRE || v.outcome != SB_ACCEPT)
		return;
	if (bits & OWN_SOCKET || f->excuse == SB_EXCUSE_PASSES ||
	    f->shape == SB_SHAPE_OUR_FRAGMENT)
		return;
	if (f->hook == SB_HOOK_EGRESS && after_sa && live && !(bits & REPEATED))
		return;
	/* At POST: about to become ours; or an SA came before, and egress judges what it is now. */
	if (f->hook == SB_HOOK_POST && bits & TRANSFORMING && ours && live)
		return;
	if (f->hook == SB_HOOK_POST && bits & TRANSFORMED && !(bits & (TRANSFORMING | REPEATED)))
		return;
	explain(f, bits, v, "leaves");
}

/* Nothing comes from sb0 but from a peer with a live lease, under its own address. */
static void check_comes(const struct sb_facts *f, unsigned int bits, struct sb_verdict v)
{
	if (f->device == SB_DEVICE_SB0 && f->hook == SB_HOOK_PRE && v.outcome == SB_ACCEPT &&
	    (f->sa != SB_SA_OURS || (bits & (LEASE | SOURCE | QUARANTINE)) != (LEASE | SOURCE)))
		explain(f, bits, v, "comes from sb0");
}

static void check_rules(const struct sb_facts *f, unsigned int bits, struct sb_verdict v)
{
	bool network = f->device == SB_DEVICE_PROTECTED || f->device == SB_DEVICE_OTHER;

	if ((v.outcome == SB_DROP) == (v.reason == SEALBOND_REASON_NONE))
		explain(f, bits, v, "a drop has a reason, and nothing else has");
	if (v.reason > SEALBOND_REASON_MAX)
		explain(f, bits, v, "reason out of range");
	if (v.ask && (v.outcome != SB_DROP || f->excuse != SB_EXCUSE_UNASKED))
		explain(f, bits, v, "asks in vain");
	if (network && f->shape == SB_SHAPE_FRAGMENT && v.outcome == SB_ACCEPT &&
	    !(bits & OWN_SOCKET) &&
	    !(f->hook == SB_HOOK_POST && bits & (TRANSFORMING | TRANSFORMED)))
		explain(f, bits, v, "a stray fragment");
	if (network && bits & PACKET_SOCKET && f->hook == SB_HOOK_EGRESS &&
	    v.outcome == SB_ACCEPT && f->excuse != SB_EXCUSE_PASSES)
		explain(f, bits, v, "a packet socket's frame");
	if (f->device == SB_DEVICE_OTHER && v.outcome == SB_ACCEPT &&
	    f->excuse != SB_EXCUSE_PASSES)
		explain(f, bits, v, "a namespace without bonds");
	if (network && bits & FORWARDED && f->excuse == SB_EXCUSE_PASSES &&
	    v.outcome == SB_ACCEPT) {
		struct sb_facts g = *f;

		g.excuse = SB_EXCUSE_NONE;
		if (sb_verdict(&g).outcome != SB_ACCEPT)
			explain(f, bits, v, "a forwarded packet is excused");
	}
}

/* The answers of the exceptions change what was asked about, and nothing else. */
static void check_asking(const struct sb_facts *f, unsigned int bits, struct sb_verdict v)
{
	struct sb_facts g = *f;
	struct sb_verdict w;

	if (f->excuse != SB_EXCUSE_UNASKED)
		return;
	for (g.excuse = SB_EXCUSE_NONE; g.excuse < SB_EXCUSES; g.excuse++) {
		unsigned int reason = v.reason, outcome = v.outcome;

		w = sb_verdict(&g);
		if (v.ask && g.excuse == SB_EXCUSE_SPENT)
			reason = SEALBOND_REASON_OVER_BUDGET;
		if (v.ask && g.excuse == SB_EXCUSE_LEDGER)
			reason = SEALBOND_REASON_LEDGER_SOCKET;
		if (v.ask && g.excuse == SB_EXCUSE_PASSES) {
			reason = SEALBOND_REASON_NONE;
			outcome = SB_ACCEPT;
		}
		if (w.reason != reason || w.outcome != outcome || w.ask)
			explain(&g, bits, w, "asked");
	}
}

static void test_leaves(void **state)
{
	for_all(check_leaves);
}

static void test_comes(void **state)
{
	for_all(check_comes);
}

static void test_rules(void **state)
{
	for_all(check_rules);
}

static void test_asking(void **state)
{
	for_all(check_asking);
}

static bool seen[SEALBOND_REASON_MAX + 1];

static void note_reason(const struct sb_facts *f, unsigned int bits, struct sb_verdict v)
{
	seen[v.reason] = true;
}

static void test_every_reason_occurs(void **state)
{
	for_all(note_reason);
	for (int i = 0; i <= SEALBOND_REASON_MAX; i++)
		if (!seen[i])
			fail_msg("reason %d never occurs", i);
}

/* Facts that nobody filled in pass nothing. */
static void test_zero(void **state)
{
	struct sb_facts f = {};

	assert_int_equal(sb_verdict(&f).outcome, SB_DROP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_leaves),
		cmocka_unit_test(test_comes),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_asking),
		cmocka_unit_test(test_every_reason_occurs),
		cmocka_unit_test(test_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
