/* SPDX-License-Identifier: Apache-2.0 */
/* A chain of signed blocks for tests: whose validators change as a test wishes. */
#ifndef LIGHT_WORLD_H
#define LIGHT_WORLD_H

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "light/sync.h"

#define WORLD_CHAIN	"test-chain"
#define WORLD_BLOCKS	300	/* heights 1 to this */
#define WORLD_START	1700000000

struct world_key {
	uint8_t public[SB_ED25519_KEY_LEN], secret[crypto_sign_SECRETKEYBYTES];
};

struct world {
	unsigned int blocks;
	struct sb_light_block block[WORLD_BLOCKS + 2];	/* by height */
	unsigned int fetched;
};

#define WORLD_KEYS	4096

/* The same for a number in every run; made when first asked for. */
static inline const struct world_key *world_key(unsigned int number)
{
	static struct world_key keys[WORLD_KEYS];
	static bool made[WORLD_KEYS];
	uint8_t seed[crypto_sign_SEEDBYTES] = { (uint8_t)number, (uint8_t)(number >> 8), 7 };

	assert_true(number < WORLD_KEYS);
	if (!made[number])
		assert_int_equal(crypto_sign_seed_keypair(keys[number].public, keys[number].secret, seed), 0);
	made[number] = true;
	return &keys[number];
}

static inline int world_in_order(const void *a, const void *b)
{
	const struct sb_validator *left = a, *right = b;

	if (left->power != right->power)
		return left->power < right->power ? 1 : -1;
	return memcmp(left->address, right->address, sizeof(left->address));
}

/* Validators number first to first + count - 1, each with the same power. */
static inline struct sb_validator_set world_set(unsigned int first, unsigned int count, int64_t power)
{
	struct sb_validator_set set = { .count = count };

	set.validators = calloc(count, sizeof(*set.validators));
	assert_non_null(set.validators);
	for (unsigned int i = 0; i < count; i++) {
		memcpy(set.validators[i].key, world_key(first + i)->public, SB_ED25519_KEY_LEN);
		sb_validator_address(set.validators[i].key, set.validators[i].address);
		set.validators[i].power = power;
	}
	qsort(set.validators, count, sizeof(*set.validators), world_in_order);
	assert_int_equal(sb_validator_set_sum(&set), 0);
	return set;
}

static inline const struct world_key *world_secret(const struct sb_validator *validator)
{
	unsigned int i = 0;

	while (memcmp(world_key(i)->public, validator->key, SB_ED25519_KEY_LEN) != 0)
		i++;
	return world_key(i);
}

/* Signs again one vote of a block. */
static inline void world_sign(struct sb_light_block *block, size_t index)
{
	struct sb_commit_vote *vote = &block->commit.votes[index];
	uint8_t message[SB_VOTE_BYTES_MAX];
	size_t length = sb_vote_bytes(block->header.chain, &block->commit, index, message);

	assert_int_equal(crypto_sign_detached(vote->signature, NULL, message, length,
					      world_secret(&block->validators.validators[index])->secret), 0);
}

/* Makes the commit of a block whose header was changed: all validators but the first @absent sign. */
static inline void world_commit(struct sb_light_block *block, size_t absent)
{
	struct sb_commit *commit = &block->commit;
	uint8_t hash[SB_CHAIN_HASH_LEN];

	free(commit->votes);
	*commit = (struct sb_commit){ .height = block->header.height, .count = block->validators.count };
	commit->votes = calloc(commit->count, sizeof(*commit->votes));
	assert_non_null(commit->votes);
	sb_header_hash(&block->header, hash);
	memcpy(commit->block.hash.bytes, hash, sizeof(hash));
	memcpy(commit->block.parts_hash.bytes, hash, sizeof(hash));
	commit->block.hash.there = commit->block.parts_hash.there = true;
	commit->block.parts = 1;
	for (size_t i = 0; i < commit->count; i++) {
		struct sb_commit_vote *vote = &commit->votes[i];

		vote->flag = i < absent ? SB_VOTE_ABSENT : SB_VOTE_COMMIT;
		if (i < absent)
			continue;
		memcpy(vote->address, block->validators.validators[i].address, sizeof(vote->address));
		vote->time = sb_time_add(block->header.time, 1);
		world_sign(block, i);
	}
}

static inline void world_set_hash(const struct sb_validator_set *set, struct sb_chain_hash *hash)
{
	sb_validator_set_hash(set, hash->bytes);
	hash->there = true;
}

/* The chain; at height h validators h / @each, h / @each + 1, ... , @count of them. */
static inline void world_make(struct world *world, unsigned int blocks, unsigned int each, unsigned int count)
{
	memset(world, 0, sizeof(*world));
	world->blocks = blocks;
	for (unsigned int h = 1; h <= blocks + 1; h++)
		world->block[h].validators = world_set(h / each, count, 10);
	for (unsigned int h = 1; h <= blocks; h++) {
		struct sb_header *header = &world->block[h].header;

		*header = (struct sb_header){ .block_version = SB_BLOCK_PROTOCOL, .app_version = 1, .height = h,
					      .time = { WORLD_START + h, (int32_t)(h * 1000) } };
		strcpy(header->chain, WORLD_CHAIN);
		world_set_hash(&world->block[h].validators, &header->validators);
		world_set_hash(&world->block[h + 1].validators, &header->next_validators);
		memcpy(header->proposer, world->block[h].validators.validators[0].address, sizeof(header->proposer));
		if (h > 1)
			header->last_block = world->block[h - 1].commit.block;
		world_commit(&world->block[h], 0);
	}
}

static inline void world_free(struct world *world)
{
	for (unsigned int h = 1; h <= world->blocks + 1; h++)
		sb_light_block_free(&world->block[h]);
}

static inline struct sb_light_block world_copy(const struct sb_light_block *block)
{
	struct sb_light_block copy = *block;

	copy.commit.votes = malloc(copy.commit.count * sizeof(*copy.commit.votes));
	copy.validators.validators = malloc(copy.validators.count * sizeof(*copy.validators.validators));
	assert_true(copy.commit.votes && copy.validators.validators);
	memcpy(copy.commit.votes, block->commit.votes, copy.commit.count * sizeof(*copy.commit.votes));
	memcpy(copy.validators.validators, block->validators.validators,
	       copy.validators.count * sizeof(*copy.validators.validators));
	return copy;
}

#endif
