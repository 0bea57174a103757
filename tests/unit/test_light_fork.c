// SPDX-License-Identifier: Apache-2.0
/* Two lines of one chain: whoever meets both knows, by whatever it has seen of them. */
#include "light_client_world.h"

static void evidence_is_there(void)
{
	sb_cleanup_free char *path = NULL;
	json_object *evidence, *blocks, *height;

	assert_true(asprintf(&path, "%s/fork.json", directory) > 0);
	evidence = json_object_from_file(path);
	assert_non_null(evidence);
	assert_true(json_object_object_get_ex(evidence, "height", &height));
	assert_true(json_object_object_get_ex(evidence, "blocks", &blocks));
	assert_int_equal(json_object_array_length(blocks), 2);
	json_object_put(evidence);
}

/* The same validators have signed another chain from height 20 on. */
static void make_other(void)
{
	ledger_free(&other);
	ledger_init(&other, ledger.at[1].block.header.time.seconds, 4, 0);
	ledger_grow(&other, 19);
	other.salt = 9;
	ledger_grow(&other, 15);
}

static void fork_by_witness(void **state)
{
	struct sb_light_client *client = start(30, 0);
	struct sb_light_config config = config_of(&ledger, 2);
	struct sb_light_synced synced;

	make_other();
	server[1].ledger = &other;
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -ENOTUNIQ);
	assert_string_equal(sb_light_client_state(-ENOTUNIQ), "ledger-fork");
	assert_non_null(strstr(error.text, "fork.json"));
	evidence_is_there();
	sb_light_client_close(client);

	/* it stays so over a restart, until a person has decided */
	server[1].ledger = &ledger;
	client = open_client(&config);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -ENOTUNIQ);
	sb_light_client_close(client);
	clean();
	client = open_client(&config);
	must_sync(client, &synced);
	sb_light_client_close(client);
}

static void change_late(struct sb_light_block *block)
{
	block->header.time.seconds += 3000;
	world_commit(block, 0);
}

/* A line that was given up, and goes on below the one that was restored above it: lower, and yet later. */
static void fork_by_order(void **state)
{
	struct sb_light_client *client = start(30, 0);
	struct sb_light_config config = config_of(&ledger, 2);
	struct sb_light_synced synced;

	must_sync(client, &synced);
	server[1].behind = 5;
	server_off(0);
	/* one that is only behind is no fork */
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EHOSTUNREACH);
	assert_string_equal(fault_name(client, 1), "stale");
	server[1].change = change_late;
	server[1].change_from = 20;
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -ENOTUNIQ);
	evidence_is_there();
	sb_light_client_close(client);

	/* nor is one that the validators have not signed */
	clean();
	servers_reset(&ledger);
	server_on(0);
	client = open_client(&config);
	must_sync(client, &synced);
	server[1].behind = 5;
	server[1].change = change_votes;
	server[1].change_from = 20;
	ledger_grow(&ledger, 1);
	must_sync(client, &synced);
	sb_light_client_close(client);
}

/* An endpoint that was set back to an old backup and went on from there. */
static void fork_by_set_back(void **state)
{
	struct sb_light_client *client = start(30, 0);
	struct sb_light_config config = config_of(&ledger, 1);
	struct sb_light_synced synced;

	sb_light_client_close(client);
	client = open_client(&config);
	must_sync(client, &synced);
	make_other();
	server[0].ledger = &other;
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -ENOTUNIQ);
	evidence_is_there();
	sb_light_client_close(client);

	/* at the very next height, too */
	clean();
	server[0].ledger = &ledger;
	ledger_grow(&ledger, 3);
	client = open_client(&config);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 33);
	server[0].ledger = &other;
	assert_int_equal(other.blocks, 34);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -ENOTUNIQ);
	sb_light_client_close(client);
}

/* Whose other chain is not signed by those who may is a liar, and no fork. */
static void no_fork_by_liars(void **state)
{
	struct sb_light_client *client = start(30, 0);
	struct sb_light_synced synced;

	make_other();
	server[1].ledger = &other;
	server[1].change = change_signature;
	server[1].change_from = 20;
	must_sync(client, &synced);
	assert_false(synced.witnessed);
	assert_string_equal(fault_name(client, 1), "wrong-header");
	sb_light_client_close(client);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_by_witness), cmocka_unit_test(fork_by_order),
		cmocka_unit_test(fork_by_set_back), cmocka_unit_test(no_fork_by_liars),
	};

	return cmocka_run_group_tests_name("light fork", tests, begin, end);
}
