// SPDX-License-Identifier: Apache-2.0
#include "ledger/mempool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS	16384	/* a power of two */

struct sb_mempool {
	pthread_mutex_t lock;
	size_t most, most_bytes, count, bytes;
	struct sb_pool_tx *first, *last;
	struct sb_pool_tx *slot[SLOTS];
};

struct sb_mempool *sb_mempool_new(size_t count, size_t bytes)
{
	struct sb_mempool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pool->most = count;
	pool->most_bytes = bytes;
	return pool;
}

void sb_mempool_free(struct sb_mempool *pool)
{
	if (!pool)
		return;
	for (struct sb_pool_tx *tx = pool->first, *next; tx; tx = next) {
		next = tx->next;
		free(tx);
	}
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

/* Ids are hashes of what others choose: a crowd in one slot costs them 2^14 hashes for each member. */
static struct sb_pool_tx **slot_of(struct sb_mempool *pool, const uint8_t id[32])
{
	return &pool->slot[(id[0] << 8 | id[1]) & (SLOTS - 1)];
}

static struct sb_pool_tx *find(struct sb_mempool *pool, const uint8_t id[32])
{
	struct sb_pool_tx *tx = *slot_of(pool, id);

	while (tx && memcmp(tx->id, id, sizeof(tx->id)) != 0)
		tx = tx->same_slot;
	return tx;
}

static int insert(struct sb_mempool *pool, struct sb_pool_tx *tx)
{
	struct sb_pool_tx **slot = slot_of(pool, tx->id);

	if (find(pool, tx->id))
		return -EEXIST;
	if (pool->count >= pool->most || tx->length > pool->most_bytes - pool->bytes)
		return -ENOSPC;
	tx->same_slot = *slot;
	*slot = tx;
	tx->before = pool->last;
	if (pool->last)
		pool->last->next = tx;
	else
		pool->first = tx;
	pool->last = tx;
	pool->count++;
	pool->bytes += tx->length;
	return 0;
}

int sb_mempool_add(struct sb_mempool *pool, const uint8_t id[32], const uint8_t *data, size_t length)
{
	struct sb_pool_tx *tx = malloc(sizeof(*tx) + length);
	int rc;

	if (!tx)
		return -ENOMEM;
	memset(tx, 0, sizeof(*tx));
	memcpy(tx->id, id, sizeof(tx->id));
	memcpy(tx->data, data, length);
	tx->length = length;
	pthread_mutex_lock(&pool->lock);
	rc = insert(pool, tx);
	pthread_mutex_unlock(&pool->lock);
	if (rc)
		free(tx);
	return rc;
}

bool sb_mempool_has(struct sb_mempool *pool, const uint8_t id[32])
{
	bool there;

	pthread_mutex_lock(&pool->lock);
	there = find(pool, id) != NULL;
	pthread_mutex_unlock(&pool->lock);
	return there;
}

void sb_mempool_size(struct sb_mempool *pool, size_t *count, size_t *bytes)
{
	pthread_mutex_lock(&pool->lock);
	*count = pool->count;
	*bytes = pool->bytes;
	pthread_mutex_unlock(&pool->lock);
}

struct sb_pool_tx *sb_mempool_next(struct sb_mempool *pool, struct sb_pool_tx *tx)
{
	struct sb_pool_tx *next;

	pthread_mutex_lock(&pool->lock);
	next = tx ? tx->next : pool->first;
	pthread_mutex_unlock(&pool->lock);
	return next;
}

static void unlink_tx(struct sb_mempool *pool, struct sb_pool_tx *tx)
{
	struct sb_pool_tx **slot = slot_of(pool, tx->id);

	while (*slot != tx)
		slot = &(*slot)->same_slot;
	*slot = tx->same_slot;
	if (tx->before)
		tx->before->next = tx->next;
	else
		pool->first = tx->next;
	if (tx->next)
		tx->next->before = tx->before;
	else
		pool->last = tx->before;
	pool->count--;
	pool->bytes -= tx->length;
	free(tx);
}

void sb_mempool_remove(struct sb_mempool *pool, struct sb_pool_tx *tx)
{
	pthread_mutex_lock(&pool->lock);
	unlink_tx(pool, tx);
	pthread_mutex_unlock(&pool->lock);
}

void sb_mempool_remove_id(struct sb_mempool *pool, const uint8_t id[32])
{
	struct sb_pool_tx *tx;

	pthread_mutex_lock(&pool->lock);
	tx = find(pool, id);
	if (tx)
		unlink_tx(pool, tx);
	pthread_mutex_unlock(&pool->lock);
}

void sb_mempool_each(struct sb_mempool *pool, size_t most, void (*each)(void *context, const struct sb_pool_tx *tx),
		     void *context)
{
	pthread_mutex_lock(&pool->lock);
	for (struct sb_pool_tx *tx = pool->first; tx && most; tx = tx->next, most--)
		each(context, tx);
	pthread_mutex_unlock(&pool->lock);
}
