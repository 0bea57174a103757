// SPDX-License-Identifier: Apache-2.0
/* From the files of a home to a chain that can go on. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "ledger/chain_internal.h"

bool sb_home_path(char path[PATH_MAX], const char *home, const char *name)
{
	return snprintf(path, PATH_MAX, "%s/%s", home, name) < PATH_MAX;
}

static int damaged(struct sb_error *error, int rc, const char *what, int64_t height)
{
	return sb_fail(error, rc, "%s of height %" PRId64 ": %s. Put the newest copy of the whole home back", what,
		       height, rc == -ENOENT ? "missing" : rc == -EBADMSG ? "damaged" : strerror(-rc));
}

static int open_blocks(struct sb_chain *chain, const char *home, struct sb_error *error)
{
	char path[PATH_MAX];
	int rc;

	if (!sb_home_path(path, home, SB_HOME_BLOCKS))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	rc = sb_make_directory(path, 0700);
	if (!rc)
		rc = sb_blocks_open(path, 0, &chain->blocks);
	return rc ? sb_fail(error, rc, "%s: %s", path, rc == -EUCLEAN ? "damaged, or of another version" :
			    strerror(-rc)) : 0;
}

int64_t sb_chain_next(const struct sb_chain *chain, int64_t height)
{
	for (size_t i = 0; i < chain->gaps; i++)
		if (chain->gap[i].last == height)
			return chain->gap[i].next;
	return height + 1;
}

bool sb_chain_is_gap(const struct sb_chain *chain, int64_t height)
{
	for (size_t i = 0; i < chain->gaps; i++)
		if (height > chain->gap[i].last && height < chain->gap[i].next)
			return true;
	return false;
}

void sb_chain_validator(const struct sb_chain *chain, int64_t height, struct sb_validator *validator)
{
	*validator = chain->genesis.validator;
	for (size_t i = 0; i < chain->gaps && chain->gap[i].next <= height; i++) {
		memcpy(validator->key, chain->gap[i].validator, sizeof(validator->key));
		sb_validator_address(validator->key, validator->address);
	}
}

static int open_signer(struct sb_chain *chain, const char *home, int64_t tip, struct sb_error *error)
{
	char key[PATH_MAX], state[PATH_MAX];
	struct sb_validator validator;
	int rc;

	if (!sb_home_path(key, home, SB_HOME_KEY) || !sb_home_path(state, home, SB_HOME_STATE))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	rc = sb_signer_open(key, state, tip, sb_chain_next(chain, tip), &chain->signer, error);
	sb_chain_validator(chain, sb_chain_next(chain, tip), &validator);
	if (!rc && !chain->resuming && memcmp(chain->signer.key, validator.key, sizeof(chain->signer.key)) != 0)
		rc = sb_fail(error, -EKEYREJECTED, chain->gaps ? "%s is not the key of the validator that the last recovery names" :
			     "%s is not the key of the validator in " SB_HOME_GENESIS, key);
	return rc;
}

/* The genesis goes into an application that has committed nothing yet. */
static int start_app(struct sb_chain *chain, int64_t tip, struct sb_error *error)
{
	uint8_t app_hash[SB_APP_HASH_LEN];
	sb_cleanup_free uint8_t *known = NULL;
	size_t length = 0;
	int rc = chain->app->init(chain->app->context, chain->genesis.chain, chain->genesis.time.seconds,
				  chain->genesis.app_state, strlen(chain->genesis.app_state), app_hash, error);

	if (rc)
		return rc;
	rc = sb_blocks_get(chain->blocks, SB_BLOCKS_APP_HASH, 0, &known, &length);
	if (rc == -ENOENT && !tip) {
		rc = sb_blocks_start(chain->blocks, app_hash);
		return rc ? sb_fail(error, rc, "the genesis cannot be stored: %s", strerror(-rc)) : 0;
	}
	if (rc)
		return damaged(error, rc, "the app hash", 0);
	if (length != sizeof(app_hash) || memcmp(known, app_hash, sizeof(app_hash)) != 0)
		return sb_fail(error, -EUCLEAN, "%s leads to another state than the one that the chain began with: put "
			       "the first one back", SB_HOME_GENESIS);
	return 0;
}

/* One block again, from the store: it must come to the same as the first time. */
static int replay(struct sb_chain *chain, int64_t height, struct sb_error *error)
{
	sb_cleanup_free uint8_t *bytes = NULL, *app_hash = NULL, *kept = NULL;
	sb_cleanup_free struct sb_tx_result *results = NULL, *old = NULL;
	struct sb_chain_hash hash, again, before;
	uint8_t new_hash[SB_APP_HASH_LEN];
	size_t length, hash_length, kept_length, count;
	struct sb_block block;
	int rc = sb_blocks_get(chain->blocks, SB_BLOCKS_BLOCK, height, &bytes, &length);

	if (!rc)
		rc = sb_blocks_get(chain->blocks, SB_BLOCKS_APP_HASH, height, &app_hash, &hash_length);
	if (!rc)
		rc = sb_blocks_get(chain->blocks, SB_BLOCKS_RESULTS, height, &kept, &kept_length);
	if (!rc)
		rc = sb_results_decode(kept, kept_length, &old, &count);
	if (!rc)
		rc = sb_block_decode(bytes, length, &block);
	if (rc)
		return damaged(error, rc, "the block", height);
	sb_header_hash(&block.header, hash.bytes);
	rc = sb_chain_execute(chain, &block, hash.bytes, &results, new_hash, error);
	if (!rc) {
		sb_results_hash(results, block.count, &again);
		sb_results_hash(old, count, &before);
		if (hash_length != sizeof(new_hash) || memcmp(app_hash, new_hash, sizeof(new_hash)) != 0 ||
		    memcmp(again.bytes, before.bytes, sizeof(again.bytes)) != 0)
			rc = sb_fail(error, -EUCLEAN, "block %" PRId64 " leads to another state than when it was made: "
				     "this version has other rules. Start the version that made it", height);
	}
	if (!rc && (rc = chain->app->commit(chain->app->context)))
		rc = sb_fail(error, rc, "the ledger's state after block %" PRId64 " cannot be stored: %s", height,
			     strerror(-rc));
	sb_block_free(&block);
	return rc;
}

int sb_chain_catch_up(struct sb_chain *chain, int64_t tip, struct sb_error *error)
{
	uint8_t app_hash[SB_APP_HASH_LEN];
	int64_t height;
	int rc = chain->app->info(chain->app->context, &height, app_hash);

	if (rc)
		return sb_fail(error, rc, "the ledger's state cannot be read: %s", strerror(-rc));
	if (height > tip)
		return sb_fail(error, -ESTALE, "the ledger's state is at height %" PRId64 ", the chain ends at %" PRId64
			       ": the chain is an old copy. Put the newest copy of the whole home back", height, tip);
	if (sb_chain_next(chain, height) < sb_chain_base(chain) && sb_chain_base(chain) > 1)
		return sb_fail(error, -ESTALE, "the ledger's state is at height %" PRId64 ", and the blocks below %" PRId64
			       ", which would lead from there to the newest, were removed (--retain-blocks): put the newest "
			       "copy of the whole home back", height, sb_chain_base(chain));
	if (!height)
		rc = start_app(chain, tip, error);
	while (!rc && height < tip) {
		height = sb_chain_next(chain, height);
		rc = replay(chain, height, error);
	}
	return rc;
}

static int load_commit(struct sb_chain *chain, int64_t tip)
{
	sb_cleanup_free uint8_t *bytes = NULL;
	struct sb_commit commit;
	size_t length;
	int rc = sb_blocks_get(chain->blocks, SB_BLOCKS_COMMIT, tip, &bytes, &length);

	if (!rc)
		rc = sb_commit_decode(bytes, length, &commit);
	if (rc)
		return rc;
	if (commit.count != 1 || commit.height != tip) {
		sb_commit_free(&commit);
		return -EBADMSG;
	}
	chain->last_vote = commit.votes[0];
	chain->last_commit = commit;
	chain->last_commit.votes = &chain->last_vote;
	sb_commit_free(&commit);
	return 0;
}

static int load_header(struct sb_chain *chain, int64_t tip)
{
	sb_cleanup_free uint8_t *bytes = NULL;
	struct sb_chain_hash hash;
	struct sb_block block;
	size_t length;
	int rc = sb_blocks_get(chain->blocks, SB_BLOCKS_BLOCK, tip, &bytes, &length);

	if (!rc)
		rc = sb_block_decode(bytes, length, &block);
	if (rc)
		return rc;
	sb_header_hash(&block.header, hash.bytes);
	if (block.header.height != tip ||
	    memcmp(hash.bytes, chain->last_commit.block.hash.bytes, sizeof(hash.bytes)) != 0)
		rc = -EBADMSG;
	chain->tip.header = block.header;
	sb_block_free(&block);
	return rc;
}

static int load_app_hash(struct sb_chain *chain, int64_t tip)
{
	sb_cleanup_free uint8_t *bytes = NULL;
	size_t length;
	int rc = sb_blocks_get(chain->blocks, SB_BLOCKS_APP_HASH, tip, &bytes, &length);

	if (!rc && length != sizeof(chain->tip.app_hash))
		rc = -EBADMSG;
	if (!rc)
		memcpy(chain->tip.app_hash, bytes, length);
	return rc;
}

static int load_results(struct sb_chain *chain, int64_t tip)
{
	sb_cleanup_free struct sb_tx_result *results = NULL;
	sb_cleanup_free uint8_t *bytes = NULL;
	size_t length, count;
	int rc = sb_blocks_get(chain->blocks, SB_BLOCKS_RESULTS, tip, &bytes, &length);

	if (!rc)
		rc = sb_results_decode(bytes, length, &results, &count);
	if (!rc)
		sb_results_hash(results, count, &chain->last_results);
	return rc;
}

/* What the next block is built on. */
static int load_tip(struct sb_chain *chain, int64_t tip, struct sb_error *error)
{
	struct sb_validator validator;
	struct sb_validator_set set = { 1, &validator, chain->genesis.validator.power };
	int rc = load_app_hash(chain, tip);

	sb_chain_validator(chain, sb_chain_next(chain, tip), &validator);
	chain->validators.there = true;
	sb_validator_set_hash(&set, chain->validators.bytes);
	sb_consensus_hash(chain->genesis.max_bytes, chain->genesis.max_gas, &chain->consensus);
	sb_results_hash(NULL, 0, &chain->last_results);
	if (!rc && tip)
		rc = load_commit(chain, tip);
	if (!rc && tip)
		rc = load_header(chain, tip);
	if (!rc && tip)
		rc = load_results(chain, tip);
	if (rc)
		return damaged(error, rc, "the block", tip);
	chain->tip.height = tip;
	chain->tip.id = chain->last_commit.block;
	chain->tip.vote = chain->last_vote.time;
	/* an old vote's time is no time for what comes now: an empty block with a new one comes first */
	chain->produce.follow = true;
	return 0;
}

/* The block behind a gap: only when those who have to have said so. */
static int recovered(struct sb_chain *chain, const struct sb_block *block, struct sb_error *error)
{
	struct sb_app_recovery recovery = {
		.height = block->header.height, .seconds = block->header.time.seconds, .nanos = block->header.time.nanos,
		.after = chain->tip.height,
	};

	sb_header_hash(&block->header, recovery.hash);
	memcpy(recovery.after_hash, chain->tip.id.hash.bytes, sizeof(recovery.after_hash));
	return chain->app->recovered ? chain->app->recovered(chain->app->context, &recovery, error) : 0;
}

/* A block that was begun is finished, and no other is made in its place. */
static int take_up(struct sb_chain *chain, int64_t tip, struct sb_error *error)
{
	sb_cleanup_free uint8_t *bytes = NULL;
	int64_t next = sb_chain_next(chain, tip);
	struct sb_chain_time vote;
	struct sb_block block;
	size_t length;
	int rc = sb_blocks_pending(chain->blocks, &bytes, &length, &vote);

	if (rc == -ENOENT && chain->signer.height > tip)
		return sb_fail(error, -ESTALE, "%s says that height %" PRId64 " was signed last, but that block is not "
			       "here: the chain is an old copy. Put the newest copy of the whole home back",
			       SB_HOME_STATE, chain->signer.height);
	if (rc == -ENOENT)
		return next == tip + 1 ? 0 : damaged(error, rc, "the first block after the recovery", next);
	if (!rc)
		rc = sb_block_decode(bytes, length, &block);
	if (rc)
		return damaged(error, rc, "the pending block", next);
	rc = block.header.height == next ? 0 : damaged(error, -EBADMSG, "the pending block", next);
	if (!rc && next != tip + 1)
		rc = recovered(chain, &block, error);
	if (!rc)
		rc = sb_chain_finish(chain, &block, bytes, length, vote, error);
	sb_block_free(&block);
	return rc;
}

int sb_chain_load(struct sb_chain *chain, const char *home, int64_t *tip, struct sb_error *error)
{
	char genesis[PATH_MAX];
	int rc;

	*tip = 0;
	if (!sb_home_path(genesis, home, SB_HOME_GENESIS))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	rc = sb_genesis_read(genesis, &chain->genesis, error);
	if (!rc)
		rc = open_blocks(chain, home, error);
	if (!rc)
		rc = sb_blocks_gaps(chain->blocks, chain->gap, &chain->gaps);
	if (!rc)
		rc = sb_blocks_tip(chain->blocks, tip);
	if (rc)
		return error->text[0] ? rc : sb_fail(error, rc, "%s/%s: %s", home, SB_HOME_BLOCKS, strerror(-rc));
	rc = open_signer(chain, home, *tip, error);
	if (!rc)
		rc = sb_chain_catch_up(chain, *tip, error);
	return rc ? rc : load_tip(chain, *tip, error);
}

static int set_up(struct sb_chain *chain, const char *home, struct sb_error *error)
{
	int64_t tip;
	int rc = sb_chain_load(chain, home, &tip, error);

	if (!rc)
		rc = take_up(chain, tip, error);
	/* clients begin with block 1, and the state after it is proven by block 2 */
	while (!rc && chain->tip.height < 2)
		rc = sb_chain_make(chain, false, error);
	return rc;
}

struct sb_chain *sb_chain_new(const struct sb_app *app, const struct sb_chain_options *options)
{
	struct sb_chain *new = calloc(1, sizeof(*new));
	pthread_condattr_t monotonic;

	if (!new)
		return NULL;
	pthread_mutex_init(&new->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&new->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	new->app = app;
	new->produce.interval = options->interval;
	new->produce.idle = options->idle;
	new->retain = options->retain;
	new->pool = sb_mempool_new(options->pool_count, options->pool_bytes);
	if (!new->pool) {
		sb_chain_close(new);
		return NULL;
	}
	return new;
}

int sb_chain_open(const char *home, const struct sb_app *app, const struct sb_chain_options *options,
		  struct sb_chain **chain, struct sb_error *error)
{
	struct sb_chain *new = sb_chain_new(app, options);
	int rc;

	error->text[0] = '\0';
	if (!new)
		return sb_fail(error, -ENOMEM, "out of memory");
	rc = set_up(new, home, error);
	if (rc)
		sb_chain_close(new);
	else
		*chain = new;
	return rc;
}

void sb_chain_close(struct sb_chain *chain)
{
	if (!chain)
		return;
	sb_blocks_close(chain->blocks);
	sb_signer_close(&chain->signer);
	sb_mempool_free(chain->pool);
	sb_genesis_free(&chain->genesis);
	pthread_cond_destroy(&chain->changed);
	pthread_mutex_destroy(&chain->lock);
	free(chain);
}
