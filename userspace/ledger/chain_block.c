// SPDX-License-Identifier: Apache-2.0
/* A block, from what waits to what everybody may see. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "common/sha256.h"
#include "ledger/chain_internal.h"

#define BLOCK_REST	2048	/* bytes of a block beside its transactions */

static struct sb_chain_time wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct sb_chain_time){ now.tv_sec, (int32_t)now.tv_nsec };
}

/* The first that wait, as many as the block has room for. They stay in the pool until they are committed. */
static int take_waiting(struct sb_chain *chain, struct sb_block *block)
{
	size_t room = (size_t)chain->genesis.max_bytes - BLOCK_REST, count, bytes;
	struct sb_pool_tx *tx = NULL;

	sb_mempool_size(chain->pool, &count, &bytes);
	chain->produce.more = false;
	block->txs = calloc(count ? count : 1, sizeof(*block->txs));
	if (!block->txs)
		return -ENOMEM;
	while (block->count < count && (tx = sb_mempool_next(chain->pool, tx))) {
		/* with the head of its field */
		if (tx->length + 8 > room) {
			chain->produce.more = true;
			break;
		}
		room -= tx->length + 8;
		block->txs[block->count++] = (struct sb_tx){ tx->data, tx->length };
	}
	return 0;
}

/* Votes are not copied: the caller must not free them. */
void sb_chain_fill(struct sb_chain *chain, struct sb_block *block)
{
	struct sb_header *header = &block->header;

	header->block_version = SB_BLOCK_PROTOCOL;
	header->app_version = chain->genesis.app_version;
	strcpy(header->chain, chain->genesis.chain);
	header->height = chain->tip.height + 1;
	header->time = chain->tip.height ? chain->tip.vote : chain->genesis.time;
	header->last_block = chain->tip.id;
	block->last_commit = chain->last_commit;
	sb_commit_hash(&block->last_commit, &header->last_commit);
	sb_data_hash(block->txs, block->count, &header->data);
	header->validators = header->next_validators = chain->validators;
	header->consensus = chain->consensus;
	memcpy(header->app.bytes, chain->tip.app_hash, sizeof(chain->tip.app_hash));
	header->app.length = sizeof(chain->tip.app_hash);
	header->last_results = chain->last_results;
	sb_evidence_hash(&header->evidence);
	memcpy(header->proposer, chain->signer.address, sizeof(header->proposer));
}

/* LMDB calls a write that was cut short an input/output error; then the disk is full, most of the time. */
static const char *what_to_do(int rc)
{
	return rc == -ENOSPC ? ". Make room on its disk and start again" : rc == -EIO ? ": its disk is full, or fails. Make room "
	       "on it, or look at what the kernel says of it, and start again" : "";
}

int sb_chain_make(struct sb_chain *chain, bool full, struct sb_error *error)
{
	sb_cleanup_free uint8_t *bytes = NULL;
	struct sb_block block = { .count = 0 };
	struct sb_chain_time vote;
	size_t length;
	int rc = full ? take_waiting(chain, &block) : 0;

	if (!rc) {
		sb_chain_fill(chain, &block);
		rc = sb_block_encode(&block, &bytes, &length);
	}
	if (!rc) {
		vote = sb_vote_time(wall_clock(), block.header.time);
		rc = sb_blocks_pend(chain->blocks, bytes, length, vote);
	}
	if (rc)
		rc = sb_fail(error, rc, "block %" PRId64 " cannot be stored: %s%s", block.header.height, strerror(-rc),
			     what_to_do(rc));
	else
		rc = sb_chain_finish(chain, &block, bytes, length, vote, error);
	free(block.txs);
	return rc;
}

int sb_chain_execute(struct sb_chain *chain, const struct sb_block *block, const uint8_t hash[32],
		     struct sb_tx_result **results, uint8_t app_hash[SB_APP_HASH_LEN], struct sb_error *error)
{
	sb_cleanup_free struct sb_tx_result *list = calloc(block->count ? block->count : 1, sizeof(*list));
	const struct sb_app *app = chain->app;
	struct sb_app_block now = {
		.height = block->header.height, .seconds = block->header.time.seconds,
		.nanos = block->header.time.nanos,
	};
	const struct sb_commit *last = &block->last_commit;
	int rc;

	if (!list)
		return sb_fail(error, -ENOMEM, "out of memory");
	memcpy(now.hash, hash, sizeof(now.hash));
	/* there is one validator, and no block without its signature */
	if (last->count == 1 && last->votes[0].flag == SB_VOTE_COMMIT) {
		now.signers = &last->votes[0].address;
		now.signers_count = 1;
	}
	rc = app->begin(app->context, &now);
	if (!rc && app->prepare)
		app->prepare(app->context, block->txs, block->count);
	for (size_t i = 0; !rc && i < block->count; i++)
		rc = app->deliver(app->context, block->txs[i].data, block->txs[i].length, &list[i]);
	if (!rc)
		rc = app->finish(app->context, app_hash);
	if (rc)
		return sb_fail(error, rc, "the ledger's state cannot take block %" PRId64 ": %s%s",
			       block->header.height, strerror(-rc), what_to_do(rc));
	*results = sb_take_ptr(list);
	return 0;
}

/* The commit: the validator's own vote for this block. */
static int sign(struct sb_chain *chain, const struct sb_block *block, const struct sb_block_id *id,
		struct sb_chain_time time, struct sb_commit_vote *vote, struct sb_commit *commit,
		struct sb_error *error)
{
	*vote = (struct sb_commit_vote){ .flag = SB_VOTE_COMMIT, .time = time };
	memcpy(vote->address, chain->signer.address, sizeof(vote->address));
	*commit = (struct sb_commit){
		.height = block->header.height, .block = *id, .count = 1, .votes = vote,
	};
	return sb_signer_vote(&chain->signer, chain->genesis.chain, commit, error);
}

static void publish(struct sb_chain *chain, const struct sb_block *block, const struct sb_commit *commit,
		    const struct sb_tx_result *results, const uint8_t app_hash[SB_APP_HASH_LEN])
{
	chain->last_vote = commit->votes[0];
	chain->last_commit = *commit;
	chain->last_commit.votes = &chain->last_vote;
	sb_results_hash(results, block->count, &chain->last_results);

	pthread_mutex_lock(&chain->lock);
	chain->tip.height = block->header.height;
	chain->tip.header = block->header;
	chain->tip.id = commit->block;
	chain->tip.vote = commit->votes[0].time;
	memcpy(chain->tip.app_hash, app_hash, sizeof(chain->tip.app_hash));
	pthread_cond_broadcast(&chain->changed);
	pthread_mutex_unlock(&chain->lock);
}

/*
 * What is in the block waits no longer, and what waits may have become wrong by it: as much is checked again as
 * the next block has room for, so that a full pool does not make blocks late.
 */
static void clear_pool(struct sb_chain *chain, const uint8_t (*ids)[32], size_t count)
{
	size_t room = (size_t)chain->genesis.max_bytes;
	struct sb_pool_tx *tx, *next;
	struct sb_tx_result result;

	for (size_t i = 0; i < count; i++)
		sb_mempool_remove_id(chain->pool, ids[i]);
	for (tx = count ? sb_mempool_next(chain->pool, NULL) : NULL; tx && tx->length <= room; tx = next) {
		next = sb_mempool_next(chain->pool, tx);
		room -= tx->length;
		memset(&result, 0, sizeof(result));
		if (!chain->app->check(chain->app->context, tx->data, tx->length, &result) && result.code)
			sb_mempool_remove(chain->pool, tx);
	}
}

static int tell(struct sb_chain *chain, const struct sb_block *block, const struct sb_commit *commit,
		const struct sb_tx_result *results, const uint8_t *app_hash)
{
	uint8_t (*ids)[32] = calloc(block->count ? block->count : 1, sizeof(*ids));
	struct sb_chain_event event = { block, commit, results, (const uint8_t (*)[32])ids, app_hash };

	if (!ids)
		return -ENOMEM;
	for (size_t i = 0; i < block->count; i++)
		sb_digest_of(block->txs[i].data, block->txs[i].length, ids[i]);
	if (chain->listener)
		chain->listener(chain->listener_context, &event);
	clear_pool(chain, (const uint8_t (*)[32])ids, block->count);
	free(ids);
	return 0;
}

int sb_chain_finish(struct sb_chain *chain, const struct sb_block *block, const uint8_t *bytes, size_t length,
		    struct sb_chain_time vote_time, struct sb_error *error)
{
	struct sb_blocks_new new = { .height = block->header.height, .block = block, .bytes = bytes,
				     .length = length };
	bool changed, followed = chain->produce.follow;
	sb_cleanup_free struct sb_tx_result *results = NULL;
	struct sb_block_id id = { .hash.there = true };
	struct sb_commit_vote vote;
	struct sb_commit commit;
	int rc;

	sb_header_hash(&block->header, id.hash.bytes);
	sb_block_parts(bytes, length, &id);
	rc = sb_chain_execute(chain, block, id.hash.bytes, &results, new.app_hash, error);
	if (!rc)
		rc = sign(chain, block, &id, vote_time, &vote, &commit, error);
	if (rc)
		return rc;
	new.results = results;
	new.commit = &commit;
	rc = sb_blocks_append(chain->blocks, &new);
	if (rc)
		return sb_fail(error, rc, "block %" PRId64 " cannot be stored: %s%s", new.height, strerror(-rc),
			       what_to_do(rc));
	rc = chain->app->commit(chain->app->context);
	if (rc)
		return sb_fail(error, rc, "the ledger's state after block %" PRId64 " cannot be stored: %s%s",
			       new.height, strerror(-rc), what_to_do(rc));
	changed = memcmp(new.app_hash, block->header.app.bytes, sizeof(new.app_hash)) != 0;
	chain->produce.follow = block->count || new.height == 1 || (changed && !followed);
	chain->produce.changed = changed;
	publish(chain, block, &commit, results, new.app_hash);
	rc = tell(chain, block, &commit, results, new.app_hash);
	return rc ? sb_fail(error, rc, "out of memory") : 0;
}
