/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger for tests: a signed chain, over states that are trees of records. A transaction "key=value"
 * sets a record, "fail…" ends with code 9, "bad…" is refused before with code 7.
 */
#ifndef FAKE_LEDGER_H
#define FAKE_LEDGER_H

#include "light_world.h"

#include <errno.h>
#include <stdio.h>

#include "common/sha256.h"
#include "light/checkpoint.h"
#include "light/merkle.h"
#include "light/query.h"
#include "light/wire.h"
#include "tree/memory.h"
#include "tree/prove.h"

#define LEDGER_BLOCKS	640
#define LEDGER_STATES	64
#define LEDGER_RECORDS	64
#define LEDGER_TXS	4
#define LEDGER_TX_MAX	1536
#define LEDGER_VALUE	1536

struct ledger_tx {
	uint8_t data[LEDGER_TX_MAX], hash[32];
	size_t length;
	uint32_t code;
};

struct ledger_block {
	struct sb_light_block block;
	unsigned int state;		/* after it */
	unsigned int txs;
	struct ledger_tx tx[LEDGER_TXS];
};

struct ledger_state {
	struct sb_memory *memory;
	uint8_t app[32];
};

struct ledger {
	unsigned int blocks;
	struct ledger_block at[LEDGER_BLOCKS + 1];	/* by height */
	unsigned int states;
	struct ledger_state state[LEDGER_STATES];
	unsigned int records;
	struct {
		char key[64], value[LEDGER_VALUE];
	} record[LEDGER_RECORDS];
	unsigned int filler;				/* further records of each state */
	/* of blocks to come */
	struct ledger_block next;
	int64_t time, interval;				/* seconds */
	unsigned int validators, each;			/* how many; heights after which one goes and one comes */
	const char *chain;				/* NULL: WORLD_CHAIN */
	uint8_t salt;					/* another one is another chain from here on */
	unsigned int others;				/* of the validators' keys, so many are passed over */
	unsigned int gap, resumed;			/* heights from the one to below the other are lost */
};

static inline void ledger_set(struct ledger *ledger, const char *key, const char *value)
{
	unsigned int i = 0;

	while (i < ledger->records && strcmp(ledger->record[i].key, key) != 0)
		i++;
	assert_true(i < LEDGER_RECORDS);
	if (i == ledger->records)
		ledger->records++;
	snprintf(ledger->record[i].key, sizeof(ledger->record[i].key), "%.63s", key);
	snprintf(ledger->record[i].value, sizeof(ledger->record[i].value), "%.*s", LEDGER_VALUE - 1, value);
}

/* The records as they are become a state. */
static inline void ledger_state(struct ledger *ledger)
{
	struct ledger_state *state = &ledger->state[ledger->states++];
	uint8_t root[32];

	assert_true(ledger->states <= LEDGER_STATES);
	state->memory = sb_memory_new();
	assert_non_null(state->memory);
	for (unsigned int i = 0; i < ledger->records; i++)
		assert_int_equal(sb_memory_put(state->memory, ledger->record[i].key, strlen(ledger->record[i].key),
					       ledger->record[i].value, strlen(ledger->record[i].value)), 0);
	for (unsigned int i = 0; i < ledger->filler; i++)
		assert_int_equal(sb_memory_put(state->memory, &i, sizeof(i), "filler", 6), 0);
	assert_int_equal(sb_memory_root(state->memory, root), 0);
	sb_query_app_hash(root, state->app);
}

static inline void ledger_hash(struct sb_chain_hash *hash, const struct sb_merkle *merkle)
{
	sb_merkle_root(merkle, hash->bytes);
	hash->there = true;
}

static inline void ledger_data_hash(const struct ledger_block *at, struct sb_chain_hash *hash)
{
	struct sb_merkle merkle;

	sb_merkle_init(&merkle);
	for (unsigned int i = 0; i < at->txs; i++)
		sb_merkle_add(&merkle, at->tx[i].hash, 32);
	ledger_hash(hash, &merkle);
}

static inline void ledger_results_hash(const struct ledger_block *at, struct sb_chain_hash *hash)
{
	struct sb_merkle merkle;

	sb_merkle_init(&merkle);
	for (unsigned int i = 0; i < at->txs; i++) {
		uint8_t leaf[32];
		struct sb_wire wire = { leaf, 0, sizeof(leaf) };

		sb_wire_uint(&wire, 1, at->tx[i].code);
		sb_merkle_add(&merkle, leaf, wire.length);
	}
	ledger_hash(hash, &merkle);
}

static inline void ledger_some_hash(struct sb_chain_hash *hash, uint8_t salt)
{
	memset(hash->bytes, salt, sizeof(hash->bytes));
	hash->there = true;
}

static inline struct sb_validator_set ledger_validators(const struct ledger *ledger, unsigned int height)
{
	return world_set((ledger->each ? height / ledger->each : 0) + ledger->others, ledger->validators, 10);
}

/* A block with what is in next. */
static inline void ledger_add(struct ledger *ledger)
{
	unsigned int height = ++ledger->blocks;
	struct ledger_block *at = &ledger->at[height];
	struct ledger_block *before = &ledger->at[height == ledger->resumed ? ledger->gap - 1 : height - 1];
	struct sb_header *header = &at->block.header;
	struct sb_validator_set next = ledger_validators(ledger, height + 1);

	assert_true(height <= LEDGER_BLOCKS);
	*at = ledger->next;
	memset(&ledger->next, 0, sizeof(ledger->next));
	if (!ledger->states)
		ledger_state(ledger);
	at->state = ledger->states - 1;
	at->block.validators = ledger_validators(ledger, height);
	header->block_version = SB_BLOCK_PROTOCOL;
	header->app_version = 1;
	strcpy(header->chain, ledger->chain ? ledger->chain : WORLD_CHAIN);
	header->height = height;
	header->time = (struct sb_chain_time){ ledger->time, 1000 };
	ledger->time += ledger->interval;
	if (height > 1)
		header->last_block = before->block.commit.block;
	ledger_some_hash(&header->last_commit, ledger->salt);
	ledger_data_hash(at, &header->data);
	world_set_hash(&at->block.validators, &header->validators);
	world_set_hash(&next, &header->next_validators);
	ledger_some_hash(&header->consensus, 5);
	header->app.length = 32;
	memcpy(header->app.bytes, ledger->state[height > 1 ? before->state : 0].app, 32);
	ledger_results_hash(before, &header->last_results);
	sb_digest_of("", 0, header->evidence.bytes);
	header->evidence.there = true;
	memcpy(header->proposer, at->block.validators.validators[0].address, sizeof(header->proposer));
	world_commit(&at->block, 0);
	free(next.validators);
}

static inline void ledger_grow(struct ledger *ledger, unsigned int blocks)
{
	while (blocks--)
		ledger_add(ledger);
}

/* Restored from a backup of now: the next block is so much higher. */
static inline void ledger_resume(struct ledger *ledger, unsigned int heights)
{
	ledger->gap = ledger->blocks + 1;
	ledger->blocks += heights;
	ledger->resumed = ledger->blocks + 1;
}

static inline void ledger_init(struct ledger *ledger, int64_t start, unsigned int validators, unsigned int each)
{
	memset(ledger, 0, sizeof(*ledger));
	ledger->time = start;
	ledger->interval = 1;
	ledger->validators = validators;
	ledger->each = each;
	ledger_set(ledger, "d/one", "first device");
	ledger_set(ledger, "d/two", "second device");
	ledger_set(ledger, "d/three", "third device");
}

static inline void ledger_free(struct ledger *ledger)
{
	for (unsigned int i = 1; i <= ledger->blocks; i++)
		sb_light_block_free(&ledger->at[i].block);
	for (unsigned int i = 0; i < ledger->states; i++)
		sb_memory_free(ledger->state[i].memory);
	memset(ledger, 0, sizeof(*ledger));
}

/* Into the next block; returns CheckTx's code. */
static inline uint32_t ledger_take(struct ledger *ledger, const void *data, size_t length)
{
	struct ledger_tx *tx = &ledger->next.tx[ledger->next.txs];
	char text[LEDGER_TX_MAX];
	char *equals;

	assert_true(length < sizeof(tx->data));
	if (length >= 3 && memcmp(data, "bad", 3) == 0)
		return 7;
	assert_true(ledger->next.txs++ < LEDGER_TXS);
	memcpy(tx->data, data, length);
	tx->length = length;
	sb_digest_of(data, length, tx->hash);
	tx->code = length >= 4 && memcmp(data, "fail", 4) == 0 ? 9 : 0;
	memcpy(text, data, length);
	text[length] = '\0';
	equals = strchr(text, '=');
	if (!tx->code && equals) {
		*equals = '\0';
		ledger_set(ledger, text, equals + 1);
		ledger_state(ledger);
	}
	return 0;
}

#endif
