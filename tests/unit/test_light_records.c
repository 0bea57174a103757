// SPDX-License-Identifier: Apache-2.0
/* Records with their proofs, and transactions that are handed in. */
#include "light_client_world.h"

static void reads_records(void **state)
{
	struct sb_light_client *client = start(10, 0);
	struct sb_light_record record;

	assert_int_equal(sb_light_client_query(client, "d/one", 5, DEADLINE, &record, &error), 0);
	assert_true(record.present && record.height == 9);
	assert_int_equal(record.length, strlen("first device"));
	assert_memory_equal(record.value, "first device", record.length);
	free(record.value);
	assert_int_equal(sb_light_client_query(client, "d/none", 6, DEADLINE, &record, &error), 0);
	assert_false(record.present);
	assert_null(record.value);
	/* of a state that is gone: it moves on with the chain */
	ledger_grow(&ledger, 5);
	server[0].pruned = server[1].pruned = true;
	assert_int_equal(sb_light_client_query(client, "d/two", 5, DEADLINE, &record, &error), 0);
	assert_true(record.present && record.height == 14);
	free(record.value);
	sb_light_client_close(client);
}

/* A chain that grows between header and question: that is nobody's fault. */
static void goes_on(void **state)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct sb_light_client *client = start(10, 0);
		struct sb_light_synced synced;
		struct sb_light_record record;

		must_sync(client, &synced);
		server[0].pruned = server[1].pruned = i == 0;
		server[0].refuses_old = server[1].refuses_old = i == 1;
		for (unsigned int tries = 0; tries < 3; tries++) {
			servers_lock();
			ledger_grow(&ledger, 2);
			servers_unlock();
			assert_int_equal(sb_light_client_query(client, "d/one", 5, DEADLINE, &record, &error), 0);
			assert_true(record.present && record.height == 11 + 2 * tries);
			free(record.value);
			assert_string_equal(fault_name(client, 0), "ok");
			assert_string_equal(fault_name(client, 1), "ok");
		}
		sb_light_client_close(client);
	}
}

/* A proof of what was once so is none of what is. */
static void old_states(void **state)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct sb_light_client *client = start(10, 0);
		struct sb_light_synced synced;
		struct sb_light_record record;

		must_sync(client, &synced);
		/* It may be asked for the last one, too. */
		server[0].late = i ? 7 : 1;
		server[0].refuses_old = i;
		ledger_grow(&ledger, i ? 5 : 0);
		server_off(1);
		assert_int_equal(sb_light_client_query(client, "d/one", 5, DEADLINE, &record, &error), -EHOSTUNREACH);
		assert_string_equal(fault_name(client, 0), "stale");
		server_on(1);
		assert_int_equal(sb_light_client_query(client, "d/one", 5, DEADLINE, &record, &error), 0);
		assert_true(record.present && record.height >= 9);
		free(record.value);
		sb_light_client_close(client);
	}
}

static void wrong_proofs(void **state)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct sb_light_client *client = start(10, 0);
		struct sb_light_record record;

		server[0].other_value = i == 0;
		server[0].other_key = i == 1;
		server[0].denies = i == 2;
		server_off(1);
		assert_int_equal(sb_light_client_query(client, "d/one", 5, DEADLINE, &record, &error), -EHOSTUNREACH);
		assert_non_null(strstr(error.text, "wrong-proof"));
		assert_string_equal(fault_name(client, 0), "wrong-proof");
		server_on(1);
		assert_int_equal(sb_light_client_query(client, "d/one", 5, DEADLINE, &record, &error), 0);
		assert_true(record.present);
		assert_memory_equal(record.value, "first device", record.length);
		free(record.value);
		sb_light_client_close(client);
	}
}

static int submit(struct sb_light_client *client, const char *tx, struct sb_light_submitted *submitted)
{
	return sb_light_client_submit(client, tx, strlen(tx), DEADLINE, submitted, &error);
}

/* Where it cannot come into a block. */
static int submit_in_vain(struct sb_light_client *client, const char *tx)
{
	struct sb_light_submitted submitted;

	return sb_light_client_submit(client, tx, strlen(tx), 400, &submitted, &error);
}

static void hands_in(void **state)
{
	struct sb_light_client *client = start(10, 0);
	struct sb_light_submitted submitted;
	struct sb_light_record record;

	assert_int_equal(submit(client, "d/new=lease", &submitted), 0);
	assert_int_equal(submitted.height, 11);
	assert_int_equal(submitted.code.code, 0);
	assert_true(submitted.proven);
	assert_int_equal(sb_light_client_query(client, "d/new", 5, DEADLINE, &record, &error), 0);
	assert_true(record.present);
	assert_memory_equal(record.value, "lease", record.length);
	free(record.value);

	assert_int_equal(submit(client, "fail", &submitted), 0);
	assert_int_equal(submitted.code.code, 9);
	assert_true(submitted.proven && submitted.height == 13);
	assert_int_equal(submit(client, "bad", &submitted), 0);
	assert_int_equal(submitted.code.code, 7);
	assert_int_equal(submitted.height, 0);
	/* without results the code is the endpoint's word */
	server[0].no_results = server[1].no_results = true;
	assert_int_equal(submit(client, "d/a=b", &submitted), 0);
	assert_false(submitted.proven);
	assert_true(submitted.height > 0);
	server[0].forgets = server[1].forgets = true;
	assert_int_equal(submit_in_vain(client, "d/a=c"), -ETIMEDOUT);
	sb_light_client_close(client);
}

static void wrong_inclusion(void **state)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct sb_light_client *client = start(10, 0);
		struct sb_light_submitted submitted;

		server[0].other_tx = i == 0;
		server[0].other_code = i == 1;
		server_off(1);
		/* a busy machine may need more than one deadline */
		for (unsigned int tries = 0; tries < 20 && strcmp(fault_name(client, 0), "wrong-inclusion"); tries++)
			assert_int_equal(submit_in_vain(client, "d/new=lease"), -ETIMEDOUT);
		assert_string_equal(fault_name(client, 0), "wrong-inclusion");
		assert_non_null(strstr(error.text, "it still may come. http"));
		assert_non_null(strstr(error.text, ": wrong-inclusion: "));
		server_on(1);
		assert_int_equal(submit(client, "d/new=lease", &submitted), 0);
		assert_true(submitted.proven && submitted.code.code == 0);
		sb_light_client_close(client);
	}
}

/* An endpoint that takes a transaction and says nothing more of it: the others get it as well. */
static void swallowed(void **state)
{
	struct sb_light_client *client = start(10, 0);
	struct sb_light_submitted submitted;
	struct sb_light_synced synced;

	must_sync(client, &synced);
	server[0].swallows = server[0].forgets = true;
	server_off(1);
	assert_int_equal(submit_in_vain(client, "d/new=lease"), -ETIMEDOUT);
	server_on(1);
	assert_int_equal(submit(client, "d/new=lease", &submitted), 0);
	assert_true(submitted.proven && submitted.code.code == 0);
	sb_light_client_close(client);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_records), cmocka_unit_test(goes_on), cmocka_unit_test(old_states),
		cmocka_unit_test(wrong_proofs), cmocka_unit_test(hands_in), cmocka_unit_test(wrong_inclusion), cmocka_unit_test(swallowed),
	};

	return cmocka_run_group_tests_name("light records", tests, begin, end);
}
