/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the chain. */
#ifndef SB_LEDGER_CHAIN_INTERNAL_H
#define SB_LEDGER_CHAIN_INTERNAL_H

#include <pthread.h>

#include "ledger/chain.h"
#include "ledger/produce.h"

struct sb_chain {
	struct sb_genesis genesis;
	struct sb_blocks *blocks;
	struct sb_signer signer;
	struct sb_mempool *pool;
	const struct sb_app *app;
	sb_chain_listener *listener;
	void *listener_context;

	/* of the thread of the blocks */
	struct sb_produce produce;
	struct sb_commit last_commit;		/* for the tip; its vote is the one below */
	struct sb_commit_vote last_vote;
	struct sb_chain_hash last_results, validators, consensus;
	int64_t retain;
	struct sb_gap gap[SB_GAPS_MAX];		/* ascending; not changed after it was opened */
	size_t gaps;
	bool resuming;				/* chain_resume.c: its signer may have a new key */

	pthread_mutex_t lock;			/* what follows */
	pthread_cond_t changed;
	struct sb_chain_tip tip;
	bool stop, wake;
};

/* chain_block.c: makes the next block, with what waits or empty. */
int sb_chain_make(struct sb_chain *chain, bool full, struct sb_error *error);

/* Executes, signs and stores a block that is pending. */
int sb_chain_finish(struct sb_chain *chain, const struct sb_block *block, const uint8_t *bytes, size_t length,
		    struct sb_chain_time vote, struct sb_error *error);

/* begin, deliver and finish of the application. Out: results, one a transaction, to be freed; the app hash. */
int sb_chain_execute(struct sb_chain *chain, const struct sb_block *block, const uint8_t hash[32],
		     struct sb_tx_result **results, uint8_t app_hash[SB_APP_HASH_LEN], struct sb_error *error);

/* What the next block's header says, but for its height and time where the chain was restored. */
void sb_chain_fill(struct sb_chain *chain, struct sb_block *block);

/* chain_open.c: the files of a home, and what the next block is built on. Out: *tip. */
int sb_chain_load(struct sb_chain *chain, const char *home, int64_t *tip, struct sb_error *error);
struct sb_chain *sb_chain_new(const struct sb_app *app, const struct sb_chain_options *options);

/* The height behind this one. */
int64_t sb_chain_next(const struct sb_chain *chain, int64_t height);

/* chain_open.c: the application goes through the blocks that it has not committed. */
int sb_chain_catch_up(struct sb_chain *chain, int64_t tip, struct sb_error *error);

#endif
