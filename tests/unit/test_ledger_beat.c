// SPDX-License-Identifier: Apache-2.0
/* What a device says of itself to its ledger: when, over which block, with which TPM and keys; and a peer's keys. */
#include "ledger_role_world.h"

/* Three days: never without a lease, six heartbeats a day, and a few more for the start. */
static void it_renews(void **state)
{
	uint64_t end;
	struct sb_ledger_reply reply;

	go_live();
	end = world->now + 3 * 86400000ULL;
	while (world->now < end) {
		world->now += 600000;
		ledger_wait(&world->plant.ledger, 600);
		steps(1);
		assert_int_equal(state_now(), SB_LEDGER_LIVE);
	}
	sb_ledger_report(world->role, &reply);
	assert_in_range(reply.beats, 15, 23);
	assert_int_equal(reply.beats_refused, 0);
}

static void it_rotates(void **state)
{
	with_zone();
	world->rotated = true;
	sb_ledger_keys_changed(world->role);
	steps(2);
	{
		SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&world->plant.ledger, &world->plant.a);

		assert_memory_equal(record->key.data, world->plant.a.next, 32);
	}
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	/* And renews by the old cap. */
	later(6 * 3600000);
	steps(2);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
}

/* A peer's next key becomes its bond key. */
static void a_peer_rotates(void **state)
{
	BODY(ROTATE_KEY, rotate_key, RotateKey, rotate);
	struct sb_grant_file grant;
	unsigned int before;

	with_zone();
	before = world->grants;
	rotate.key = span32(world->b.next);
	assert_int_equal(attests(&world->plant.ledger, &world->b, &body), SB_TX_OK);
	steps(2);
	assert_int_equal(world->grants, before + 1);
	last_grant(&grant);
	assert_memory_equal(grant.body.key, world->b.next, 32);
}

/* A TPM that counts from zero, with keys that the ledger never heard of: no clone, but an enrolment anew. */
static void a_cleared_tpm(void **state)
{
	go_live();
	world->plant.a.clock = (struct sb_quote_clock){ 1000, 1, 0, true };
	fresh_key(world->plant.a.current);
	fresh_key(world->plant.a.next);
	later(6 * 3600000);
	steps(3);
	assert_int_equal(state_now(), SB_LEDGER_AWAITING_APPROVAL);
}

static unsigned int iak_asks;
static int iak_answer;

static int port_iak(void *context, struct sb_iak_answer *iak, struct sb_error *error)
{
	iak_asks++;
	return sb_fail(error, iak_answer, "no word");
}

static int set_up_roots(void **state)
{
	Sealbond__Parameters parameters;

	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ROOTS;
	parameters.pcrs = PCRS;
	open_world(&parameters);
	world->port.iak = port_iak;
	iak_asks = 0;
	return 0;
}

/*
 * Where a ledger asks for a manufacturer's word, the TPM is asked for its maker's key: again while it is busy, and once only
 * when that key has a password, since each try counts towards the TPM's lockout. Then the device enrols without it.
 */
static void a_key_with_a_password(void **state)
{
	iak_answer = -EBUSY;
	for (int i = 0; i < 2; i++) {
		later(3600000);
		steps(1);
	}
	assert_in_range(iak_asks, 1, 3);
	assert_int_equal(world->submits, 0);
	iak_answer = -EACCES;
	iak_asks = 0;
	for (int i = 0; i < 4; i++) {
		later(3600000);
		steps(1);
	}
	assert_int_equal(iak_asks, 1);
	assert_in_range(world->submits, 2, 4);
	assert_int_equal(world->plant.ledger.last.code, SB_TX_NO_ENDORSEMENT);
}

/* A second TPM state with the same keys speaks: this one, asked again, is frozen, and says so. */
static void a_clone(void **state)
{
	with_zone();
	world->plant.a.clock.clock += 1000000;
	later(61000);
	assert_int_equal(beats(&world->plant.ledger, &world->plant.a), SB_TX_OK);
	world->plant.a.clock.clock -= 900000;
	later(6 * 3600000);
	steps(3);
	assert_int_equal(state_now(), SB_LEDGER_FROZEN_CLONE);
	assert_int_equal(world->drops, 1);
}

static void timers(void **state)
{
	uint64_t low = UINT64_MAX, high = 0;

	assert_int_equal(sb_lease_deadline(1000, 500, 500), 0);
	assert_int_equal(sb_lease_deadline(1000, 600, 500), 101000);
	assert_int_equal(sb_lease_deadline(1000, 500 + 367 * 86400, 500), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t at = sb_beat_after(86400000, i * 4294967);

		low = at < low ? at : low;
		high = at > high ? at : high;
	}
	/* 4 h, and 48 minutes to both sides of it, all of them used. */
	assert_in_range(low, 11520000, 11530000);
	assert_in_range(high, 17270000, 17280000);
	assert_int_equal(sb_retry_after(1, 0, 0), 1000);
	assert_in_range(sb_retry_after(30, 86400000, UINT32_MAX), 1349000, 1350000);
	assert_in_range(sb_retry_after(30, 60000, 0), 1000, 1250);
}

/*
 * Whoever shows a block need not have its state yet: behind CometBFT a header is there before the application has
 * committed its block, and another endpoint may be behind by it. The quote is over a block that they all know.
 */
static void a_block_too_new(void **state)
{
	struct sb_ledger_reply reply;

	go_live();
	world->ahead = 1;
	for (unsigned int i = 0; i < 24 * 60; i++)
		later(60000);
	sb_ledger_report(world->role, &reply);
	assert_in_range(reply.beats, 5, 9);
	assert_int_equal(reply.beats_refused, 0);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
}

/* One that is behind by more says so: that is mended by asking again, and no reason to let go of anything. */
static void an_endpoint_behind(void **state)
{
	uint64_t back = 1;
	struct sb_ledger_reply reply;

	go_live();
	world->ahead = 3;
	world->role->facts.back_ms = back;
	later(6 * 3600000);
	sb_ledger_report(world->role, &reply);
	assert_true(reply.beats_refused > 0);
	assert_int_equal(world->role->facts.back_ms, back);
	assert_int_equal(world->role->act_ms, 0);
	world->ahead = 0;
	steps(2);
	sb_ledger_report(world->role, &reply);
	assert_int_equal(reply.beats, 2);
}

/* In a boot state that nobody has approved the lease goes on, and it says what the next key waits for. */
static void another_boot(void **state)
{
	struct device *a = &world->plant.a;
	struct ledger *ledger = &world->plant.ledger;
	struct sb_ledger_reply reply;

	go_live();
	sb_ledger_report(world->role, &reply);
	assert_true(reply.admitted);
	assert_memory_equal(reply.next, a->next, 32);
	assert_string_equal(reply.why, "");
	reboot(a);
	a->pcr[4][0] ^= 1;
	fresh_key(a->next);
	later(6 * 3600000);
	steps(2);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	sb_ledger_report(world->role, &reply);
	assert_int_equal(reply.beats_refused, 0);
	assert_memory_not_equal(reply.next, a->next, 32);
	assert_non_null(strstr(reply.why, "the next bond key waits until the owner has approved it"));
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	steps(2);
	sb_ledger_report(world->role, &reply);
	assert_memory_equal(reply.next, a->next, 32);
	assert_string_equal(reply.why, "");
}

int main(void)
{
#define ROLE(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROLE(it_renews), ROLE(it_rotates), ROLE(a_peer_rotates), ROLE(a_cleared_tpm), ROLE(a_clone), ROLE(a_block_too_new),
		ROLE(an_endpoint_behind), ROLE(another_boot), cmocka_unit_test(timers),
		cmocka_unit_test_setup_teardown(a_key_with_a_password, set_up_roots, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
