// SPDX-License-Identifier: Apache-2.0
/* What other nodes ask for when they join, and what this one is offered when it does. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "abci/internal.h"
#include "common/cleanup.h"
#include "common/log.h"

int sb_abci_list_snapshots(struct sb_abci_call *call)
{
	Abci__ResponseListSnapshots answer = ABCI__RESPONSE_LIST_SNAPSHOTS__INIT;
	Abci__Snapshot one[SB_SNAPSHOTS_MOST], *all[SB_SNAPSHOTS_MOST];
	struct sb_snapshot list[SB_SNAPSHOTS_MOST];
	int rc;

	answer.n_snapshots = sb_snapshots_list(call->abci->snapshots, list);
	answer.snapshots = all;
	for (size_t i = 0; i < answer.n_snapshots; i++) {
		abci__snapshot__init(&one[i]);
		one[i].height = (uint64_t)list[i].height;
		one[i].format = SB_SNAPSHOT_FORMAT;
		one[i].chunks = list[i].chunks;
		one[i].hash = sb_abci_bytes(list[i].hash, sizeof(list[i].hash));
		one[i].metadata = sb_abci_bytes(list[i].metadata, (size_t)list[i].chunks * 32);
		all[i] = &one[i];
	}
	rc = sb_abci_reply(call, ABCI__RESPONSE__VALUE_LIST_SNAPSHOTS, &answer);
	for (size_t i = 0; i < answer.n_snapshots; i++)
		free(list[i].metadata);
	return rc;
}

int sb_abci_load_snapshot_chunk(struct sb_abci_call *call)
{
	const Abci__RequestLoadSnapshotChunk *request = call->request->load_snapshot_chunk;
	Abci__ResponseLoadSnapshotChunk answer = ABCI__RESPONSE_LOAD_SNAPSHOT_CHUNK__INIT;
	sb_cleanup_free uint8_t *data = NULL;
	size_t length;

	if (request->format == SB_SNAPSHOT_FORMAT && request->height <= INT64_MAX &&
	    sb_snapshots_load(call->abci->snapshots, (int64_t)request->height, request->chunk, &data, &length) == 0)
		answer.chunk = sb_abci_bytes(data, length);
	else
		data = NULL;
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_LOAD_SNAPSHOT_CHUNK, &answer);
}

static Abci__OfferResult judge_offer(struct sb_abci_call *call)
{
	const Abci__RequestOfferSnapshot *request = call->request->offer_snapshot;
	const Abci__Snapshot *offer = request->snapshot;
	struct sb_snapshot snapshot;
	int rc;

	if (!offer || offer->format != SB_SNAPSHOT_FORMAT)
		return ABCI__OFFER_RESULT__OFFER_REJECT_FORMAT;
	if (request->app_hash.len != SB_APP_HASH_LEN || offer->hash.len != sizeof(snapshot.hash) ||
	    offer->height > INT64_MAX)
		return ABCI__OFFER_RESULT__OFFER_REJECT;
	snapshot.height = (int64_t)offer->height;
	snapshot.chunks = offer->chunks;
	memcpy(snapshot.hash, offer->hash.data, sizeof(snapshot.hash));
	snapshot.metadata = offer->metadata.data;
	rc = sb_handover_offer(call->abci->restore, &snapshot, offer->metadata.len, request->app_hash.data);
	if (!rc)
		return ABCI__OFFER_RESULT__OFFER_ACCEPT;
	sb_warn("the snapshot of height %" PRIu64 " is refused: %s", offer->height,
		rc == -EBADMSG ? "its numbers and hashes do not fit" : strerror(-rc));
	return rc == -EBADMSG ? ABCI__OFFER_RESULT__OFFER_REJECT : ABCI__OFFER_RESULT__OFFER_ABORT;
}

/* A state comes only where there is none, not even a block under way. */
static int may_restore(struct sb_abci_call *call, bool *may)
{
	const struct sb_app *app = call->abci->app;
	uint8_t app_hash[SB_APP_HASH_LEN];
	int64_t height;
	int rc = app->info(app->context, &height, app_hash);

	*may = !rc && !height && !call->abci->owner;
	return rc;
}

int sb_abci_offer_snapshot(struct sb_abci_call *call)
{
	Abci__ResponseOfferSnapshot answer = ABCI__RESPONSE_OFFER_SNAPSHOT__INIT;
	bool may;
	int rc;

	pthread_mutex_lock(&call->abci->block);
	rc = may_restore(call, &may);
	answer.result = !rc && may ? judge_offer(call) : ABCI__OFFER_RESULT__OFFER_ABORT;
	pthread_mutex_unlock(&call->abci->block);
	return rc ? rc : sb_abci_reply(call, ABCI__RESPONSE__VALUE_OFFER_SNAPSHOT, &answer);
}

/* Names of peers come from elsewhere: into logs go only letters that are no trouble there. */
static void warn_of(const char *sender, const char *what)
{
	char name[80];
	size_t i;

	for (i = 0; sender[i] && i < sizeof(name) - 1; i++)
		name[i] = sender[i] > ' ' && sender[i] < 0x7f ? sender[i] : '?';
	name[i] = '\0';
	sb_warn("%s: %s", name[0] ? name : "a peer without a name", what);
}

static int refuse_all(struct sb_abci_call *call, Abci__ResponseApplySnapshotChunk *answer)
{
	struct sb_handover *restore = call->abci->restore;
	sb_cleanup_free char **senders = NULL;
	uint32_t count = 0;
	int rc;

	while (sb_handover_sender(restore, count))
		count++;
	senders = calloc(count + 1, sizeof(*senders));
	if (!senders)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		char *sender = (char *)sb_handover_sender(restore, i);
		size_t j = 0;

		while (j < answer->n_reject_senders && strcmp(senders[j], sender) != 0)
			j++;
		if (j < answer->n_reject_senders)
			continue;
		warn_of(sender, "its snapshot is not the state of the chain: refused");
		senders[answer->n_reject_senders++] = sender;
	}
	answer->result = ABCI__APPLY_RESULT__APPLY_REJECT_SNAPSHOT;
	answer->reject_senders = senders;
	rc = sb_abci_reply(call, ABCI__RESPONSE__VALUE_APPLY_SNAPSHOT_CHUNK, answer);
	sb_handover_end(restore);
	return rc;
}

static int apply(struct sb_abci_call *call)
{
	const Abci__RequestApplySnapshotChunk *request = call->request->apply_snapshot_chunk;
	Abci__ResponseApplySnapshotChunk answer = ABCI__RESPONSE_APPLY_SNAPSHOT_CHUNK__INIT;
	struct sb_handover *restore = call->abci->restore;
	uint32_t index = request->index;
	struct sb_error error = { "" };

	switch (sb_handover_chunk(restore, index, request->chunk.data, request->chunk.len, request->sender, &error)) {
	case SB_HANDOVER_DONE:
		sb_info("the state was taken over from a snapshot");
		/* fall through */
	case SB_HANDOVER_MORE:
		answer.result = ABCI__APPLY_RESULT__APPLY_ACCEPT;
		break;
	case SB_HANDOVER_AGAIN:
		warn_of(request->sender, "a chunk of its snapshot is not what it should be: refused");
		answer.result = ABCI__APPLY_RESULT__APPLY_RETRY;
		answer.refetch_chunks = &index;
		answer.n_refetch_chunks = 1;
		answer.reject_senders = &call->request->apply_snapshot_chunk->sender;
		answer.n_reject_senders = request->sender[0] != '\0';
		break;
	case SB_HANDOVER_LIE:
		return refuse_all(call, &answer);
	default:
		sb_warn("the snapshot cannot be taken over: %s", error.text);
		answer.result = ABCI__APPLY_RESULT__APPLY_ABORT;
		sb_handover_end(restore);
	}
	return sb_abci_reply(call, ABCI__RESPONSE__VALUE_APPLY_SNAPSHOT_CHUNK, &answer);
}

int sb_abci_apply_snapshot_chunk(struct sb_abci_call *call)
{
	Abci__ResponseApplySnapshotChunk answer = ABCI__RESPONSE_APPLY_SNAPSHOT_CHUNK__INIT;
	bool may;
	int rc;

	pthread_mutex_lock(&call->abci->block);
	rc = may_restore(call, &may);
	pthread_rwlock_wrlock(&call->abci->names);
	answer.result = ABCI__APPLY_RESULT__APPLY_ABORT;
	if (!rc)
		rc = may ? apply(call) : sb_abci_reply(call, ABCI__RESPONSE__VALUE_APPLY_SNAPSHOT_CHUNK, &answer);
	pthread_rwlock_unlock(&call->abci->names);
	pthread_mutex_unlock(&call->abci->block);
	return rc;
}
