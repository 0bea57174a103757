// SPDX-License-Identifier: Apache-2.0
#include "light/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"
#include "light/merkle.h"
#include "light/wire.h"

#define LEAF_MAX	128	/* bytes of an encoded field of the header, or of a validator */

#define WIRE(name, bytes)	uint8_t name##_data[bytes]; \
				struct sb_wire name = { name##_data, 0, sizeof(name##_data) }

void sb_light_block_free(struct sb_light_block *block)
{
	if (!block)
		return;
	free(block->commit.votes);
	free(block->validators.validators);
	memset(block, 0, sizeof(*block));
}

int sb_time_compare(struct sb_chain_time a, struct sb_chain_time b)
{
	if (a.seconds != b.seconds)
		return a.seconds < b.seconds ? -1 : 1;
	return (a.nanos > b.nanos) - (a.nanos < b.nanos);
}

struct sb_chain_time sb_time_add(struct sb_chain_time time, int64_t seconds)
{
	if (__builtin_add_overflow(time.seconds, seconds, &time.seconds))
		time.seconds = seconds < 0 ? INT64_MIN : INT64_MAX;
	return time;
}

void sb_validator_address(const uint8_t key[SB_ED25519_KEY_LEN],
			  uint8_t address[SB_CHAIN_ADDRESS_LEN])
{
	uint8_t digest[SB_SHA256_LEN];

	sb_digest_of(key, SB_ED25519_KEY_LEN, digest);
	memcpy(address, digest, SB_CHAIN_ADDRESS_LEN);
}

int sb_validator_set_sum(struct sb_validator_set *set)
{
	int64_t sum = 0;

	if (!set->count || set->count > SB_VALIDATORS_MAX)
		return -EINVAL;
	for (size_t i = 0; i < set->count; i++) {
		int64_t power = set->validators[i].power;

		if (power <= 0 || power > SB_POWER_MAX - sum)
			return -EINVAL;
		sum += power;
	}
	set->power = sum;
	return 0;
}

void sb_wire_hash(struct sb_wire *wire, unsigned int field, const struct sb_chain_hash *hash)
{
	sb_wire_bytes(wire, field, hash->bytes, hash->there ? sizeof(hash->bytes) : 0);
}

void sb_wire_time(struct sb_wire *wire, struct sb_chain_time time)
{
	sb_wire_int(wire, 1, time.seconds);
	sb_wire_int(wire, 2, time.nanos);
}

/* The part set's header is there also when it is empty. */
void sb_wire_block_id(struct sb_wire *wire, const struct sb_block_id *id)
{
	WIRE(parts, 64);

	sb_wire_uint(&parts, 1, id->parts);
	sb_wire_hash(&parts, 2, &id->parts_hash);
	sb_wire_hash(wire, 1, &id->hash);
	sb_wire_message(wire, 2, &parts);
}

static void add_bytes(struct sb_merkle *merkle, const void *data, size_t length)
{
	WIRE(leaf, LEAF_MAX);

	sb_wire_bytes(&leaf, 1, data, length);
	sb_merkle_add(merkle, leaf.data, leaf.length);
}

static void add_hash(struct sb_merkle *merkle, const struct sb_chain_hash *hash)
{
	add_bytes(merkle, hash->bytes, hash->there ? sizeof(hash->bytes) : 0);
}

void sb_header_hash(const struct sb_header *header, uint8_t hash[SB_CHAIN_HASH_LEN])
{
	struct sb_merkle merkle;

	WIRE(version, LEAF_MAX);
	WIRE(height, LEAF_MAX);
	WIRE(time, LEAF_MAX);
	WIRE(last, LEAF_MAX);

	sb_wire_uint(&version, 1, header->block_version);
	sb_wire_uint(&version, 2, header->app_version);
	sb_wire_int(&height, 1, header->height);
	sb_wire_time(&time, header->time);
	sb_wire_block_id(&last, &header->last_block);

	sb_merkle_init(&merkle);
	sb_merkle_add(&merkle, version.data, version.length);
	add_bytes(&merkle, header->chain, strlen(header->chain));
	sb_merkle_add(&merkle, height.data, height.length);
	sb_merkle_add(&merkle, time.data, time.length);
	sb_merkle_add(&merkle, last.data, last.length);
	add_hash(&merkle, &header->last_commit);
	add_hash(&merkle, &header->data);
	add_hash(&merkle, &header->validators);
	add_hash(&merkle, &header->next_validators);
	add_hash(&merkle, &header->consensus);
	add_bytes(&merkle, header->app.bytes, header->app.length);
	add_hash(&merkle, &header->last_results);
	add_hash(&merkle, &header->evidence);
	add_bytes(&merkle, header->proposer, sizeof(header->proposer));
	sb_merkle_root(&merkle, hash);
}

void sb_validator_set_hash(const struct sb_validator_set *set, uint8_t hash[SB_CHAIN_HASH_LEN])
{
	struct sb_merkle merkle;

	sb_merkle_init(&merkle);
	for (size_t i = 0; i < set->count; i++) {
		const struct sb_validator *validator = &set->validators[i];

		WIRE(key, LEAF_MAX);
		WIRE(leaf, LEAF_MAX);

		sb_wire_bytes(&key, 1, validator->key, sizeof(validator->key));
		sb_wire_message(&leaf, 1, &key);
		sb_wire_int(&leaf, 2, validator->power);
		sb_merkle_add(&merkle, leaf.data, leaf.length);
	}
	sb_merkle_root(&merkle, hash);
}

size_t sb_vote_bytes(const char *chain, const struct sb_commit *commit, size_t index,
		     uint8_t out[SB_VOTE_BYTES_MAX])
{
	static const int precommit = 2;
	const struct sb_commit_vote *vote = &commit->votes[index];
	struct sb_wire whole = { out, 0, SB_VOTE_BYTES_MAX };

	WIRE(id, LEAF_MAX);
	WIRE(time, LEAF_MAX);
	WIRE(body, SB_VOTE_BYTES_MAX);

	sb_wire_int(&body, 1, precommit);
	sb_wire_sfixed64(&body, 2, commit->height);
	sb_wire_sfixed64(&body, 3, commit->round);
	/* A vote for nil names no block. */
	if (vote->flag == SB_VOTE_COMMIT) {
		sb_wire_block_id(&id, &commit->block);
		sb_wire_message(&body, 4, &id);
	}
	sb_wire_time(&time, vote->time);
	sb_wire_message(&body, 5, &time);
	sb_wire_bytes(&body, 6, chain, strlen(chain));

	sb_wire_varint(&whole, body.length);
	if (body.length > whole.room - whole.length)
		abort();
	memcpy(whole.data + whole.length, body.data, body.length);
	return whole.length + body.length;
}
