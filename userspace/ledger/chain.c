// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/sha256.h"
#include "ledger/chain_internal.h"

#define PRUNE_AT_ONCE	32

static uint64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct timespec after(uint64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	return until;
}

void sb_chain_listen(struct sb_chain *chain, sb_chain_listener *listener, void *context)
{
	chain->listener = listener;
	chain->listener_context = context;
}

/* Sleeps until something may be due: false when the chain is to stop. */
static bool rest(struct sb_chain *chain, uint64_t ms)
{
	struct timespec until = after(ms);
	bool go_on;

	pthread_mutex_lock(&chain->lock);
	while (!chain->stop && !chain->wake)
		if (pthread_cond_timedwait(&chain->changed, &chain->lock, &until) == ETIMEDOUT)
			break;
	chain->wake = false;
	go_on = !chain->stop;
	pthread_mutex_unlock(&chain->lock);
	return go_on;
}

int64_t sb_chain_base(const struct sb_chain *chain)
{
	int64_t height;

	/* An old store, and one that cannot be read, has everything or says so when it is asked. */
	return sb_blocks_base(chain->blocks, &height) ? 1 : height;
}

/* A few at a time, so that the next block is not late. Without room on the disk it is tried again. */
static int prune(struct sb_chain *chain, struct sb_error *error)
{
	const struct sb_blocks_prune wish = {
		.below = chain->tip.height - chain->retain + 1, .before = chain->tip.vote.seconds - SB_CHAIN_RETAIN_S,
		.most = PRUNE_AT_ONCE, .needed = chain->app->needed, .context = chain->app->context,
	};
	int rc = chain->retain ? sb_blocks_prune(chain->blocks, &wish) : 0;

	return rc && rc != -ENOSPC && rc != -ENOMEM ?
	       sb_fail(error, rc, "old blocks cannot be removed: %s", strerror(-rc)) : 0;
}

int sb_chain_run(struct sb_chain *chain, struct sb_error *error)
{
	struct sb_produce *produce = &chain->produce;
	uint64_t wait = 0;

	produce->last = monotonic();
	while (rest(chain, wait)) {
		uint64_t now = monotonic();
		enum sb_produce_kind kind;
		size_t bytes;
		int rc;

		sb_mempool_size(chain->pool, &produce->waiting, &bytes);
		kind = sb_produce_next(produce, now, &wait);
		if (kind == SB_PRODUCE_NONE)
			continue;
		wait = 0;
		rc = sb_chain_make(chain, kind == SB_PRODUCE_FULL, error);
		if (!rc)
			rc = prune(chain, error);
		if (rc)
			return rc;
		produce->last = monotonic();
		if (kind == SB_PRODUCE_FULL)
			produce->last_full = now;
	}
	return 0;
}

static void wake(struct sb_chain *chain, bool stop)
{
	pthread_mutex_lock(&chain->lock);
	chain->stop |= stop;
	chain->wake = true;
	pthread_cond_broadcast(&chain->changed);
	pthread_mutex_unlock(&chain->lock);
}

void sb_chain_stop(struct sb_chain *chain)
{
	wake(chain, true);
}

static bool was_taken(struct sb_chain *chain, const uint8_t id[32])
{
	struct sb_tx_place place;

	return !sb_blocks_find_tx(chain->blocks, id, &place) && !place.code;
}

int sb_chain_submit(struct sb_chain *chain, const uint8_t *tx, size_t length, uint8_t id[32],
		    struct sb_tx_result *check)
{
	int rc;

	sb_digest_of(tx, length, id);
	if (!length)
		return -EINVAL;
	if (length > SB_TX_MAX || length + 4096 > (size_t)chain->genesis.max_bytes)
		return -EFBIG;
	if (sb_mempool_has(chain->pool, id) || was_taken(chain, id))
		return -EEXIST;
	memset(check, 0, sizeof(*check));
	rc = chain->app->check(chain->app->context, tx, length, check);
	if (rc || check->code)
		return rc;
	rc = sb_mempool_add(chain->pool, id, tx, length);
	if (!rc)
		wake(chain, false);
	return rc;
}

void sb_chain_tip(struct sb_chain *chain, struct sb_chain_tip *tip)
{
	pthread_mutex_lock(&chain->lock);
	*tip = chain->tip;
	pthread_mutex_unlock(&chain->lock);
}

bool sb_chain_wait(struct sb_chain *chain, int64_t height, unsigned int ms)
{
	struct timespec until = after(ms);
	bool there;

	pthread_mutex_lock(&chain->lock);
	while (chain->tip.height < height && !chain->stop)
		if (pthread_cond_timedwait(&chain->changed, &chain->lock, &until) == ETIMEDOUT)
			break;
	there = chain->tip.height >= height;
	pthread_mutex_unlock(&chain->lock);
	return there;
}

struct sb_blocks *sb_chain_blocks(struct sb_chain *chain)
{
	return chain->blocks;
}

struct sb_mempool *sb_chain_pool(struct sb_chain *chain)
{
	return chain->pool;
}

const struct sb_genesis *sb_chain_genesis(struct sb_chain *chain)
{
	return &chain->genesis;
}

const struct sb_app *sb_chain_app(struct sb_chain *chain)
{
	return chain->app;
}
