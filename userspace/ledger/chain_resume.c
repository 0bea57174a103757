// SPDX-License-Identifier: Apache-2.0
/*
 * A chain out of a backup: what of it is proven, and the block with which it goes on, above everything that it can
 * have signed after the backup. Each block's time is at least a millisecond after its predecessor's (sb_vote_time), so
 * the milliseconds since the last block are a bound.
 */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "ledger/chain_internal.h"

#define SLACK_MS	3600000	/* by so much the other machine's clock may have been ahead of ours */

struct stored {
	struct sb_block block;
	struct sb_commit commit;
	uint8_t *bytes;
	struct sb_block_id id;		/* as the bytes have it */
};

static void free_stored(struct stored *stored)
{
	if (stored->bytes) {
		sb_block_free(&stored->block);
		sb_commit_free(&stored->commit);
	}
	free(stored->bytes);
	memset(stored, 0, sizeof(*stored));
}

static int load(struct sb_chain *chain, int64_t height, struct stored *stored)
{
	sb_cleanup_free uint8_t *block = NULL, *commit = NULL;
	size_t length, commit_length;
	int rc = sb_blocks_get(chain->blocks, SB_BLOCKS_BLOCK, height, &block, &length);

	if (!rc)
		rc = sb_blocks_get(chain->blocks, SB_BLOCKS_COMMIT, height, &commit, &commit_length);
	if (!rc)
		rc = sb_block_decode(block, length, &stored->block);
	if (rc)
		return rc;
	rc = sb_commit_decode(commit, commit_length, &stored->commit);
	if (rc) {
		sb_block_free(&stored->block);
		return rc;
	}
	stored->id = (struct sb_block_id){ .hash.there = true };
	sb_header_hash(&stored->block.header, stored->id.hash.bytes);
	sb_block_parts(block, length, &stored->id);
	stored->bytes = sb_take_ptr(block);
	return 0;
}

static bool same_id(const struct sb_block_id *a, const struct sb_block_id *b)
{
	return a->parts == b->parts && memcmp(a->hash.bytes, b->hash.bytes, sizeof(a->hash.bytes)) == 0 &&
	       memcmp(a->parts_hash.bytes, b->parts_hash.bytes, sizeof(a->parts_hash.bytes)) == 0;
}

/* The validator of that height has signed these bytes. */
static bool is_signed(struct sb_chain *chain, const struct stored *stored)
{
	const struct sb_commit *commit = &stored->commit;
	struct sb_chain_hash data;
	struct sb_validator validator;
	uint8_t bytes[SB_VOTE_BYTES_MAX];
	size_t length;

	if (commit->count != 1 || commit->votes[0].flag != SB_VOTE_COMMIT ||
	    commit->height != stored->block.header.height || !same_id(&commit->block, &stored->id) ||
	    strcmp(stored->block.header.chain, chain->genesis.chain) != 0)
		return false;
	sb_data_hash(stored->block.txs, stored->block.count, &data);
	if (memcmp(data.bytes, stored->block.header.data.bytes, sizeof(data.bytes)) != 0)
		return false;
	sb_chain_validator(chain, commit->height, &validator);
	length = sb_vote_bytes(chain->genesis.chain, commit, 0, bytes);
	return crypto_sign_verify_detached(commit->votes[0].signature, bytes, length, validator.key) == 0;
}

static int not_proven(struct sb_error *error, int64_t height, const char *what)
{
	return sb_fail(error, -EBADMSG, "block %" PRId64 " of the backup %s: it is damaged, or somebody has changed it. Take "
		       "another one", height, what);
}

/* A signed block, the next of the one before (NULL: none is looked at). */
static int check_block(struct sb_chain *chain, int64_t height, const struct stored *before, struct stored *stored,
		       struct sb_error *error)
{
	if (load(chain, height, stored) || stored->block.header.height != height)
		return not_proven(error, height, "cannot be read");
	if (!is_signed(chain, stored))
		return not_proven(error, height, "has no valid signature of its validator");
	return before && !same_id(&stored->block.header.last_block, &before->id) ?
	       not_proven(error, height, "does not follow the block before it") : 0;
}

static bool leads_to(const uint8_t app_hash[SB_APP_HASH_LEN], const struct stored *stored)
{
	const struct sb_header *header = &stored->block.header;

	return header->app.length == SB_APP_HASH_LEN && memcmp(header->app.bytes, app_hash, SB_APP_HASH_LEN) == 0;
}

/*
 * The state is the one that a signed header names, and all blocks behind it are signed; those are executed again
 * afterwards. A state at the last block is proven by that block's own header where it has changed nothing.
 */
static int prove_state(struct sb_chain *chain, int64_t tip, struct sb_error *error)
{
	sb_cleanup(free_stored) struct stored before = { .bytes = NULL };
	uint8_t app_hash[SB_APP_HASH_LEN];
	int64_t height;
	bool proven;
	int rc = chain->app->info(chain->app->context, &height, app_hash);

	if (rc)
		return sb_fail(error, rc, "the backup's state cannot be read: %s", strerror(-rc));
	if (height < 1 || height > tip)
		return sb_fail(error, -EBADMSG, "the backup's state is of height %" PRId64 ", its blocks end at %" PRId64,
			       height, tip);
	rc = check_block(chain, height, NULL, &before, error);
	proven = !rc && height == tip && leads_to(app_hash, &before);
	while (!rc && before.block.header.height < tip) {
		int64_t at = before.block.header.height;
		struct stored next = { .bytes = NULL };

		rc = check_block(chain, sb_chain_next(chain, at), &before, &next, error);
		if (!rc && at == height)
			proven = leads_to(app_hash, &next);
		free_stored(&before);
		before = next;
	}
	if (!rc && !proven)
		rc = sb_fail(error, -EBADMSG, "the backup's state is not the one that its blocks' headers name: it is damaged, "
			     "or somebody has changed it. Take another one");
	return rc;
}

static int64_t ms_of(struct sb_chain_time time)
{
	return time.seconds * 1000 + time.nanos / 1000000;
}

static struct sb_chain_time wall_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct sb_chain_time){ now.tv_sec, (int32_t)now.tv_nsec };
}

/* When, and at which height. */
static int find_place(struct sb_chain *chain, int64_t above, struct sb_header *header, struct sb_error *error)
{
	struct sb_chain_time now = wall_clock(), last = chain->tip.vote;
	int64_t height;

	if (sb_time_compare(now, last) <= 0)
		return sb_fail(error, -EAGAIN, "this machine's clock is behind the backup's last block: set it. By the clock is "
			       "told what the ledger can have signed since then");
	if (chain->tip.height > INT64_MAX / 4 || above > INT64_MAX / 4)
		return sb_fail(error, -ERANGE, "no heights are left");
	height = chain->tip.height + 2 + ms_of(now) - ms_of(chain->tip.header.time) + SLACK_MS;
	header->height = height > above + 1 ? height : above + 2;
	header->time = now;
	return 0;
}

static int pend(struct sb_chain *chain, int64_t above, struct sb_app_recovery *recovery, struct sb_error *error)
{
	struct sb_block block = { .count = 0 };
	struct sb_gap gap = { .last = chain->tip.height };
	sb_cleanup_free uint8_t *bytes = NULL;
	struct sb_validator_set set = { 1, NULL, chain->genesis.validator.power };
	struct sb_validator validator = chain->genesis.validator;
	size_t length;
	int rc = find_place(chain, above, &block.header, error);
	struct sb_chain_time time = block.header.time;

	if (rc)
		return rc;
	gap.next = block.header.height;
	memcpy(gap.validator, chain->signer.key, sizeof(gap.validator));
	memcpy(validator.key, chain->signer.key, sizeof(validator.key));
	memcpy(validator.address, chain->signer.address, sizeof(validator.address));
	set.validators = &validator;
	sb_validator_set_hash(&set, chain->validators.bytes);
	sb_chain_fill(chain, &block);
	block.header.height = gap.next;
	block.header.time = time;
	rc = sb_block_encode(&block, &bytes, &length);
	if (!rc)
		rc = sb_blocks_resume(chain->blocks, &gap, bytes, length, sb_vote_time(time, time));
	if (rc)
		return sb_fail(error, rc, "the block that goes on cannot be stored: %s", rc == -E2BIG ?
			       "this chain was restored too often" : strerror(-rc));
	*recovery = (struct sb_app_recovery){ .height = gap.next, .seconds = time.seconds, .nanos = time.nanos,
					      .after = gap.last };
	sb_header_hash(&block.header, recovery->hash);
	memcpy(recovery->after_hash, chain->tip.id.hash.bytes, sizeof(recovery->after_hash));
	return 0;
}

/* What stood as begun when the backup was made was signed and shown somewhere, or never will be. */
static int check_backup(struct sb_chain *chain, const char *home, struct sb_error *error)
{
	char path[PATH_MAX];
	int64_t tip;
	int rc;

	if (!sb_home_path(path, home, SB_HOME_GENESIS))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	rc = sb_genesis_read(path, &chain->genesis, error);
	if (rc)
		return rc;
	if (!sb_home_path(path, home, SB_HOME_BLOCKS))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	rc = sb_blocks_open(path, 0, &chain->blocks);
	if (!rc)
		rc = sb_blocks_gaps(chain->blocks, chain->gap, &chain->gaps);
	if (!rc)
		rc = sb_blocks_tip(chain->blocks, &tip);
	if (rc)
		return sb_fail(error, rc, "the backup's blocks cannot be read: %s", strerror(-rc));
	if (tip < 2)
		return sb_fail(error, -EBADMSG, "the backup has no blocks");
	return prove_state(chain, tip, error);
}

static const struct sb_chain_options no_options = { 1000, 60000, 1, SB_TX_MAX, 0 };

/* Opened, looked at and closed again: only then it is worked on. */
static int prove(const char *home, const struct sb_app *app, struct sb_error *error)
{
	struct sb_chain *chain = sb_chain_new(app, &no_options);
	int rc = chain ? check_backup(chain, home, error) : sb_fail(error, -ENOMEM, "out of memory");

	sb_chain_close(chain);
	return rc;
}

int sb_chain_resume(const char *home, const struct sb_app *app, int64_t above, struct sb_app_recovery *recovery,
		    struct sb_error *error)
{
	struct sb_chain *chain;
	int64_t tip;
	int rc = sodium_init() < 0 ? sb_fail(error, -EIO, "libsodium does not start") : prove(home, app, error);

	if (rc)
		return rc;
	chain = sb_chain_new(app, &no_options);
	if (!chain)
		return sb_fail(error, -ENOMEM, "out of memory");
	chain->resuming = true;
	rc = sb_chain_load(chain, home, &tip, error);
	if (!rc)
		rc = pend(chain, above, recovery, error);
	sb_chain_close(chain);
	return rc;
}
