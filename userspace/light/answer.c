// SPDX-License-Identifier: Apache-2.0
#include "light/answer.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/json.h"
#include "light/json_get.h"
#include "light/wire.h"
#include "tree/proof.h"

#define DEPTH_MAX	24	/* of JSON */

static enum sb_fault bad(struct sb_error *error, const char *what)
{
	sb_fail(error, 0, "bad-answer: %s: missing, or not as CometBFT writes it", what);
	return SB_FAULT_ANSWER;
}

static enum sb_fault no_memory(struct sb_error *error)
{
	sb_fail(error, 0, "out of memory");
	return SB_FAULT_LOCAL;
}

/* A word, a number, and these words: "height 99 must be …". */
static bool says(const char *text, const char *before, const char *after)
{
	for (const char *at = text; (at = strstr(at, before)); at++) {
		const char *end = at + strlen(before);

		while (isalnum((unsigned char)*end))
			end++;
		if (strncmp(end, after, strlen(after)) == 0)
			return true;
	}
	return false;
}

/* What stock clients tell from each other by the texts (light/provider/http). */
static enum sb_fault error_of(json_object *object, struct sb_error *error)
{
	char message[160], data[200];
	enum sb_fault fault = SB_FAULT_RPC;

	sb_json_copy_text(object, "message", message, sizeof(message));
	sb_json_copy_text(object, "data", data, sizeof(data));
	if (says(data, "height ", " must be less than or equal to"))
		fault = SB_FAULT_TOO_HIGH;
	else if (says(data, "height ", " is not available"))
		fault = SB_FAULT_NOT_AVAILABLE;
	else if (says(data, "tx (", ") not found"))
		fault = SB_FAULT_NOT_FOUND;
	else if (strstr(data, "tx already exists in cache"))
		fault = SB_FAULT_KNOWN;
	sb_fail(error, 0, "%s: %s%s%s", sb_fault_name(fault), message, data[0] ? ": " : "", data);
	return fault;
}

static enum sb_fault parse(const void *data, size_t length, json_object **object, struct sb_error *error)
{
	json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	const char *text = data;
	enum json_tokener_error how;

	while (length && isspace((unsigned char)text[length - 1]))
		length--;
	if (!tokener)
		return no_memory(error);
	if (length > INT32_MAX) {
		json_tokener_free(tokener);
		return no_memory(error);
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	*object = json_tokener_parse_ex(tokener, text, (int)length);
	how = json_tokener_get_error(tokener);
	json_tokener_free(tokener);
	if (how == json_tokener_continue) {
		sb_fail(error, 0, "truncated: the answer ends in the middle of its JSON");
		return SB_FAULT_TRUNCATED;
	}
	if (how != json_tokener_success || !json_object_is_type(*object, json_type_object)) {
		json_object_put(*object);
		*object = NULL;
		return bad(error, "JSON");
	}
	return SB_FAULT_NONE;
}

enum sb_fault sb_answer_result(const void *data, size_t length, int64_t id, json_object **result,
			       struct sb_error *error)
{
	json_object *object = NULL, *found;
	const char *version;
	enum sb_fault fault = parse(data, length, &object, error);
	int64_t number;

	if (fault != SB_FAULT_NONE)
		return fault;
	version = sb_json_text(object, "jsonrpc");
	if (!version || strcmp(version, "2.0") != 0) {
		fault = bad(error, "jsonrpc");
	} else if (!sb_json_ranged(object, "id", id, id, &number)) {
		sb_fail(error, 0, "wrong-id: %s", sb_fault_text(SB_FAULT_ID));
		fault = SB_FAULT_ID;
	} else if (json_object_object_get_ex(object, "error", &found) && found) {
		fault = error_of(found, error);
	} else if (!json_object_object_get_ex(object, "result", &found) || !found) {
		fault = bad(error, "result");
	} else {
		*result = json_object_get(found);
	}
	json_object_put(object);
	return fault;
}

static enum sb_fault from(int result)
{
	return result == 0 ? SB_FAULT_NONE : result == -ENOMEM ? SB_FAULT_LOCAL : SB_FAULT_ANSWER;
}

enum sb_fault sb_answer_commit(json_object *result, struct sb_light_block *block, struct sb_error *error)
{
	return from(sb_json_signed_header(sb_json_member(result, "signed_header", json_type_object), block, error));
}

enum sb_fault sb_answer_header(json_object *result, struct sb_header *header, struct sb_error *error)
{
	return from(sb_json_header(sb_json_member(result, "header", json_type_object), header, error));
}

enum sb_fault sb_answer_validators(json_object *result, struct sb_answer_page *page, struct sb_error *error)
{
	struct sb_answer_page read = { .validators = sb_json_member(result, "validators", json_type_array) };

	if (!read.validators || !sb_json_int64(result, "block_height", &read.height) ||
	    !sb_json_int64(result, "total", &read.total) || read.height < 1 || read.total < 1 ||
	    read.total > SB_VALIDATORS_MAX)
		return bad(error, "a page of validators");
	read.count = (int64_t)json_object_array_length(read.validators);
	*page = read;
	return SB_FAULT_NONE;
}

enum sb_fault sb_answer_status(json_object *result, struct sb_answer_status *status, struct sb_error *error)
{
	json_object *node = sb_json_member(result, "node_info", json_type_object);
	json_object *sync = sb_json_member(result, "sync_info", json_type_object);
	json_object *catching = sb_json_member(sync, "catching_up", json_type_boolean);
	const char *chain = sb_json_text(node, "network"), *time = sb_json_text(sync, "latest_block_time");
	struct sb_answer_status read = { .catching_up = json_object_get_boolean(catching) };

	if (!chain || !chain[0] || strlen(chain) > SB_CHAIN_NAME_MAX ||
	    !sb_json_int64(sync, "latest_block_height", &read.height) || read.height < 0 || !time ||
	    sb_json_time(time, &read.time) < 0)
		return bad(error, "status");
	strcpy(read.chain, chain);
	*status = read;
	return SB_FAULT_NONE;
}

/* Go leaves nothing out here; a code that is not there is refused, since it would be "taken". */
static bool read_code(json_object *object, struct sb_answer_code *code)
{
	int64_t number;

	if (!sb_json_ranged(object, "code", 0, UINT32_MAX, &number))
		return false;
	code->code = (uint32_t)number;
	sb_json_copy_text(object, "log", code->log, sizeof(code->log));
	return true;
}

enum sb_fault sb_answer_checked(json_object *result, struct sb_answer_code *code, struct sb_error *error)
{
	struct sb_answer_code read;

	if (!read_code(result, &read))
		return bad(error, "broadcast_tx_sync");
	*code = read;
	return SB_FAULT_NONE;
}

enum sb_fault sb_answer_committed(json_object *result, struct sb_answer_committed *committed,
				  struct sb_error *error)
{
	struct sb_answer_committed read = { .height = 0 };
	struct sb_answer_code checked;

	if (!read_code(sb_json_member(result, "check_tx", json_type_object), &checked))
		return bad(error, "broadcast_tx_commit: check_tx");
	if (checked.code) {
		read.code = checked;
		*committed = read;
		return SB_FAULT_NONE;
	}
	if (!read_code(sb_json_member(result, "tx_result", json_type_object), &read.code) ||
	    !sb_json_int64(result, "height", &read.height) || read.height < 1)
		return bad(error, "broadcast_tx_commit: tx_result");
	*committed = read;
	return SB_FAULT_NONE;
}

void sb_answer_tx_free(struct sb_answer_tx *tx)
{
	free(tx->tx);
	free(tx->hashes);
	memset(tx, 0, sizeof(*tx));
}

/* Base64 of a hash, into 32 bytes. */
static bool read_hash(json_object *value, uint8_t out[SB_MERKLE_LEN])
{
	json_object *holder = json_object_new_object();
	sb_cleanup_free uint8_t *read = NULL;
	size_t length = 0;
	bool good;

	json_object_object_add(holder, "hash", json_object_get(value));
	good = sb_json_bytes(holder, "hash", SB_MERKLE_LEN, &read, &length) && length == SB_MERKLE_LEN;
	if (good)
		memcpy(out, read, SB_MERKLE_LEN);
	json_object_put(holder);
	return good;
}

/* {"proof": {"total", "index", "leaf_hash", "aunts"}} of types/tx.go. */
static bool read_proof(json_object *object, struct sb_answer_tx *tx)
{
	json_object *proof = sb_json_member(sb_json_member(object, "proof", json_type_object), "proof",
					    json_type_object);
	json_object *aunts = sb_json_member(proof, "aunts", json_type_array);
	size_t count = aunts ? json_object_array_length(aunts) : 0;
	int64_t total, index;

	if (!aunts || count > SB_MERKLE_AUNTS || !sb_json_int64(proof, "total", &total) ||
	    !sb_json_int64(proof, "index", &index) || total < 1 || index < 0 || index >= total)
		return false;
	tx->hashes = malloc((count + 1) * SB_MERKLE_LEN);
	if (!tx->hashes || !read_hash(sb_json_member(proof, "leaf_hash", json_type_string), tx->hashes))
		return false;
	for (size_t i = 0; i < count; i++) {
		tx->proof.aunt[i] = tx->hashes + (i + 1) * SB_MERKLE_LEN;
		if (!read_hash(json_object_array_get_idx(aunts, i), tx->hashes + (i + 1) * SB_MERKLE_LEN))
			return false;
	}
	tx->proof.leaf = tx->hashes;
	tx->proof.aunts = (unsigned int)count;
	tx->proof.total = (uint64_t)total;
	tx->proof.index = (uint64_t)index;
	return true;
}

enum sb_fault sb_answer_tx(json_object *result, struct sb_answer_tx *tx, struct sb_error *error)
{
	struct sb_answer_tx read = { .height = 0 };
	int64_t index;

	if (!sb_json_int64(result, "height", &read.height) || read.height < 1 ||
	    !sb_json_ranged(result, "index", 0, UINT32_MAX, &index) ||
	    !read_code(sb_json_member(result, "tx_result", json_type_object), &read.code) ||
	    !sb_json_bytes(result, "tx", SB_TREE_VALUE_MAX, &read.tx, &read.tx_length) ||
	    !read_proof(result, &read)) {
		sb_answer_tx_free(&read);
		return bad(error, "tx");
	}
	read.index = (uint32_t)index;
	*tx = read;
	return SB_FAULT_NONE;
}

/* ExecTxResult as it is hashed: {1: code, 2: data, 5: gas_wanted, 6: gas_used} (abci/types, Deterministic). */
static bool add_result(json_object *object, struct sb_merkle *merkle)
{
	sb_cleanup_free uint8_t *data = NULL;
	sb_cleanup_free uint8_t *leaf = NULL;
	struct sb_answer_code code;
	int64_t wanted, used;
	size_t length;
	struct sb_wire wire;

	if (!read_code(object, &code) || !sb_json_bytes(object, "data", SB_TREE_VALUE_MAX, &data, &length) ||
	    !sb_json_int64(object, "gas_wanted", &wanted) || !sb_json_int64(object, "gas_used", &used))
		return false;
	leaf = malloc(length + 64);
	if (!leaf)
		return false;
	wire = (struct sb_wire){ leaf, 0, length + 64 };
	sb_wire_uint(&wire, 1, code.code);
	sb_wire_bytes(&wire, 2, data, length);
	sb_wire_int(&wire, 5, wanted);
	sb_wire_int(&wire, 6, used);
	sb_merkle_add(merkle, wire.data, wire.length);
	return true;
}

enum sb_fault sb_answer_results(json_object *result, uint32_t index, struct sb_answer_results *results,
				struct sb_error *error)
{
	json_object *array = sb_json_member(result, "txs_results", json_type_array);
	struct sb_answer_results read = { .count = array ? json_object_array_length(array) : 0 };
	struct sb_merkle merkle;

	if (!sb_json_int64(result, "height", &read.height) || read.height < 1 || read.count > SB_RESULTS_MAX ||
	    index >= read.count || !read_code(json_object_array_get_idx(array, index), &read.code))
		return bad(error, "block_results");
	sb_merkle_init(&merkle);
	for (size_t i = 0; i < read.count; i++)
		if (!add_result(json_object_array_get_idx(array, i), &merkle))
			return bad(error, "a result of block_results");
	sb_merkle_root(&merkle, read.root);
	*results = read;
	return SB_FAULT_NONE;
}

static bool read_ops(json_object *response, struct sb_query_answer *answer)
{
	json_object *list = sb_json_member(response, "proofOps", json_type_object);
	json_object *ops = sb_json_member(list, "ops", json_type_array);
	size_t count = ops ? json_object_array_length(ops) : 0;

	if (count > SB_QUERY_OPS)
		return false;
	for (size_t i = 0; i < count; i++) {
		json_object *from = json_object_array_get_idx(ops, i);
		struct sb_proof_op *op = &answer->op[i];
		const char *type = sb_json_text(from, "type");

		if (!type || strlen(type) >= sizeof(op->type) ||
		    !sb_json_bytes(from, "key", SB_TREE_KEY_MAX, &op->key, &op->key_length) ||
		    !sb_json_bytes(from, "data", SB_PROOF_MAX, &op->data, &op->data_length))
			return false;
		strcpy(op->type, type);
	}
	answer->ops = (unsigned int)count;
	return true;
}

enum sb_fault sb_answer_query(json_object *result, struct sb_query_answer *answer, struct sb_error *error)
{
	json_object *response = sb_json_member(result, "response", json_type_object);
	struct sb_query_answer read = { .code = 0 };
	struct sb_answer_code code;

	if (!response || !read_code(response, &code) || !sb_json_int64(response, "height", &read.height) ||
	    read.height < 0 ||
	    !sb_json_bytes(response, "key", SB_TREE_KEY_MAX, &read.key, &read.key_length) ||
	    !sb_json_bytes(response, "value", SB_TREE_VALUE_MAX, &read.value, &read.value_length) ||
	    !read_ops(response, &read)) {
		sb_query_answer_free(&read);
		return bad(error, "abci_query");
	}
	read.code = code.code;
	memcpy(read.log, code.log, sizeof(read.log));
	*answer = read;
	return SB_FAULT_NONE;
}
