// SPDX-License-Identifier: Apache-2.0
/* Conduits between zones, by the ledger role's own logic and the ledger's own rules. */
#include "ledger_role_world.h"

/* A conduit for one port gives a grant for that; one whose roster says something else gives none. */
static void a_conduit_for_a_port(void **state)
{
	struct sb_grant_file grant;

	world->rules = world->told_rules = (struct sb_tag_rules){ { 6, 3, 1, 0xf6, 1, 0xf6 }, 8 };
	with_zone();
	assert_int_equal(world->grants, 1);
	last_grant(&grant);
	assert_int_equal(grant.body.rules, 1);
	assert_int_equal(grant.rule[0].proto, 6);
	assert_int_equal(be16toh(grant.rule[0].first), 502);
}

static void a_conduit_that_says_two_things(void **state)
{
	world->rules = world->told_rules = (struct sb_tag_rules){ { 6, 3, 1, 0xf6, 1, 0xf6 }, 8 };
	world->told_rules.bytes[3] = 0xf7;
	with_zone();
	assert_int_equal(world->grants, 0);
}

static void nothing_is_held_in_a_conduit(void **state)
{
	struct sb_grant_file grant;

	world->in_conduit = true;
	with_zone();
	last_grant(&grant);
	assert_int_equal(sb_grant_file_hold(&grant), 0);
	assert_in_range(sb_grant_file_duration(&grant), 86300000, 86400000);
}

/* A conduit is a zone of its own to a device: without its record, or out of it, the bonds through it end. */
static void a_conduit_is_removed(void **state)
{
	struct sb_records *records = &world->plant.ledger.world.records;
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length = sb_record_key(SB_RECORD_ZONE, world->zone_id, 16, key);

	world->in_conduit = true;
	with_zone();
	assert_int_equal(world->grants, 1);
	assert_int_equal(world->drops, 0);
	assert_int_equal(records->remove(records->context, key, length), 0);
	ledger_wait(&world->plant.ledger, 5);
	step();
	assert_int_equal(world->drops, 1);
	assert_memory_equal(world->dropped, world->b.id, 32);
	steps(10);
	assert_int_equal(world->grants, 1);
}

int main(void)
{
#define ROLE(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		ROLE(a_conduit_for_a_port), ROLE(a_conduit_that_says_two_things), ROLE(nothing_is_held_in_a_conduit),
		ROLE(a_conduit_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
