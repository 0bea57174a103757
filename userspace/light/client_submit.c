// SPDX-License-Identifier: Apache-2.0
/* A transaction's way into a block, and the proof that it is there. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/sha256.h"
#include "light/client_internal.h"

#define LOOK_LEAST_MS	100
#define LOOK_MOST_MS	2000
#define PATIENCE	5	/* looks until other endpoints get it as well */
#define OTHERS		8	/* so many of them: what they have, all nodes have */

struct errand {
	const void *tx;
	size_t length;
	bool handed_in;			/* an endpoint has taken it */
	bool refused;			/* one has refused it */
	bool given[SB_ENDPOINTS_MAX];	/* who has had it */
	struct sb_light_submitted made;
	struct sb_error said;		/* what an endpoint said last when asked for it, beside that it knows of none */
};

/*
 * To the first endpoint that takes it, or to @more: one may swallow it. A refusal counts when no other one
 * takes it.
 */
static void hand_in(struct sb_light_client *client, struct errand *errand, size_t more)
{
	size_t order[SB_ENDPOINTS_MAX];

	sb_client_order(client, order);
	for (size_t i = 0; i < client->peers && (more || !errand->handed_in); i++) {
		struct sb_peer *peer = &client->peer[order[i]];
		struct sb_error error = { "" };
		struct sb_answer_code code;
		enum sb_fault fault;

		if (errand->given[order[i]])
			continue;
		errand->given[order[i]] = true;
		more -= more > 0;
		fault = sb_remote_broadcast_sync(peer->remote, errand->tx, errand->length, &code, &error);
		if (fault == SB_FAULT_NONE && code.code) {
			sb_peer_good(peer);
			errand->made.code = code;
			errand->refused = true;
		} else if (fault == SB_FAULT_NONE || fault == SB_FAULT_KNOWN) {
			errand->handed_in = true;
		} else {
			sb_peer_bad(peer, fault, &error);
		}
	}
}

/* The block's data hash is over SHA-256 of its transactions. */
static bool is_in(const struct errand *errand, const struct sb_answer_tx *tx, const struct sb_header *header)
{
	uint8_t leaf[SB_MERKLE_LEN], root[SB_MERKLE_LEN];

	sb_merkle_leaf(errand->made.hash, sizeof(errand->made.hash), leaf);
	return memcmp(leaf, tx->proof.leaf, sizeof(leaf)) == 0 && tx->proof.index == tx->index &&
	       sb_merkle_climb(&tx->proof, root) && header->data.there &&
	       memcmp(root, header->data.bytes, sizeof(root)) == 0;
}

static enum sb_end lies(struct sb_peer *peer, const char *what)
{
	struct sb_error error;

	sb_fail(&error, 0, "wrong-inclusion: %s", what);
	return sb_peer_bad(peer, SB_FAULT_INCLUSION, &error);
}

/*
 * The next header has the hash of all results of this block. Without them (not each endpoint keeps them)
 * the code is the endpoint's word.
 */
static enum sb_end check_code(struct sb_light_client *client, struct sb_peer *peer, const struct sb_answer_tx *tx,
			      struct errand *errand)
{
	struct sb_answer_results results;
	struct sb_header next;
	struct sb_error error;
	enum sb_fault fault;
	enum sb_end end = sb_client_header_at(client, peer, tx->height + 1, &next);

	if (end != SB_END_OK)
		return end;
	fault = sb_remote_results(peer->remote, tx->height, tx->index, &results, &error);
	if (fault == SB_FAULT_NONE) {
		if (results.height != tx->height || !next.last_results.there ||
		    memcmp(results.root, next.last_results.bytes, sizeof(results.root)) != 0)
			return lies(peer, "the results of the block are not those that the next header names");
		if (results.code.code != tx->code.code)
			return lies(peer, "the transaction ended with another code");
		errand->made.proven = true;
	}
	errand->made.code = tx->code;
	return SB_END_OK;
}

static enum sb_end judge(struct sb_light_client *client, struct sb_peer *peer, const struct sb_answer_tx *tx,
			 struct errand *errand)
{
	struct sb_header header;
	uint8_t hash[32];
	enum sb_end end;

	sb_digest_of(tx->tx, tx->tx_length, hash);
	if (memcmp(hash, errand->made.hash, sizeof(hash)) != 0)
		return lies(peer, "it gave another transaction");
	end = sb_client_header_at(client, peer, tx->height, &header);
	if (end != SB_END_OK)
		return end;
	if (!is_in(errand, tx, &header))
		return lies(peer, "its proof does not lead to the block's data hash");
	end = check_code(client, peer, tx, errand);
	if (end != SB_END_OK)
		return end;
	errand->made.height = tx->height;
	errand->made.time = header.time;
	return SB_END_OK;
}

static void note(struct errand *errand, const struct sb_peer *peer, const char *text)
{
	sb_fail(&errand->said, 0, ". %s: %s", peer->url, text);
}

static enum sb_end look(struct sb_light_client *client, struct sb_peer *peer, struct errand *errand)
{
	sb_cleanup(sb_answer_tx_free) struct sb_answer_tx tx = { .height = 0 };
	struct sb_error error = { "" };
	enum sb_fault fault = sb_remote_tx(peer->remote, errand->made.hash, &tx, &error);

	/* A real node says so by an internal error in general words. */
	if (fault == SB_FAULT_RPC)
		note(errand, peer, error.text);
	if (fault == SB_FAULT_NOT_FOUND || fault == SB_FAULT_RPC)
		return SB_END_NOT_YET;
	if (fault != SB_FAULT_NONE)
		return sb_peer_bad(peer, fault, &error);
	sb_peer_good(peer);
	return judge(client, peer, &tx, errand);
}

/* The first that answers; with the patience at its end all of them, and they get it, too. */
static int wait_for(struct sb_light_client *client, struct errand *errand, struct sb_error *error)
{
	unsigned int wait = LOOK_LEAST_MS, looks = 0;

	do {
		size_t order[SB_ENDPOINTS_MAX];

		if (looks++ == PATIENCE)
			hand_in(client, errand, OTHERS);
		sb_client_order(client, order);
		for (size_t i = 0; i < client->peers; i++) {
			struct sb_peer *peer = &client->peer[order[i]];
			enum sb_end end = look(client, peer, errand);

			if (end == SB_END_FAULT)
				note(errand, peer, peer->text);
			if (end == SB_END_OK)
				return 0;
			if (end == SB_END_FORK)
				return sb_client_forked(client, error);
			if (end == SB_END_EXPIRED)
				return sb_client_expired(client, error);
			if (end == SB_END_NOT_YET && looks <= PATIENCE)
				break;
		}
		if (wait < LOOK_MOST_MS)
			wait += wait / 2;
	} while (sb_client_wait(client, wait));
	return sb_fail(error, -ETIMEDOUT, "the transaction was handed in, and is in no block yet; it still may come%s",
		       errand->said.text);
}

static int submit(struct sb_light_client *client, struct errand *errand, struct sb_error *error)
{
	struct sb_light_synced synced;
	int result;

	/* What is proven later is proven from here; and forks are seen before anything is said. */
	result = sb_client_sync(client, &synced, error);
	if (result < 0)
		return result;
	sb_digest_of(errand->tx, errand->length, errand->made.hash);
	hand_in(client, errand, 0);
	if (!errand->handed_in)
		return errand->refused ? 0 : sb_client_unreachable(client, error);
	return wait_for(client, errand, error);
}

int sb_light_client_submit(struct sb_light_client *client, const void *tx, size_t length, uint32_t deadline_ms,
			   struct sb_light_submitted *submitted, struct sb_error *error)
{
	struct errand errand = { .tx = tx, .length = length };
	int result;

	sb_client_begin(client, deadline_ms);
	result = sb_client_end(client, submit(client, &errand, error));
	if (result == 0)
		*submitted = errand.made;
	return result;
}
