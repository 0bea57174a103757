// SPDX-License-Identifier: Apache-2.0
/* Beyond the trusting period, by the members' word; and without a clock. */
#include "light_client_world.h"

/*
 * A chain that a device followed to height 20, a year ago; then it was switched off. Meanwhile all validators
 * were replaced.
 */
static struct sb_light_config year_off(bool knows_members)
{
	struct sb_members members = three_members();
	struct sb_light_synced synced;
	struct sb_light_client *client;
	struct sb_light_config config;

	sb_light_client_close(start(1, 0));
	clean();
	ledger_free(&ledger);
	ledger_init(&ledger, wall() - 365 * DAY, 4, 0);
	ledger_grow(&ledger, 20);
	servers_reset(&ledger);
	config = config_of(&ledger, 2);
	config.rules = (struct sb_light_rules){ 1000 * DAY, 10, 1, 3 };
	client = open_client(&config);
	must_sync(client, &synced);
	if (knows_members)
		assert_int_equal(sb_light_client_set_members(client, &members, 19, &error), 0);
	sb_light_client_close(client);

	ledger.time = wall() - 600;
	ledger.interval = 10;
	ledger.each = 5;
	ledger_grow(&ledger, 40);
	config.rules = (struct sb_light_rules)SB_LIGHT_RULES_DEFAULT;
	return config;
}

static void year_off_comes_back(void **state)
{
	struct sb_light_config config = year_off(true);
	struct sb_checkpoint checkpoint = checkpoint_of(&ledger.at[50].block.header);
	struct sb_light_client *client = open_client(&config);
	struct sb_light_synced synced;
	struct sb_light_record record;

	/* without a checkpoint it says what it needs */
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EKEYEXPIRED);
	assert_non_null(strstr(error.text, "trust-expired"));
	assert_string_equal(sb_light_client_state(-EKEYEXPIRED), "trust-expired");

	/* one member of three is not enough, but nobody's lie */
	add_signature(&checkpoint, 2);
	serve_checkpoint(&checkpoint);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EKEYEXPIRED);
	assert_string_equal(fault_name(client, 0), "ok");

	add_signature(&checkpoint, 3);
	serve_checkpoint(&checkpoint);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 60);
	assert_true(synced.by_checkpoint && synced.advanced && synced.witnessed);
	assert_int_equal(sb_light_client_query(client, "d/two", 5, DEADLINE, &record, &error), 0);
	assert_true(record.present);
	free(record.value);
	must_sync(client, &synced);
	assert_false(synced.by_checkpoint);
	sb_light_client_close(client);
}

/* The file that a person brings does it as well. */
static void checkpoint_by_hand(void **state)
{
	struct sb_light_config config = year_off(true);
	struct sb_checkpoint checkpoint = checkpoint_of(&ledger.at[50].block.header);
	struct sb_light_client *client = open_client(&config);
	struct sb_light_synced synced;
	char path[128];
	FILE *file;

	add_signature(&checkpoint, 1);
	add_signature(&checkpoint, 3);
	serve_checkpoint(&checkpoint);
	server[0].checkpoint = server[1].checkpoint = NULL;
	snprintf(path, sizeof(path), "%s/checkpoint", directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(written.data, 1, written.length, file), written.length);
	fclose(file);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 60);
	assert_true(synced.by_checkpoint);
	sb_light_client_close(client);
}

static void bad_checkpoints(void **state)
{
	struct sb_light_config config = year_off(true);
	struct sb_light_synced synced;

	for (unsigned int i = 0; i < 5; i++) {
		struct sb_light_client *client = open_client(&config);
		struct sb_checkpoint checkpoint = checkpoint_of(&ledger.at[50].block.header);

		if (i == 0)
			strcpy(checkpoint.chain, "another-chain");
		if (i == 1)
			checkpoint.hash[0] ^= 1;
		if (i == 2)
			checkpoint = checkpoint_of(&ledger.at[20].block.header);
		add_signature(&checkpoint, 1);
		add_signature(&checkpoint, 2);
		if (i == 3)
			checkpoint.time.nanos++;	/* after it was signed */
		if (i == 4)
			checkpoint.signature[0].signature[9] ^= 1;
		serve_checkpoint(&checkpoint);
		assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EKEYEXPIRED);
		assert_int_equal(sb_light_client_header(client)->height, 20);
		/* (the second one shows no such block; the third is of a height that is known already) */
		assert_string_equal(fault_name(client, 0), i == 1 ? "wrong-header" : i == 2 ? "ok" : "wrong-checkpoint");
		sb_light_client_close(client);
	}
}

static void expired_without_members(void **state)
{
	struct sb_light_config config = year_off(false);
	struct sb_checkpoint checkpoint = checkpoint_of(&ledger.at[50].block.header);
	struct sb_light_client *client = open_client(&config);
	struct sb_light_synced synced;

	add_signature(&checkpoint, 1);
	add_signature(&checkpoint, 2);
	serve_checkpoint(&checkpoint);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EKEYEXPIRED);
	assert_non_null(strstr(error.text, "none is known here"));
	sb_light_client_close(client);
	/* members of the provisioned root help */
	config.root.members = three_members();
	client = open_client(&config);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 60);
	sb_light_client_close(client);
}

/* What a device without a clock trusts goes on from what was proven. */
static void without_clock(void **state)
{
	struct sb_light_config config = year_off(true);
	struct sb_light_client *client;
	struct sb_light_synced synced;
	struct sb_light_status status;

	ledger_free(&ledger);
	ledger_init(&ledger, wall() - 20, 4, 0);
	ledger_grow(&ledger, 20);
	ledger.time += 100 * DAY;
	ledger_grow(&ledger, 20);
	servers_reset(&ledger);
	clean();
	sb_header_hash(&ledger.at[1].block.header, config.root.hash);
	config.clock = SB_CLOCK_NO;
	client = open_client(&config);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 40);
	assert_false(synced.stale);
	sb_light_client_status(client, &status);
	assert_false(status.clock);
	assert_true(sb_time_compare(status.now, synced.header.time) >= 0);
	sb_light_client_close(client);

	/* for a clock that is believed they are from the future */
	clean();
	config.clock = SB_CLOCK_YES;
	client = open_client(&config);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EHOSTUNREACH);
	assert_string_equal(fault_name(client, 0), "from-future");
	sb_light_client_close(client);

	/* the build's time is a floor: a header from long before it is too old to begin with */
	clean();
	config.clock = SB_CLOCK_NO;
	config.floor = wall() + 365 * DAY;
	client = open_client(&config);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EKEYEXPIRED);
	sb_light_client_close(client);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(year_off_comes_back), cmocka_unit_test(checkpoint_by_hand),
		cmocka_unit_test(bad_checkpoints), cmocka_unit_test(expired_without_members),
		cmocka_unit_test(without_clock),
	};

	return cmocka_run_group_tests_name("light expired", tests, begin, end);
}
