// SPDX-License-Identifier: Apache-2.0
#include "ledger/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/sha256.h"
#include "light/merkle.h"
#include "light/wire.h"

#define HEADER_MAX	1024	/* bytes of an encoded header */
#define VOTE_MAX	128	/* of an encoded CommitSig: 2 + 22 + 20 + 66 and some */
#define COMMIT_MAX	256	/* of a commit without its votes */
#define RESULT_MAX	(64 + 32 + SB_TX_LOG_MAX)

#define WIRE(name, bytes)	uint8_t name##_data[bytes]; \
				struct sb_wire name = { name##_data, 0, sizeof(name##_data) }

void sb_commit_free(struct sb_commit *commit)
{
	free(commit->votes);
	commit->votes = NULL;
	commit->count = 0;
}

void sb_block_free(struct sb_block *block)
{
	sb_commit_free(&block->last_commit);
	free(block->txs);
	block->txs = NULL;
	block->count = 0;
}

static size_t varint_length(uint64_t value)
{
	size_t length = 1;

	while (value >>= 7)
		length++;
	return length;
}

/* The head of a field that is written piece by piece. */
static void put_head(struct sb_wire *wire, unsigned int field, size_t length)
{
	sb_wire_varint(wire, field << 3 | 2);
	sb_wire_varint(wire, length);
}

static void put_header(struct sb_wire *wire, const struct sb_header *header)
{
	WIRE(version, 32);
	WIRE(time, 32);
	WIRE(last, 128);

	sb_wire_uint(&version, 1, header->block_version);
	sb_wire_uint(&version, 2, header->app_version);
	sb_wire_time(&time, header->time);
	sb_wire_block_id(&last, &header->last_block);

	sb_wire_message(wire, 1, &version);
	sb_wire_bytes(wire, 2, header->chain, strlen(header->chain));
	sb_wire_int(wire, 3, header->height);
	sb_wire_message(wire, 4, &time);
	sb_wire_message(wire, 5, &last);
	sb_wire_hash(wire, 6, &header->last_commit);
	sb_wire_hash(wire, 7, &header->data);
	sb_wire_hash(wire, 8, &header->validators);
	sb_wire_hash(wire, 9, &header->next_validators);
	sb_wire_hash(wire, 10, &header->consensus);
	sb_wire_bytes(wire, 11, header->app.bytes, header->app.length);
	sb_wire_hash(wire, 12, &header->last_results);
	sb_wire_hash(wire, 13, &header->evidence);
	sb_wire_bytes(wire, 14, header->proposer, sizeof(header->proposer));
}

static void put_vote(struct sb_wire *wire, const struct sb_commit_vote *vote)
{
	bool absent = vote->flag == SB_VOTE_ABSENT;

	WIRE(time, 32);

	sb_wire_time(&time, vote->time);
	sb_wire_uint(wire, 1, vote->flag);
	sb_wire_bytes(wire, 2, vote->address, absent ? 0 : sizeof(vote->address));
	sb_wire_message(wire, 3, &time);
	sb_wire_bytes(wire, 4, vote->signature, absent ? 0 : sizeof(vote->signature));
}

static void put_commit(struct sb_wire *wire, const struct sb_commit *commit)
{
	WIRE(id, 128);

	sb_wire_block_id(&id, &commit->block);
	sb_wire_int(wire, 1, commit->height);
	sb_wire_int(wire, 2, commit->round);
	sb_wire_message(wire, 3, &id);
	for (size_t i = 0; i < commit->count; i++) {
		WIRE(vote, VOTE_MAX);

		put_vote(&vote, &commit->votes[i]);
		sb_wire_message(wire, 4, &vote);
	}
}

/* A wire that holds so many bytes, which the caller frees. */
static int make_wire(struct sb_wire *wire, size_t room)
{
	*wire = (struct sb_wire){ malloc(room), 0, room };
	return wire->data ? 0 : -ENOMEM;
}

int sb_commit_encode(const struct sb_commit *commit, uint8_t **data, size_t *length)
{
	struct sb_wire wire;
	int rc = make_wire(&wire, COMMIT_MAX + commit->count * VOTE_MAX);

	if (rc)
		return rc;
	put_commit(&wire, commit);
	*data = wire.data;
	*length = wire.length;
	return 0;
}

int sb_block_encode(const struct sb_block *block, uint8_t **data, size_t *length)
{
	sb_cleanup_free uint8_t *commit = NULL;
	struct sb_wire wire, last;
	size_t bytes = 0;
	int rc;

	WIRE(header, HEADER_MAX);

	for (size_t i = 0; i < block->count; i++)
		bytes += 1 + varint_length(block->txs[i].length) + block->txs[i].length;
	rc = sb_commit_encode(&block->last_commit, &commit, &last.length);
	if (rc)
		return rc;
	if (bytes + last.length + HEADER_MAX > SB_BLOCK_MAX)
		return -EFBIG;
	last = (struct sb_wire){ commit, last.length, last.length };
	put_header(&header, &block->header);
	rc = make_wire(&wire, header.length + bytes + last.length + 64);
	if (rc)
		return rc;
	sb_wire_message(&wire, 1, &header);
	put_head(&wire, 2, bytes);
	for (size_t i = 0; i < block->count; i++)
		sb_wire_message(&wire, 1, &(struct sb_wire){ (uint8_t *)block->txs[i].data,
							      block->txs[i].length, 0 });
	put_head(&wire, 3, 0);	/* no evidence: there is nobody to have misbehaved */
	sb_wire_message(&wire, 4, &last);
	*data = wire.data;
	*length = wire.length;
	return 0;
}

void sb_block_parts(const uint8_t *data, size_t length, struct sb_block_id *id)
{
	struct sb_merkle merkle;

	sb_merkle_init(&merkle);
	for (size_t at = 0; at < length; at += SB_PART_LEN)
		sb_merkle_add(&merkle, data + at, length - at < SB_PART_LEN ? length - at : SB_PART_LEN);
	id->parts = (uint32_t)merkle.leaves;
	id->parts_hash.there = true;
	sb_merkle_root(&merkle, id->parts_hash.bytes);
}

static void root_of(const struct sb_merkle *merkle, struct sb_chain_hash *hash)
{
	hash->there = true;
	sb_merkle_root(merkle, hash->bytes);
}

void sb_data_hash(const struct sb_tx *txs, size_t count, struct sb_chain_hash *hash)
{
	struct sb_merkle merkle;
	uint8_t digest[SB_SHA256_LEN];

	sb_merkle_init(&merkle);
	for (size_t i = 0; i < count; i++) {
		sb_digest_of(txs[i].data, txs[i].length, digest);
		sb_merkle_add(&merkle, digest, sizeof(digest));
	}
	root_of(&merkle, hash);
}

void sb_commit_hash(const struct sb_commit *commit, struct sb_chain_hash *hash)
{
	struct sb_merkle merkle;

	sb_merkle_init(&merkle);
	for (size_t i = 0; i < commit->count; i++) {
		WIRE(vote, VOTE_MAX);

		put_vote(&vote, &commit->votes[i]);
		sb_merkle_add(&merkle, vote.data, vote.length);
	}
	root_of(&merkle, hash);
}

/* abci/types, DeterministicExecTxResult: what is left of a result is the same on every node. No gas here. */
void sb_results_hash(const struct sb_tx_result *results, size_t count, struct sb_chain_hash *hash)
{
	struct sb_merkle merkle;

	sb_merkle_init(&merkle);
	for (size_t i = 0; i < count; i++) {
		WIRE(result, RESULT_MAX);

		sb_wire_uint(&result, 1, results[i].code);
		sb_wire_bytes(&result, 2, results[i].data, results[i].data_length);
		sb_merkle_add(&merkle, result.data, result.length);
	}
	root_of(&merkle, hash);
}

/* types/params.go, ConsensusParams.Hash */
void sb_consensus_hash(int64_t max_bytes, int64_t max_gas, struct sb_chain_hash *hash)
{
	WIRE(params, 32);

	sb_wire_int(&params, 1, max_bytes);
	sb_wire_int(&params, 2, max_gas);
	hash->there = true;
	sb_digest_of(params.data, params.length, hash->bytes);
}

void sb_evidence_hash(struct sb_chain_hash *hash)
{
	hash->there = true;
	sb_digest_of(NULL, 0, hash->bytes);
}

int sb_results_encode(const struct sb_tx_result *results, size_t count, uint8_t **data, size_t *length)
{
	struct sb_wire wire;
	int rc = make_wire(&wire, 1 + count * (RESULT_MAX + 8));

	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++) {
		WIRE(result, RESULT_MAX);

		sb_wire_uint(&result, 1, results[i].code);
		sb_wire_bytes(&result, 2, results[i].data, results[i].data_length);
		sb_wire_bytes(&result, 3, results[i].log, strnlen(results[i].log, SB_TX_LOG_MAX - 1));
		sb_wire_message(&wire, 1, &result);
	}
	*data = wire.data;
	*length = wire.length;
	return 0;
}

static void subtree(const struct sb_tx *txs, size_t from, size_t count, uint8_t root[32])
{
	struct sb_chain_hash hash;

	sb_data_hash(txs + from, count, &hash);
	memcpy(root, hash.bytes, sizeof(hash.bytes));
}

unsigned int sb_tx_path(const struct sb_tx *txs, size_t count, size_t index, uint8_t leaf[32],
			uint8_t aunts[SB_TX_AUNTS][32])
{
	uint8_t above[SB_TX_AUNTS][32];
	unsigned int depth = 0;
	size_t from = 0;

	while (count > 1) {
		size_t split = 1;

		while (split * 2 < count)
			split *= 2;
		if (index - from < split) {
			subtree(txs, from + split, count - split, above[depth++]);
			count = split;
		} else {
			subtree(txs, from, split, above[depth++]);
			from += split;
			count -= split;
		}
	}
	subtree(txs, index, 1, leaf);
	for (unsigned int i = 0; i < depth; i++)
		memcpy(aunts[i], above[depth - 1 - i], 32);
	return depth;
}
