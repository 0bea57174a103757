// SPDX-License-Identifier: Apache-2.0
/* When blocks are made, and their times. */
#include "cmocka_all.h"

#include "ledger/produce.h"

static struct sb_produce base(void)
{
	return (struct sb_produce){ .interval = 1000, .idle = 60000, .last = 100000, .last_full = 99990 };
}

static void test_idle(void **state)
{
	struct sb_produce produce = base();
	uint64_t wait = 0;

	assert_int_equal(sb_produce_next(&produce, 100001, &wait), SB_PRODUCE_NONE);
	assert_int_equal(wait, 59999);
	assert_int_equal(sb_produce_next(&produce, 160000, &wait), SB_PRODUCE_EMPTY);
}

static void test_waiting(void **state)
{
	struct sb_produce produce = base();
	uint64_t wait = 0;

	produce.waiting = 3;
	assert_int_equal(sb_produce_next(&produce, 100500, &wait), SB_PRODUCE_NONE);
	assert_int_equal(wait, 490);
	assert_int_equal(sb_produce_next(&produce, 100990, &wait), SB_PRODUCE_FULL);
	produce.more = true;
	assert_int_equal(sb_produce_next(&produce, 100001, &wait), SB_PRODUCE_FULL);
	produce.more = false;
	produce.last_full = 0;
	assert_int_equal(sb_produce_next(&produce, 100001, &wait), SB_PRODUCE_FULL);
}

/* After a pause the time of the last vote is old: an empty block brings a new one. */
static void test_after_a_pause(void **state)
{
	struct sb_produce produce = base();
	uint64_t wait = 0;

	produce.waiting = 1;
	assert_int_equal(sb_produce_next(&produce, 102000, &wait), SB_PRODUCE_FULL);
	assert_int_equal(sb_produce_next(&produce, 130000, &wait), SB_PRODUCE_EMPTY);
	produce.last = 130000;
	assert_int_equal(sb_produce_next(&produce, 130001, &wait), SB_PRODUCE_FULL);
}

/* The state after a block is in the next one's header, and that comes at once. */
static void test_follow(void **state)
{
	struct sb_produce produce = base();
	uint64_t wait = 0;

	produce.follow = true;
	produce.waiting = 5;
	assert_int_equal(sb_produce_next(&produce, 100000, &wait), SB_PRODUCE_EMPTY);
	produce.follow = false;
	produce.changed = true;
	produce.waiting = 0;
	assert_int_equal(sb_produce_next(&produce, 100001, &wait), SB_PRODUCE_NONE);
	assert_int_equal(wait, 999);
	assert_int_equal(sb_produce_next(&produce, 101000, &wait), SB_PRODUCE_EMPTY);
}

static void test_vote_time(void **state)
{
	const struct sb_chain_time block = { 1000, 999500000 };
	struct sb_chain_time vote = sb_vote_time((struct sb_chain_time){ 1005, 7 }, block);

	assert_int_equal(vote.seconds, 1005);
	assert_int_equal(vote.nanos, 7);
	/* a clock that went back, or stands: a millisecond later */
	vote = sb_vote_time((struct sb_chain_time){ 10, 0 }, block);
	assert_int_equal(vote.seconds, 1001);
	assert_int_equal(vote.nanos, 500000);
	vote = sb_vote_time(block, block);
	assert_int_equal(vote.seconds, 1001);
	assert_int_equal(vote.nanos, 500000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle), cmocka_unit_test(test_waiting), cmocka_unit_test(test_after_a_pause),
		cmocka_unit_test(test_follow), cmocka_unit_test(test_vote_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
