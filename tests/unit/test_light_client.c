// SPDX-License-Identifier: Apache-2.0
/* The light client against endpoints that are honest, broken, behind or lying. */
#include "ledger_server.h"

#include <dirent.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "light/client.h"

#define DAY		(24 * 3600)
#define DEADLINE	20000

static struct ledger ledger, other;
static char directory[64];
static struct sb_error error;

static void clean(void)
{
	static const char *const names[] = { "trust", "trust.damaged", "fork.json", "checkpoint" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

static int64_t wall(void)
{
	return time(NULL);
}

/* @count endpoints from the first, a root of height 1, and a clock that is right. */
static struct sb_light_config config_of(const struct ledger *from, size_t count)
{
	struct sb_light_config config = {
		.chain = WORLD_CHAIN, .directory = directory, .root.height = 1, .endpoints = count,
		.clock = SB_CLOCK_YES, .floor = 1, .connect_ms = 1000, .call_ms = 1000,
	};

	sb_header_hash(&from->at[1].block.header, config.root.hash);
	for (size_t i = 0; i < count; i++)
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

/* A fresh device with two endpoints, and a chain of so many blocks that ends now. */
static struct sb_light_client *start(unsigned int blocks, unsigned int each)
{
	struct sb_light_config config;

	clean();
	ledger_free(&ledger);
	ledger_init(&ledger, wall() - blocks, 4, each);
	ledger_grow(&ledger, blocks);
	servers_reset(&ledger);
	config = config_of(&ledger, 2);
	return open_client(&config);
}

static void must_sync(struct sb_light_client *client, struct sb_light_synced *synced)
{
	if (sb_light_client_sync(client, DEADLINE, synced, &error) != 0)
		fail_msg("%s", error.text);
}

static const char *fault_name(struct sb_light_client *client, size_t number)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];

	assert_true(number < sb_light_client_endpoints(client, state));
	return sb_fault_name(state[number].standing.fault);
}

static const char *verdict_name(struct sb_light_client *client, size_t number)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];

	assert_true(number < sb_light_client_endpoints(client, state));
	return sb_light_name(state[number].verdict);
}

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

static void change_signature(struct sb_light_block *block)
{
	for (size_t i = 0; i < block->commit.count; i++)
		block->commit.votes[i].signature[3] ^= 1;
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

static void change_time(struct sb_light_block *block)
{
	block->header.time.seconds -= 100 * DAY;
	world_commit(block, 0);
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

static void change_votes(struct sb_light_block *block)
{
	world_commit(block, 2);
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
		{ change_time, "wrong-header", "wrong-time" },
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

/* Member number @number, of the members 1 to 3. */
static void member_key(unsigned int number, secp256k1_keypair *pair, uint8_t key[32])
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	uint8_t secret[32] = { 1, 2, 3, (uint8_t)number };
	secp256k1_xonly_pubkey public;

	assert_int_equal(secp256k1_keypair_create(context, pair, secret), 1);
	assert_int_equal(secp256k1_keypair_xonly_pub(context, &public, NULL, pair), 1);
	assert_int_equal(secp256k1_xonly_pubkey_serialize(context, key, &public), 1);
	secp256k1_context_destroy(context);
}

static struct sb_members three_members(void)
{
	struct sb_members members = { .count = 3, .threshold = 2 };

	for (unsigned int i = 0; i < 3; i++) {
		secp256k1_keypair pair;

		member_key(i + 1, &pair, members.member[i].key);
		members.member[i].weight = 1;
	}
	assert_int_equal(sb_members_sort(&members), 0);
	return members;
}

static void add_signature(struct sb_checkpoint *checkpoint, unsigned int number)
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	size_t at = checkpoint->signatures++;
	secp256k1_keypair pair;
	uint8_t key[32], message[32];

	member_key(number, &pair, key);
	for (; at && memcmp(checkpoint->signature[at - 1].key, key, 32) > 0; at--)
		checkpoint->signature[at] = checkpoint->signature[at - 1];
	memcpy(checkpoint->signature[at].key, key, 32);
	assert_int_equal(sb_checkpoint_message(checkpoint, message), 0);
	assert_int_equal(secp256k1_schnorrsig_sign32(context, checkpoint->signature[at].signature, message, &pair,
						     NULL), 1);
	secp256k1_context_destroy(context);
}

static struct sb_checkpoint checkpoint_of(const struct sb_header *header)
{
	struct sb_checkpoint checkpoint = { .height = header->height, .time = header->time };

	strcpy(checkpoint.chain, header->chain);
	sb_header_hash(header, checkpoint.hash);
	return checkpoint;
}

static struct sb_bytes written;

static void serve_checkpoint(const struct sb_checkpoint *checkpoint)
{
	sb_bytes_free(&written);
	sb_checkpoint_write(checkpoint, &written);
	assert_false(written.failed);
	for (unsigned int i = 0; i < 2; i++) {
		server[i].checkpoint = written.data;
		server[i].checkpoint_length = written.length;
	}
}

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

static int begin(void **state)
{
	snprintf(directory, sizeof(directory), "/tmp/sb-light-%d", (int)getpid());
	servers_start();
	return sodium_init() < 0;
}

static int end(void **state)
{
	servers_stop();
	clean();
	ledger_free(&ledger);
	ledger_free(&other);
	sb_bytes_free(&written);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows), cmocka_unit_test(skips), cmocka_unit_test(from_genesis),
		cmocka_unit_test(fails_over), cmocka_unit_test(unreachable), cmocka_unit_test(ends_in_time),
		cmocka_unit_test(catches_liars), cmocka_unit_test(catches_signed_lies), cmocka_unit_test(other_powers), cmocka_unit_test(old_answers),
		cmocka_unit_test(withheld), cmocka_unit_test(fork_by_witness), cmocka_unit_test(fork_by_order), cmocka_unit_test(fork_by_set_back),
		cmocka_unit_test(no_fork_by_liars), cmocka_unit_test(reads_records), cmocka_unit_test(wrong_proofs),
		cmocka_unit_test(hands_in), cmocka_unit_test(wrong_inclusion), cmocka_unit_test(swallowed),
		cmocka_unit_test(year_off_comes_back),
		cmocka_unit_test(checkpoint_by_hand), cmocka_unit_test(bad_checkpoints),
		cmocka_unit_test(expired_without_members), cmocka_unit_test(without_clock),
		cmocka_unit_test(over_unix_socket), cmocka_unit_test(damaged_trust),
		cmocka_unit_test(sockets_are_shown),
	};

	return cmocka_run_group_tests_name("light client", tests, begin, end);
}
