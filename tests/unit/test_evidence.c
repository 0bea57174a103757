// SPDX-License-Identifier: Apache-2.0
/* What a light client tells CometBFT's nodes of a fork: whom it convicts, by which height. A real node takes it in test_liars.py. */
#include "light_world.h"

#include "common/cleanup.h"
#include "light/evidence.h"

#define AT	20

static struct world world;

static int set_up(void **state)
{
	world_make(&world, 30, 0x7fffffff, 4);
	return 0;
}

static int tear_down(void **state)
{
	world_free(&world);
	return 0;
}

static json_object *value_of(json_object *evidence)
{
	json_object *type, *value;

	assert_non_null(evidence);
	assert_true(json_object_object_get_ex(evidence, "type", &type));
	assert_string_equal(json_object_get_string(type), "tendermint/LightClientAttackEvidence");
	assert_true(json_object_object_get_ex(evidence, "value", &value));
	return value;
}

static const char *text_of(json_object *value, const char *name)
{
	json_object *member;

	assert_true(json_object_object_get_ex(value, name, &member));
	return json_object_get_string(member);
}

static void convicts(json_object *value, const struct sb_light_block *block, size_t from, size_t count)
{
	json_object *list, *one;
	char hex[2 * SB_CHAIN_ADDRESS_LEN + 1];

	assert_true(json_object_object_get_ex(value, "ByzantineValidators", &list));
	assert_int_equal(json_object_array_length(list), count);
	/* all have one power: the order is that of the addresses, as in the set */
	for (size_t i = 0; i < count; i++) {
		one = json_object_array_get_idx(list, i);
		for (size_t j = 0; j < SB_CHAIN_ADDRESS_LEN; j++)
			snprintf(hex + 2 * j, 3, "%02X", block->validators.validators[from + i].address[j]);
		assert_string_equal(text_of(one, "address"), hex);
		assert_string_equal(text_of(one, "voting_power"), "10");
	}
}

/* A state that somebody made up: whoever signed it, by the set of the last common block. */
static void lunatic(void **state)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block forged = world_copy(&world.block[AT]);
	struct sb_attack attack = { &forged, &world.block[AT], NULL };
	json_object *evidence, *value, *block, *set;

	forged.header.app.length = 32;
	forged.header.app.bytes[0] = 9;
	world_commit(&forged, 1);
	assert_null(sb_attack_evidence(&attack));
	attack.common = &world.block[5];
	evidence = sb_attack_evidence(&attack);
	value = value_of(evidence);
	assert_string_equal(text_of(value, "CommonHeight"), "5");
	assert_string_equal(text_of(value, "TotalVotingPower"), "40");
	assert_string_equal(text_of(value, "Timestamp"), "2023-11-14T22:13:25.000005Z");
	convicts(value, &forged, 1, 3);
	assert_true(json_object_object_get_ex(value, "ConflictingBlock", &block));
	assert_true(json_object_object_get_ex(block, "validator_set", &set));
	assert_non_null(strstr(text_of(set, "proposer"), "pub_key"));
	json_object_put(evidence);
	/* of another height it says nothing */
	attack.trusted = &world.block[AT + 1];
	assert_null(sb_attack_evidence(&attack));
}

/* Two good blocks in one round: who has signed both. In two rounds nobody can tell. */
static void equivocation_and_amnesia(void **state)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block other = world_copy(&world.block[AT]);
	struct sb_attack attack = { &other, &world.block[AT], NULL };
	json_object *evidence, *value;

	memset(other.header.data.bytes, 4, 32);
	other.header.data.there = true;
	world_commit(&other, 2);
	evidence = sb_attack_evidence(&attack);
	value = value_of(evidence);
	assert_string_equal(text_of(value, "CommonHeight"), "20");
	convicts(value, &other, 2, 2);
	json_object_put(evidence);
	other.commit.round = 1;
	evidence = sb_attack_evidence(&attack);
	convicts(value_of(evidence), &other, 0, 0);
	json_object_put(evidence);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lunatic), cmocka_unit_test(equivocation_and_amnesia) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
