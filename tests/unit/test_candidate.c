// SPDX-License-Identifier: Apache-2.0
/* What becomes of the key files when a bond goes live, also when the power goes in between. */
#include "cmocka_all.h"

#include <stdio.h>
#include <unistd.h>

#include "common/file.h"
#include "device/link_internal.h"

static struct sb_link *role;

static const char *path(const char *name)
{
	static char path[SB_PATH_ROOM + 32];

	snprintf(path, sizeof(path), "%s/key-%s.blob", role->config.state_dir, name);
	return path;
}

/* A file of this key, as far as its header is looked at. */
static void put(const char *name, uint8_t key)
{
	struct sb_blob_header header = { .magic = SB_BLOB_MAGIC };

	memset(header.key, key, sizeof(header.key));
	assert_int_equal(sb_file_write(path(name), &header, sizeof(header), 0644), 0);
}

/* The key of a file, 0 when it is not there. */
static unsigned int key_of(const char *name)
{
	uint8_t *data;
	size_t length, at = offsetof(struct sb_blob_header, key);
	unsigned int key;

	if (sb_file_read(path(name), SB_BLOB_MAX, &data, &length) < 0)
		return 0;
	assert_int_equal(length, sizeof(struct sb_blob_header));
	key = data[at];
	free(data);
	return key;
}

static int set_up(void **state)
{
	(void)state;
	role = calloc(1, sizeof(*role));
	strcpy(role->config.state_dir, "/tmp/sealbond-candidate.XXXXXX");
	assert_non_null(mkdtemp(role->config.state_dir));
	put("current", 1);
	put("next", 2);
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "current", "next", "candidate", "before" };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		unlink(path(names[i]));
	assert_int_equal(rmdir(role->config.state_dir), 0);
	free(role);
	return 0;
}

static void holds_candidate(uint8_t key)
{
	role->key_state = SEALBOND_STATE_BOOT_CHANGED;
	role->has_candidate = true;
	role->key_settled = false;
	memset(role->candidate, key, sizeof(role->candidate));
}

static void expect_files(unsigned int current, unsigned int candidate, unsigned int before)
{
	assert_int_equal(key_of("current"), current);
	assert_int_equal(key_of("candidate"), candidate);
	assert_int_equal(key_of("before"), before);
	assert_int_equal(key_of("next"), 2);
}

static void admitted(void **state)
{
	(void)state;
	put("candidate", 7);
	holds_candidate(7);
	link_candidate_bond_live(role);
	assert_true(role->key_settled);
	expect_files(7, 0, 1);
	/* The helper starts again in the same boot, and another bond goes live. */
	holds_candidate(7);
	link_candidate_bond_live(role);
	assert_true(role->key_settled);
	expect_files(7, 0, 1);
}

/* The power went behind the copy: the next boot's candidate is another one. */
static void cut_short(void **state)
{
	(void)state;
	put("candidate", 7);
	put("before", 1);
	holds_candidate(8);
	link_candidate_bond_live(role);
	assert_false(role->key_settled);
	expect_files(1, 7, 1);
	put("candidate", 8);
	link_candidate_bond_live(role);
	assert_true(role->key_settled);
	expect_files(8, 0, 1);
}

static void not_stored_yet(void **state)
{
	(void)state;
	holds_candidate(7);
	link_candidate_bond_live(role);
	assert_false(role->key_settled);
	expect_files(1, 0, 0);
	assert_int_equal(sb_file_write(path("candidate"), "short", 5, 0644), 0);
	link_candidate_bond_live(role);
	assert_false(role->key_settled);
	assert_int_equal(key_of("current"), 1);
	unlink(path("candidate"));
}

static void approved(void **state)
{
	(void)state;
	put("candidate", 7);
	role->key_state = SEALBOND_STATE_KEYS_READY;
	link_candidate_bond_live(role);
	assert_true(role->key_settled);
	expect_files(1, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(admitted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(cut_short, set_up, tear_down),
		cmocka_unit_test_setup_teardown(not_stored_yet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(approved, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
