// SPDX-License-Identifier: Apache-2.0
/* What RPC answers while old blocks are being removed: between its asking for the lowest and its reading it. */
#include "chain_world.h"

#include "common/cleanup.h"
#include "ledger/chain_internal.h"
#include "ledger/home.h"
#include "ledger/ledger_app.h"
#include "ledger/rpc.h"

static struct sb_error error;
static struct sb_app app;
static struct sb_chain *chain;

/* Then the blocks below are removed, just behind the question. */
static int64_t remove_below;

int64_t __real_sb_chain_base(const struct sb_chain *of);
int64_t __wrap_sb_chain_base(const struct sb_chain *of);

static void remove_old(void)
{
	struct sb_blocks_prune wish = { .below = remove_below, .before = INT64_MAX, .most = 100 };

	assert_int_equal(sb_blocks_prune(chain->blocks, &wish), 0);
}

int64_t __wrap_sb_chain_base(const struct sb_chain *of)
{
	int64_t base = __real_sb_chain_base(of);

	if (remove_below)
		remove_old();
	remove_below = 0;
	return base;
}

static int open_chain(void **state)
{
	const struct sb_chain_options options = { .interval = 1000, .idle = 60000, .pool_count = 10,
						  .pool_bytes = 1 << 10 };

	if (make_home(state) || sb_home_init(home, "unit-chain", NULL, &error) ||
	    sb_ledger_app_open(home, &app, &error) || sb_chain_open(home, &app, &options, &chain, &error))
		return -1;
	while (chain->tip.height < 12)
		if (sb_chain_make(chain, false, &error))
			return -1;
	return 0;
}

static int close_chain(void **state)
{
	sb_chain_close(chain);
	sb_ledger_app_close(&app);
	return remove_home(state);
}

static char *ask(const char *method)
{
	struct sb_rpc rpc = { .chain = chain, .waits = sb_waits_new(), .listen = "127.0.0.1:1" };
	struct sb_rpc_request *request = sb_rpc_open_uri(&rpc, method, NULL);
	unsigned int status;
	size_t length;
	char *answer;

	assert_non_null(request);
	assert_true(sb_rpc_run(request));
	answer = sb_rpc_answer(request, &length, &status);
	assert_non_null(answer);
	sb_rpc_close(request);
	sb_waits_free(rpc.waits);
	return answer;
}

static void test_status(void **state)
{
	sb_cleanup_free char *first = ask("status"), *then = NULL;

	assert_non_null(strstr(first, "\"earliest_block_height\":\"1\""));
	remove_below = 5;
	remove_old();	/* block 1 stays, and is the lowest only until others are gone */
	remove_below = 8;
	then = ask("status");
	assert_non_null(strstr(then, "\"earliest_block_height\":\"8\""));
	assert_null(strstr(then, "\"error\""));
}

static void test_blockchain(void **state)
{
	sb_cleanup_free char *answer = NULL;

	remove_below = 5;
	remove_old();
	remove_below = 8;
	answer = ask("blockchain");
	assert_null(strstr(answer, "\"error\""));
	assert_non_null(strstr(answer, "\"height\":\"12\""));
	assert_non_null(strstr(answer, "\"height\":\"8\""));
	assert_null(strstr(answer, "\"height\":\"7\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_status, open_chain, close_chain),
		cmocka_unit_test_setup_teardown(test_blockchain, open_chain, close_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
