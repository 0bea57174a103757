// SPDX-License-Identifier: Apache-2.0
/* Rules of the light client at their edges: what test_light.c leaves to others. */
#include "light_world.h"

#include <errno.h>

#include "common/cleanup.h"
#include "light/merkle.h"

static struct world world;	/* validators change by one a height, of ten */
static const struct sb_light_rules rules = SB_LIGHT_RULES_DEFAULT;
static const struct sb_light_now now = { true, { WORLD_START + 1000, 0 } };

static const char *verdict_on(const struct sb_light_block *trusted, const struct sb_light_block *block)
{
	return sb_light_name(sb_light_verify(&trusted->header, &trusted->validators, block, &rules, &now));
}

static void no_hash(struct sb_light_block *b) { b->commit.block.hash.there = false; }
static void no_parts(struct sb_light_block *b) { b->commit.block.parts_hash.there = false; }
static void no_next(struct sb_light_block *b) { b->header.next_validators.there = false; }
static void before_second(struct sb_light_block *b) { b->header.time.nanos = -1; }
static void after_second(struct sb_light_block *b) { b->header.time.nanos = 1000000000; }
static void no_commit_height(struct sb_light_block *b) { b->commit.height = 0; }
static void no_round(struct sb_light_block *b) { b->commit.round = -1; }
static void no_votes(struct sb_light_block *b) { b->commit.count = 0; }
static void many_votes(struct sb_light_block *b) { b->commit.count = SB_VALIDATORS_MAX + 1; }
static void no_flag(struct sb_light_block *b) { b->commit.votes[3].flag = 0; }

static void malformed(void **state)
{
	void (*const changes[])(struct sb_light_block *block) = {
		no_hash, no_parts, no_next, before_second, after_second, no_commit_height, no_round, no_votes, many_votes,
		no_flag,
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(changes); i++) {
		struct sb_light_block block = world_copy(&world.block[12]);

		changes[i](&block);
		assert_string_equal(verdict_on(&world.block[11], &block), "malformed");
		assert_string_equal(verdict_on(&world.block[10], &block), "malformed");
		sb_light_block_free(&block);
	}
}

/* No hash is no hash, whatever stands in its place. */
static void nothing_announced(void **state)
{
	struct sb_light_block trusted = world_copy(&world.block[11]);

	assert_string_equal(verdict_on(&trusted, &world.block[12]), "ok");
	trusted.header.next_validators.there = false;
	assert_string_equal(verdict_on(&trusted, &world.block[12]), "wrong-next-validators");
	sb_light_block_free(&trusted);
}

/* Those whom the trusted set knows have voted for nothing. */
static void nil_is_no_trust(void **state)
{
	struct sb_light_block block = world_copy(&world.block[12]);

	for (size_t i = 0; i < block.commit.count; i++) {
		block.commit.votes[i].flag = SB_VOTE_NIL;
		world_sign(&block, i);
	}
	assert_string_equal(verdict_on(&world.block[10], &block), "not-enough-trust");
	sb_light_block_free(&block);
}

/* More votes than are verified at once; one of the first is wrong, or one of the last. */
static void many_signatures(void **state)
{
	struct sb_light_block trusted = world_copy(&world.block[10]), block = world_copy(&world.block[12]);
	static const size_t at[] = { 3, 66 };

	free(trusted.validators.validators);
	free(block.validators.validators);
	trusted.validators = world_set(0, 220, 10);
	block.validators = world_set(0, 220, 10);
	world_set_hash(&block.validators, &block.header.validators);
	for (unsigned int adjacent = 0; adjacent < 2; adjacent++) {
		trusted.header.height = adjacent ? 11 : 10;
		trusted.header.next_validators = block.header.validators;
		world_commit(&block, 0);
		assert_string_equal(verdict_on(&trusted, &block), "ok");
		for (size_t i = 0; i < SB_ARRAY_SIZE(at); i++) {
			block.commit.votes[at[i]].signature[0] ^= 1;
			assert_string_equal(verdict_on(&trusted, &block), "wrong-signature");
			block.commit.votes[at[i]].signature[0] ^= 1;
		}
	}
	sb_light_block_free(&trusted);
	sb_light_block_free(&block);
}

/* What was proven by a trusted validator's key is nothing to one who has only its address. */
static void borrowed_address(void **state)
{
	struct sb_light_block block = world_copy(&world.block[12]);

	for (size_t i = 0; i < 4; i++) {
		uint8_t *key = block.validators.validators[i].key;

		memcpy(key, world_key(3000)->public, SB_ED25519_KEY_LEN);
		world_set_hash(&block.validators, &block.header.validators);
		memcpy(key, world.block[12].validators.validators[i].key, SB_ED25519_KEY_LEN);
		world_commit(&block, 0);		/* signed by the one whom the trusted set knows */
		memcpy(key, world_key(3000)->public, SB_ED25519_KEY_LEN);
		assert_string_equal(verdict_on(&world.block[10], &block), "wrong-signature");
		memcpy(key, world.block[12].validators.validators[i].key, SB_ED25519_KEY_LEN);
	}
	sb_light_block_free(&block);
}

static void back_version(struct sb_header *h) { h->block_version = 10; }
static void back_chain(struct sb_header *h) { strcpy(h->chain, "other"); }
static void back_malformed(struct sb_header *h) { h->next_validators.there = false; }
static void back_height(struct sb_header *h) { h->height = 10; }
static void back_time(struct sb_header *h) { h->time = world.block[12].header.time; }
static void back_hash(struct sb_header *h) { h->app_version++; }

static void backwards(void **state)
{
	static const struct {
		void (*change)(struct sb_header *header);
		const char *name;
	} cases[] = {
		{ back_version, "other-version" }, { back_chain, "other-chain" }, { back_malformed, "malformed" },
		{ back_height, "wrong-height" }, { back_time, "wrong-time" }, { back_hash, "not-parent" },
	};
	struct sb_header header = world.block[1].header, first = world.block[1].header;

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		struct sb_header changed = world.block[11].header, trusted = world.block[12].header;

		assert_int_equal(sb_light_verify_back(&trusted, &changed), SB_LIGHT_OK);
		cases[i].change(&changed);
		/* the trusted one names whatever it has become, so that nothing else is wrong with it */
		if (cases[i].change != back_hash)
			sb_header_hash(&changed, trusted.last_block.hash.bytes);
		assert_string_equal(sb_light_name(sb_light_verify_back(&trusted, &changed)), cases[i].name);
	}
	header.height = 0;
	assert_string_equal(sb_light_name(sb_light_verify_back(&first, &header)), "malformed");
}

static struct sb_light_block stranger;

/* A block of nobody whom the trusted set knows, of any height. */
static int give_stranger(void *context, int64_t height, struct sb_light_block *block, struct sb_error *error)
{
	(void)error;
	(*(unsigned int *)context)++;
	*block = world_copy(&stranger);
	block->header.height = height;
	block->header.time.seconds = WORLD_START + 100;
	world_commit(block, 0);
	return 0;
}

/* The way to the highest height there is would need more blocks than are held. */
static void too_far(void **state)
{
	struct sb_light_block trusted = world_copy(&world.block[10]);
	unsigned int asked = 0;
	const struct sb_light_source source = { give_stranger, &asked };
	struct sb_light_report report;
	struct sb_error error;

	stranger = world_copy(&world.block[12]);
	free(stranger.validators.validators);
	stranger.validators = world_set(3500, 1, 10);
	world_set_hash(&stranger.validators, &stranger.header.validators);
	assert_int_equal(sb_light_sync(&trusted, INT64_MAX, &source, &rules, &now, &report, &error), -E2BIG);
	assert_int_equal(asked, SB_LIGHT_BLOCKS_HELD);
	assert_int_equal(trusted.header.height, 10);
	sb_light_block_free(&trusted);
	sb_light_block_free(&stranger);
}

struct silent {
	int64_t height;		/* of which nothing is said */
};

static int give_others(void *context, int64_t height, struct sb_light_block *block, struct sb_error *error)
{
	const struct silent *silent = context;

	if (height == silent->height)
		return sb_fail(error, -ETIMEDOUT, "no answer");
	*block = world_copy(&world.block[height]);
	return 0;
}

static void silence_on_the_way(void **state)
{
	struct silent silent = { 1 + 99 * 9 / 16 };
	const struct sb_light_source source = { give_others, &silent };
	struct sb_light_block trusted = world_copy(&world.block[1]);
	struct sb_light_report report;
	struct sb_header header;
	struct sb_error error;

	assert_int_equal(sb_light_sync(&trusted, 100, &source, &rules, &now, &report, &error), -ETIMEDOUT);
	assert_int_equal(report.height, silent.height);
	assert_int_equal(trusted.header.height, 1);
	sb_light_block_free(&trusted);
	assert_int_equal(sb_light_back(&world.block[100].header, 20, &source, &header, &report, &error), -ETIMEDOUT);
	header = world.block[100].header;
	header.height = SB_LIGHT_BACK_MAX + 2;
	assert_int_equal(sb_light_back(&header, 1, &source, &header, &report, &error), -E2BIG);
}

static void bounds(void **state)
{
	sb_cleanup_free struct sb_validator *list = calloc(SB_VALIDATORS_MAX + 1, sizeof(*list));
	struct sb_validator_set set = { .count = SB_VALIDATORS_MAX, .validators = list };

	assert_non_null(list);
	for (size_t i = 0; i <= SB_VALIDATORS_MAX; i++)
		list[i].power = 1;
	assert_int_equal(sb_validator_set_sum(&set), 0);
	set.count++;
	assert_int_equal(sb_validator_set_sum(&set), -EINVAL);
	sb_light_block_free(NULL);
}

/* Times stay where int64_t ends. */
static void ends_of_time(void **state)
{
	struct sb_chain_time late = sb_time_add((struct sb_chain_time){ INT64_MAX - 3, 7 }, 10);
	struct sb_chain_time early = sb_time_add((struct sb_chain_time){ INT64_MIN + 3, 7 }, -10);
	struct sb_light_block block = world_copy(&world.block[12]);
	const struct sb_light_now end = { true, { INT64_MAX, 0 } };

	assert_true(late.seconds == INT64_MAX && late.nanos == 7);
	assert_true(early.seconds == INT64_MIN && early.nanos == 7);
	block.header.time.seconds = INT64_MAX;
	world_commit(&block, 0);
	assert_string_equal(verdict_on(&world.block[11], &block), "from-future");
	block.header.time.seconds = INT64_MIN;
	world_commit(&block, 0);
	assert_string_equal(verdict_on(&world.block[11], &block), "wrong-time");
	assert_true(sb_light_expired(&world.block[11].header, &rules, &end));
	sb_light_block_free(&block);
}

static int set_up(void **state)
{
	(void)state;
	world_make(&world, 120, 1, 10);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	world_free(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed), cmocka_unit_test(nothing_announced), cmocka_unit_test(nil_is_no_trust),
		cmocka_unit_test(many_signatures), cmocka_unit_test(borrowed_address), cmocka_unit_test(backwards),
		cmocka_unit_test(too_far), cmocka_unit_test(silence_on_the_way), cmocka_unit_test(bounds),
		cmocka_unit_test(ends_of_time),
	};

	return cmocka_run_group_tests_name("light rules", tests, set_up, tear_down);
}
