/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs on a chain: the state machine as its chain sees it, the embedded one or CometBFT behind ABCI. One
 * block at a time, from one thread: begin, deliver for each transaction, finish, commit. check, query and
 * what they read are the committed state's and may be called from other threads at any time.
 */
#ifndef SB_LEDGER_APP_H
#define SB_LEDGER_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "state/codes.h"

#define SB_APP_HASH_LEN		32

/* A block as the state machine sees it. */
struct sb_app_block {
	int64_t height;
	int64_t seconds;	/* the block's time, since 1970 */
	int32_t nanos;
	uint8_t hash[32];	/* of this block's header: a beacon for later transactions */
	/* Addresses of the validators who have signed the block before this one, by the commit that this block has. */
	const uint8_t (*signers)[20];
	size_t signers_count;
};

/* An answer to abci_query. Owns value and the operations' data; sb_app_answer_free(). */
struct sb_app_answer {
	uint32_t code;		/* 0, or why not */
	char log[SB_TX_LOG_MAX];
	int64_t height;		/* of the state that was asked */
	uint8_t *key;
	size_t key_length;
	uint8_t *value;
	size_t value_length;
	/* proof operations in order: type, key, data; none without prove */
	struct sb_app_proof_op {
		char type[16];	/* "simple:v", "ics23:smt" */
		uint8_t *key;
		size_t key_length;
		uint8_t *data;
		size_t data_length;
	} op[2];
	unsigned int ops;
};

struct sb_tx;

void sb_app_answer_free(struct sb_app_answer *answer);

#define SB_APP_VALIDATORS_MOST	256	/* that change in one block */

struct sb_app_validator {
	uint8_t key[32];		/* ed25519 */
	uint64_t power;			/* 0: is none any more */
};

/* Evidence that a chain has checked: a validator has signed two blocks, or lied to a light client. */
struct sb_app_offence {
	uint8_t address[20];
	bool fork;
	int64_t height;
};

/* The chunks that a copied state has come in. */
struct sb_app_chunks {
	void *context;
	uint32_t count;
	/* Valid until the next. 0 or -errno. */
	int (*get)(void *context, uint32_t index, const uint8_t **data, size_t *length);
};

struct sb_app_copy;

/* States as a whole, from one node to another. */
struct sb_app_copying {
	/* The last committed state, as it stays while it is open; closed in any thread. */
	int (*open)(void *context, struct sb_app_copy **copy);
	/* The next chunk of at most room bytes, which is 128 KiB at least; *length 0: that was all. */
	int (*next)(struct sb_app_copy *copy, uint8_t *out, size_t room, size_t *length);
	void (*close)(struct sb_app_copy *copy);
	/* A state may be copied after blocks whose height this divides. */
	int64_t every;
	/*
	 * Takes over a state whose app hash is known, all of it or nothing, where no block was committed yet.
	 * -EBADMSG with a sentence: it is not that state; another: it may still be.
	 */
	int (*restore)(void *context, const struct sb_app_chunks *chunks, int64_t height,
		       const uint8_t app_hash[SB_APP_HASH_LEN], struct sb_error *error);
};

/* How a chain that was restored goes on: the block at @height follows the one at @after. */
struct sb_app_recovery {
	int64_t height, seconds;	/* of the block, which is not signed yet */
	int32_t nanos;
	uint8_t hash[32];
	int64_t after;
	uint8_t after_hash[32];
};

struct sb_app {
	void *context;
	/* Height and app hash of the last commit; 0 and zeros before the first. */
	int (*info)(void *context, int64_t *height, uint8_t app_hash[SB_APP_HASH_LEN]);
	/* A new chain: the genesis' app_state, as JSON text. Out: the app hash. */
	int (*init)(void *context, const char *chain, int64_t seconds, const char *app_state, size_t length,
		    uint8_t app_hash[SB_APP_HASH_LEN], struct sb_error *error);
	/* May it go into a block? Never changes anything. */
	int (*check)(void *context, const uint8_t *tx, size_t length, struct sb_tx_result *result);
	int (*begin)(void *context, const struct sb_app_block *block);
	int (*deliver)(void *context, const uint8_t *tx, size_t length, struct sb_tx_result *result);
	/* The app hash after the block: it stands in the next block's header. */
	int (*finish)(void *context, uint8_t app_hash[SB_APP_HASH_LEN]);
	/* On the disk when it returns. */
	int (*commit)(void *context);
	/*
	 * @path "/store/sealbond/key": the record at @data, with its proof operations where @prove. Other paths
	 * are the application's own ("/grant", "/records"). Returns 0 and fills the answer, or -ENOMEM.
	 */
	int (*query)(void *context, const char *path, const uint8_t *data, size_t length, int64_t height,
		     bool prove, struct sb_app_answer *answer);

	/* ---- what a chain with several validators needs besides */

	/* Could it be a transaction? Looks at nothing but its bytes: all nodes say the same. */
	bool (*form)(const uint8_t *tx, size_t length);
	/*
	 * Which of these would succeed in the next block, one after the other? Those that would not are left out for
	 * the others. Changes nothing; in any thread.
	 */
	int (*trial)(void *context, int64_t height, int64_t seconds, const struct sb_tx *txs, size_t count,
		     bool *good);
	/* After begin, before the first deliver. */
	int (*offence)(void *context, const struct sb_app_offence *offence);
	/*
	 * Validators that finish (after init: the genesis) has made others than they were after the block before,
	 * ascending by key.
	 */
	int (*validators)(void *context, struct sb_app_validator list[SB_APP_VALIDATORS_MOST], size_t *count);
	/* Forgets the block under way, in the thread that has begun it. */
	void (*abort)(void *context);
	const struct sb_app_copying *copying;
	/* Of a backup: everything that is kept is what the app hash of info commits to. NULL: not looked at. */
	int (*verify)(void *context, struct sb_error *error);
	/*
	 * Transactions that are about to be delivered, from the thread of the blocks: what does not depend on their
	 * order may be done for all of them, on several processors. NULL: there is nothing of that kind.
	 */
	void (*prepare)(void *context, const struct sb_tx *txs, size_t count);
	/*
	 * resume: the chain was restored; notes what has to be signed, and by whom. recovered: has it been? Called
	 * before that block is made. NULL: nobody has to sign.
	 */
	int (*resume)(void *context, const struct sb_app_recovery *recovery, struct sb_error *error);
	int (*recovered)(void *context, const struct sb_app_recovery *recovery, struct sb_error *error);
	/* A block that clients will ask for, however old it is: a checkpoint's. NULL: there are none. */
	bool (*needed)(void *context, int64_t height);
};

#endif
