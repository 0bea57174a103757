// SPDX-License-Identifier: Apache-2.0
/* The methods that read blocks. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ledger/rpc_call.h"

#define METAS_MAX	20	/* of one blockchain answer (rpc/core/blocks.go) */

int sb_rpc_commit(struct sb_rpc_call *call)
{
	struct sb_stored stored;
	struct sb_chain_tip tip;
	int64_t height;

	if (!sb_rpc_height(call, 0, &height, &tip) || !sb_rpc_load(call, height, &stored))
		return SB_RPC_FAILED;
	sb_json_open(call->json, "signed_header", '{');
	sb_put_header(call->json, "header", &stored.block.header);
	sb_put_commit(call->json, "commit", &stored.commit);
	sb_json_close(call->json, '}');
	/* as a node says it: the commit that stands in the next block is the one that counts */
	sb_json_bool(call->json, "canonical", height < tip.height);
	sb_stored_free(&stored);
	return SB_RPC_OK;
}

static int put_header(struct sb_rpc_call *call, int64_t height)
{
	struct sb_stored stored;

	if (!sb_rpc_load(call, height, &stored))
		return SB_RPC_FAILED;
	sb_put_header(call->json, "header", &stored.block.header);
	sb_stored_free(&stored);
	return SB_RPC_OK;
}

static int put_block(struct sb_rpc_call *call, int64_t height)
{
	struct sb_stored stored;

	if (!sb_rpc_load(call, height, &stored))
		return SB_RPC_FAILED;
	sb_put_block_id(call->json, "block_id", &stored.commit.block);
	sb_put_block(call->json, "block", &stored.block);
	sb_stored_free(&stored);
	return SB_RPC_OK;
}

int sb_rpc_header(struct sb_rpc_call *call)
{
	struct sb_chain_tip tip;
	int64_t height;

	return sb_rpc_height(call, 0, &height, &tip) ? put_header(call, height) : SB_RPC_FAILED;
}

int sb_rpc_block(struct sb_rpc_call *call)
{
	struct sb_chain_tip tip;
	int64_t height;

	return sb_rpc_height(call, 0, &height, &tip) ? put_block(call, height) : SB_RPC_FAILED;
}

/* 0 for a block that is not there, or not yet for everybody. */
static bool height_of(struct sb_rpc_call *call, bool hex, int64_t *height)
{
	sb_cleanup_free uint8_t *hash = NULL;
	struct sb_chain_tip tip;
	size_t length;

	if (!sb_rpc_bytes(call, "hash", hex, &hash, &length))
		return false;
	sb_chain_tip(call->rpc->chain, &tip);
	if (length != SB_CHAIN_HASH_LEN || sb_blocks_find(sb_chain_blocks(call->rpc->chain), hash, height) ||
	    *height > tip.height)
		*height = 0;
	return true;
}

int sb_rpc_header_by_hash(struct sb_rpc_call *call)
{
	int64_t height;

	if (!height_of(call, true, &height))
		return SB_RPC_FAILED;
	if (height)
		return put_header(call, height);
	sb_json_string(call->json, "header", NULL);
	return SB_RPC_OK;
}

int sb_rpc_block_by_hash(struct sb_rpc_call *call)
{
	static const struct sb_block_id none;
	int64_t height;

	if (!height_of(call, false, &height))
		return SB_RPC_FAILED;
	if (height)
		return put_block(call, height);
	sb_put_block_id(call->json, "block_id", &none);
	sb_json_string(call->json, "block", NULL);
	return SB_RPC_OK;
}

int sb_rpc_block_results(struct sb_rpc_call *call)
{
	struct sb_blocks *blocks = sb_chain_blocks(call->rpc->chain);
	sb_cleanup_free uint8_t *bytes = NULL, *app_hash = NULL;
	sb_cleanup_free struct sb_tx_result *results = NULL;
	size_t length, hash_length, count;
	struct sb_chain_tip tip;
	int64_t height;
	int rc;

	if (!sb_rpc_height(call, 0, &height, &tip))
		return SB_RPC_FAILED;
	rc = sb_blocks_get(blocks, SB_BLOCKS_RESULTS, height, &bytes, &length);
	if (!rc)
		rc = sb_blocks_get(blocks, SB_BLOCKS_APP_HASH, height, &app_hash, &hash_length);
	if (!rc)
		rc = sb_results_decode(bytes, length, &results, &count);
	if (rc)
		return sb_rpc_fail(call, SB_RPC_INTERNAL, rc == -ENOENT ? "could not find results for height #%" PRId64 :
				   "results of height %" PRId64 " cannot be read", height);
	sb_put_int64(call->json, "height", height);
	if (count) {
		sb_json_open(call->json, "txs_results", '[');
		for (size_t i = 0; i < count; i++)
			sb_put_result(call->json, NULL, &results[i]);
		sb_json_close(call->json, ']');
	} else {
		sb_json_string(call->json, "txs_results", NULL);
	}
	sb_json_string(call->json, "finalize_block_events", NULL);
	sb_json_string(call->json, "validator_updates", NULL);
	sb_json_string(call->json, "consensus_param_updates", NULL);
	sb_put_base64(call->json, "app_hash", app_hash, hash_length);
	return SB_RPC_OK;
}

/* rpc/core/blocks.go, filterMinMax: the last twenty of those asked for. */
static bool range_of(struct sb_rpc_call *call, int64_t tip, int64_t *least, int64_t *most)
{
	int64_t base = sb_chain_base(call->rpc->chain);
	bool there;

	*least = *most = 0;
	if (!sb_rpc_int64(call, "minHeight", least, &there) || !sb_rpc_int64(call, "maxHeight", most, &there))
		return false;
	if (*least < 0 || *most < 0) {
		sb_rpc_fail(call, SB_RPC_INTERNAL, "heights must be non-negative");
		return false;
	}
	if (*least < base)
		*least = base;
	if (!*most || *most > tip)
		*most = tip;
	if (*least < *most - METAS_MAX + 1)
		*least = *most - METAS_MAX + 1;
	if (*least > *most) {
		sb_rpc_fail(call, SB_RPC_INTERNAL, "min height %" PRId64 " can't be greater than max height %" PRId64,
			    *least, *most);
		return false;
	}
	return true;
}

int sb_rpc_blockchain(struct sb_rpc_call *call)
{
	int64_t least, most;
	struct sb_chain_tip tip;

	sb_chain_tip(call->rpc->chain, &tip);
	if (!range_of(call, tip.height, &least, &most))
		return SB_RPC_FAILED;
	sb_put_int64(call->json, "last_height", tip.height);
	sb_json_open(call->json, "block_metas", '[');
	for (int64_t height = most; height >= least; height--) {
		struct sb_stored stored;

		if (sb_chain_is_gap(call->rpc->chain, height))
			continue;
		if (sb_rpc_read(call, height, &stored)) {
			/* the older ones may have been removed since */
			if (height < most && height < sb_chain_base(call->rpc->chain))
				break;
			if (!sb_rpc_load(call, height, &stored))
				return SB_RPC_FAILED;
		}
		sb_json_open(call->json, NULL, '{');
		sb_put_block_id(call->json, "block_id", &stored.commit.block);
		sb_put_int64(call->json, "block_size", (int64_t)stored.length);
		sb_put_header(call->json, "header", &stored.block.header);
		sb_put_int64(call->json, "num_txs", (int64_t)stored.block.count);
		sb_json_close(call->json, '}');
		sb_stored_free(&stored);
	}
	sb_json_close(call->json, ']');
	return SB_RPC_OK;
}
