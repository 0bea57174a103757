// SPDX-License-Identifier: Apache-2.0
/* Records, proven under the latest header; and answers that prove themselves. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/client_internal.h"

#define ROUNDS		2
#define NEXT_HEADER_MS	200	/* between two looks for the next header */

struct question {
	const void *key;
	size_t length;
	int64_t height;		/* of the state behind the latest proven header; an answer is of no older one */
};

/* The header behind the answer's state; it may be about to be made. */
static enum sb_end header_behind(struct sb_light_client *client, struct sb_peer *peer, int64_t height,
				 struct sb_header *header)
{
	enum sb_end end;

	if (height < 1)
		return sb_peer_bad(peer, SB_FAULT_ANSWER, NULL);
	do {
		end = sb_client_header_at(client, peer, height + 1, header);
	} while (end == SB_END_NOT_YET && sb_client_wait(client, NEXT_HEADER_MS));
	return end == SB_END_NOT_YET ? sb_peer_bad(peer, SB_FAULT_TOO_HIGH, NULL) : end;
}

static enum sb_end judge(struct sb_light_client *client, struct sb_peer *peer, const struct question *question,
			 struct sb_query_answer *answer, struct sb_light_record *record)
{
	struct sb_error error = { "" };
	struct sb_header header;
	bool present;
	enum sb_end end = header_behind(client, peer, answer->height, &header);
	int result;

	if (end != SB_END_OK)
		return end;
	result = sb_query_verify(&header.app, question->key, question->length, answer, &present, &error);
	/* One that gives no proof at all says nothing; one that gives a wrong one lies. */
	if (result < 0)
		return sb_peer_bad(peer, answer->ops ? SB_FAULT_PROOF : SB_FAULT_ANSWER, &error);
	*record = (struct sb_light_record){ .present = present, .height = answer->height, .time = header.time };
	if (present) {
		record->length = answer->value_length;
		record->value = sb_take_ptr(answer->value);
	}
	return SB_END_OK;
}

/*
 * Its chain has gone on since the header, and the state behind that is kept no more: no fault of the endpoint's. (One that
 * answers from a newer state than it was asked for is believed by the header behind that one.)
 */
static bool is_gone(enum sb_fault fault, const struct sb_query_answer *answer, int64_t height)
{
	return height && (fault == SB_FAULT_NOT_AVAILABLE ||
			  (fault == SB_FAULT_NONE && answer->code && answer->height != height));
}

/* @height: of the state that is asked for, 0: the endpoint says of which. SB_END_NOT_YET: the state is gone. */
static enum sb_end ask_state(struct sb_light_client *client, struct sb_peer *peer, const struct question *question,
			     int64_t height, struct sb_light_record *record)
{
	sb_cleanup(sb_query_answer_free) struct sb_query_answer answer = { .code = 0 };
	struct sb_error error = { "" };
	enum sb_fault fault;

	fault = sb_remote_query(peer->remote, SB_QUERY_PATH, question->key, question->length, height, true, &answer,
				&error);
	if (is_gone(fault, &answer, height)) {
		sb_peer_good(peer);
		return SB_END_NOT_YET;
	}
	if (fault == SB_FAULT_NONE && answer.code) {
		sb_fail(&error, 0, "rpc-error: code %" PRIu32 ": %s", answer.code, answer.log);
		fault = SB_FAULT_RPC;
	} else if (fault == SB_FAULT_NONE && answer.height < question->height) {
		sb_fail(&error, 0, "stale: asked for the state of height %" PRId64 ", it gave %" PRId64,
			question->height, answer.height);
		fault = SB_FAULT_STALE;
	}
	if (fault != SB_FAULT_NONE)
		return sb_peer_bad(peer, fault, &error);
	sb_peer_good(peer);
	return judge(client, peer, question, &answer, record);
}

static enum sb_end ask(struct sb_light_client *client, struct sb_peer *peer, struct question *question,
		       struct sb_light_record *record)
{
	enum sb_end end = SB_END_NOT_YET;

	question->height = sb_light_client_header(client)->height - 1;
	/* Before block 2 no state is proven. */
	if (question->height)
		end = ask_state(client, peer, question, question->height, record);
	return end == SB_END_NOT_YET ? ask_state(client, peer, question, 0, record) : end;
}

/* Nothing is trusted, or what is has expired. */
static bool must_sync(const struct sb_light_client *client)
{
	const struct sb_header *header = sb_light_client_header(client);
	struct sb_light_now now = sb_client_now(client);

	return !header || sb_light_expired(header, &client->config.rules, &now);
}

static int query(struct sb_light_client *client, struct question *question, struct sb_light_record *record,
		 struct sb_error *error)
{
	struct sb_light_synced synced;
	size_t order[SB_ENDPOINTS_MAX];
	bool expired = true;
	int result;

	for (unsigned int round = 0; round < ROUNDS && expired; round++) {
		if (round || must_sync(client)) {
			result = sb_client_sync(client, &synced, error);
			if (result < 0)
				return result;
		}
		expired = false;
		sb_client_order(client, order);
		for (size_t i = 0; i < client->peers; i++) {
			enum sb_end end = ask(client, &client->peer[order[i]], question, record);

			if (end == SB_END_OK)
				return 0;
			if (end == SB_END_FORK)
				return sb_client_forked(client, error);
			expired |= end == SB_END_EXPIRED;
		}
	}
	return sb_client_unreachable(client, error);
}

int sb_light_client_query(struct sb_light_client *client, const void *key, size_t key_length,
			  uint32_t deadline_ms, struct sb_light_record *record, struct sb_error *error)
{
	struct question question = { .key = key, .length = key_length };

	sb_client_begin(client, deadline_ms);
	if (client->forked)
		return sb_client_forked(client, error);
	return sb_client_end(client, query(client, &question, record, error));
}

int sb_light_client_ask(struct sb_light_client *client, int endpoint, const char *path, const void *data,
			size_t length, uint32_t deadline_ms, struct sb_query_answer *answer,
			struct sb_error *error)
{
	size_t order[SB_ENDPOINTS_MAX];

	if (endpoint >= (int)client->peers)
		return sb_fail(error, -EINVAL, "no endpoint has the number %d", endpoint);
	if (client->forked)
		return sb_client_forked(client, error);
	sb_client_begin(client, deadline_ms);
	sb_client_order(client, order);
	for (size_t i = 0; i < client->peers; i++) {
		struct sb_peer *peer = &client->peer[endpoint < 0 ? order[i] : (size_t)endpoint];
		struct sb_error why = { "" };
		enum sb_fault fault = sb_remote_query(peer->remote, path, data, length, 0, false, answer, &why);

		if (fault == SB_FAULT_NONE) {
			sb_peer_good(peer);
			return 0;
		}
		sb_peer_bad(peer, fault, &why);
		if (endpoint >= 0)
			return sb_fail(error, -EHOSTUNREACH, "ledger-unreachable: %s", peer->text);
	}
	return sb_client_unreachable(client, error);
}
