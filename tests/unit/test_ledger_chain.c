// SPDX-License-Identifier: Apache-2.0
/*
 * The chain with a small application: what it makes is what a light client takes, and where a process ends
 * between two steps of a block, the next one goes on with the same block.
 */
#include "chain_world.h"

#include <errno.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/sha256.h"
#include "ledger/chain_internal.h"
#include "ledger/home.h"
#include "ledger/ledger_app.h"
#include "light/verify.h"

static struct sb_error error;
static struct sb_app real, app;
static const struct sb_chain_options options = { .interval = 1000, .idle = 60000, .pool_count = 1000,
						 .pool_bytes = 1 << 20 };

/* Which call of the application fails, as if the process ended there. */
static bool finish_fails, commit_fails;

/* Of the last block: how many have signed the one before it, and who. */
static size_t signers;
static uint8_t signer[20];

static int begin(void *context, const struct sb_app_block *block)
{
	signers = block->signers_count;
	if (signers)
		memcpy(signer, block->signers[0], sizeof(signer));
	return real.begin(context, block);
}

static int finish(void *context, uint8_t hash[SB_APP_HASH_LEN])
{
	return finish_fails ? -EIO : real.finish(context, hash);
}

static int commit(void *context)
{
	return commit_fails ? -EIO : real.commit(context);
}

static int make_chain_home(void **state)
{
	if (make_home(state))
		return -1;
	finish_fails = commit_fails = false;
	return sb_home_init(home, "unit-chain", NULL, &error);
}

static int try_open(struct sb_chain **chain)
{
	int rc = sb_ledger_app_open(home, &real, &error);

	assert_int_equal(rc, 0);
	app = real;
	app.begin = begin;
	app.finish = finish;
	app.commit = commit;
	rc = sb_chain_open(home, &app, &options, chain, &error);
	if (rc)
		sb_ledger_app_close(&real);
	return rc;
}

static struct sb_chain *open_chain(void)
{
	struct sb_chain *chain;

	if (try_open(&chain))
		fail_msg("%s", error.text);
	return chain;
}

static void close_chain(struct sb_chain *chain)
{
	sb_chain_close(chain);
	sb_ledger_app_close(&real);
}

static struct sb_chain *reopen(struct sb_chain *chain)
{
	close_chain(chain);
	return open_chain();
}

static int submit(struct sb_chain *chain, const char *text)
{
	struct sb_tx_result check;
	uint8_t id[32];
	int rc = sb_chain_submit(chain, (const uint8_t *)text, strlen(text), id, &check);

	return rc ? rc : (int)check.code;
}

static void make(struct sb_chain *chain, bool full)
{
	if (sb_chain_make(chain, full, &error))
		fail_msg("%s", error.text);
}

static void load(struct sb_chain *chain, int64_t height, struct sb_light_block *light)
{
	sb_cleanup_free uint8_t *bytes = NULL, *signed_by = NULL;
	struct sb_block block;
	size_t length;

	assert_int_equal(sb_blocks_get(chain->blocks, SB_BLOCKS_BLOCK, height, &bytes, &length), 0);
	assert_int_equal(sb_block_decode(bytes, length, &block), 0);
	light->header = block.header;
	sb_block_free(&block);
	assert_int_equal(sb_blocks_get(chain->blocks, SB_BLOCKS_COMMIT, height, &signed_by, &length), 0);
	assert_int_equal(sb_commit_decode(signed_by, length, &light->commit), 0);
	light->validators = (struct sb_validator_set){ 1, &chain->genesis.validator, chain->genesis.validator.power };
}

/* Every block by itself, and that each is the next of the one before. */
static void assert_chain(struct sb_chain *chain, int64_t heights)
{
	struct sb_light_block light, before = { .header.height = 0 };

	assert_int_equal(chain->tip.height, heights);
	for (int64_t height = 1; height <= heights; height++) {
		load(chain, height, &light);
		assert_int_equal(sb_light_check(&light, "unit-chain"), SB_LIGHT_OK);
		assert_int_equal(sb_light_commit(&light), SB_LIGHT_OK);
		if (height > 1) {
			assert_true(sb_time_compare(light.header.time, before.header.time) > 0);
			/* a validator alone: the time of its vote is that of the next block */
			assert_int_equal(sb_time_compare(light.header.time, before.commit.votes[0].time), 0);
			assert_memory_equal(&light.header.last_block, &before.commit.block,
					    sizeof(before.commit.block));
			sb_commit_free(&before.commit);
		}
		before = light;
	}
	sb_commit_free(&before.commit);
}

static bool has(const char *key, const char *value)
{
	struct sb_app_answer answer;
	bool same;

	assert_int_equal(real.query(real.context, "/store/sealbond/key", (const uint8_t *)key, strlen(key), 0, false,
				    &answer), 0);
	same = answer.value && answer.value_length == strlen(value) && !memcmp(answer.value, value, strlen(value));
	sb_app_answer_free(&answer);
	return same;
}

static void test_makes_blocks(void **state)
{
	struct sb_chain *chain = open_chain();

	assert_int_equal(submit(chain, "a=1"), 0);
	assert_int_equal(submit(chain, "odd:b=1"), 0);
	assert_int_equal(signers, 1);
	make(chain, true);
	make(chain, false);
	assert_int_equal(signers, 1);
	assert_memory_equal(signer, chain->signer.address, sizeof(signer));
	assert_true(has("a", "1"));
	assert_false(has("b", "1"));
	assert_chain(chain, 4);
	chain = reopen(chain);
	make(chain, false);
	assert_chain(chain, 5);
	assert_true(has("a", "1"));
	close_chain(chain);
}

static void test_refuses(void **state)
{
	struct sb_chain *chain = open_chain();
	sb_cleanup_free char *big = calloc(1, SB_TX_MAX + 2);

	memset(big, 'x', SB_TX_MAX + 1);
	assert_int_equal(submit(chain, ""), -EINVAL);
	assert_int_equal(submit(chain, big), -EFBIG);
	assert_int_equal(submit(chain, "nonsense"), 2);
	assert_int_equal(submit(chain, "a=1"), 0);
	assert_int_equal(submit(chain, "a=1"), -EEXIST);
	make(chain, true);
	assert_int_equal(submit(chain, "a=1"), -EEXIST);
	/* what failed in its block may come again */
	assert_int_equal(submit(chain, "odd:a=1"), 0);
	make(chain, true);
	assert_int_equal(submit(chain, "odd:a=1"), 0);
	close_chain(chain);
}

/* Two that exclude each other: both pass the check; the second fails, or is dropped when it comes too late. */
static void test_rechecks(void **state)
{
	struct sb_chain *chain = open_chain();
	size_t count, bytes;

	assert_int_equal(submit(chain, "once:a=1"), 0);
	assert_int_equal(submit(chain, "once:a=2"), 0);
	chain->genesis.max_bytes = 2048 + 8 + 8;	/* room for one */
	make(chain, true);
	assert_true(chain->produce.more);
	sb_mempool_size(chain->pool, &count, &bytes);
	assert_int_equal(count, 0);
	assert_true(has("a", "1"));
	close_chain(chain);
}

/* Ended before the signature: the block that was begun is made, not another one. */
static void test_ends_before_signing(void **state)
{
	sb_cleanup_free uint8_t *begun = NULL, *made = NULL;
	struct sb_chain *chain = open_chain();
	struct sb_chain_time vote;
	size_t begun_length, made_length;

	assert_int_equal(submit(chain, "a=1"), 0);
	finish_fails = true;
	assert_int_equal(sb_chain_make(chain, true, &error), -EIO);
	assert_int_equal(sb_blocks_pending(chain->blocks, &begun, &begun_length, &vote), 0);
	finish_fails = false;
	chain = reopen(chain);
	assert_chain(chain, 3);
	assert_true(has("a", "1"));
	assert_int_equal(sb_blocks_get(chain->blocks, SB_BLOCKS_BLOCK, 3, &made, &made_length), 0);
	assert_int_equal(made_length, begun_length);
	assert_memory_equal(made, begun, begun_length);
	assert_int_equal(sb_time_compare(chain->tip.vote, vote), 0);
	close_chain(chain);
}

/* Ended after the signature, before the block was stored: it is signed again, with the same bytes. */
static void test_ends_after_signing(void **state)
{
	struct sb_commit_vote vote, again;
	struct sb_chain *chain = open_chain();
	struct sb_commit commit;
	sb_cleanup_free uint8_t *bytes = NULL;
	struct sb_chain_time time;
	struct sb_block block;
	size_t length;

	finish_fails = true;
	assert_int_equal(sb_chain_make(chain, false, &error), -EIO);
	assert_int_equal(sb_blocks_pending(chain->blocks, &bytes, &length, &time), 0);
	assert_int_equal(sb_block_decode(bytes, length, &block), 0);
	vote = (struct sb_commit_vote){ .flag = SB_VOTE_COMMIT, .time = time };
	memcpy(vote.address, chain->signer.address, sizeof(vote.address));
	commit = (struct sb_commit){ .height = 3, .count = 1, .votes = &vote, .block.hash.there = true };
	sb_header_hash(&block.header, commit.block.hash.bytes);
	sb_block_parts(bytes, length, &commit.block);
	assert_int_equal(sb_signer_vote(&chain->signer, "unit-chain", &commit, &error), 0);
	sb_block_free(&block);
	finish_fails = false;
	chain = reopen(chain);
	assert_chain(chain, 3);
	again = chain->last_vote;
	assert_memory_equal(again.signature, vote.signature, sizeof(vote.signature));
	close_chain(chain);
}

/* Ended before the application committed: it goes through the block again. */
static void test_application_is_behind(void **state)
{
	struct sb_chain *chain = open_chain();
	uint8_t hash[SB_APP_HASH_LEN];
	int64_t height;

	assert_int_equal(submit(chain, "a=1"), 0);
	commit_fails = true;
	assert_int_equal(sb_chain_make(chain, true, &error), -EIO);
	commit_fails = false;
	close_chain(chain);
	assert_int_equal(sb_ledger_app_open(home, &real, &error), 0);
	assert_int_equal(real.info(real.context, &height, hash), 0);
	assert_int_equal(height, 2);
	sb_ledger_app_close(&real);
	chain = open_chain();
	assert_chain(chain, 3);
	assert_true(has("a", "1"));
	close_chain(chain);
}

/* Without its state the application goes through the whole chain. */
static void test_application_is_lost(void **state)
{
	struct sb_chain *chain = open_chain();

	for (int i = 0; i < 10; i++) {
		char text[16];

		snprintf(text, sizeof(text), "k%d=v", i);
		assert_int_equal(submit(chain, text), 0);
		make(chain, true);
	}
	close_chain(chain);
	unlink(in_home("state/data.mdb"));
	unlink(in_home("state/lock.mdb"));
	chain = open_chain();
	assert_chain(chain, 12);
	assert_true(has("k0", "v"));
	assert_true(has("k9", "v"));
	close_chain(chain);
}

/* An old copy of the blocks beside newer files is refused, each with what to do. */
static void test_old_copies(void **state)
{
	sb_cleanup_free uint8_t *old = NULL;
	struct sb_chain *chain = open_chain();
	size_t length;

	close_chain(chain);
	assert_int_equal(sb_file_read(in_home("validator_state.json"), 4096, &old, &length), 0);
	chain = open_chain();
	make(chain, false);
	close_chain(chain);
	/* an older note of the signer */
	assert_int_equal(sb_file_write(in_home("validator_state.json"), old, length, 0600), 0);
	assert_int_equal(try_open(&chain), -ESTALE);
	assert_non_null(strstr(error.text, "old copy"));
	/* no note at all */
	unlink(in_home("validator_state.json"));
	assert_int_equal(try_open(&chain), -ENOENT);
	assert_int_equal(sb_home_recover(home, &(int64_t){ 0 }, &error), 0);
	chain = open_chain();
	make(chain, false);
	assert_chain(chain, 4);
	close_chain(chain);
	/* the blocks are gone, the rest is not */
	unlink(in_home("blocks/data.mdb"));
	assert_int_equal(try_open(&chain), -ESTALE);
	assert_non_null(strstr(error.text, "the chain is an old copy"));
}

/* Restored: the next block is far above, everybody can check it, and the state is the same through the gap. */
static void test_resumes(void **state)
{
	struct sb_app_recovery recovery, again;
	struct sb_light_block light;
	struct sb_chain *chain = open_chain();
	int64_t last;

	assert_int_equal(submit(chain, "a=1"), 0);
	make(chain, true);
	make(chain, false);
	last = chain->tip.height;
	close_chain(chain);
	assert_int_equal(sb_ledger_app_open(home, &real, &error), 0);
	if (sb_chain_resume(home, &real, 0, &recovery, &error))
		fail_msg("%s", error.text);
	/* once: the block that was made stands */
	assert_int_not_equal(sb_chain_resume(home, &real, 0, &again, &error), 0);
	sb_ledger_app_close(&real);
	assert_int_equal(recovery.after, last);
	/* an hour, at a block a millisecond */
	assert_true(recovery.height > last + 3600000);

	/* ended in the middle of it, and begun again */
	finish_fails = true;
	assert_int_equal(try_open(&chain), -EIO);
	finish_fails = false;
	chain = open_chain();
	assert_int_equal(chain->tip.height, recovery.height);
	assert_true(sb_chain_is_gap(chain, last + 1));
	assert_true(sb_chain_is_gap(chain, recovery.height - 1));
	assert_false(sb_chain_is_gap(chain, last));
	assert_false(sb_chain_is_gap(chain, recovery.height));
	load(chain, recovery.height, &light);
	assert_int_equal(sb_light_check(&light, "unit-chain"), SB_LIGHT_OK);
	assert_int_equal(sb_light_commit(&light), SB_LIGHT_OK);
	assert_memory_equal(light.header.last_block.hash.bytes, recovery.after_hash, 32);
	sb_commit_free(&light.commit);
	assert_int_equal(submit(chain, "b=2"), 0);
	make(chain, true);
	make(chain, false);
	assert_int_equal(chain->tip.height, recovery.height + 2);
	close_chain(chain);

	/* the application goes through the whole chain, over the gap */
	unlink(in_home("state/data.mdb"));
	unlink(in_home("state/lock.mdb"));
	chain = open_chain();
	assert_int_equal(chain->tip.height, recovery.height + 2);
	assert_true(has("a", "1"));
	assert_true(has("b", "2"));
	close_chain(chain);

	/* and a second time, above what somebody knows of */
	assert_int_equal(sb_ledger_app_open(home, &real, &error), 0);
	if (sb_chain_resume(home, &real, INT64_C(1) << 40, &again, &error))
		fail_msg("%s", error.text);
	sb_ledger_app_close(&real);
	assert_int_equal(again.height, (INT64_C(1) << 40) + 2);
	assert_int_equal(again.after, recovery.height + 2);
	chain = open_chain();
	assert_int_equal(chain->tip.height, again.height);
	close_chain(chain);
}

static bool has_block(struct sb_chain *chain, int64_t height)
{
	bool there[4];

	for (enum sb_blocks_table table = SB_BLOCKS_BLOCK; table <= SB_BLOCKS_APP_HASH; table++) {
		sb_cleanup_free uint8_t *data = NULL;
		size_t length;
		int rc = sb_blocks_get(chain->blocks, table, height, &data, &length);

		assert_true(rc == 0 || rc == -ENOENT);
		there[table] = rc == 0;
	}
	assert_true(there[0] == there[1] && there[0] == there[2] && there[0] == there[3]);
	return there[0];
}

static bool is_seven(void *context, int64_t height)
{
	(*(unsigned int *)context)++;
	return height == 7;
}

/* Blocks go from the lowest on, with all that is kept of them; those that clients begin with, or need, stay. */
static void test_prunes(void **state)
{
	struct sb_chain *chain = open_chain();
	unsigned int asked = 0;
	struct sb_blocks_prune wish = { .below = 9, .before = INT64_MAX, .most = 3, .needed = is_seven, .context = &asked };
	struct sb_tx_place place;
	uint8_t id[32], hash[32];
	int64_t height;
	struct sb_light_block light;

	assert_int_equal(submit(chain, "a=1"), 0);
	make(chain, true);
	while (chain->tip.height < 12)
		make(chain, false);
	sb_digest_of((const uint8_t *)"a=1", 3, id);
	load(chain, 3, &light);
	memcpy(hash, light.commit.block.hash.bytes, sizeof(hash));
	sb_commit_free(&light.commit);
	assert_int_equal(sb_blocks_find_tx(chain->blocks, id, &place), 0);
	assert_int_equal(place.height, 3);
	assert_int_equal(sb_chain_base(chain), 1);

	/* none that is not old enough */
	wish.before = chain->tip.header.time.seconds - 3600;
	assert_int_equal(sb_blocks_prune(chain->blocks, &wish), 0);
	assert_int_equal(sb_chain_base(chain), 1);
	assert_true(has_block(chain, 2));
	wish.before = INT64_MAX;
	assert_int_equal(sb_blocks_prune(chain->blocks, &wish), 0);
	assert_int_equal(sb_chain_base(chain), 5);
	for (height = 1; height <= 12; height++)
		assert_int_equal(has_block(chain, height), height == 1 || height >= 5);
	assert_int_equal(sb_blocks_find_tx(chain->blocks, id, &place), -ENOENT);
	assert_int_equal(sb_blocks_find(chain->blocks, hash, &height), -ENOENT);
	wish.most = 100;
	assert_int_equal(sb_blocks_prune(chain->blocks, &wish), 0);
	assert_int_equal(sb_chain_base(chain), 9);
	for (height = 1; height <= 12; height++)
		assert_int_equal(has_block(chain, height), height == 1 || height == 7 || height >= 9);
	assert_true(asked > 0);
	/* when it is not needed any more, it goes with the next */
	wish.needed = NULL;
	wish.below = 10;
	assert_int_equal(sb_blocks_prune(chain->blocks, &wish), 0);
	assert_false(has_block(chain, 7));
	assert_int_equal(sb_chain_base(chain), 10);

	/* it goes on, also after a restart; a transaction that nobody remembers is for the application to judge */
	chain = reopen(chain);
	assert_int_equal(sb_chain_base(chain), 10);
	make(chain, false);
	assert_int_equal(chain->tip.height, 13);
	assert_true(has("a", "1"));
	assert_int_equal(submit(chain, "a=1"), 0);
	close_chain(chain);
	/* without its state it cannot be made anew, and says so */
	unlink(in_home("state/data.mdb"));
	unlink(in_home("state/lock.mdb"));
	assert_int_not_equal(try_open(&chain), 0);
	assert_non_null(strstr(error.text, "--retain-blocks"));
}

/* Both sides of a gap, by which a recovery is checked. */
static void test_prunes_around_gaps(void **state)
{
	struct sb_app_recovery recovery;
	struct sb_chain *chain = open_chain();
	struct sb_blocks_prune wish = { .before = INT64_MAX, .most = 100 };

	while (chain->tip.height < 4)
		make(chain, false);
	close_chain(chain);
	assert_int_equal(sb_ledger_app_open(home, &real, &error), 0);
	if (sb_chain_resume(home, &real, 0, &recovery, &error))
		fail_msg("%s", error.text);
	sb_ledger_app_close(&real);
	chain = open_chain();
	while (chain->tip.height < recovery.height + 5)
		make(chain, false);
	wish.below = recovery.height + 3;
	assert_int_equal(sb_blocks_prune(chain->blocks, &wish), 0);
	assert_int_equal(sb_chain_base(chain), recovery.height + 3);
	for (int64_t height = 1; height <= 4; height++)
		assert_int_equal(has_block(chain, height), height == 1 || height == 4);
	for (int64_t height = recovery.height; height <= recovery.height + 5; height++)
		assert_int_equal(has_block(chain, height), height == recovery.height || height >= recovery.height + 3);
	close_chain(chain);
}

/* Nobody goes on who is asked to wait. */
static int not_yet(void *context, const struct sb_app_recovery *recovery, struct sb_error *why)
{
	(void)context;
	(void)recovery;
	return sb_fail(why, -EKEYREJECTED, "not yet");
}

static void test_resumes_signed_only(void **state)
{
	struct sb_app_recovery recovery;
	struct sb_chain *chain = open_chain();

	close_chain(chain);
	assert_int_equal(sb_ledger_app_open(home, &real, &error), 0);
	assert_int_equal(sb_chain_resume(home, &real, 0, &recovery, &error), 0);
	app = real;
	app.recovered = not_yet;
	assert_int_equal(sb_chain_open(home, &app, &options, &chain, &error), -EKEYREJECTED);
	assert_string_equal(error.text, "not yet");
	sb_ledger_app_close(&real);
	chain = open_chain();
	assert_int_equal(chain->tip.height, recovery.height);
	close_chain(chain);
}

static void test_home(void **state)
{
	int fd;

	assert_int_equal(sb_home_init(home, "again", NULL, &error), -EEXIST);
	assert_int_equal(sb_home_init(home, "no/name", NULL, &error), -EINVAL);
	fd = sb_home_lock(home, &error);
	assert_true(fd >= 0);
	assert_int_equal(sb_home_lock(home, &error), -EBUSY);
	close(fd);
	fd = sb_home_lock(home, &error);
	assert_true(fd >= 0);
	close(fd);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, make_chain_home, remove_home)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_makes_blocks), TEST(test_refuses), TEST(test_rechecks), TEST(test_ends_before_signing),
		TEST(test_ends_after_signing), TEST(test_application_is_behind), TEST(test_application_is_lost),
		TEST(test_old_copies), TEST(test_resumes), TEST(test_resumes_signed_only), TEST(test_home),
		TEST(test_prunes), TEST(test_prunes_around_gaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
