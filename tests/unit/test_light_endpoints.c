// SPDX-License-Identifier: Apache-2.0
/* Endpoints that the ledger names: measured, kept, preferred when they are near, and never believed for it. */
#include "ledger_server.h"

#include <time.h>
#include <unistd.h>

#include "light/client.h"

static struct ledger ledger;
static char directory[64];
static struct sb_error error;

static void clean(void)
{
	static const char *const names[] = { "trust", "endpoints" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

/* The first server alone is configured. */
static struct sb_light_client *open_client(size_t count)
{
	struct sb_light_config config = {
		.chain = WORLD_CHAIN, .directory = directory, .root.height = 1, .endpoints = count,
		.clock = SB_CLOCK_YES, .floor = 1, .spread = true,
	};
	struct sb_light_client *client;

	sb_header_hash(&ledger.at[1].block.header, config.root.hash);
	for (size_t i = 0; i < count; i++)
		config.endpoint[i].url = server[i].url;
	if (sb_light_client_open(&config, &client, &error) != 0)
		fail_msg("%s", error.text);
	return client;
}

static struct sb_light_client *start(size_t count)
{
	clean();
	ledger_free(&ledger);
	ledger_init(&ledger, time(NULL) - 5, 4, 0);
	ledger_grow(&ledger, 5);
	servers_reset(&ledger);
	return open_client(count);
}

static void must_sync(struct sb_light_client *client)
{
	struct sb_light_synced synced;

	if (sb_light_client_sync(client, 20000, &synced, &error) != 0)
		fail_msg("%s", error.text);
}

static struct sb_light_endpoint_state state_of(struct sb_light_client *client, const char *url)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];
	size_t count = sb_light_client_endpoints(client, state);

	for (size_t i = 0; i < count; i++)
		if (strcmp(state[i].url, url) == 0)
			return state[i];
	return (struct sb_light_endpoint_state){ .url = NULL };
}

static void sync_until_measured(struct sb_light_client *client, const char *url)
{
	while (!state_of(client, url).standing.latency_us || state_of(client, url).standing.failures)
		must_sync(client);
}

static void learns(struct sb_light_client *client, const char *const *url, size_t count)
{
	if (sb_light_client_learn(client, url, count, &error) != 0)
		fail_msg("%s", error.text);
}

/* They are measured unasked, used when what was configured is gone, and known after the next start. */
static void are_used(void **state)
{
	struct sb_light_client *client = start(1);
	const char *const url[] = { server[0].url, server[1].url, server[2].url, "unix:/run/ledger.sock", "ftp://192.0.2.1" };

	must_sync(client);
	learns(client, url, 5);
	assert_null(state_of(client, "unix:/run/ledger.sock").url);
	assert_null(state_of(client, "ftp://192.0.2.1").url);
	assert_false(state_of(client, url[0]).learned);
	assert_true(state_of(client, url[1]).learned);
	sync_until_measured(client, url[1]);
	sync_until_measured(client, url[2]);
	server_off(0);
	server_off(2);
	must_sync(client);
	sb_light_client_close(client);

	client = open_client(1);
	assert_true(state_of(client, url[1]).learned);
	/* sooner or later it is the one that is gone whose turn comes */
	while (!state_of(client, url[0]).standing.failures)
		must_sync(client);
	assert_string_equal(sb_fault_name(state_of(client, url[0]).standing.fault), "no-connection");
	/* it is back, and is used again once it has shown that */
	server_on(0);
	sync_until_measured(client, url[0]);
	/* the ledger does not name them any more */
	learns(client, url, 1);
	assert_null(state_of(client, url[1]).url);
	assert_non_null(state_of(client, url[0]).url);
	must_sync(client);
	sb_light_client_close(client);
	client = open_client(1);
	assert_null(state_of(client, url[1]).url);
	sb_light_client_close(client);
	server_on(2);
}

/* The ledger names more than one connects to at once; a number that is too large is cut. */
static void are_many(void **state)
{
	struct sb_light_client *client = start(1);
	static char text[80][32];
	const char *url[80];
	struct sb_light_endpoint_state all[SB_ENDPOINTS_MAX];

	for (size_t i = 0; i < 80; i++) {
		snprintf(text[i], sizeof(text[i]), "http://127.0.0.1:%zu", i + 1);
		url[i] = text[i];
	}
	learns(client, url, 80);
	assert_int_equal(sb_light_client_endpoints(client, all), 1 + SB_ENDPOINTS_LEARNED);
	must_sync(client);
	sb_light_client_close(client);
	client = open_client(1);
	assert_int_equal(sb_light_client_endpoints(client, all), 1 + SB_ENDPOINTS_LEARNED);
	must_sync(client);
	sb_light_client_close(client);
}

/* One that takes connections and says nothing leaves time for the others, within the same call. */
static void silence_leaves_time(void **state)
{
	struct sb_light_client *client = start(3);
	struct sb_light_synced synced;

	server[0].fault = server[1].fault = SERVER_SILENT;
	if (sb_light_client_sync(client, 6000, &synced, &error) != 0)
		fail_msg("%s", error.text);
	assert_int_equal(synced.header.height, 5);
	sb_light_client_close(client);
}

static int begin(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/sb-light-endpoints-%d", (int)getpid());
	servers_start();
	return sodium_init() < 0;
}

static int end(void **state)
{
	servers_stop();
	clean();
	ledger_free(&ledger);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(are_used), cmocka_unit_test(are_many), cmocka_unit_test(silence_leaves_time),
	};

	return cmocka_run_group_tests_name("light client: endpoints", tests, begin, end);
}
