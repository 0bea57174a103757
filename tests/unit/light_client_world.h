/* SPDX-License-Identifier: Apache-2.0 */
/* A device's light client in a directory of its own, the endpoints of ledger_server.h, and members who sign. */
#ifndef LIGHT_CLIENT_WORLD_H
#define LIGHT_CLIENT_WORLD_H

#include "checkpoint_sign.h"
#include "ledger_server.h"

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
static struct sb_bytes written;

static inline void clean(void)
{
	static const char *const names[] = { "trust", "trust.damaged", "fork.json", "checkpoint" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	rmdir(directory);
}

static inline int64_t wall(void)
{
	return time(NULL);
}

/* @count endpoints from the first, a root of height 1, and a clock that is right. */
static inline struct sb_light_config config_of(const struct ledger *from, size_t count)
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

static inline struct sb_light_client *open_client(const struct sb_light_config *config)
{
	struct sb_light_client *client;

	if (sb_light_client_open(config, &client, &error) != 0)
		fail_msg("%s", error.text);
	return client;
}

/* A fresh device with two endpoints, and a chain of so many blocks that ends now. */
static inline struct sb_light_client *start(unsigned int blocks, unsigned int each)
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

static inline void must_sync(struct sb_light_client *client, struct sb_light_synced *synced)
{
	if (sb_light_client_sync(client, DEADLINE, synced, &error) != 0)
		fail_msg("%s", error.text);
}

static inline const char *fault_name(struct sb_light_client *client, size_t number)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];

	assert_true(number < sb_light_client_endpoints(client, state));
	return sb_fault_name(state[number].standing.fault);
}

static inline const char *verdict_name(struct sb_light_client *client, size_t number)
{
	struct sb_light_endpoint_state state[SB_ENDPOINTS_MAX];

	assert_true(number < sb_light_client_endpoints(client, state));
	return sb_light_name(state[number].verdict);
}

static inline void change_signature(struct sb_light_block *block)
{
	for (size_t i = 0; i < block->commit.count; i++)
		block->commit.votes[i].signature[3] ^= 1;
}

static inline void change_votes(struct sb_light_block *block)
{
	world_commit(block, 2);
}

/* Member number @number, of the members 1 to 3. */
static inline void member_key(unsigned int number, secp256k1_keypair *pair, uint8_t key[32])
{
	uint8_t secret[32] = { 1, 2, 3, (uint8_t)number };

	key_of_secret(secret, pair, key);
}

static inline struct sb_members three_members(void)
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

static inline void add_signature(struct sb_checkpoint *checkpoint, unsigned int number)
{
	secp256k1_keypair pair;
	uint8_t key[32];

	member_key(number, &pair, key);
	sign_checkpoint(checkpoint, &pair, key);
}

static inline struct sb_checkpoint checkpoint_of(const struct sb_header *header)
{
	struct sb_checkpoint checkpoint = { .height = header->height, .time = header->time };

	strcpy(checkpoint.chain, header->chain);
	sb_header_hash(header, checkpoint.hash);
	return checkpoint;
}

static inline void serve_checkpoint(const struct sb_checkpoint *checkpoint)
{
	sb_bytes_free(&written);
	sb_checkpoint_write(checkpoint, &written);
	assert_false(written.failed);
	for (unsigned int i = 0; i < 2; i++) {
		server[i].checkpoint = written.data;
		server[i].checkpoint_length = written.length;
	}
}

static inline int begin(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/sb-light-%d", (int)getpid());
	servers_start();
	return sodium_init() < 0;
}

static inline int end(void **state)
{
	(void)state;
	servers_stop();
	clean();
	ledger_free(&ledger);
	ledger_free(&other);
	sb_bytes_free(&written);
	return 0;
}

#endif
