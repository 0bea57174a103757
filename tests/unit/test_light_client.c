// SPDX-License-Identifier: Apache-2.0
/* The light client against endpoints that are honest, broken, behind or lying. */
#include "light_client_world.h"

static void follows(void **state)
{
	struct sb_light_client *client = start(20, 0);
	struct sb_light_config config = config_of(&ledger, 2);
	struct sb_light_synced synced;
	struct stat file;
	char path[128];

	assert_null(sb_light_client_header(client));
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 20);
	assert_true(synced.advanced && synced.witnessed && !synced.stale && !synced.by_checkpoint);
	must_sync(client, &synced);
	assert_false(synced.advanced);
	servers_lock();
	ledger_grow(&ledger, 1);
	servers_unlock();
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 21);
	/* validators that are known are not fetched again */
	assert_int_equal(server[0].validators + server[1].validators, 1);
	sb_light_client_close(client);

	snprintf(path, sizeof(path), "%s/trust", directory);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 07777, 0600);
	client = open_client(&config);
	assert_int_equal(sb_light_client_header(client)->height, 21);
	sb_light_client_close(client);
}

static void skips(void **state)
{
	struct sb_light_client *client = start(300, 40);
	struct sb_light_synced synced;

	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 300);
	assert_in_range(server[0].commits, 2, 20);
	sb_light_client_close(client);
}

static void from_genesis(void **state)
{
	struct sb_light_client *client = start(5, 0);
	struct sb_light_config config = config_of(&ledger, 1);
	struct sb_light_synced synced;

	sb_light_client_close(client);
	config.root.height = 0;
	memcpy(config.root.hash, ledger.at[1].block.header.validators.bytes, 32);
	client = open_client(&config);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 5);
	assert_false(synced.witnessed);
	sb_light_client_close(client);

	clean();
	config.root.hash[0] ^= 1;
	client = open_client(&config);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EHOSTUNREACH);
	assert_string_equal(fault_name(client, 0), "wrong-header");
	sb_light_client_close(client);
}

static const struct {
	enum server_fault fault;
	const char *name;
} broken[] = {
	{ SERVER_SILENT, "timeout" }, { SERVER_ENDLESS, "too-large" }, { SERVER_HEADERS, "too-large" },
	{ SERVER_CUT, "truncated" }, { SERVER_CUT_JSON, "truncated" }, { SERVER_CLOSES, "truncated" },
	{ SERVER_500, "http-error" }, { SERVER_REDIRECT, "http-error" }, { SERVER_HTML, "bad-answer" },
	{ SERVER_OTHER_ID, "wrong-id" }, { SERVER_ERROR, "rpc-error" },
};

/* Each has its name, and the next endpoint takes over unasked. */
static void fails_over(void **state)
{
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct sb_light_client *client = start(5, 0);
		struct sb_light_synced synced;

		server[0].fault = broken[i].fault;
		must_sync(client, &synced);
		assert_int_equal(synced.header.height, 5);
		if (strcmp(fault_name(client, 0), broken[i].name) != 0)
			fail_msg("%s, not %s", fault_name(client, 0), broken[i].name);
		assert_int_equal(server[1].redirected, 0);
		/* and comes back once it is well */
		server[0].fault = SERVER_HONEST;
		server_off(1);
		ledger_grow(&ledger, 1);
		must_sync(client, &synced);
		assert_int_equal(synced.header.height, 6);
		sb_light_client_close(client);
	}
}

static void unreachable(void **state)
{
	struct sb_light_client *client = start(5, 0);
	struct sb_light_synced synced;

	server_off(0);
	server[1].fault = SERVER_500;
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EHOSTUNREACH);
	assert_non_null(strstr(error.text, "ledger-unreachable"));
	assert_non_null(strstr(error.text, "no-connection"));
	assert_non_null(strstr(error.text, "http-error"));
	assert_string_equal(sb_light_client_state(-EHOSTUNREACH), "ledger-unreachable");
	sb_light_client_close(client);
}

static void ends_in_time(void **state)
{
	struct sb_light_client *client = start(5, 0);
	struct sb_light_synced synced;
	struct timespec before, after;

	server[0].fault = server[1].fault = SERVER_SILENT;
	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(sb_light_client_sync(client, 300, &synced, &error), -EHOSTUNREACH);
	clock_gettime(CLOCK_MONOTONIC, &after);
	/* two calls of a second each are what it would take without the deadline */
	assert_true((after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000 < 1900);
	sb_light_client_close(client);
}

static void change_app_hash(struct sb_light_block *block)
{
	block->header.app.bytes[0] ^= 1;
}

static void change_chain(struct sb_light_block *block)
{
	strcpy(block->header.chain, "another-chain");
	world_commit(block, 0);
}

static void change_power(struct sb_light_block *block)
{
	block->validators.validators[0].power += 5;
}

static void change_future(struct sb_light_block *block)
{
	block->header.time.seconds += DAY;
	world_commit(block, 0);
}

static void change_validators(struct sb_light_block *block)
{
	free(block->validators.validators);
	block->validators = world_set(2000, 4, 10);
	world_set_hash(&block->validators, &block->header.validators);
	world_commit(block, 0);
}

static void change_data(struct sb_light_block *block)
{
	block->header.data.there = false;
	world_commit(block, 0);
}

static const struct {
	void (*change)(struct sb_light_block *block);
	const char *fault, *verdict;
} lies[] = {
	{ change_signature, "wrong-header", "wrong-signature" },
	{ change_app_hash, "wrong-header", "other-commit" },
	{ change_chain, "other-chain", "ok" },
	{ change_validators, "wrong-header", "not-enough-trust" },
	{ change_votes, "wrong-header", "not-enough-power" },
};

/* Whoever lies is passed over, by name, and nothing of it is believed. */
static void catches_liars(void **state)
{
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		struct sb_light_client *client = start(30, 0);
		struct sb_light_endpoint_state states[SB_ENDPOINTS_MAX];
		struct sb_light_synced synced;

		server[0].change = lies[i].change;
		server[0].change_from = 2;
		must_sync(client, &synced);
		assert_int_equal(synced.header.height, 30);
		assert_memory_equal(&synced.header, &ledger.at[30].block.header, sizeof(synced.header));
		if (strcmp(fault_name(client, 0), lies[i].fault) != 0)
			fail_msg("%zu: %s, not %s", i, fault_name(client, 0), lies[i].fault);
		if (lies[i].change != change_validators && strcmp(verdict_name(client, 0), lies[i].verdict) != 0)
			fail_msg("%zu: %s, not %s", i, verdict_name(client, 0), lies[i].verdict);
		/* for long, however well it answers */
		server[0].change = NULL;
		ledger_grow(&ledger, 1);
		must_sync(client, &synced);
		sb_light_client_endpoints(client, states);
		assert_string_equal(sb_fault_name(states[0].standing.fault), lies[i].fault);
		sb_light_client_close(client);
	}
}

/* What the validators have signed indeed, and what is wrong nevertheless. */
static void catches_signed_lies(void **state)
{
	static const struct {
		void (*change)(struct sb_light_block *block);
		const char *fault, *verdict;
	} signed_lies[] = {
		{ change_future, "from-future", "ok" },
		{ change_data, "wrong-header", "malformed" },
	};

	for (size_t i = 0; i < sizeof(signed_lies) / sizeof(signed_lies[0]); i++) {
		struct sb_light_client *client = start(30, 0);
		struct sb_light_synced synced;

		server_off(1);
		server[0].change = signed_lies[i].change;
		server[0].change_from = 2;
		assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EHOSTUNREACH);
		assert_int_equal(sb_light_client_header(client)->height, 1);
		assert_string_equal(fault_name(client, 0), signed_lies[i].fault);
		assert_string_equal(verdict_name(client, 0), signed_lies[i].verdict);
		sb_light_client_close(client);
	}
}

static void other_powers(void **state)
{
	struct sb_light_client *client = start(100, 20);
	struct sb_light_synced synced;

	server[0].change = change_power;
	server[0].change_from = 2;
	must_sync(client, &synced);
	assert_string_equal(fault_name(client, 0), "wrong-header");
	assert_string_equal(verdict_name(client, 0), "wrong-validators");
	sb_light_client_close(client);
}

static void old_answers(void **state)
{
	struct sb_light_client *client = start(30, 3);
	struct sb_light_synced synced;

	server[0].old_blocks = true;
	server_off(1);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EHOSTUNREACH);
	assert_string_equal(fault_name(client, 0), "stale");
	server_on(1);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 30);
	sb_light_client_close(client);
}

/* The first endpoint withholds what is new: the witness shows it, and the clock would. */
static void withheld(void **state)
{
	struct sb_light_client *client = start(30, 0);
	struct sb_light_synced synced;
	struct sb_light_config config;

	sb_light_client_close(client);
	ledger_free(&ledger);
	ledger_init(&ledger, wall() - 30 * 3600, 4, 0);
	ledger.interval = 3600;
	ledger_grow(&ledger, 30);
	servers_reset(&ledger);
	config = config_of(&ledger, 2);
	config.clock = SB_CLOCK_NO;
	config.stale_after = 4000;
	client = open_client(&config);
	server[0].behind = 10;
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 30);
	assert_string_equal(fault_name(client, 0), "stale");
	sb_light_client_close(client);

	clean();
	config.clock = SB_CLOCK_YES;
	client = open_client(&config);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 30);
	assert_false(synced.stale);
	server[1].behind = 10;
	ledger.time += 10 * 3600;
	sb_light_client_close(client);

	/* both: the best there is, and it is said */
	clean();
	client = open_client(&config);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 20);
	assert_true(synced.stale);
	server[0].behind = 15;
	server_off(1);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), -EHOSTUNREACH);
	assert_string_equal(fault_name(client, 0), "stale");
	sb_light_client_close(client);
}

static void over_unix_socket(void **state)
{
	struct sb_light_client *client = start(5, 0);
	struct sb_light_config config = config_of(&ledger, 1);
	struct sb_light_synced synced;

	sb_light_client_close(client);
	config.endpoint[0].url = server[SERVERS - 1].url;
	client = open_client(&config);
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 5);
	sb_light_client_close(client);
}

/* What stands there and cannot be read is put aside, and trust begins again from the root. */
static void damaged_trust(void **state)
{
	struct sb_light_client *client = start(5, 0);
	struct sb_light_config config = config_of(&ledger, 2);
	struct sb_light_synced synced;
	struct sb_light_status status;
	char path[128];
	FILE *file;

	must_sync(client, &synced);
	sb_light_client_close(client);
	snprintf(path, sizeof(path), "%s/trust", directory);
	file = fopen(path, "r+");
	assert_non_null(file);
	fseek(file, 40, SEEK_SET);
	fputc('!', file);
	fclose(file);
	client = open_client(&config);
	sb_light_client_status(client, &status);
	assert_true(status.damaged);
	assert_null(sb_light_client_header(client));
	must_sync(client, &synced);
	assert_int_equal(synced.header.height, 5);
	sb_light_client_close(client);

	config.chain = "another";
	assert_int_equal(sb_light_client_open(&config, &client, &error), -EINVAL);
	assert_non_null(strstr(error.text, WORLD_CHAIN));
}

static int refuse(void *context, int fd, const struct sockaddr *peer, socklen_t length)
{
	unsigned int *seen = context;

	(void)fd;
	assert_int_equal(peer->sa_family, AF_INET);
	(*seen)++;
	return *seen > 1 ? -1 : 0;
}

/* Each socket is shown before it connects: the helper registers it with the kernel. */
static void sockets_are_shown(void **state)
{
	struct sb_light_client *client = start(5, 0);
	struct sb_light_config config = config_of(&ledger, 2);
	struct sb_light_synced synced;
	unsigned int seen = 0;

	sb_light_client_close(client);
	config.opened = refuse;
	config.context = &seen;
	client = open_client(&config);
	must_sync(client, &synced);
	assert_int_equal(seen, 2);
	assert_false(synced.witnessed);
	assert_string_equal(fault_name(client, 1), "no-connection");
	sb_light_client_close(client);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows), cmocka_unit_test(skips), cmocka_unit_test(from_genesis),
		cmocka_unit_test(fails_over), cmocka_unit_test(unreachable), cmocka_unit_test(ends_in_time),
		cmocka_unit_test(catches_liars), cmocka_unit_test(catches_signed_lies),
		cmocka_unit_test(other_powers), cmocka_unit_test(old_answers), cmocka_unit_test(withheld),
		cmocka_unit_test(over_unix_socket), cmocka_unit_test(damaged_trust),
		cmocka_unit_test(sockets_are_shown),
	};

	return cmocka_run_group_tests_name("light client", tests, begin, end);
}
