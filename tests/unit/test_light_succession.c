// SPDX-License-Identifier: Apache-2.0
/* The light client where the ledger goes on as another chain: moves by what the old one has proven, once, and for good. */
#include "ledger_server.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "light/client.h"
#include "light/trust.h"

#define NEXT		"next-chain"
#define FIRST		31		/* height of its first block that is served; those below are of the old one */
#define DEADLINE	20000

/* Endpoints 0 and 1 have the old chain, 2 the new one; 3 listens on a socket. */
static struct ledger old, new;
static char directory[64];
static struct sb_error error;

static void clean(void)
{
	static const char *const names[] = { "trust", "trust.1", "trust.2", "successor", "successor.damaged", "fork.json",
						"endpoints" };
	char path[128];

	for (size_t i = 0; i < SB_ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

static bool there(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return access(path, F_OK) == 0;
}

static struct sb_light_config config_of(void)
{
	struct sb_light_config config = {
		.chain = WORLD_CHAIN, .directory = directory, .root.height = 1, .endpoints = 2,
		.clock = SB_CLOCK_YES, .floor = 1, .connect_ms = 1000, .call_ms = 1000,
		.root.members = { .count = 1, .threshold = 1, .member = { { .key = { 5 }, .weight = 1 } } },
	};

	sb_header_hash(&old.at[1].block.header, config.root.hash);
	for (size_t i = 0; i < config.endpoints; i++)
		config.endpoint[i].url = server[i].url;
	return config;
}

static struct sb_light_client *open_client(const struct sb_light_config *config)
{
	struct sb_light_client *client;

	if (sb_light_client_open(config, &client, &error) != 0)
		fail_msg("%s", error.text);
	return client;
}

static void make(struct ledger *ledger, const char *chain, unsigned int blocks)
{
	ledger_free(ledger);
	ledger_init(ledger, time(NULL) - blocks, 4, 0);
	ledger->chain = chain;
	ledger_grow(ledger, blocks);
}

static struct sb_succession succession_of(void)
{
	struct sb_succession succession = { .chain = NEXT, .height = FIRST, .endpoints = 1 };

	sb_header_hash(&new.at[FIRST].block.header, succession.hash);
	snprintf(succession.url[0], sizeof(succession.url[0]), "%s", server[2].url);
	return succession;
}

/* A device that trusts the old chain's block 20. */
static struct sb_light_client *start(void)
{
	struct sb_light_config config;
	struct sb_light_client *client;
	struct sb_light_synced synced;

	clean();
	make(&old, NULL, 20);
	make(&new, NEXT, 40);
	servers_reset(&old);
	server[2].ledger = &new;
	config = config_of();
	client = open_client(&config);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), 0);
	return client;
}

static int64_t synced_to(struct sb_light_client *client)
{
	struct sb_light_synced synced;

	if (sb_light_client_sync(client, DEADLINE, &synced, &error) != 0)
		fail_msg("%s", error.text);
	return synced.header.height;
}

static void moves(void **state)
{
	struct sb_light_client *client = start();
	struct sb_succession succession = succession_of();
	struct sb_light_config config = config_of();
	struct sb_light_endpoint_state states[SB_ENDPOINTS_MAX];
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_trust *before = calloc(1, sizeof(*before));
	const char *const learned = "http://127.0.0.1:9";
	struct sb_members members;
	char path[128];
	int64_t height;
	size_t length;

	assert_string_equal(sb_light_client_chain(client), WORLD_CHAIN);
	members = *sb_light_client_members(client, &height);
	assert_int_equal(sb_light_client_learn(client, &learned, 1, &error), 0);
	assert_int_equal(sb_light_client_endpoints(client, states), 3);
	if (sb_light_client_succeed(client, &succession, DEADLINE, &error) != 0)
		fail_msg("%s", error.text);
	assert_string_equal(sb_light_client_chain(client), NEXT);
	assert_int_equal(sb_light_client_successions(client), 1);
	assert_int_equal(sb_light_client_header(client)->height, FIRST);
	assert_int_equal(sb_light_client_endpoints(client, states), 1);
	assert_string_equal(states[0].url, server[2].url);
	/* the members are who they were */
	assert_memory_equal(sb_light_client_members(client, &height), &members, sizeof(members));
	assert_int_equal(synced_to(client), 40);
	sb_light_client_close(client);
	/* what was trusted is there as evidence */
	snprintf(path, sizeof(path), "%s/trust.1", directory);
	assert_int_equal(sb_file_read(path, SB_TRUST_FILE_MAX, &data, &length), 0);
	assert_int_equal(sb_trust_read(data, length, before), 0);
	assert_string_equal(before->chain, WORLD_CHAIN);
	assert_int_equal(sb_trust_latest(before)->header.height, 20);
	sb_trust_free(before);
	free(before);
	/* by the same configuration, with the old chain gone */
	server_off(0);
	server_off(1);
	client = open_client(&config);
	assert_string_equal(sb_light_client_chain(client), NEXT);
	assert_int_equal(sb_light_client_header(client)->height, 40);
	/* where the old one could be asked is forgotten */
	assert_int_equal(sb_light_client_endpoints(client, states), 1);
	servers_lock();
	ledger_grow(&new, 1);
	servers_unlock();
	assert_int_equal(synced_to(client), 41);
	sb_light_client_close(client);
	/* and by one that knows the new chain */
	config.chain = NEXT;
	config.endpoints = 1;
	config.endpoint[0].url = server[2].url;
	client = open_client(&config);
	assert_int_equal(sb_light_client_header(client)->height, 41);
	sb_light_client_close(client);
	/* another ledger's is still refused */
	config.chain = "a-third";
	assert_int_equal(sb_light_client_open(&config, &client, &error), -EINVAL);
}

static void stays(struct sb_light_client *client, const struct sb_succession *succession, int result)
{
	assert_int_equal(sb_light_client_succeed(client, succession, DEADLINE, &error), result);
	assert_string_equal(sb_light_client_chain(client), WORLD_CHAIN);
	assert_int_equal(sb_light_client_header(client)->height, 20);
	assert_false(there("successor") || there("trust.1"));
	assert_int_equal(synced_to(client), 20);
}

static void change_signature(struct sb_light_block *block)
{
	for (size_t i = 0; i < block->commit.count; i++)
		block->commit.votes[i].signature[3] ^= 1;
}

/* Unless somebody serves just that block, nothing has changed. */
static void stays_where_it_is(void **state)
{
	struct sb_light_client *client = start();
	struct sb_succession succession = succession_of();

	succession.hash[0] ^= 1;
	stays(client, &succession, -EHOSTUNREACH);
	assert_non_null(strstr(error.text, "wrong-header"));
	succession = succession_of();
	succession.height = 30;
	stays(client, &succession, -EHOSTUNREACH);
	succession = succession_of();
	server[2].change = change_signature;
	server[2].change_from = 1;
	stays(client, &succession, -EHOSTUNREACH);
	server[2].change = NULL;
	server[2].ledger = &old;
	stays(client, &succession, -EHOSTUNREACH);
	server[2].ledger = &new;
	server_off(2);
	stays(client, &succession, -EHOSTUNREACH);
	assert_non_null(strstr(error.text, "no-connection"));
	server_on(2);
	/* such a succession cannot be */
	strcpy(succession.chain, WORLD_CHAIN);
	stays(client, &succession, -EINVAL);
	succession = succession_of();
	succession.endpoints = 0;
	stays(client, &succession, -EINVAL);
	succession = succession_of();
	snprintf(succession.url[0], sizeof(succession.url[0]), "unix:/tmp/somebody");
	stays(client, &succession, -EINVAL);
	succession = succession_of();
	succession.height = 0;
	stays(client, &succession, -EINVAL);
	succession = succession_of();
	snprintf(succession.url[0], sizeof(succession.url[0]), "http://a:b@c");
	stays(client, &succession, -EINVAL);
	/* at last */
	succession = succession_of();
	assert_int_equal(sb_light_client_succeed(client, &succession, DEADLINE, &error), 0);
	sb_light_client_close(client);
}

static void put_back(const char *from, const char *to)
{
	char path[128], other[128];

	snprintf(path, sizeof(path), "%s/%s", directory, from);
	snprintf(other, sizeof(other), "%s/%s", directory, to);
	assert_int_equal(rename(path, other), 0);
}

/* Whatever of it is on the disk, it begins at the named block, or with the old chain. */
static void a_crash(void **state)
{
	struct sb_light_client *client = start();
	struct sb_succession succession = succession_of();
	struct sb_light_config config = config_of();
	char path[128];

	assert_int_equal(sb_light_client_succeed(client, &succession, DEADLINE, &error), 0);
	sb_light_client_close(client);
	/* the file of the succession alone was written */
	put_back("trust.1", "trust");
	client = open_client(&config);
	assert_string_equal(sb_light_client_chain(client), NEXT);
	assert_true(there("trust.1"));
	assert_null(sb_light_client_header(client));
	assert_int_equal(synced_to(client), 40);
	sb_light_client_close(client);
	/* what is trusted is lost: from the named block on again */
	snprintf(path, sizeof(path), "%s/trust", directory);
	unlink(path);
	client = open_client(&config);
	assert_int_equal(synced_to(client), 40);
	sb_light_client_close(client);
	/* a damaged succession: the old chain says it again */
	put_back("trust.1", "trust");
	snprintf(path, sizeof(path), "%s/successor", directory);
	assert_int_equal(truncate(path, 60), 0);
	client = open_client(&config);
	assert_string_equal(sb_light_client_chain(client), WORLD_CHAIN);
	assert_true(there("successor.damaged"));
	assert_int_equal(synced_to(client), 20);
	assert_int_equal(sb_light_client_succeed(client, &succession, DEADLINE, &error), 0);
	sb_light_client_close(client);
}

/* The second succession is as the first, and the configuration still the one of the beginning. */
static void twice(void **state)
{
	static struct ledger third;
	struct sb_light_client *client = start();
	struct sb_succession succession = succession_of();
	struct sb_light_config config = config_of();

	assert_int_equal(sb_light_client_succeed(client, &succession, DEADLINE, &error), 0);
	assert_int_equal(synced_to(client), 40);
	ledger_init(&third, time(NULL) - 60, 4, 0);
	third.chain = "third-chain";
	ledger_grow(&third, 60);
	servers_lock();
	server[1].ledger = &third;
	servers_unlock();
	strcpy(succession.chain, third.chain);
	succession.height = 50;
	sb_header_hash(&third.at[50].block.header, succession.hash);
	snprintf(succession.url[0], sizeof(succession.url[0]), "%s", server[1].url);
	assert_int_equal(sb_light_client_succeed(client, &succession, DEADLINE, &error), 0);
	assert_int_equal(sb_light_client_successions(client), 2);
	assert_true(there("trust.1") && there("trust.2"));
	sb_light_client_close(client);
	client = open_client(&config);
	assert_string_equal(sb_light_client_chain(client), "third-chain");
	assert_int_equal(synced_to(client), 60);
	sb_light_client_close(client);
	ledger_free(&third);
}

/* The file is read in its one form alone. */
static void file_form(void **state)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	struct sb_succession_kept *kept = calloc(2, sizeof(*kept));

	kept[0].number = 1;
	strcpy(kept[0].first, "a");
	strcpy(kept[0].before, "b");
	kept[0].now = succession_of();
	sb_succession_write(&kept[0], &bytes);
	assert_false(bytes.failed);
	assert_int_equal(sb_succession_read(bytes.data, bytes.length, &kept[1]), 0);
	assert_memory_equal(&kept[0], &kept[1], sizeof(kept[0]));
	for (size_t i = 0; i < bytes.length; i++) {
		assert_int_equal(sb_succession_read(bytes.data, i, &kept[1]), -EBADMSG);
		bytes.data[i] ^= 1;
		assert_int_equal(sb_succession_read(bytes.data, bytes.length, &kept[1]), -EBADMSG);
		bytes.data[i] ^= 1;
	}
	free(kept);
}

static int begin(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/succession-%d", (int)getpid());
	servers_start();
	return 0;
}

static int end(void **state)
{
	servers_stop();
	clean();
	ledger_free(&old);
	ledger_free(&new);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves), cmocka_unit_test(stays_where_it_is), cmocka_unit_test(a_crash),
		cmocka_unit_test(twice), cmocka_unit_test(file_form),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
