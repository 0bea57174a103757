// SPDX-License-Identifier: Apache-2.0
/* The methods that take and find transactions. */
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/sha256.h"
#include "ledger/rpc_call.h"

#define LISTED_DEFAULT	30	/* of unconfirmed_txs (rpc/core/env.go) */
#define LISTED_MAX	100

static int refused(struct sb_rpc_call *call, int rc, size_t length)
{
	size_t count, bytes;

	switch (rc) {
	case -EEXIST:
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "tx already exists in cache");
	case -EINVAL:
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "tx is empty");
	case -EFBIG:
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "Tx too large. Max size is %d, but got %zu", SB_TX_MAX, length);
	case -ENOSPC:
		sb_mempool_size(sb_chain_pool(call->rpc->chain), &count, &bytes);
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "mempool is full: number of txs %zu, total txs bytes %zu: send "
				   "it again later", count, bytes);
	default:
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "the transaction cannot be checked: %s", strerror(-rc));
	}
}

static int broadcast(struct sb_rpc_call *call, bool told)
{
	sb_cleanup_free uint8_t *tx = NULL;
	struct sb_tx_result check = { 0 };
	uint8_t id[SB_SHA256_LEN];
	size_t length;
	int rc;

	if (!sb_rpc_bytes(call, "tx", false, &tx, &length))
		return SB_RPC_FAILED;
	rc = sb_chain_submit(call->rpc->chain, tx, length, id, &check);
	if (rc)
		return refused(call, rc, length);
	sb_json_number(call->json, "code", told ? check.code : 0);
	sb_put_base64(call->json, "data", check.data, told ? check.data_length : 0);
	sb_json_string(call->json, "log", told ? check.log : "");
	sb_json_string(call->json, "codespace", "");
	sb_put_hex(call->json, "hash", id, sizeof(id));
	return SB_RPC_OK;
}

int sb_rpc_broadcast_sync(struct sb_rpc_call *call)
{
	return broadcast(call, true);
}

/* The check is quick; async keeps its verdict for itself, as a node does. */
int sb_rpc_broadcast_async(struct sb_rpc_call *call)
{
	return broadcast(call, false);
}

static int put_committed(struct sb_rpc_call *call, const struct sb_tx_result *check, const struct sb_tx_result *result,
			 const uint8_t id[32], int64_t height)
{
	sb_put_result(call->json, "check_tx", check);
	sb_put_result(call->json, "tx_result", result);
	sb_put_hex(call->json, "hash", id, SB_SHA256_LEN);
	sb_put_int64(call->json, "height", height);
	return SB_RPC_OK;
}

static int wait_is_over(struct sb_rpc_call *call)
{
	static const struct sb_tx_result taken;
	struct sb_tx_wait *wait = call->wait;

	sb_waits_remove(call->rpc->waits, wait);
	if (wait->state != SB_WAIT_DONE)
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "timed out waiting for tx to be included in a block");
	return put_committed(call, &taken, &wait->result, wait->id, wait->height);
}

int sb_rpc_broadcast_commit(struct sb_rpc_call *call)
{
	static const struct sb_tx_result none;
	sb_cleanup_free uint8_t *tx = NULL;
	struct sb_tx_result check = { 0 };
	uint8_t id[SB_SHA256_LEN];
	size_t length;
	int rc;

	if (call->resumed)
		return wait_is_over(call);
	if (!sb_rpc_bytes(call, "tx", false, &tx, &length))
		return SB_RPC_FAILED;
	sb_digest_of(tx, length, call->wait->id);
	sb_waits_add(call->rpc->waits, call->wait, call->rpc->commit_ms);
	rc = sb_chain_submit(call->rpc->chain, tx, length, id, &check);
	if (rc || check.code) {
		sb_waits_remove(call->rpc->waits, call->wait);
		return rc ? refused(call, rc, length) : put_committed(call, &check, &none, id, 0);
	}
	return sb_waits_park(call->rpc->waits, call->wait) ? SB_RPC_PARKED : wait_is_over(call);
}

int sb_rpc_check_tx(struct sb_rpc_call *call)
{
	const struct sb_app *app = sb_chain_app(call->rpc->chain);
	sb_cleanup_free uint8_t *tx = NULL;
	struct sb_tx_result check = { 0 };
	size_t length;
	int rc;

	if (!sb_rpc_bytes(call, "tx", false, &tx, &length))
		return SB_RPC_FAILED;
	if (!length || length > SB_TX_MAX)
		return refused(call, length ? -EFBIG : -EINVAL, length);
	rc = app->check(app->context, tx, length, &check);
	if (rc)
		return refused(call, rc, length);
	/* the fields of a result, without its own braces */
	sb_json_number(call->json, "code", check.code);
	sb_json_string(call->json, "data", NULL);
	sb_json_string(call->json, "log", check.log);
	sb_json_string(call->json, "info", "");
	sb_put_int64(call->json, "gas_wanted", 0);
	sb_put_int64(call->json, "gas_used", 0);
	sb_json_open(call->json, "events", '[');
	sb_json_close(call->json, ']');
	sb_json_string(call->json, "codespace", "");
	return SB_RPC_OK;
}

static void put_proof(struct sb_json *json, const struct sb_block *block, size_t index)
{
	uint8_t leaf[32], aunts[SB_TX_AUNTS][32];
	unsigned int count = sb_tx_path(block->txs, block->count, index, leaf, aunts);

	sb_json_open(json, "proof", '{');
	sb_put_hex(json, "root_hash", block->header.data.bytes, sizeof(block->header.data.bytes));
	sb_put_base64(json, "data", block->txs[index].data, block->txs[index].length);
	sb_json_open(json, "proof", '{');
	sb_put_int64(json, "total", (int64_t)block->count);
	sb_put_int64(json, "index", (int64_t)index);
	sb_put_base64(json, "leaf_hash", leaf, sizeof(leaf));
	sb_json_open(json, "aunts", '[');
	for (unsigned int i = 0; i < count; i++)
		sb_put_base64(json, NULL, aunts[i], sizeof(aunts[i]));
	sb_json_close(json, ']');
	sb_json_close(json, '}');
	sb_json_close(json, '}');
}

/* The fields of a transaction in a block. */
static bool put_tx(struct sb_rpc_call *call, const uint8_t id[32], const struct sb_tx_place *place, bool prove)
{
	sb_cleanup_free struct sb_tx_result *results = NULL;
	sb_cleanup_free uint8_t *bytes = NULL;
	struct sb_stored stored;
	size_t length, count;
	bool good;

	if (!sb_rpc_load(call, place->height, &stored))
		return false;
	good = !sb_blocks_get(sb_chain_blocks(call->rpc->chain), SB_BLOCKS_RESULTS, place->height, &bytes, &length) &&
	       !sb_results_decode(bytes, length, &results, &count) && place->index < count &&
	       place->index < stored.block.count;
	if (good) {
		sb_put_hex(call->json, "hash", id, SB_SHA256_LEN);
		sb_put_int64(call->json, "height", place->height);
		sb_json_number(call->json, "index", place->index);
		sb_put_result(call->json, "tx_result", &results[place->index]);
		sb_put_base64(call->json, "tx", stored.block.txs[place->index].data,
			      stored.block.txs[place->index].length);
		if (prove)
			put_proof(call->json, &stored.block, place->index);
	} else {
		sb_rpc_fail(call, SB_RPC_INTERNAL, "results of height %" PRId64 " cannot be read", place->height);
	}
	sb_stored_free(&stored);
	return good;
}

/* Out: false for one that is not there, or not yet for everybody. */
static bool find_tx(struct sb_rpc_call *call, const uint8_t id[32], struct sb_tx_place *place)
{
	struct sb_chain_tip tip;

	sb_chain_tip(call->rpc->chain, &tip);
	return !sb_blocks_find_tx(sb_chain_blocks(call->rpc->chain), id, place) && place->height <= tip.height;
}

int sb_rpc_tx(struct sb_rpc_call *call)
{
	sb_cleanup_free uint8_t *id = NULL;
	struct sb_tx_place place;
	size_t length;
	bool prove;

	if (!sb_rpc_bytes(call, "hash", false, &id, &length) || !sb_rpc_bool(call, "prove", &prove))
		return SB_RPC_FAILED;
	if (length != SB_SHA256_LEN)
		return sb_rpc_fail(call, SB_RPC_PARAMS, "hash must have %d bytes, but has %zu", SB_SHA256_LEN, length);
	if (!find_tx(call, id, &place)) {
		char text[2 * SB_SHA256_LEN + 1];

		for (size_t i = 0; i < length; i++)
			snprintf(text + 2 * i, 3, "%02X", id[i]);
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "tx (%s) not found", text);
	}
	return put_tx(call, id, &place, prove) ? SB_RPC_OK : SB_RPC_FAILED;
}

/* tx.hash='HEX', the one query that this index answers. */
static bool hash_of(const char *query, uint8_t id[32])
{
	static const char name[] = "tx.hash";
	const char *at = query + strspn(query, " "), *end;
	size_t length;

	if (strncmp(at, name, strlen(name)) != 0)
		return false;
	at += strlen(name);
	at += strspn(at, " ");
	if (*at++ != '=')
		return false;
	at += strspn(at, " ");
	if (*at++ != '\'' || sodium_hex2bin(id, SB_SHA256_LEN, at, strcspn(at, "'"), NULL, &length, &end) ||
	    length != SB_SHA256_LEN || *end != '\'')
		return false;
	return end[1 + strspn(end + 1, " ")] == '\0';
}

int sb_rpc_tx_search(struct sb_rpc_call *call)
{
	uint8_t id[SB_SHA256_LEN];
	struct sb_tx_place place;
	char query[256];
	bool prove, there;

	if (!sb_rpc_text(call, "query", query, sizeof(query)) || !sb_rpc_bool(call, "prove", &prove))
		return SB_RPC_FAILED;
	if (!hash_of(query, id))
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "this chain finds transactions by their hash only: "
				   "tx.hash='64 hex digits'");
	there = find_tx(call, id, &place);
	sb_json_open(call->json, "txs", '[');
	if (there) {
		sb_json_open(call->json, NULL, '{');
		if (!put_tx(call, id, &place, prove))
			return SB_RPC_FAILED;
		sb_json_close(call->json, '}');
	}
	sb_json_close(call->json, ']');
	sb_put_int64(call->json, "total_count", there);
	return SB_RPC_OK;
}

struct listing {
	struct sb_json *json;
	int64_t count;
};

static void list_tx(void *context, const struct sb_pool_tx *tx)
{
	struct listing *listing = context;

	sb_put_base64(listing->json, NULL, tx->data, tx->length);
}

static void count_tx(void *context, const struct sb_pool_tx *tx)
{
	(void)tx;
	((struct listing *)context)->count++;
}

int sb_rpc_unconfirmed(struct sb_rpc_call *call)
{
	struct sb_mempool *pool = sb_chain_pool(call->rpc->chain);
	struct listing listing = { call->json, 0 };
	int64_t limit = LISTED_DEFAULT;
	size_t count, bytes;
	bool there;

	if (!sb_rpc_int64(call, "limit", &limit, &there))
		return SB_RPC_FAILED;
	if (limit < 1)
		limit = LISTED_DEFAULT;
	if (limit > LISTED_MAX)
		limit = LISTED_MAX;
	sb_mempool_size(pool, &count, &bytes);
	sb_mempool_each(pool, (size_t)limit, count_tx, &listing);
	sb_put_int64(call->json, "n_txs", listing.count);
	sb_put_int64(call->json, "total", (int64_t)count);
	sb_put_int64(call->json, "total_bytes", (int64_t)bytes);
	sb_json_open(call->json, "txs", '[');
	sb_mempool_each(pool, (size_t)listing.count, list_tx, &listing);
	sb_json_close(call->json, ']');
	return SB_RPC_OK;
}

int sb_rpc_num_unconfirmed(struct sb_rpc_call *call)
{
	size_t count, bytes;

	sb_mempool_size(sb_chain_pool(call->rpc->chain), &count, &bytes);
	sb_put_int64(call->json, "n_txs", (int64_t)count);
	sb_put_int64(call->json, "total", (int64_t)count);
	sb_put_int64(call->json, "total_bytes", (int64_t)bytes);
	sb_json_string(call->json, "txs", NULL);
	return SB_RPC_OK;
}
