// SPDX-License-Identifier: Apache-2.0
/* A validator signs one block at a height, whatever happens to the process between. */
#include "chain_world.h"

#include <errno.h>
#include <sys/stat.h>

#include "common/file.h"
#include "ledger/signer.h"
#include "light/ed25519.h"

#define CHAIN	"signer-test"

static struct sb_error error;

static void open_at(int64_t tip, struct sb_signer *signer)
{
	if (sb_signer_open(in_home("key"), in_home("state"), tip, tip + 1, signer, &error))
		fail_msg("%s", error.text);
}

static int refused_at(int64_t tip)
{
	struct sb_signer signer;

	return sb_signer_open(in_home("key"), in_home("state"), tip, tip + 1, &signer, &error);
}

static void make(void)
{
	if (sb_signer_create(in_home("key"), in_home("state"), &error))
		fail_msg("%s", error.text);
}

/* A vote for a block whose hash is all of one byte. */
static int vote(struct sb_signer *signer, int64_t height, uint8_t hash, struct sb_commit_vote *out)
{
	struct sb_commit commit = { .height = height, .count = 1, .votes = out,
				    .block = { .hash.there = true, .parts = 1, .parts_hash.there = true } };

	memset(commit.block.hash.bytes, hash, sizeof(commit.block.hash.bytes));
	*out = (struct sb_commit_vote){ .flag = SB_VOTE_COMMIT, .time = { 1700000000 + height, 5 } };
	return sb_signer_vote(signer, CHAIN, &commit, &error);
}

static bool good(struct sb_signer *signer, int64_t height, uint8_t hash, struct sb_commit_vote *given)
{
	struct sb_commit commit = { .height = height, .count = 1, .votes = given,
				    .block = { .hash.there = true, .parts = 1, .parts_hash.there = true } };
	uint8_t bytes[SB_VOTE_BYTES_MAX];
	size_t length;

	memset(commit.block.hash.bytes, hash, sizeof(commit.block.hash.bytes));
	length = sb_vote_bytes(CHAIN, &commit, 0, bytes);
	return sb_ed25519_verify(signer->key, bytes, length, given->signature);
}

static void test_signs_once(void **state)
{
	struct sb_commit_vote first, again;
	struct sb_signer signer;

	make();
	open_at(0, &signer);
	assert_int_equal(vote(&signer, 1, 'a', &first), 0);
	assert_true(good(&signer, 1, 'a', &first));
	assert_int_equal(vote(&signer, 1, 'b', &again), -EPERM);
	assert_non_null(strstr(error.text, "second block at height 1"));
	assert_int_equal(vote(&signer, 1, 'a', &again), 0);
	assert_memory_equal(first.signature, again.signature, sizeof(first.signature));
	assert_int_equal(vote(&signer, 2, 'b', &again), 0);
	assert_int_equal(vote(&signer, 1, 'a', &again), -EPERM);
	sb_signer_close(&signer);
}

static void test_remembers(void **state)
{
	struct sb_commit_vote first, again;
	struct sb_signer signer;

	make();
	open_at(0, &signer);
	assert_int_equal(vote(&signer, 7, 'a', &first), 0);
	sb_signer_close(&signer);

	open_at(7, &signer);
	assert_int_equal(vote(&signer, 7, 'b', &again), -EPERM);
	assert_int_equal(vote(&signer, 7, 'a', &again), 0);
	assert_memory_equal(first.signature, again.signature, sizeof(first.signature));
	sb_signer_close(&signer);
	/* signed, but the block was not stored yet */
	open_at(6, &signer);
	sb_signer_close(&signer);
}

/* What is written nowhere is not signed: the note's directory has gone. */
static void test_note_comes_first(void **state)
{
	struct sb_commit_vote given, zero = { 0 };
	struct sb_signer signer;

	make();
	open_at(0, &signer);
	snprintf(signer.state_path, sizeof(signer.state_path), "%s/nowhere/state", home);
	assert_true(vote(&signer, 1, 'a', &given) < 0);
	assert_memory_equal(given.signature, zero.signature, sizeof(given.signature));
	sb_signer_close(&signer);
}

static void test_old_copies(void **state)
{
	struct sb_commit_vote given;
	struct sb_signer signer;

	make();
	open_at(0, &signer);
	assert_int_equal(vote(&signer, 5, 'a', &given), 0);
	sb_signer_close(&signer);
	assert_int_equal(refused_at(6), -ESTALE);
	assert_non_null(strstr(error.text, "old copy"));
	assert_int_equal(refused_at(3), -ESTALE);
	assert_non_null(strstr(error.text, "the chain is an old copy"));
	unlink(in_home("state"));
	assert_int_equal(refused_at(5), -ENOENT);
	assert_non_null(strstr(error.text, "is missing, but the chain is not empty"));
	assert_non_null(strstr(error.text, "recover-signer"));
}

static void test_recovers(void **state)
{
	struct sb_commit_vote given, again;
	struct sb_signer signer;
	struct sb_commit commit = { .height = 5, .count = 1, .votes = &given,
				    .block = { .hash.there = true, .parts = 1, .parts_hash.there = true } };

	make();
	open_at(0, &signer);
	assert_int_equal(vote(&signer, 5, 'a', &given), 0);
	sb_signer_close(&signer);
	memset(commit.block.hash.bytes, 'a', sizeof(commit.block.hash.bytes));
	assert_int_equal(sb_signer_recover(in_home("state"), CHAIN, &commit, &error), -EEXIST);
	unlink(in_home("state"));
	assert_int_equal(sb_signer_recover(in_home("state"), CHAIN, &commit, &error), 0);
	open_at(5, &signer);
	assert_int_equal(vote(&signer, 5, 'b', &again), -EPERM);
	assert_int_equal(vote(&signer, 6, 'b', &again), 0);
	sb_signer_close(&signer);
}

static void test_files(void **state)
{
	struct stat status;

	make();
	assert_int_equal(stat(in_home("key"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(stat(in_home("state"), &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_int_equal(sb_signer_create(in_home("key"), in_home("state"), &error), -EEXIST);
}

/* A public half of another key: signatures with it would give the secret one away. */
static void test_halves(void **state)
{
	uint8_t *text;
	size_t length;
	char *at;

	make();
	assert_int_equal(sb_file_read(in_home("key"), 4096, &text, &length), 0);
	at = strstr(strstr((char *)text, "priv_key"), "\"value\": \"") + strlen("\"value\": \"") + 60;
	*at = *at == 'A' ? 'B' : 'A';
	assert_int_equal(sb_file_write(in_home("key"), text, length, 0600), 0);
	free(text);
	assert_true(refused_at(0) < 0);
	assert_non_null(strstr(error.text, "do not belong together"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_signs_once, make_home, remove_home),
		cmocka_unit_test_setup_teardown(test_remembers, make_home, remove_home),
		cmocka_unit_test_setup_teardown(test_note_comes_first, make_home, remove_home),
		cmocka_unit_test_setup_teardown(test_old_copies, make_home, remove_home),
		cmocka_unit_test_setup_teardown(test_recovers, make_home, remove_home),
		cmocka_unit_test_setup_teardown(test_files, make_home, remove_home),
		cmocka_unit_test_setup_teardown(test_halves, make_home, remove_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
