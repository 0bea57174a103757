/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions that wait for a block, in the order in which they came. Bounded in number and bytes; each is
 * there once. Any thread adds; one, that of the blocks, takes away, and so may use an entry without a lock.
 */
#ifndef SB_LEDGER_MEMPOOL_H
#define SB_LEDGER_MEMPOOL_H

#include "ledger/block.h"

struct sb_pool_tx {
	uint8_t id[32];			/* SHA-256 */
	struct sb_pool_tx *next, *before;	/* in order */
	struct sb_pool_tx *same_slot;
	size_t length;
	uint8_t data[];
};

struct sb_mempool;

struct sb_mempool *sb_mempool_new(size_t count, size_t bytes);	/* NULL: no memory */
void sb_mempool_free(struct sb_mempool *pool);

/* 0; -EEXIST: it waits already; -ENOSPC: the pool is full; -ENOMEM. */
int sb_mempool_add(struct sb_mempool *pool, const uint8_t id[32], const uint8_t *data, size_t length);
bool sb_mempool_has(struct sb_mempool *pool, const uint8_t id[32]);

void sb_mempool_size(struct sb_mempool *pool, size_t *count, size_t *bytes);

/* The first and the next; NULL at the end. Of the thread of the blocks only. */
struct sb_pool_tx *sb_mempool_next(struct sb_mempool *pool, struct sb_pool_tx *tx);
void sb_mempool_remove(struct sb_mempool *pool, struct sb_pool_tx *tx);
void sb_mempool_remove_id(struct sb_mempool *pool, const uint8_t id[32]);

/* Calls each for the first `most`, with the pool locked. */
void sb_mempool_each(struct sb_mempool *pool, size_t most, void (*each)(void *context, const struct sb_pool_tx *tx),
		     void *context);

#endif
