/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded chain: one validator that proposes, executes, signs and stores block after block, and hands
 * transactions to an application (ledger/app.h).
 *
 * A block's way: stored as pending, executed, signed, stored with its commit and results, committed by the
 * application, told to listeners. Nobody sees a part of it before its last step, and a process that ends
 * between two steps takes up the same block when it starts again.
 */
#ifndef SB_LEDGER_CHAIN_H
#define SB_LEDGER_CHAIN_H

#include "ledger/blocks.h"
#include "ledger/genesis.h"
#include "ledger/mempool.h"
#include "ledger/signer.h"

struct sb_chain;

struct sb_chain_options {
	uint64_t interval, idle;	/* milliseconds: produce.h */
	size_t pool_count, pool_bytes;	/* what waits at most */
	int64_t retain;			/* blocks that are kept at least; 0: all */
};

/*
 * And what clients may need stays in any case: blocks of so many seconds (the trusting period of a week, and a day),
 * block 1, both sides of each gap, and what the application needs.
 */
#define SB_CHAIN_RETAIN_S	(8 * 86400)
#define SB_CHAIN_RETAIN_LEAST	100

/* The last block that everybody may see. */
struct sb_chain_tip {
	int64_t height;
	struct sb_header header;
	struct sb_block_id id;
	struct sb_chain_time vote;	/* time of the vote for it, and of the next block */
	uint8_t app_hash[SB_APP_HASH_LEN];	/* after it */
};

/* What a listener hears of each block, in the thread of the blocks; nothing of it is there afterwards. */
struct sb_chain_event {
	const struct sb_block *block;
	const struct sb_commit *commit;
	const struct sb_tx_result *results;
	const uint8_t (*ids)[32];	/* of the transactions */
	const uint8_t *app_hash;
};
typedef void sb_chain_listener(void *context, const struct sb_chain_event *event);

/*
 * Opens blocks, validator and application, brings the application up to the last block, and makes the first
 * two blocks of a new chain. home has genesis.json, validator_key.json, validator_state.json. The application
 * stays the caller's. 0, or -errno with a sentence.
 */
int sb_chain_open(const char *home, const struct sb_app *app, const struct sb_chain_options *options,
		  struct sb_chain **chain, struct sb_error *error);
void sb_chain_close(struct sb_chain *chain);

/* One listener, set before sb_chain_run. */
void sb_chain_listen(struct sb_chain *chain, sb_chain_listener *listener, void *context);

/* Makes blocks until sb_chain_stop, which any thread may call: 0; or until one fails: -errno with a sentence. */
int sb_chain_run(struct sb_chain *chain, struct sb_error *error);
void sb_chain_stop(struct sb_chain *chain);

/*
 * Takes a transaction into the pool if the application does. Out: its id; check: what the application says,
 * with code 0 when it waits now. 0; -EINVAL, -EFBIG: no transaction can be so short or long; -EEXIST: it
 * waits, or is in a block and was taken; -ENOSPC: the pool is full; or the application's own error.
 */
int sb_chain_submit(struct sb_chain *chain, const uint8_t *tx, size_t length, uint8_t id[32],
		    struct sb_tx_result *check);

/* Any thread. */
void sb_chain_tip(struct sb_chain *chain, struct sb_chain_tip *tip);
bool sb_chain_wait(struct sb_chain *chain, int64_t height, unsigned int ms);	/* the tip is there now */
struct sb_blocks *sb_chain_blocks(struct sb_chain *chain);
struct sb_mempool *sb_chain_pool(struct sb_chain *chain);
const struct sb_genesis *sb_chain_genesis(struct sb_chain *chain);
const struct sb_app *sb_chain_app(struct sb_chain *chain);

/* The validator of a block; and whether there can be one, not being between two heights of a gap. */
void sb_chain_validator(const struct sb_chain *chain, int64_t height, struct sb_validator *validator);
bool sb_chain_is_gap(const struct sb_chain *chain, int64_t height);
/* From here on all blocks are there, but for those of gaps. */
int64_t sb_chain_base(const struct sb_chain *chain);

/*
 * sb_chain_resume() - chain_resume.c: a chain that was just restored from a backup is to go on above every height
 * that it can have signed elsewhere, and above @above: its next block is made, without a signature, and stands as the
 * pending one. The home's key is its validator's from there on. What of the state is not proven by a header is
 * executed again. Out: *recovery, what members have to sign.
 */
int sb_chain_resume(const char *home, const struct sb_app *app, int64_t above, struct sb_app_recovery *recovery,
		    struct sb_error *error);

/* Files below home; false where the name is too long. */
bool sb_home_path(char path[PATH_MAX], const char *home, const char *name);
#define SB_HOME_GENESIS	"genesis.json"
#define SB_HOME_KEY	"validator_key.json"
#define SB_HOME_STATE	"validator_state.json"
#define SB_HOME_BLOCKS	"blocks"

#endif
