// SPDX-License-Identifier: Apache-2.0
/* Skipping over a chain whose validators change, backwards, and sources that lie. */
#include "light_world.h"

#include <errno.h>

static struct world world;
static const struct sb_light_rules rules = SB_LIGHT_RULES_DEFAULT;
static const struct sb_light_now now = { true, { WORLD_START + 2000, 0 } };

/* What the source does at a height, instead of the truth. */
static struct {
	int64_t height;
	void (*change)(struct sb_light_block *block);
	int64_t instead;	/* gives this height's block */
	int fails;
} lie;

static int give(void *context, int64_t height, struct sb_light_block *block, struct sb_error *error)
{
	(void)context;
	world.fetched++;
	if (height == lie.height && lie.fails)
		return sb_fail(error, lie.fails, "no answer");
	if (height < 1 || height > world.blocks)
		return sb_fail(error, -ENOENT, "height is not available");
	*block = world_copy(&world.block[height == lie.height && lie.instead ? lie.instead : height]);
	if (height == lie.height && lie.change)
		lie.change(block);
	return 0;
}

static const struct sb_light_source source = { give, NULL };

static int sync_to(int64_t from, int64_t to, struct sb_light_report *report)
{
	struct sb_light_block trusted = world_copy(&world.block[from]);
	struct sb_error error;
	int result = sb_light_sync(&trusted, to, &source, &rules, &now, report, &error);

	assert_int_equal(trusted.header.height, result == 0 ? to : from);
	if (result == 0)
		assert_memory_equal(&trusted.header, &world.block[to].header, sizeof(trusted.header));
	sb_light_block_free(&trusted);
	return result;
}

static void skips(void **state)
{
	struct sb_light_report report;

	/* Six heights are the most that ten validators, one changing a height, can carry at once. */
	assert_int_equal(sync_to(1, 7, &report), 0);
	assert_int_equal(report.fetched, 1);
	assert_int_equal(sync_to(1, 300, &report), 0);
	assert_in_range(report.fetched, 50, 150);
	assert_int_equal(sync_to(1, 2, &report), 0);
	assert_int_equal(sync_to(150, 151, &report), 0);
}

static void not_above(void **state)
{
	struct sb_light_report report;

	assert_int_equal(sync_to(10, 10, &report), -EBADMSG);
	assert_int_equal(report.verdict, SB_LIGHT_HEIGHT);
	assert_int_equal(sync_to(10, 3, &report), -EBADMSG);
	assert_int_equal(report.fetched, 0);
}

static void wrong_signature(struct sb_light_block *block)
{
	for (size_t i = 0; i < block->commit.count; i++)
		block->commit.votes[i].signature[3] ^= 1;
}

static void forged(struct sb_light_block *block)
{
	free(block->validators.validators);
	block->validators = world_set(2000, 10, 10);
	world_set_hash(&block->validators, &block->header.validators);
	world_commit(block, 0);
}

static void liars(void **state)
{
	struct sb_light_report report;

	lie.height = 100;
	lie.change = wrong_signature;
	assert_int_equal(sync_to(96, 100, &report), -EBADMSG);
	assert_int_equal(report.verdict, SB_LIGHT_SIGNATURE);
	assert_int_equal(report.height, 100);
	/* Whom nobody trusts is asked about down to the neighbour, and no further. */
	lie.change = forged;
	assert_int_equal(sync_to(50, 100, &report), -EBADMSG);
	assert_int_equal(report.verdict, SB_LIGHT_NEXT_VALIDATORS);
	assert_in_range(report.fetched, 5, 60);
	lie.change = NULL;
	lie.instead = 99;
	assert_int_equal(sync_to(96, 100, &report), -EBADMSG);
	assert_int_equal(report.verdict, SB_LIGHT_HEIGHT);
	lie.instead = 0;
	lie.fails = -ETIMEDOUT;
	assert_int_equal(sync_to(96, 100, &report), -ETIMEDOUT);
	assert_int_equal(report.verdict, SB_LIGHT_OK);
	assert_int_equal(report.height, 100);
	memset(&lie, 0, sizeof(lie));
}

static void renamed(struct sb_light_block *block)
{
	block->header.app.length = 32;
}

static void backwards(void **state)
{
	struct sb_light_report report;
	struct sb_header header;
	struct sb_error error;

	assert_int_equal(sb_light_back(&world.block[60].header, 20, &source, &header, &report, &error), 0);
	assert_memory_equal(&header, &world.block[20].header, sizeof(header));
	assert_int_equal(report.fetched, 40);
	lie.height = 40;
	lie.change = renamed;
	assert_int_equal(sb_light_back(&world.block[60].header, 20, &source, &header, &report, &error), -EBADMSG);
	assert_int_equal(report.verdict, SB_LIGHT_NOT_PARENT);
	assert_int_equal(report.height, 40);
	memset(&lie, 0, sizeof(lie));
	assert_int_equal(sb_light_back(&world.block[60].header, 60, &source, &header, &report, &error), -EBADMSG);
	assert_int_equal(sb_light_back(&world.block[60].header, 0, &source, &header, &report, &error), -EBADMSG);
}

static int set_up(void **state)
{
	(void)state;
	world_make(&world, WORLD_BLOCKS, 1, 10);
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
		cmocka_unit_test(skips), cmocka_unit_test(not_above), cmocka_unit_test(liars), cmocka_unit_test(backwards),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
