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

static void change_early(struct sb_light_block *block)
{
	block->header.time.seconds -= 100 * DAY;
	world_commit(block, 0);
}

/* Higher, and yet earlier. */
static void fork_by_time(void **state)
{
	struct sb_light_client *client = start(30, 0);
	struct sb_light_synced synced;

	server_off(1);
	server[0].change = change_early;
	server[0].change_from = 2;
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -ENOTUNIQ);
	assert_int_equal(sb_light_client_header(client)->height, 1);
	evidence_is_there();
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

/*
 * Two lines from a backup at height 20: the old one, which is given up at 24, and the restored one from 40 on. The
 * members have signed that. The device has seen the old one. Out: its configuration; server 0 shows the restored line.
 */
static struct sb_light_config restored(unsigned int others, int64_t later)
{
	struct sb_members members = three_members();
	struct sb_checkpoint recovery;
	struct sb_light_synced synced;
	struct sb_light_client *client = start(24, 0);
	struct sb_light_config config = config_of(&ledger, 1);

	sb_light_client_close(client);
	client = open_client(&config);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 24);
	assert_int_equal(sb_light_client_set_members(client, &members, 19, &error), 0);
	sb_light_client_close(client);

	ledger_free(&other);
	ledger_init(&other, ledger.at[1].block.header.time.seconds, 4, 0);
	ledger_grow(&other, 20);
	ledger_resume(&other, 19);
	other.others = others;
	other.time = ledger.at[24].block.header.time.seconds + later;
	ledger_grow(&other, 3);
	recovery = checkpoint_of(&other.at[40].block.header);
	recovery.after = 20;
	sb_header_hash(&other.at[20].block.header, recovery.after_hash);
	add_signature(&recovery, 1);
	add_signature(&recovery, 3);
	serve_checkpoint(&recovery);
	server[0].ledger = &other;
	return config;
}

static void restored_is_followed(void **state)
{
	for (unsigned int others = 0; others <= 50; others += 50) {
		struct sb_light_config config = restored(others, 5);
		struct sb_light_client *client = open_client(&config);
		struct sb_light_synced synced;

		must_sync(client, &synced);
		assert_int_equal(synced.header.height, 42);
		assert_int_equal(synced.by_checkpoint, others != 0);
		must_sync(client, &synced);
		assert_false(synced.by_checkpoint);
		sb_light_client_close(client);
	}
}

/*
 * The old line went on behind the restored one's first block: beginning before it, with it, and behind the latest one,
 * where no header of the restored line is later than what the device trusts.
 */
static void fork_by_recovery(void **state)
{
	for (unsigned int others = 0; others <= 50; others += 50) {
		for (int64_t later = 0; later >= -3; later--) {
			struct sb_light_config config = restored(others, later);
			struct sb_light_client *client = open_client(&config);
			struct sb_light_synced synced;

			assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -ENOTUNIQ);
			evidence_is_there();
			sb_light_client_close(client);
		}
	}
}

/* So it is seen where the old line is still there, and the restored one its witness. */
static void fork_by_restored_witness(void **state)
{
	for (unsigned int others = 0; others <= 50; others += 50) {
		for (int64_t later = 0; later >= -3; later--) {
			struct sb_light_config config = restored(others, later);
			struct sb_light_client *client;
			struct sb_light_synced synced;

			config.endpoints = 2;
			config.endpoint[1].url = server[1].url;
			client = open_client(&config);
			server[1].ledger = &other;
			server[0].ledger = &ledger;
			ledger_grow(&ledger, 1);
			assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -ENOTUNIQ);
			evidence_is_there();
			sb_light_client_close(client);
		}
	}
}

/* It is none where the members have not said so, or the validators of that block have not signed it. */
static void no_fork_by_recovery(void **state)
{
	for (unsigned int i = 0; i < 4; i++) {
		struct sb_light_config config = restored(50, -3);
		struct sb_light_client *client = open_client(&config);
		struct sb_light_synced synced;

		if (i == 0)
			server[0].checkpoint = NULL;
		else if (i == 1)
			written.data[written.length - 1] ^= 1;
		else
			server[0].change = i == 2 ? change_signature : change_votes;
		server[0].change_from = 30;
		assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EHOSTUNREACH);
		assert_string_equal(fault_name(client, 0), i == 1 ? "wrong-checkpoint" : "wrong-header");
		assert_int_equal(sb_light_client_header(client)->height, 24);
		sb_light_client_close(client);
	}
}

/* A recovery of another past than the one that the device has seen. */
static void recovery_of_another_past(void **state)
{
	struct sb_light_config config = restored(50, 5);
	struct sb_light_client *client;
	struct sb_checkpoint recovery = checkpoint_of(&other.at[40].block.header);
	struct sb_light_synced synced;

	recovery.after = 24;
	memset(recovery.after_hash, 7, sizeof(recovery.after_hash));
	add_signature(&recovery, 1);
	add_signature(&recovery, 2);
	serve_checkpoint(&recovery);
	client = open_client(&config);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EHOSTUNREACH);
	assert_string_equal(fault_name(client, 0), "wrong-checkpoint");
	sb_light_client_close(client);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_by_witness), cmocka_unit_test(fork_by_order), cmocka_unit_test(fork_by_time),
		cmocka_unit_test(fork_by_set_back), cmocka_unit_test(no_fork_by_liars),
		cmocka_unit_test(restored_is_followed), cmocka_unit_test(fork_by_recovery),
		cmocka_unit_test(fork_by_restored_witness),
		cmocka_unit_test(no_fork_by_recovery), cmocka_unit_test(recovery_of_another_past),
	};

	return cmocka_run_group_tests_name("light fork", tests, begin, end);
}
