// SPDX-License-Identifier: Apache-2.0
/* What the endpoints of ledger_server.c say to each method of CometBFT's JSON-RPC. */
#include "ledger_answers.h"

#include <inttypes.h>

#include "light/json_get.h"
#include "light/json_write.h"

static void put_number(json_object *object, const char *name, int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, number);
	json_object_object_add(object, name, json_object_new_string(text));
}

json_object *server_error(const char *format, int64_t first, int64_t second)
{
	json_object *error = json_object_new_object();
	char text[160];

	snprintf(text, sizeof(text), format, first, second);
	json_object_object_add(error, "code", json_object_new_int(-32603));
	json_object_object_add(error, "message", json_object_new_string("Internal error"));
	json_object_object_add(error, "data", json_object_new_string(text));
	return error;
}

static int64_t latest_of(const struct server *from)
{
	return (int64_t)from->ledger->blocks - from->behind;
}

/* The height that is asked for, or the latest; an error where it is not there. */
static bool get_height(const struct server *from, json_object *parameters, int64_t *height, json_object **error)
{
	int64_t latest = latest_of(from);

	if (!sb_json_int64(parameters, "height", height) || !*height)
		*height = latest;
	if (*height >= from->ledger->gap && *height < from->ledger->resumed) {
		*error = server_error("height %" PRId64 " is not available, lowest height is %" PRId64
				      ": the ledger was restored from a backup", *height, from->ledger->resumed);
		return false;
	}
	if (*height <= latest)
		return true;
	*error = server_error("height %" PRId64 " must be less than or equal to the current blockchain height %" PRId64,
			       *height, latest);
	return false;
}

static struct sb_light_block block_of(struct server *from, int64_t height)
{
	struct sb_light_block block;

	if (from->old_blocks && height > 1)
		height--;
	block = world_copy(&from->ledger->at[height].block);
	if (from->change && height >= from->change_from)
		from->change(&block);
	return block;
}

static json_object *commit(struct server *from, json_object *parameters, json_object **error)
{
	json_object *result;
	struct sb_light_block block;
	int64_t height;

	from->commits++;
	if (!get_height(from, parameters, &height, error))
		return NULL;
	block = block_of(from, height);
	result = json_object_new_object();
	json_object_object_add(result, "signed_header", sb_json_put_signed_header(&block));
	json_object_object_add(result, "canonical", json_object_new_boolean(1));
	sb_light_block_free(&block);
	return result;
}

static json_object *header(struct server *from, json_object *parameters, json_object **error)
{
	json_object *result;
	struct sb_light_block block;
	int64_t height;

	if (!get_height(from, parameters, &height, error))
		return NULL;
	block = block_of(from, height);
	result = json_object_new_object();
	json_object_object_add(result, "header", sb_json_put_header(&block.header));
	sb_light_block_free(&block);
	return result;
}

static json_object *validators(struct server *from, json_object *parameters, json_object **error)
{
	int64_t height, page = 1, per_page = 30;
	json_object *result, *list;
	struct sb_light_block block;

	from->validators++;
	if (!get_height(from, parameters, &height, error))
		return NULL;
	(void)sb_json_int64(parameters, "page", &page);
	(void)sb_json_int64(parameters, "per_page", &per_page);
	block = block_of(from, height);
	result = json_object_new_object();
	list = sb_json_put_validators(&block.validators, (size_t)((page - 1) * per_page), (size_t)per_page);
	put_number(result, "block_height", from->old_blocks ? height : block.header.height);
	put_number(result, "count", (int64_t)json_object_array_length(list));
	put_number(result, "total", (int64_t)block.validators.count);
	json_object_object_add(result, "validators", list);
	sb_light_block_free(&block);
	return result;
}

static json_object *status(struct server *from)
{
	json_object *result = json_object_new_object(), *node = json_object_new_object();
	json_object *sync = json_object_new_object();
	int64_t latest = latest_of(from);
	char time[SB_JSON_TIME_ROOM];

	json_object_object_add(node, "network", json_object_new_string(WORLD_CHAIN));
	put_number(sync, "latest_block_height", latest);
	json_object_object_add(sync, "latest_block_time", json_object_new_string(
		sb_json_put_time(time, from->ledger->at[latest].block.header.time)));
	json_object_object_add(sync, "catching_up", json_object_new_boolean(0));
	json_object_object_add(result, "node_info", node);
	json_object_object_add(result, "sync_info", sync);
	return result;
}

static json_object *exec_result(uint32_t code)
{
	json_object *result = json_object_new_object();

	json_object_object_add(result, "code", json_object_new_int64(code));
	json_object_object_add(result, "data", NULL);
	json_object_object_add(result, "log", json_object_new_string(code ? "refused" : ""));
	put_number(result, "gas_wanted", 0);
	put_number(result, "gas_used", 0);
	return result;
}

/* Into a block at once, with an empty one behind it, whose header has the new state. */
static json_object *broadcast(struct server *from, json_object *parameters, bool wait)
{
	json_object *result;
	uint8_t *tx = NULL;
	size_t length = 0;
	uint32_t code;

	assert_true(sb_json_bytes(parameters, "tx", LEDGER_TX_MAX - 1, &tx, &length));
	code = from->swallows ? 0 : ledger_take(from->ledger, tx, length);
	free(tx);
	if (!code && !from->swallows)
		ledger_grow(from->ledger, 2);
	result = exec_result(code);
	if (wait) {
		json_object *both = json_object_new_object();

		json_object_object_add(both, "check_tx", result);
		json_object_object_add(both, "tx_result", exec_result(from->ledger->at[from->ledger->blocks - 1].tx[0].code));
		put_number(both, "height", code ? 0 : (int64_t)from->ledger->blocks - 1);
		return both;
	}
	return result;
}

/* Aunts of a leaf among few, from below. */
static void aunts_of(const struct ledger_block *at, unsigned int first, unsigned int count, unsigned int leaf,
		     json_object *aunts)
{
	unsigned int left = 1;
	struct sb_merkle other;
	uint8_t root[32];

	if (count < 2)
		return;
	while (left * 2 < count)
		left *= 2;
	aunts_of(at, leaf < first + left ? first : first + left, leaf < first + left ? left : count - left, leaf, aunts);
	sb_merkle_init(&other);
	for (unsigned int i = first; i < first + count; i++)
		if ((i < first + left) != (leaf < first + left))
			sb_merkle_add(&other, at->tx[i].hash, 32);
	sb_merkle_root(&other, root);
	json_object_array_add(aunts, sb_json_put_base64(root, sizeof(root)));
}

static json_object *tx_of(struct server *from, int64_t height, unsigned int index)
{
	const struct ledger_block *at = &from->ledger->at[height];
	json_object *result = json_object_new_object(), *outer = json_object_new_object();
	json_object *proof = json_object_new_object(), *aunts = json_object_new_array();
	uint8_t leaf[32];

	put_number(result, "height", height);
	json_object_object_add(result, "index", json_object_new_int64(index));
	json_object_object_add(result, "tx_result", exec_result(at->tx[index].code + from->other_code));
	json_object_object_add(result, "tx", sb_json_put_base64(at->tx[index].data, at->tx[index].length));
	sb_merkle_leaf(at->tx[index].hash, 32, leaf);
	put_number(proof, "total", at->txs);
	put_number(proof, "index", index);
	leaf[0] ^= from->other_tx;
	json_object_object_add(proof, "leaf_hash", sb_json_put_base64(leaf, sizeof(leaf)));
	aunts_of(at, 0, at->txs, index, aunts);
	json_object_object_add(proof, "aunts", aunts);
	json_object_object_add(outer, "proof", proof);
	json_object_object_add(result, "proof", outer);
	return result;
}

static json_object *tx(struct server *from, json_object *parameters, json_object **error)
{
	uint8_t *hash = NULL;
	size_t length = 0;

	assert_true(sb_json_bytes(parameters, "hash", 32, &hash, &length) && length == 32);
	for (int64_t height = latest_of(from); height > 0 && !from->forgets; height--)
		for (unsigned int i = 0; i < from->ledger->at[height].txs; i++)
			if (memcmp(from->ledger->at[height].tx[i].hash, hash, 32) == 0) {
				free(hash);
				return tx_of(from, height, i);
			}
	free(hash);
	*error = server_error("tx (C22FEA) not found", 0, 0);
	return NULL;
}

static json_object *results(struct server *from, json_object *parameters, json_object **error)
{
	json_object *result, *list;
	int64_t height;

	if (from->no_results) {
		*error = server_error("could not find results", 0, 0);
		return NULL;
	}
	if (!get_height(from, parameters, &height, error))
		return NULL;
	result = json_object_new_object();
	list = json_object_new_array();
	for (unsigned int i = 0; i < from->ledger->at[height].txs; i++)
		json_object_array_add(list, exec_result(from->ledger->at[height].tx[i].code));
	put_number(result, "height", height);
	json_object_object_add(result, "txs_results", list);
	return result;
}

static json_object *op(const char *type, const void *key, size_t key_length, const void *data, size_t length)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "type", json_object_new_string(type));
	json_object_object_add(object, "key", sb_json_put_base64(key, key_length));
	json_object_object_add(object, "data", sb_json_put_base64(data, length));
	return object;
}

/* ValueOp of the only store: {1: name, 2: {1: total = 1, 3: leaf}}; the app hash is the leaf. */
static json_object *store_op(const struct ledger_state *state)
{
	uint8_t data[80], *at = data;
	const char name[] = SB_QUERY_STORE;

	*at++ = 0x0a;
	*at++ = sizeof(name) - 1;
	memcpy(at, name, sizeof(name) - 1);
	at += sizeof(name) - 1;
	memcpy(at, "\x12\x24\x08\x01\x1a\x20", 6);
	memcpy(at + 6, state->app, 32);
	return op(SB_OP_SIMPLE, name, sizeof(name) - 1, data, (size_t)(at + 38 - data));
}

static json_object *prove(struct server *from, const struct ledger_state *state, const uint8_t *key, size_t length,
			  bool present)
{
	static uint8_t proof[SB_PROOF_MAX];
	json_object *ops = json_object_new_array(), *list = json_object_new_object();
	uint8_t path[32];
	size_t proof_length;

	sb_tree_digest(key, length, path);
	if (present && !from->denies)
		assert_int_equal(sb_tree_prove_simple(sb_memory_pages(state->memory), key, length, proof,
						      &proof_length), 0);
	else
		assert_int_equal(sb_tree_prove(sb_memory_pages(state->memory), key, length, proof, sizeof(proof),
					       &proof_length, &present), 0);
	json_object_array_add(ops, op(present && !from->denies ? SB_OP_SIMPLE : SB_OP_ICS23, path, 32, proof,
				      proof_length));
	json_object_array_add(ops, store_op(state));
	json_object_object_add(list, "ops", ops);
	return list;
}

static json_object *answer(uint32_t code, int64_t height, const void *key, size_t key_length, const void *value,
			   size_t length)
{
	json_object *response = json_object_new_object(), *result = json_object_new_object();

	json_object_object_add(response, "code", json_object_new_int64(code));
	json_object_object_add(response, "log", json_object_new_string(code ? "no" : ""));
	json_object_object_add(response, "key", sb_json_put_base64(key, key_length));
	json_object_object_add(response, "value", length ? sb_json_put_base64(value, length) : NULL);
	put_number(response, "height", height);
	json_object_object_add(result, "response", response);
	return result;
}

static json_object *query(struct server *from, json_object *parameters, json_object **error)
{
	const char *path = sb_json_text(parameters, "path"), *hex = sb_json_text(parameters, "data");
	const struct ledger_state *state;
	json_object *result, *response;
	uint8_t key[128], digest[32];
	size_t length = hex ? strlen(hex) / 2 : 0;
	int64_t height = 0, last = latest_of(from) - 1;
	unsigned int i = 0;
	char value[LEDGER_VALUE];

	for (size_t n = 0; n < length && n < sizeof(key); n++)
		(void)sscanf(hex + 2 * n, "%2hhx", &key[n]);
	if (path && strcmp(path, SB_CHECKPOINT_PATH) == 0)
		return answer(from->checkpoint ? 0 : 1, latest_of(from), key, length, from->checkpoint,
			      from->checkpoint ? from->checkpoint_length : 0);
	assert_true(path && strcmp(path, SB_QUERY_PATH) == 0);
	(void)sb_json_int64(parameters, "height", &height);
	if (from->pruned && height && height < last) {
		*error = server_error("height %" PRId64 " is not available, lowest height is %" PRId64, height, last);
		return NULL;
	}
	if (from->refuses_old && height && height < last)
		return answer(41, last, key, length, NULL, 0);
	if (!height)
		height = last;
	height -= from->late;
	state = &from->ledger->state[from->ledger->at[height].state];
	if (from->other_key)
		memcpy(key, "d/two", length = 5);
	while (i < from->ledger->records && (strlen(from->ledger->record[i].key) != length ||
					     memcmp(from->ledger->record[i].key, key, length) != 0))
		i++;
	/* (a record's value is the one of now: tests ask for old states of unchanged ones only) */
	snprintf(value, sizeof(value), "%s", i < from->ledger->records && !from->denies ? from->ledger->record[i].value : "");
	value[0] ^= from->other_value;
	sb_tree_digest(key, length, digest);
	result = answer(0, height, digest, 32, value, strlen(value));
	json_object_object_get_ex(result, "response", &response);
	json_object_object_add(response, "proofOps", prove(from, state, key, length, i < from->ledger->records));
	return result;
}

json_object *server_result(struct server *from, const char *method, json_object *parameters, json_object **error)
{
	if (strcmp(method, "commit") == 0)
		return commit(from, parameters, error);
	if (strcmp(method, "header") == 0)
		return header(from, parameters, error);
	if (strcmp(method, "validators") == 0)
		return validators(from, parameters, error);
	if (strcmp(method, "status") == 0)
		return status(from);
	if (strcmp(method, "broadcast_tx_sync") == 0)
		return broadcast(from, parameters, false);
	if (strcmp(method, "broadcast_tx_commit") == 0)
		return broadcast(from, parameters, true);
	if (strcmp(method, "tx") == 0)
		return tx(from, parameters, error);
	if (strcmp(method, "block_results") == 0)
		return results(from, parameters, error);
	if (strcmp(method, "abci_query") == 0)
		return query(from, parameters, error);
	*error = server_error("no such method", 0, 0);
	return NULL;
}
