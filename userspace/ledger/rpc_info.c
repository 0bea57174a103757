// SPDX-License-Identifier: Apache-2.0
/* The methods that tell of the chain and its application. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ledger/rpc_call.h"

#define SOFTWARE	"sealbond-ledgerd/0.38"	/* it speaks v0.38's protocols */
#define PROOF_WAIT_MS	2000	/* for the block behind the state that is asked for */

int sb_rpc_health(struct sb_rpc_call *call)
{
	(void)call;
	return SB_RPC_OK;
}

/* Some clients refuse a node without an address or channels. */
static void put_node(struct sb_rpc_call *call, const struct sb_header *header)
{
	char id[2 * SB_CHAIN_ADDRESS_LEN + 1], address[PATH_MAX];

	/* there are no peers to know this node by another key */
	for (size_t i = 0; i < SB_CHAIN_ADDRESS_LEN; i++)
		snprintf(id + 2 * i, 3, "%02x", header->proposer[i]);
	sb_json_open(call->json, "node_info", '{');
	sb_json_open(call->json, "protocol_version", '{');
	sb_put_int64(call->json, "p2p", 8);
	sb_put_int64(call->json, "block", (int64_t)header->block_version);
	sb_put_int64(call->json, "app", (int64_t)header->app_version);
	sb_json_close(call->json, '}');
	sb_json_string(call->json, "id", id);
	snprintf(address, sizeof(address), "%s://%s", call->rpc->listen[0] == '/' ? "unix" : "tcp", call->rpc->listen);
	sb_json_string(call->json, "listen_addr", address);
	sb_json_string(call->json, "network", header->chain);
	sb_json_string(call->json, "version", SOFTWARE);
	sb_json_string(call->json, "channels", "00");
	sb_json_string(call->json, "moniker", "sealbond-ledgerd");
	sb_json_open(call->json, "other", '{');
	sb_json_string(call->json, "tx_index", "on");
	sb_json_string(call->json, "rpc_address", address);
	sb_json_close(call->json, '}');
	sb_json_close(call->json, '}');
}

int sb_rpc_status(struct sb_rpc_call *call)
{
	struct sb_validator validator;
	struct sb_chain_tip tip;
	struct sb_stored first;
	int64_t base;

	sb_chain_tip(call->rpc->chain, &tip);
	sb_chain_validator(call->rpc->chain, tip.height, &validator);
	if (!sb_rpc_load_first(call, &base, &first))
		return SB_RPC_FAILED;
	put_node(call, &tip.header);
	sb_json_open(call->json, "sync_info", '{');
	sb_put_hex(call->json, "latest_block_hash", tip.id.hash.bytes, sizeof(tip.id.hash.bytes));
	sb_put_hex(call->json, "latest_app_hash", tip.header.app.bytes, tip.header.app.length);
	sb_put_int64(call->json, "latest_block_height", tip.height);
	sb_put_time(call->json, "latest_block_time", tip.header.time);
	sb_put_hex(call->json, "earliest_block_hash", first.commit.block.hash.bytes,
		   sizeof(first.commit.block.hash.bytes));
	sb_put_hex(call->json, "earliest_app_hash", first.block.header.app.bytes, first.block.header.app.length);
	sb_put_int64(call->json, "earliest_block_height", base);
	sb_put_time(call->json, "earliest_block_time", first.block.header.time);
	sb_json_bool(call->json, "catching_up", false);
	sb_json_close(call->json, '}');
	sb_json_open(call->json, "validator_info", '{');
	sb_put_hex(call->json, "address", validator.address, sizeof(validator.address));
	sb_json_open(call->json, "pub_key", '{');
	sb_json_string(call->json, "type", "tendermint/PubKeyEd25519");
	sb_put_base64(call->json, "value", validator.key, sizeof(validator.key));
	sb_json_close(call->json, '}');
	sb_put_int64(call->json, "voting_power", validator.power);
	sb_json_close(call->json, '}');
	sb_stored_free(&first);
	return SB_RPC_OK;
}

int sb_rpc_genesis(struct sb_rpc_call *call)
{
	const struct sb_genesis *genesis = sb_chain_genesis(call->rpc->chain);

	if (strlen(genesis->text) > SB_RPC_BODY_MAX)
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "genesis response is too large, please use the genesis_chunked "
				   "API instead");
	/* its text is JSON already */
	fprintf(call->json->stream, "\"genesis\":%s", genesis->text);
	call->json->comma = true;
	return SB_RPC_OK;
}

#define CHUNK	(16U << 20)	/* rpc/core/env.go, genesisChunkSize */

int sb_rpc_genesis_chunked(struct sb_rpc_call *call)
{
	const char *text = sb_chain_genesis(call->rpc->chain)->text;
	size_t length = strlen(text), total = (length + CHUNK - 1) / CHUNK, at;
	int64_t chunk = 0;
	bool there;

	if (!sb_rpc_int64(call, "chunk", &chunk, &there))
		return SB_RPC_FAILED;
	if (chunk < 0 || (size_t)chunk >= total)
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "there are %zu chunks, %" PRId64 " is invalid", total - 1,
				   chunk);
	at = (size_t)chunk * CHUNK;
	sb_put_int64(call->json, "chunk", chunk);
	sb_put_int64(call->json, "total", (int64_t)total);
	sb_put_base64(call->json, "data", (const uint8_t *)text + at, length - at < CHUNK ? length - at : CHUNK);
	return SB_RPC_OK;
}

int sb_rpc_net_info(struct sb_rpc_call *call)
{
	sb_json_bool(call->json, "listening", true);
	sb_json_open(call->json, "listeners", '[');
	sb_json_string(call->json, NULL, call->rpc->listen);
	sb_json_close(call->json, ']');
	sb_put_int64(call->json, "n_peers", 0);
	sb_json_open(call->json, "peers", '[');
	sb_json_close(call->json, ']');
	return SB_RPC_OK;
}

int sb_rpc_consensus_params(struct sb_rpc_call *call)
{
	struct sb_chain_tip tip;
	int64_t height;

	if (!sb_rpc_height(call, 1, &height, &tip))
		return SB_RPC_FAILED;
	sb_put_int64(call->json, "block_height", height);
	sb_put_params(call->json, "consensus_params", sb_chain_genesis(call->rpc->chain));
	return SB_RPC_OK;
}

int sb_rpc_validators(struct sb_rpc_call *call)
{
	struct sb_validator validator;
	struct sb_chain_tip tip;
	int64_t height, page = 1, per_page = 30;
	bool there;

	if (!sb_rpc_height(call, 1, &height, &tip) || !sb_rpc_int64(call, "page", &page, &there) ||
	    !sb_rpc_int64(call, "per_page", &per_page, &there))
		return SB_RPC_FAILED;
	if (page != 1)
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "page should be within [1, 1] range, given %" PRId64, page);
	sb_chain_validator(call->rpc->chain, height, &validator);
	sb_put_int64(call->json, "block_height", height);
	sb_json_open(call->json, "validators", '[');
	sb_put_validator(call->json, NULL, &validator);
	sb_json_close(call->json, ']');
	sb_put_int64(call->json, "count", 1);
	sb_put_int64(call->json, "total", 1);
	return SB_RPC_OK;
}

int sb_rpc_abci_info(struct sb_rpc_call *call)
{
	const struct sb_app *app = sb_chain_app(call->rpc->chain);
	uint8_t app_hash[SB_APP_HASH_LEN];
	int64_t height;

	if (app->info(app->context, &height, app_hash))
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "the ledger's state cannot be read");
	sb_json_open(call->json, "response", '{');
	sb_json_string(call->json, "data", "sealbond");
	sb_json_string(call->json, "version", SOFTWARE);
	sb_put_int64(call->json, "app_version", (int64_t)sb_chain_genesis(call->rpc->chain)->app_version);
	sb_put_int64(call->json, "last_block_height", height);
	sb_put_base64(call->json, "last_block_app_hash", app_hash, sizeof(app_hash));
	sb_json_close(call->json, '}');
	return SB_RPC_OK;
}

static void put_answer(struct sb_rpc_call *call, const struct sb_app_answer *answer, int64_t height)
{
	sb_json_open(call->json, "response", '{');
	sb_json_number(call->json, "code", answer->code);
	sb_json_string(call->json, "log", answer->log);
	sb_json_string(call->json, "info", "");
	sb_put_int64(call->json, "index", 0);
	if (answer->key)
		sb_put_base64(call->json, "key", answer->key, answer->key_length);
	else
		sb_json_string(call->json, "key", NULL);
	if (answer->value)
		sb_put_base64(call->json, "value", answer->value, answer->value_length);
	else
		sb_json_string(call->json, "value", NULL);
	if (answer->ops) {
		sb_json_open(call->json, "proofOps", '{');
		sb_json_open(call->json, "ops", '[');
		for (unsigned int i = 0; i < answer->ops; i++) {
			sb_json_open(call->json, NULL, '{');
			sb_json_string(call->json, "type", answer->op[i].type);
			sb_put_base64(call->json, "key", answer->op[i].key, answer->op[i].key_length);
			sb_put_base64(call->json, "data", answer->op[i].data, answer->op[i].data_length);
			sb_json_close(call->json, '}');
		}
		sb_json_close(call->json, ']');
		sb_json_close(call->json, '}');
	} else {
		sb_json_string(call->json, "proofOps", NULL);
	}
	sb_put_int64(call->json, "height", height);
	sb_json_string(call->json, "codespace", "");
	sb_json_close(call->json, '}');
}

/*
 * The height whose next header, one that is there, has the app hash of the state at @height: that one's own
 * when the next block is there, the one before when the last block has changed nothing.
 */
static int64_t proven_height(struct sb_rpc_call *call, int64_t height)
{
	struct sb_chain_tip tip;

	if (!sb_chain_wait(call->rpc->chain, height, PROOF_WAIT_MS))
		return height;
	sb_chain_tip(call->rpc->chain, &tip);
	if (tip.height > height)
		return height;
	if (height > 1 && !memcmp(tip.app_hash, tip.header.app.bytes, sizeof(tip.app_hash)))
		return height - 1;
	sb_chain_wait(call->rpc->chain, height + 1, PROOF_WAIT_MS);
	return height;
}

int sb_rpc_abci_query(struct sb_rpc_call *call)
{
	const struct sb_app *app = sb_chain_app(call->rpc->chain);
	sb_cleanup(sb_app_answer_free) struct sb_app_answer answer = { 0 };
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_chain_tip tip;
	int64_t height = 0;
	bool prove, there;
	size_t length;
	char path[256];
	int rc;

	if (!sb_rpc_text(call, "path", path, sizeof(path)) || !sb_rpc_bytes(call, "data", true, &data, &length) ||
	    !sb_rpc_int64(call, "height", &height, &there) || !sb_rpc_bool(call, "prove", &prove))
		return SB_RPC_FAILED;
	sb_chain_tip(call->rpc->chain, &tip);
	if (height < 0 || height > tip.height)
		return sb_rpc_fail(call, SB_RPC_INTERNAL, height < 0 ? "height must be greater than 0, but got %" PRId64 :
				   "height %" PRId64 " must be less than or equal to the current blockchain height",
				   height);
	rc = app->query(app->context, path, data ? data : (const uint8_t *)"", length, height, prove, &answer);
	if (rc)
		return sb_rpc_fail(call, SB_RPC_INTERNAL, "the ledger's state cannot be read: %s", strerror(-rc));
	put_answer(call, &answer, answer.code || answer.height < 1 ? answer.height :
		   proven_height(call, answer.height));
	return SB_RPC_OK;
}
