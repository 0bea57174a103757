// SPDX-License-Identifier: Apache-2.0
/* Each rule of the light client by a block that breaks it and no other. */
#include "light_world.h"

#include <errno.h>

#include "common/cleanup.h"
#include "common/sha256.h"
#include "light/json.h"
#include "light/merkle.h"

static struct world world;	/* validators change by one a height, of ten */
static const struct sb_light_rules rules = SB_LIGHT_RULES_DEFAULT;

static struct sb_light_now now_at(int64_t after)
{
	return (struct sb_light_now){ .known = true, .time = { WORLD_START + after, 0 } };
}

/* RFC 6962 section 2.1, as it is written there. */
static void naive_root(uint8_t leaf[][4], size_t n, uint8_t out[32])
{
	uint8_t node[65];
	size_t k = 1;

	if (n == 1) {
		node[0] = 0;
		memcpy(node + 1, leaf[0], 4);
		sb_digest_of(node, 5, out);
		return;
	}
	while (2 * k < n)
		k *= 2;
	node[0] = 1;
	naive_root(leaf, k, node + 1);
	naive_root(leaf + k, n - k, node + 33);
	sb_digest_of(node, 65, out);
}

static void merkle(void **state)
{
	uint8_t leaf[100][4], want[32], got[32];
	struct sb_merkle tree;

	sb_merkle_init(&tree);
	sb_merkle_root(&tree, got);
	sb_digest_of("", 0, want);
	assert_memory_equal(got, want, 32);
	for (size_t n = 1; n <= SB_ARRAY_SIZE(leaf); n++) {
		memcpy(leaf[n - 1], (uint8_t[]){ (uint8_t)n, 2, 3, 4 }, 4);
		sb_merkle_add(&tree, leaf[n - 1], 4);
		sb_merkle_root(&tree, got);
		naive_root(leaf, n, want);
		assert_memory_equal(got, want, 32);
	}
}

static void times(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
		int32_t nanos;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0, 0 }, { "0001-01-01T00:00:00Z", -62135596800, 0 },
		{ "2020-11-18T12:37:13.160570303Z", 1605703033, 160570303 },
		{ "2024-02-29T23:59:59.5Z", 1709251199, 500000000 }, { "9999-12-31T23:59:59Z", 253402300799, 0 },
	};
	static const char *const bad[] = {
		"", "1970-01-01", "1970-01-01T00:00:00", "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00+00:00",
		"1970-01-01T00:00:00.1234567890Z", "1970-13-01T00:00:00Z", "2023-02-29T00:00:00Z",
		"1970-01-01T24:00:00Z", "1970-01-01T00:60:00Z", "1970-01-01T00:00:60Z", "0000-01-01T00:00:00Z",
		"1970-01-01T00:00:00Z ", "-970-01-01T00:00:00Z", "1970-1-01T00:00:00Z",
	};
	struct sb_chain_time time;

	for (size_t i = 0; i < SB_ARRAY_SIZE(good); i++) {
		assert_int_equal(sb_json_time(good[i].text, &time), 0);
		assert_true(time.seconds == good[i].seconds && time.nanos == good[i].nanos);
	}
	for (size_t i = 0; i < SB_ARRAY_SIZE(bad); i++)
		assert_int_equal(sb_json_time(bad[i], &time), -EBADMSG);
}

static enum sb_light_verdict verify(unsigned int from, const struct sb_light_block *block)
{
	const struct sb_light_block *trusted = &world.block[from];
	struct sb_light_now now = now_at(1000);

	return sb_light_verify(&trusted->header, &trusted->validators, block, &rules, &now);
}

/* A change to a copy of block 12, with a commit made for what the change left, or without. */
static void refused(void (*change)(struct sb_light_block *block), bool again, enum sb_light_verdict want)
{
	static const unsigned int from[] = { 11, 10 };	/* adjacent, and not */

	for (size_t i = 0; i < SB_ARRAY_SIZE(from); i++) {
		struct sb_light_block block = world_copy(&world.block[12]);

		change(&block);
		if (again)
			world_commit(&block, 0);
		assert_string_equal(sb_light_name(verify(from[i], &block)), sb_light_name(want));
		sb_light_block_free(&block);
	}
}

static void version(struct sb_light_block *b) { b->header.block_version = 10; }
static void chain(struct sb_light_block *b) { strcpy(b->header.chain, "other"); }
static void no_height(struct sb_light_block *b) { b->header.height = 0; }
static void low(struct sb_light_block *b) { b->header.height = 10; }
static void early(struct sb_light_block *b) { b->header.time = world.block[10].header.time; }
static void late(struct sb_light_block *b) { b->header.time.seconds = WORLD_START + 1010; }
static void no_set(struct sb_light_block *b) { b->header.validators.there = false; }
static void app(struct sb_light_block *b) { b->header.app.length = 32; }
static void commit_height(struct sb_light_block *b) { b->commit.height++; }
static void commit_parts(struct sb_light_block *b) { b->commit.block.parts = 0; }
static void flag(struct sb_light_block *b) { b->commit.votes[0].flag = 4; }
static void set_hash(struct sb_light_block *b) { b->header.validators.bytes[0] ^= 1; }
static void few_votes(struct sb_light_block *b) { b->commit.count--; }
static void negative(struct sb_light_block *b) { b->validators.validators[9].power = -10; }
static void sum(struct sb_light_block *b) { b->validators.power++; }
static void address(struct sb_light_block *b) { b->commit.votes[9].address[0] ^= 1; }
static void signature(struct sb_light_block *b) { b->commit.votes[0].signature[0] ^= 1; }
static void vote_time(struct sb_light_block *b) { b->commit.votes[0].time.nanos++; }
static void round_of(struct sb_light_block *b) { b->commit.round++; }

static void parts_hash(struct sb_light_block *b) { b->commit.block.parts_hash.bytes[0] ^= 1; }

static void strangers(struct sb_light_block *b)
{
	free(b->validators.validators);
	b->validators = world_set(1000, 10, 10);
	world_set_hash(&b->validators, &b->header.validators);
}

static void broken(void **state)
{
	refused(version, true, SB_LIGHT_VERSION);
	refused(chain, true, SB_LIGHT_CHAIN);
	refused(no_height, true, SB_LIGHT_MALFORMED);
	refused(no_set, true, SB_LIGHT_MALFORMED);
	refused(commit_parts, false, SB_LIGHT_MALFORMED);
	refused(flag, false, SB_LIGHT_MALFORMED);
	refused(late, true, SB_LIGHT_FUTURE);
	refused(early, true, SB_LIGHT_TIME);
	refused(app, false, SB_LIGHT_COMMIT);
	refused(commit_height, false, SB_LIGHT_COMMIT);
	refused(set_hash, true, SB_LIGHT_VALIDATORS);
	refused(few_votes, false, SB_LIGHT_SET_SIZE);
	refused(negative, false, SB_LIGHT_POWER);
	refused(sum, false, SB_LIGHT_POWER);
	refused(address, false, SB_LIGHT_ADDRESS);
	refused(signature, false, SB_LIGHT_SIGNATURE);
	refused(vote_time, false, SB_LIGHT_SIGNATURE);
	refused(round_of, false, SB_LIGHT_SIGNATURE);
	refused(parts_hash, false, SB_LIGHT_SIGNATURE);
	refused(low, true, SB_LIGHT_HEIGHT);
}

static void who_signs(void **state)
{
	struct sb_light_block block = world_copy(&world.block[12]);
	size_t last = block.commit.count - 1;

	assert_int_equal(verify(11, &block), SB_LIGHT_OK);
	assert_int_equal(verify(10, &block), SB_LIGHT_OK);
	/* Seven of ten are more than two thirds, six are not; a vote for nil is none. */
	world_commit(&block, 3);
	assert_int_equal(verify(11, &block), SB_LIGHT_OK);
	block.commit.votes[last].flag = SB_VOTE_NIL;
	world_sign(&block, last);
	assert_int_equal(verify(11, &block), SB_LIGHT_NOT_ENOUGH_POWER);
	world_commit(&block, 4);
	assert_int_equal(verify(11, &block), SB_LIGHT_NOT_ENOUGH_POWER);
	/* From height 5, seven heights and so seven validators away, three of ten are left: not above 1/3. */
	world_commit(&block, 0);
	assert_int_equal(verify(6, &block), SB_LIGHT_OK);
	assert_int_equal(verify(5, &block), SB_LIGHT_NOT_ENOUGH_TRUST);
	strangers(&block);
	world_commit(&block, 0);
	assert_int_equal(verify(11, &block), SB_LIGHT_NEXT_VALIDATORS);
	assert_int_equal(verify(10, &block), SB_LIGHT_NOT_ENOUGH_TRUST);
	sb_light_block_free(&block);
}

/* One trusted validator's vote stands at two places. */
static void twice(void **state)
{
	struct sb_light_block block = world_copy(&world.block[12]);

	block.validators.validators[1] = block.validators.validators[0];
	world_set_hash(&block.validators, &block.header.validators);
	world_commit(&block, 0);
	assert_int_equal(verify(10, &block), SB_LIGHT_TWICE);
	sb_light_block_free(&block);
}

static void ages(void **state)
{
	const struct sb_light_block *trusted = &world.block[10], *block = &world.block[12];
	const struct sb_light_rules short_rules = { 100, 10, 1, 3 };
	struct sb_light_now now = now_at(10 + 99);

	assert_int_equal(sb_light_verify(&trusted->header, &trusted->validators, block, &short_rules, &now),
			 SB_LIGHT_OK);
	now = now_at(10 + 101);
	assert_int_equal(sb_light_verify(&trusted->header, &trusted->validators, block, &short_rules, &now),
			 SB_LIGHT_EXPIRED);
	/* Without a clock the latest proven time counts, and nothing is from the future. */
	now = (struct sb_light_now){ .known = false, .time = trusted->header.time };
	assert_int_equal(sb_light_verify(&trusted->header, &trusted->validators, block, &short_rules, &now),
			 SB_LIGHT_OK);
}

static void levels(void **state)
{
	static const struct {
		struct sb_light_rules rules;
		bool valid;
	} cases[] = {
		{ { 1, 0, 1, 3 }, true }, { { 1, 0, 1, 1 }, true }, { { 1, 0, 2, 3 }, true }, { { 1, 0, 1, 4 }, false },
		{ { 1, 0, 4, 3 }, false }, { { 1, 0, 0, 0 }, false }, { { 0, 0, 1, 3 }, false }, { { 1, -1, 1, 3 }, false },
		{ { 1, 0, 0xffffffff, 0xffffffff }, true }, { { 1, 0, 0x55555554, 0xffffffff }, false },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++)
		assert_int_equal(sb_light_rules_valid(&cases[i].rules), cases[i].valid);
}

/* Sums that wrap, and the greatest that is allowed. */
static void powers(void **state)
{
	struct sb_validator validators[3] = { { .power = INT64_MAX }, { .power = INT64_MAX }, { .power = 2 } };
	struct sb_validator_set set = { .count = 3, .validators = validators };

	assert_int_equal(sb_validator_set_sum(&set), -EINVAL);
	set.count = 1;
	assert_int_equal(sb_validator_set_sum(&set), -EINVAL);
	validators[0].power = SB_POWER_MAX;
	assert_int_equal(sb_validator_set_sum(&set), 0);
	set.count = 0;
	assert_int_equal(sb_validator_set_sum(&set), -EINVAL);
	validators[1].power = 0;
	set.count = 2;
	assert_int_equal(sb_validator_set_sum(&set), -EINVAL);
}

static void texts(void **state)
{
	for (int i = 0; i < SB_LIGHT_VERDICTS; i++) {
		assert_non_null(sb_light_name((enum sb_light_verdict)i));
		assert_true(strlen(sb_light_text((enum sb_light_verdict)i)) > 10);
	}
	assert_string_equal(sb_light_name(SB_LIGHT_VERDICTS), "unknown");
}

static int set_up(void **state)
{
	world_make(&world, 30, 1, 10);
	return 0;
}

static int tear_down(void **state)
{
	world_free(&world);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merkle), cmocka_unit_test(times), cmocka_unit_test(broken), cmocka_unit_test(who_signs),
		cmocka_unit_test(twice), cmocka_unit_test(ages), cmocka_unit_test(levels), cmocka_unit_test(powers),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
