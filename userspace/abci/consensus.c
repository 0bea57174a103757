// SPDX-License-Identifier: Apache-2.0
/* A chain's beginning, its blocks, and their commit. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "abci/internal.h"
#include "common/cleanup.h"
#include "ledger/block.h"

#define ADDRESS_LEN	20

/* What changes of the validators, as a message; freed as one piece. */
struct updates {
	Abci__ValidatorUpdate update[SB_APP_VALIDATORS_MOST], *list[SB_APP_VALIDATORS_MOST];
	Abci__PublicKey key[SB_APP_VALIDATORS_MOST];
	struct sb_app_validator validator[SB_APP_VALIDATORS_MOST];
	size_t count;
};

static int read_updates(struct sb_abci_call *call, struct updates **out)
{
	const struct sb_app *app = call->abci->app;
	struct updates *all = calloc(1, sizeof(*all));
	int rc = all ? app->validators(app->context, all->validator, &all->count) : -ENOMEM;

	if (rc) {
		free(all);
		return rc;
	}
	for (size_t i = 0; i < all->count; i++) {
		abci__public_key__init(&all->key[i]);
		all->key[i].ed25519 = sb_abci_bytes(all->validator[i].key, sizeof(all->validator[i].key));
		abci__validator_update__init(&all->update[i]);
		all->update[i].pub_key = &all->key[i];
		all->update[i].power = (int64_t)all->validator[i].power;
		all->list[i] = &all->update[i];
	}
	*out = all;
	return 0;
}

static bool is_in(const Abci__RequestInitChain *request, const Abci__ValidatorUpdate *wanted)
{
	for (size_t i = 0; i < request->n_validators; i++) {
		const Abci__ValidatorUpdate *one = request->validators[i];

		if (one->pub_key && one->power == wanted->power &&
		    one->pub_key->ed25519.len == wanted->pub_key->ed25519.len &&
		    memcmp(one->pub_key->ed25519.data, wanted->pub_key->ed25519.data, wanted->pub_key->ed25519.len) == 0)
			return true;
	}
	return false;
}

/* Two lists of validators in one genesis that differ: members would govern others than those who make blocks. */
static int compare(struct sb_abci_call *call, const struct updates *all)
{
	const Abci__RequestInitChain *request = call->request->init_chain;

	if (!all->count)
		return sb_fail(call->error, -EINVAL, "app_state.validators is missing: it must name those who make blocks");
	if (request->n_validators && request->n_validators != all->count)
		return sb_fail(call->error, -EINVAL, "the genesis has %zu validators, its app_state %zu: they must be the "
			       "same", request->n_validators, all->count);
	for (size_t i = 0; i < all->count && request->n_validators; i++)
		if (!is_in(request, all->list[i]))
			return sb_fail(call->error, -EINVAL, "app_state.validators has a key, or a power, that the "
				       "genesis' validators have not: they must be the same");
	return 0;
}

static int init_chain(struct sb_abci_call *call)
{
	const Abci__RequestInitChain *request = call->request->init_chain;
	const struct sb_app *app = call->abci->app;
	Abci__ResponseInitChain answer = ABCI__RESPONSE_INIT_CHAIN__INIT;
	sb_cleanup_free struct updates *updates = NULL;
	uint8_t app_hash[SB_APP_HASH_LEN];
	int64_t height;
	int rc = app->info(app->context, &height, app_hash);

	if (!rc && height)
		return sb_fail(call->error, -EEXIST, "InitChain, but the state is at height %" PRId64 ": this home is another "
			       "chain's, or CometBFT's data were removed", height);
	if (rc)
		return rc;
	rc = app->init(app->context, request->chain_id, request->time ? request->time->seconds : 0,
		       (const char *)request->app_state_bytes.data, request->app_state_bytes.len, app_hash, call->error);
	if (!rc)
		rc = read_updates(call, &updates);
	if (!rc)
		rc = compare(call, updates);
	if (rc)
		return rc;
	answer.validators = updates->list;
	answer.n_validators = updates->count;
	answer.app_hash = sb_abci_bytes(app_hash, sizeof(app_hash));
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_INIT_CHAIN, &answer);
}

/* The block under way belongs to one connection. Holds the lock when it returns 0. */
static int enter(struct sb_abci_call *call)
{
	pthread_mutex_lock(&call->abci->block);
	if (!call->abci->owner || call->abci->owner == call->caller)
		return 0;
	pthread_mutex_unlock(&call->abci->block);
	return sb_fail(call->error, -EPROTO, "another connection has a block under way");
}

int sb_abci_init_chain(struct sb_abci_call *call)
{
	int rc = enter(call);

	if (rc)
		return rc;
	call->abci->owner = call->caller;
	call->caller->in_block = true;
	call->caller->finished = false;
	pthread_rwlock_wrlock(&call->abci->names);
	rc = init_chain(call);
	pthread_rwlock_unlock(&call->abci->names);
	pthread_mutex_unlock(&call->abci->block);
	return rc;
}

static int tell_offences(struct sb_abci_call *call)
{
	const Abci__RequestFinalizeBlock *request = call->request->finalize_block;
	const struct sb_app *app = call->abci->app;
	int rc = 0;

	for (size_t i = 0; i < request->n_misbehavior && !rc; i++) {
		const Abci__Misbehavior *one = request->misbehavior[i];
		struct sb_app_offence offence = { .fork = one->type == ABCI__MISBEHAVIOR_TYPE__LIGHT_CLIENT_ATTACK,
						  .height = one->height };

		if (!one->validator || one->validator->address.len != ADDRESS_LEN)
			continue;
		memcpy(offence.address, one->validator->address.data, ADDRESS_LEN);
		rc = app->offence(app->context, &offence);
	}
	return rc;
}

/* What can be said of each transaction alone is said on all processors. */
static int prepare(struct sb_abci_call *call)
{
	const Abci__RequestFinalizeBlock *request = call->request->finalize_block;
	const struct sb_app *app = call->abci->app;
	sb_cleanup_free struct sb_tx *txs = NULL;

	if (!app->prepare || !request->n_txs)
		return 0;
	txs = calloc(request->n_txs, sizeof(*txs));
	if (!txs)
		return -ENOMEM;
	for (size_t i = 0; i < request->n_txs; i++)
		txs[i] = (struct sb_tx){ request->txs[i].data, request->txs[i].len };
	app->prepare(app->context, txs, request->n_txs);
	return 0;
}

/* Results and the messages that they become. */
struct results {
	struct sb_tx_result result;
	Abci__ExecTxResult message;
};

/* Who has signed the block before: *list to be freed. */
static int read_signers(const Abci__CommitInfo *commit, uint8_t (**list)[ADDRESS_LEN], size_t *count)
{
	*count = 0;
	*list = calloc(commit && commit->n_votes ? commit->n_votes : 1, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (size_t i = 0; commit && i < commit->n_votes; i++) {
		const Abci__VoteInfo *vote = commit->votes[i];

		if (vote->block_id_flag == ABCI__BLOCK_ID_FLAG__FLAG_COMMIT && vote->validator &&
		    vote->validator->address.len == ADDRESS_LEN)
			memcpy((*list)[(*count)++], vote->validator->address.data, ADDRESS_LEN);
	}
	return 0;
}

static int run_block(struct sb_abci_call *call, struct results *results, uint8_t app_hash[SB_APP_HASH_LEN])
{
	const Abci__RequestFinalizeBlock *request = call->request->finalize_block;
	const struct sb_app *app = call->abci->app;
	struct sb_app_block block = { .height = request->height, .seconds = request->time->seconds,
				      .nanos = request->time->nanos };
	sb_cleanup_free uint8_t (*signers)[ADDRESS_LEN] = NULL;
	int rc = read_signers(request->decided_last_commit, &signers, &block.signers_count);

	memcpy(block.hash, request->hash.data, sizeof(block.hash));
	block.signers = signers;
	if (!rc)
		rc = prepare(call);
	if (!rc)
		rc = app->begin(app->context, &block);
	if (!rc)
		rc = tell_offences(call);
	for (size_t i = 0; i < request->n_txs && !rc; i++) {
		struct sb_tx_result *result = &results[i].result;

		rc = app->deliver(app->context, request->txs[i].data, request->txs[i].len, result);
		abci__exec_tx_result__init(&results[i].message);
		results[i].message.code = result->code;
		results[i].message.data = sb_abci_bytes(result->data, result->data_length);
		results[i].message.log = result->log;
	}
	return rc ? rc : app->finish(app->context, app_hash);
}

static int finalize(struct sb_abci_call *call)
{
	const Abci__RequestFinalizeBlock *request = call->request->finalize_block;
	Abci__ResponseFinalizeBlock answer = ABCI__RESPONSE_FINALIZE_BLOCK__INIT;
	sb_cleanup_free struct results *results = calloc(request->n_txs + 1, sizeof(*results));
	sb_cleanup_free Abci__ExecTxResult **list = calloc(request->n_txs + 1, sizeof(*list));
	sb_cleanup_free struct updates *updates = NULL;
	uint8_t app_hash[SB_APP_HASH_LEN];
	int rc = results && list ? run_block(call, results, app_hash) : -ENOMEM;

	if (!rc)
		rc = read_updates(call, &updates);
	if (rc)
		return sb_fail(call->error, rc, "block %" PRId64 " cannot be executed: %s", request->height,
			       rc == -EPROTONOSUPPORT ? "the members have decided on rules that this version does not know: "
			       "install a newer one" : strerror(-rc));
	for (size_t i = 0; i < request->n_txs; i++)
		list[i] = &results[i].message;
	answer.tx_results = list;
	answer.n_tx_results = request->n_txs;
	answer.validator_updates = updates->list;
	answer.n_validator_updates = updates->count;
	answer.app_hash = sb_abci_bytes(app_hash, sizeof(app_hash));
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_FINALIZE_BLOCK, &answer);
}

int sb_abci_finalize_block(struct sb_abci_call *call)
{
	const Abci__RequestFinalizeBlock *request = call->request->finalize_block;
	int rc = enter(call);

	if (rc)
		return rc;
	/* what a genesis has begun cannot be taken apart from a first block that is executed twice */
	if (request->hash.len != 32 || request->height <= 0 || !request->time || call->caller->finished) {
		rc = sb_fail(call->error, -EPROTO, call->caller->finished ? "FinalizeBlock before the last one's Commit" :
			     "FinalizeBlock without a hash, a height or a time");
	} else {
		call->abci->owner = call->caller;
		call->caller->in_block = true;
		call->abci->height = request->height;
		rc = finalize(call);
		call->caller->finished = !rc;
	}
	pthread_mutex_unlock(&call->abci->block);
	return rc;
}

/* Peers that join by a snapshot need the blocks from it on. */
static int64_t retain(const struct sb_abci *abci, int64_t height)
{
	int64_t oldest = sb_snapshots_oldest(abci->snapshots), from = height - abci->options->retain;

	if (!abci->options->retain || from <= 0)
		return 0;
	if (abci->options->snapshot_every)
		return oldest && oldest < from ? oldest : !oldest ? 0 : from;
	return from;
}

int sb_abci_commit(struct sb_abci_call *call)
{
	Abci__ResponseCommit answer = ABCI__RESPONSE_COMMIT__INIT;
	struct sb_abci *abci = call->abci;
	int64_t height;
	int rc = enter(call);

	if (rc)
		return rc;
	height = abci->height;
	if (!call->caller->finished) {
		rc = sb_fail(call->error, -EPROTO, "Commit without FinalizeBlock");
	} else {
		rc = abci->app->commit(abci->app->context);
		if (rc)
			sb_fail(call->error, rc, "the state after block %" PRId64 " cannot be stored: %s", height,
				strerror(-rc));
		abci->owner = NULL;
		memset(call->caller, 0, sizeof(*call->caller));
	}
	if (!rc && abci->options->snapshot_every && height % abci->options->snapshot_every == 0)
		sb_snapshots_make(abci->snapshots, height);
	pthread_mutex_unlock(&abci->block);
	if (rc)
		return rc;
	answer.retain_height = retain(abci, height);
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_COMMIT, &answer);
}
