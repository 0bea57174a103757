// SPDX-License-Identifier: Apache-2.0
/* What a genesis may be: each fault is named. */
#include "chain_world.h"

#include <errno.h>

#include "common/file.h"
#include "ledger/genesis.h"
#include "ledger/home.h"

static struct sb_error error;
static char *text;

static int make_genesis(void **state)
{
	size_t length;

	if (make_home(state) || sb_home_init(home, "unit-chain", NULL, &error))
		return -1;
	return sb_file_read(in_home("genesis.json"), 1 << 20, (uint8_t **)&text, &length);
}

static int remove_genesis(void **state)
{
	free(text);
	return remove_home(state);
}

/* Reads the genesis with one piece of it replaced. */
static int with(const char *old, const char *new)
{
	struct sb_genesis genesis = { .max_bytes = 0 };
	char *at = strstr(text, old), *changed = NULL;
	int rc, length;

	assert_non_null(at);
	length = asprintf(&changed, "%.*s%s%s", (int)(at - text), text, new, at + strlen(old));
	assert_true(length > 0);
	assert_int_equal(sb_file_write(in_home("genesis.json"), changed, (size_t)length, 0600), 0);
	free(changed);
	rc = sb_genesis_read(in_home("genesis.json"), &genesis, &error);
	sb_genesis_free(&genesis);
	return rc;
}

static void test_as_made(void **state)
{
	struct sb_genesis genesis;

	assert_int_equal(sb_genesis_read(in_home("genesis.json"), &genesis, &error), 0);
	assert_string_equal(genesis.chain, "unit-chain");
	assert_string_equal(genesis.app_state, "{}");
	assert_int_equal(genesis.max_bytes, SB_BLOCK_BYTES_DEFAULT);
	assert_int_equal(genesis.max_gas, -1);
	assert_int_equal(genesis.app_version, 1);
	sb_genesis_free(&genesis);
	assert_int_equal(with("\"app_state\":{}", "\"app_state\":{\"a\":[1,\"/\"]}"), 0);
}

static void test_faults(void **state)
{
	static const struct {
		const char *old, *new, *named;
	} fault[] = {
		{ "unit-chain", "", "chain_id" },
		{ "unit-chain", "a-name-that-has-more-than-the-fifty-characters-allowed", "chain_id" },
		{ "\"initial_height\":\"1\"", "\"initial_height\":\"2\"", "initial_height" },
		{ "\"genesis_time\":\"", "\"genesis_time\":\"x", "genesis_time" },
		{ "\"max_gas\":\"-1\"", "\"max_gas\":-1", "max_gas" },
		{ "\"max_bytes\":\"4194304\"", "\"max_bytes\":\"104857601\"", "max_bytes" },
		{ "\"max_bytes\":\"4194304\"", "\"max_bytes\":\"1\"", "max_bytes" },
		{ "\"app\":\"1\"", "\"app\":\"x\"", "version.app" },
		{ "\"power\":\"10\"", "\"power\":\"0\"", "validators" },
		{ "\"address\":\"", "\"address\":\"00", "validators" },
		{ "PubKeyEd25519", "PubKeySecp256k1", "validators" },
		{ "\"validators\":[", "\"validators\":[{},", "validators" },
		{ "{\"genesis_time\"", "{{\"genesis_time\"", "not JSON" },
	};

	for (size_t i = 0; i < sizeof(fault) / sizeof(fault[0]); i++) {
		assert_int_equal(with(fault[i].old, fault[i].new), -EBADMSG);
		if (!strstr(error.text, fault[i].named))
			fail_msg("%s: %s", fault[i].new, error.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_as_made, make_genesis, remove_genesis),
		cmocka_unit_test_setup_teardown(test_faults, make_genesis, remove_genesis),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
