// SPDX-License-Identifier: Apache-2.0
/*
 * What may stand in a block: by the bytes of its transactions alone, so that every node says the same, whatever its
 * state is. Whether one succeeds is for the block to say; who proposes leaves those out that would fail now, since
 * they may wait for others: a key's transactions come in their order, but not every pool has them so. Votes are not
 * extended.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abci/internal.h"
#include "common/cleanup.h"
#include "common/sha256.h"
#include "ledger/block.h"

/* Digests that were seen, by their first bytes: whoever finds collisions of those makes us slow, not wrong. */
struct seen {
	uint8_t (*digest)[32];
	bool *used;
	size_t mask;
};

static int seen_new(struct seen *seen, size_t count)
{
	size_t size = 16;

	while (size < 2 * count)
		size *= 2;
	seen->digest = calloc(size, sizeof(*seen->digest));
	seen->used = calloc(size, sizeof(*seen->used));
	seen->mask = size - 1;
	return seen->digest && seen->used ? 0 : -ENOMEM;
}

static void seen_free(struct seen *seen)
{
	free(seen->digest);
	free(seen->used);
}

/* false: it was there already. */
static bool seen_add(struct seen *seen, ProtobufCBinaryData tx)
{
	uint8_t digest[32];
	size_t at;

	sb_digest_of(tx.data, tx.len, digest);
	memcpy(&at, digest, sizeof(at));
	for (at &= seen->mask; seen->used[at]; at = (at + 1) & seen->mask)
		if (memcmp(seen->digest[at], digest, sizeof(digest)) == 0)
			return false;
	seen->used[at] = true;
	memcpy(seen->digest[at], digest, sizeof(digest));
	return true;
}

static bool fits(const struct sb_app *app, struct seen *seen, ProtobufCBinaryData tx)
{
	return app->form(tx.data, tx.len) && seen_add(seen, tx);
}

/* As it counts in a block: with its field's number and length. */
static int64_t size_in_block(size_t length)
{
	uint8_t head[SB_ABCI_LENGTH_MAX];

	return length > SB_ABCI_MESSAGE_MAX ? INT64_MAX / 2 : (int64_t)(1 + sb_abci_length(length, head) + length);
}

#define ALL_EVERY	64	/* blocks: then those go, too, which would fail for ever */

/* Those that would fail are taken out of the list. */
static int leave_out(struct sb_abci_call *call, ProtobufCBinaryData *list, size_t *count)
{
	const Abci__RequestPrepareProposal *request = call->request->prepare_proposal;
	sb_cleanup_free struct sb_tx *txs = calloc(*count + 1, sizeof(*txs));
	sb_cleanup_free bool *good = calloc(*count + 1, sizeof(*good));
	const struct sb_app *app = call->abci->app;
	size_t kept = 0;
	int rc;

	if (!txs || !good)
		return -ENOMEM;
	if (!request->time || request->height % ALL_EVERY == 0)
		return 0;
	for (size_t i = 0; i < *count; i++)
		txs[i] = (struct sb_tx){ list[i].data, list[i].len };
	pthread_rwlock_rdlock(&call->abci->names);
	rc = app->trial(app->context, request->height, request->time->seconds, txs, *count, good);
	pthread_rwlock_unlock(&call->abci->names);
	for (size_t i = 0; i < *count && !rc; i++)
		if (good[i])
			list[kept++] = list[i];
	*count = rc ? *count : kept;
	return rc;
}

int sb_abci_prepare_proposal(struct sb_abci_call *call)
{
	const Abci__RequestPrepareProposal *request = call->request->prepare_proposal;
	Abci__ResponsePrepareProposal answer = ABCI__RESPONSE_PREPARE_PROPOSAL__INIT;
	sb_cleanup_free ProtobufCBinaryData *list = calloc(request->n_txs + 1, sizeof(*list));
	int64_t room = request->max_tx_bytes;
	struct seen seen = { 0 };
	int rc = list ? seen_new(&seen, request->n_txs) : -ENOMEM;

	answer.txs = list;
	for (size_t i = 0; i < request->n_txs && !rc; i++) {
		int64_t size = size_in_block(request->txs[i].len);

		if (!fits(call->abci->app, &seen, request->txs[i]))
			continue;
		/* those behind it may need it */
		if (size > room)
			break;
		room -= size;
		list[answer.n_txs++] = request->txs[i];
	}
	seen_free(&seen);
	if (!rc && answer.n_txs)
		rc = leave_out(call, list, &answer.n_txs);
	return rc ? rc : sb_abci_reply(call, ABCI__RESPONSE__VALUE_PREPARE_PROPOSAL, &answer);
}

int sb_abci_process_proposal(struct sb_abci_call *call)
{
	const Abci__RequestProcessProposal *request = call->request->process_proposal;
	Abci__ResponseProcessProposal answer = ABCI__RESPONSE_PROCESS_PROPOSAL__INIT;
	struct seen seen = { 0 };
	int rc = seen_new(&seen, request->n_txs);

	answer.status = ABCI__VERDICT__VERDICT_ACCEPT;
	for (size_t i = 0; i < request->n_txs && !rc && answer.status == ABCI__VERDICT__VERDICT_ACCEPT; i++)
		if (!fits(call->abci->app, &seen, request->txs[i]))
			answer.status = ABCI__VERDICT__VERDICT_REJECT;
	seen_free(&seen);
	return rc ? rc : sb_abci_reply(call, ABCI__RESPONSE__VALUE_PROCESS_PROPOSAL, &answer);
}

int sb_abci_extend_vote(struct sb_abci_call *call)
{
	Abci__ResponseExtendVote answer = ABCI__RESPONSE_EXTEND_VOTE__INIT;

	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_EXTEND_VOTE, &answer);
}

int sb_abci_verify_vote_extension(struct sb_abci_call *call)
{
	Abci__ResponseVerifyVoteExtension answer = ABCI__RESPONSE_VERIFY_VOTE_EXTENSION__INIT;

	answer.status = call->request->verify_vote_extension->vote_extension.len ? ABCI__VERDICT__VERDICT_REJECT :
		ABCI__VERDICT__VERDICT_ACCEPT;
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_VERIFY_VOTE_EXTENSION, &answer);
}
