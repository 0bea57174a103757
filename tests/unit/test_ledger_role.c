// SPDX-License-Identifier: Apache-2.0
/* A device's way along its ledger, by the role's own logic and the ledger's own rules. */
#include "ledger_role_world.h"

#include <linux/sealbond.h>

static void from_nothing_to_live(void **state)
{
	struct sb_ledger_reply reply;

	go_live();
	sb_ledger_report(world->role, &reply);
	assert_int_equal(reply.has_lease, 1);
	/* No longer than from the sending on. */
	assert_true(reply.lease_ms <= 86400000 && reply.lease_ms > 86400000 - 60000);
	assert_int_equal(reply.beats, 1);
	assert_int_equal(world->local.overlay4_bits, 16);
	assert_int_equal(world->local.overlay4[0], 10);
}

/* The ledger is lost: the lease runs out, is held as the ledger's parameters say, ends; and comes back by itself. */
static void the_ledger_is_lost(void **state)
{
	with_zone();
	assert_true(world->grants > 0);
	world->reach = -EHOSTUNREACH;
	step();
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	later(86400000);
	assert_int_equal(state_now(), SB_LEDGER_HELD);
	assert_int_equal(world->drops, 0);
	later(3 * 86400000ULL);
	assert_int_equal(state_now(), SB_LEDGER_ENDED);
	assert_int_equal(world->drops, 1);
	assert_memory_equal(world->dropped, world->b.id, 32);
	world->reach = 0;
	ledger_wait(&world->plant.ledger, 4 * 86400);
	later(60000);
	steps(3);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
}

/* on_ledger_loss = stop on the device is stronger than what the ledger allows. */
static void stop_means_stop(void **state)
{
	world->settings.has_hold = true;
	start_role();
	with_zone();
	world->reach = -EKEYEXPIRED;
	step();
	assert_int_equal(world->drops, 0);
	later(86400000);
	assert_int_equal(state_now(), SB_LEDGER_TRUST_EXPIRED);
	assert_int_equal(world->drops, 1);
}

/* A restart of the helper while the ledger is away ends nothing that the kernel was granted. */
static void restarted_without_a_ledger(void **state)
{
	with_zone();
	world->reach = -EHOSTUNREACH;
	start_role();
	sb_ledger_peer_seen(world->role, world->b.id);
	steps(5);
	assert_int_equal(state_now(), SB_LEDGER_UNREACHABLE);
	assert_int_equal(world->drops, 0);
	/* With the ledger back, and B revoked meanwhile, it does. */
	assert_int_equal(revokes(&world->plant.ledger, &world->b.owner, &world->b), SB_TX_OK);
	world->reach = 0;
	steps(4);
	assert_int_equal(world->drops, 1);
}

/* Its addresses are the ledger's: one that is started anew hears them, whether or not the ledger says anything just then. */
static void a_link_role_that_is_started_anew(void **state)
{
	const struct sb_ledger_local nothing = { .overlay4_bits = 0 };

	with_zone();
	assert_int_equal(world->locals, 1);
	world->local = nothing;
	sb_ledger_keys_changed(world->role);
	step();
	assert_int_equal(world->locals, 2);
	assert_int_equal(world->local.overlay4_bits, 16);
	steps(5);
	assert_int_equal(world->locals, 2);
	world->local = nothing;
	world->reach = -EHOSTUNREACH;
	sb_ledger_keys_changed(world->role);
	step();
	assert_int_equal(world->locals, 3);
	assert_int_equal(world->local.overlay4_bits, 16);
}

/* Its owner has taken B out, or given it away; the roster, which is the zone's, lists it still. */
static void a_peer_that_is_in_the_roster_only(void **state)
{
	uint8_t tag[32], proof[64], other[32];

	with_zone();
	assert_int_equal(world->grants, 1);
	later(2000);
	assert_int_equal(world->drops, 0);
	assert_int_equal(sb_tag_prove_for(world->secret, CHAIN, world->b.id, &world->rules, tag, proof), 0);
	sb_tag_point("another", world->b.id, other);
	put_tag(&world->b, other);
	steps(3);
	assert_int_equal(world->drops, 1);
	assert_memory_equal(world->dropped, world->b.id, 32);
	assert_int_equal(world->grants, 1);
	put_tag(&world->b, tag);
	steps(3);
	assert_int_equal(world->grants, 2);
	put_tag(&world->b, NULL);
	steps(3);
	assert_int_equal(world->drops, 2);
}

static void a_fork_is_seen(void **state)
{
	with_zone();
	world->reach = -ENOTUNIQ;
	step();
	assert_int_equal(state_now(), SB_LEDGER_FORK);
	assert_int_equal(world->drops, 0);
}

static void its_owner_suspends_it(void **state)
{
	with_zone();
	assert_int_equal(suspends(&world->plant.ledger, &world->plant.a.owner, &world->plant.a), SB_TX_OK);
	step();
	assert_int_equal(state_now(), SB_LEDGER_SUSPENDED);
	assert_int_equal(world->drops, 1);
	assert_int_equal(resumes(&world->plant.ledger, &world->plant.a.owner, &world->plant.a), SB_TX_OK);
	steps(4);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	assert_true(world->grants >= 2);
}

/* Two of three nodes have to sign; one is down, then another adds rubbish, then only one is left. */
static void grants_of_k_nodes(void **state)
{
	struct sb_grant_file grant;

	world->node[0].down = true;
	with_zone();
	assert_int_equal(world->grants, 1);
	assert_memory_equal(world->admitted, world->b.id, 32);
	assert_string_equal(world->last.name, "b");
	last_grant(&grant);
	assert_int_equal(grant.count, 2);
	assert_memory_equal(grant.body.nonce, world->nonce, 16);
	/* In time before it ends, and no earlier. */
	world->node[0].down = false;
	world->node[0].lies = true;
	steps(10);
	assert_int_equal(world->grants, 1);
	later(5 * 3600000);
	assert_int_equal(world->grants, 2);
	last_grant(&grant);
	assert_int_equal(grant.count, 2);
	world->node[1].down = world->node[2].down = true;
	later(5 * 3600000);
	later(3600000);
	assert_int_equal(world->grants, 2);
}

static void one_more(struct device *device)
{
	make_device(device);
	bring_live(&world->plant, device, 1);
}

/* As long as it took, while a node does not answer. */
static uint64_t step_ms(void)
{
	uint64_t before = world->now;

	(void)sb_ledger_step(world->role);
	return world->now - before;
}

/*
 * All three have to sign, and one is off. A step waits for it once, however many peers need a grant: a revocation does
 * not wait for all of them.
 */
static void a_quorum_that_cannot_be_reached(void **state)
{
	const struct device *all[] = { &world->plant.a, &world->b, &world->c, &world->d };

	world->settings.threshold = 3;
	start_role();
	go_live();
	b_live();
	one_more(&world->c);
	one_more(&world->d);
	write_zone(all, 4);
	join_zone();
	world->node[1].down = true;
	for (int i = 0; i < 12; i++) {
		assert_in_range(step_ms(), 0, NODE_SILENT_MS);
		world->now += 1000;
	}
	assert_int_equal(world->grants, 0);
	for (size_t i = 0; i < world->role->peers; i++)
		assert_true(world->role->peer[i].failures > 0);
	world->node[1].down = false;
	for (int i = 0; i < 3; i++)
		later(60000);
	assert_int_equal(world->grants, 3);
	/* The ledger revokes one while another's grant is due: it goes with the next step. */
	world->node[1].down = true;
	ledger_refresh_peers(world->role);
	assert_int_equal(revokes(&world->plant.ledger, &world->c.owner, &world->c), SB_TX_OK);
	assert_in_range(step_ms(), 0, NODE_SILENT_MS);
	assert_int_equal(world->drops, 1);
	assert_memory_equal(world->dropped, world->c.id, 32);
}

/* Clocks of nodes differ; one names times that are over before the others see them, one such as they do not agree to. */
static void nodes_name_one_time(void **state)
{
	struct sb_grant_file grant;

	world->settings.threshold = 3;
	start_role();
	world->node[1].clock = 7;
	world->node[2].clock = -11;
	with_zone();
	assert_int_equal(world->grants, 1);
	assert_int_equal(world->asked, 3);
	last_grant(&grant);
	assert_int_equal(grant.count, 3);
	/* The first is behind by a minute, the second hurries: the third one's time is everybody's. */
	world->settings.threshold = 2;
	start_role();
	world->node[0].clock = -60;
	world->node[1].clock = 0;
	world->node[1].hurries = true;
	world->node[2].clock = 3;
	steps(6);
	assert_int_equal(world->grants, 2);
	last_grant(&grant);
	assert_int_equal(grant.count, 2);
}

/* What the kernel is granted reaches over the hold; renewals come by the lease alone. */
static void grants_reach_over_the_hold(void **state)
{
	struct sb_ledger_reply reply;
	struct sb_grant_file grant;

	with_zone();
	last_grant(&grant);
	assert_int_equal(sb_grant_file_hold(&grant), 3 * 86400000ULL);
	assert_in_range(sb_grant_file_duration(&grant), 3 * 86400000ULL + 86300000, 4 * 86400000ULL);
	later(5 * 3600000);
	assert_int_equal(world->grants, 2);
	world->reach = -EHOSTUNREACH;
	later(86400000);
	sb_ledger_report(world->role, &reply);
	assert_int_equal(reply.state, SB_LEDGER_HELD);
	assert_int_equal(reply.held, 1);
	assert_in_range(reply.hold_left_ms, 2 * 86400000ULL, 3 * 86400000ULL);
	assert_int_equal(world->drops, 0);
	/* Who has a shorter one, by its configuration or its profile, has it in the kernel, too. */
	world->reach = 0;
	world->settings.has_hold = true;
	world->settings.hold_ms = 3600000;
	start_role();
	ledger_wait(&world->plant.ledger, 86400);
	assert_int_equal(beats(&world->plant.ledger, &world->b), SB_TX_OK);
	steps(8);
	last_grant(&grant);
	assert_int_equal(sb_grant_file_hold(&grant), 3600000);
}

/* With the ledger there, a hold delays nothing: neither the end of a peer's lease, nor the own one's, nor a revocation. */
static void a_hold_is_for_a_lost_ledger_only(void **state)
{
	with_zone();
	for (int i = 0; i < 23; i++)
		later(3600000);
	assert_int_equal(world->drops, 0);
	later(3600000);
	later(60000);
	/* B has sent no heartbeat for a day. */
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	assert_int_equal(world->drops, 1);
}

/* After a loss that the leases did not live to see the end of, a bond that was held goes on. */
static void it_comes_back_without_a_gap(void **state)
{
	with_zone();
	world->reach = -EHOSTUNREACH;
	step();
	later(86400000);
	assert_int_equal(state_now(), SB_LEDGER_HELD);
	world->reach = 0;
	ledger_wait(&world->plant.ledger, 86400);
	steps(20);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	assert_int_equal(world->drops, 0);
	assert_int_equal(beats(&world->plant.ledger, &world->b), SB_TX_OK);
	for (int i = 0; i < 10; i++)
		later(30000);
	assert_int_equal(world->drops, 0);
	/* B does not come back: two minutes, then its lease has ended for good. */
	world->reach = -EHOSTUNREACH;
	later(86400000);
	world->reach = 0;
	ledger_wait(&world->plant.ledger, 86400);
	later(60000);
	assert_int_equal(world->drops, 0);
	for (int i = 0; i < 3; i++)
		later(60000);
	assert_int_equal(world->drops, 1);
}

/* Back, and it says that this device's boot is none that it takes, or that the peer is revoked: at once. */
static void it_comes_back_and_says_no(void **state)
{
	with_zone();
	world->reach = -EHOSTUNREACH;
	step();
	later(86400000);
	assert_int_equal(revokes(&world->plant.ledger, &world->b.owner, &world->b), SB_TX_OK);
	world->reach = 0;
	ledger_wait(&world->plant.ledger, 86400);
	step();
	assert_int_equal(world->drops, 1);
	step();
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
}

static void it_comes_back_and_refuses(void **state)
{
	with_zone();
	world->reach = -EHOSTUNREACH;
	step();
	later(86400000);
	assert_int_equal(state_now(), SB_LEDGER_HELD);
	fresh_key(world->plant.a.current);
	world->reach = 0;
	ledger_wait(&world->plant.ledger, 86400);
	steps(2);
	assert_int_equal(state_now(), SB_LEDGER_ENDED);
	assert_int_equal(world->drops, 1);
}

/* Endpoints that answer, and a chain that stands still: as lost as without them, but grants are still signed. */
static void a_chain_that_stands_still(void **state)
{
	with_zone();
	world->stalled = true;
	step();
	later(86400000);
	assert_int_equal(state_now(), SB_LEDGER_HELD);
	assert_int_equal(world->drops, 0);
	world->stalled = false;
	ledger_wait(&world->plant.ledger, 86400);
	for (int i = 0; i < 4; i++)
		later(10000);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	assert_int_equal(world->drops, 0);
}

static void members_decide(Sealbond__Change__ChangeCase which, Sealbond__Succession *succession)
{
	Sealbond__Change change = SEALBOND__CHANGE__INIT, *changes[] = { &change };
	BODY(PROPOSE, propose, Propose, propose);

	change.change_case = which;
	if (succession)
		change.succession = succession;
	else
		change.close = true;
	propose.n_changes = 1;
	propose.changes = changes;
	assert_int_equal(says(&world->plant.ledger, &world->plant.member, &body), SB_TX_OK);
}

/* It is closed, and goes on as another chain, which is not there at once. */
static void the_ledger_goes_on_elsewhere(void **state)
{
	Sealbond__Succession succession = SEALBOND__SUCCESSION__INIT;
	static uint8_t hash[32] = { 3 };
	static char *url[] = { (char *)"http://192.0.2.1:26657" };
	uint64_t beats_before;

	with_zone();
	beats_before = world->role->beats;
	members_decide(SEALBOND__CHANGE__CHANGE_CLOSE, NULL);
	for (int i = 0; i < 6; i++)
		later(3600000);
	/* no refusal of this device: it keeps what it has */
	assert_int_equal(world->role->last_code, SB_TX_CLOSED);
	assert_int_equal(world->role->beats, beats_before);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	assert_int_equal(world->moves, 0);
	succession.chain = (char *)"plant-2";
	succession.height = (uint64_t)world->plant.ledger.height + 1000;
	succession.hash = span32(hash);
	succession.n_endpoints = 1;
	succession.endpoints = url;
	members_decide(SEALBOND__CHANGE__CHANGE_SUCCESSION, &succession);
	world->successor = -EHOSTUNREACH;
	for (int i = 0; i < 5; i++)
		later(30000);
	assert_in_range(world->moves, 3, 6);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	assert_int_equal(world->role->beats, beats_before);
	world->successor = 0;
	for (int i = 0; i < 3; i++)
		later(30000);
	assert_int_equal(world->role->last_code, SB_TX_OK);
	assert_int_equal(world->role->beats, beats_before + 1);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	assert_int_equal(world->drops, 0);
}

static void a_revoked_peer_goes_at_once(void **state)
{
	with_zone();
	assert_int_equal(revokes(&world->plant.ledger, &world->b.owner, &world->b), SB_TX_OK);
	step();
	assert_int_equal(world->drops, 1);
	assert_memory_equal(world->dropped, world->b.id, 32);
	steps(20);
	assert_int_equal(world->drops, 1);
}

/* Its record is as it was, and time goes on. */
static void a_peer_that_does_not_renew(void **state)
{
	with_zone();
	for (int i = 0; i < 25; i++)
		later(3600000);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
	assert_int_equal(world->drops, 1);
	assert_int_equal(beats(&world->plant.ledger, &world->b), SB_TX_OK);
	steps(3);
	assert_true(world->grants > 5);
}

static void a_peer_leaves_the_zone(void **state)
{
	const struct device *alone[] = { &world->plant.a };

	with_zone();
	write_zone(alone, 1);
	step();
	assert_int_equal(world->drops, 1);
}

static void published_under(const uint8_t key[32])
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&world->plant.ledger, &world->plant.a);
	const struct sb_about about = { SB_PURPOSE_ENDPOINTS, CHAIN, world->plant.a.id, 32 };
	uint8_t *text;
	size_t length;

	assert_int_equal(record->endpoints.len, 512);
	assert_int_equal(sb_envelope_open_shared(key, &about, record->endpoints.data, 512, &text, &length), 0);
	assert_non_null(memmem(text, length, "192.0.2.7:7454", 14));
	sb_private_release(text, length);
}

/* The zone's key is another one, and the membership is not yet sealed anew: nobody falls off the network. */
static void a_zone_that_is_keyed_anew(void **state)
{
	const struct device *both[] = { &world->plant.a, &world->b };

	with_zone();
	world->zone_key[1] = 5;
	write_zone(both, 2);
	steps(5);
	assert_int_equal(world->drops, 0);
	/* The helper is restarted just then. */
	start_role();
	sb_ledger_peer_seen(world->role, world->b.id);
	steps(6);
	assert_int_equal(world->drops, 0);
	join_zone();
	steps(5);
	assert_int_equal(world->drops, 0);
	/* Where it can be reached is told anew, under the new key. */
	later(70000);
	steps(4);
	published_under(world->zone_key);
	/* Once more: who is revoked meanwhile goes, restarted or not. */
	world->zone_key[1] = 6;
	write_zone(both, 2);
	start_role();
	sb_ledger_peer_seen(world->role, world->b.id);
	steps(4);
	assert_int_equal(world->drops, 0);
	assert_int_equal(revokes(&world->plant.ledger, &world->b.owner, &world->b), SB_TX_OK);
	steps(2);
	assert_int_equal(world->drops, 1);
}

static void enter(const struct device *device, Sealbond__DeviceState state)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&world->plant.ledger, device);

	record->state = state;
	put_record(SB_RECORD_DEVICE, device->id, 32, record);
	step();
}

/* What was granted before says nothing of the quarantine, or of its end: it does not wait for its renewal. */
static void quarantine_comes_and_goes(void **state)
{
	static const Sealbond__DeviceState states[] = { SEALBOND__DEVICE_STATE__QUARANTINED, SEALBOND__DEVICE_STATE__LIVE };

	with_zone();
	for (size_t i = 0; i < 2; i++) {
		unsigned int before = world->grants;

		enter(&world->b, states[i]);
		assert_int_equal(world->grants, before + 1);
		enter(&world->plant.a, states[i]);
		assert_int_equal(world->grants, before + 2);
		step();
		assert_int_equal(world->grants, before + 2);
	}
	assert_int_equal(world->drops, 0);
}

/* Its endpoints are on the ledger, and only the zone can read them. */
static void endpoints_are_published(void **state)
{
	with_zone();
	later(70000);
	steps(4);
	published_under(world->zone_key);
}

int main(void)
{
#define ROLE(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROLE(from_nothing_to_live), ROLE(the_ledger_is_lost), ROLE(stop_means_stop),
		ROLE(restarted_without_a_ledger), ROLE(a_fork_is_seen), ROLE(its_owner_suspends_it),
		ROLE(a_link_role_that_is_started_anew), ROLE(a_peer_that_is_in_the_roster_only),
		ROLE(grants_of_k_nodes), ROLE(a_quorum_that_cannot_be_reached), ROLE(nodes_name_one_time),
		ROLE(grants_reach_over_the_hold), ROLE(a_hold_is_for_a_lost_ledger_only), ROLE(a_chain_that_stands_still),
		ROLE(it_comes_back_without_a_gap), ROLE(it_comes_back_and_says_no), ROLE(it_comes_back_and_refuses),
		ROLE(a_revoked_peer_goes_at_once), ROLE(a_peer_that_does_not_renew), ROLE(quarantine_comes_and_goes),
		ROLE(a_peer_leaves_the_zone), ROLE(a_zone_that_is_keyed_anew),
		ROLE(the_ledger_goes_on_elsewhere), ROLE(endpoints_are_published),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
