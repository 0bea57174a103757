// SPDX-License-Identifier: Apache-2.0
/* From the bytes of a request to those of its answer: one call after the other, each stopped where it waits. */
#include "ledger/rpc.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "ledger/rpc_call.h"

static const struct {
	const char *name;
	sb_rpc_method *run;
} methods[] = {
	{ "health", sb_rpc_health }, { "status", sb_rpc_status }, { "net_info", sb_rpc_net_info },
	{ "genesis", sb_rpc_genesis }, { "genesis_chunked", sb_rpc_genesis_chunked },
	{ "blockchain", sb_rpc_blockchain }, { "commit", sb_rpc_commit }, { "validators", sb_rpc_validators },
	{ "header", sb_rpc_header }, { "header_by_hash", sb_rpc_header_by_hash },
	{ "block", sb_rpc_block }, { "block_by_hash", sb_rpc_block_by_hash },
	{ "block_results", sb_rpc_block_results }, { "consensus_params", sb_rpc_consensus_params },
	{ "abci_info", sb_rpc_abci_info }, { "abci_query", sb_rpc_abci_query },
	{ "broadcast_tx_sync", sb_rpc_broadcast_sync }, { "broadcast_tx_async", sb_rpc_broadcast_async },
	{ "broadcast_tx_commit", sb_rpc_broadcast_commit }, { "check_tx", sb_rpc_check_tx },
	{ "tx", sb_rpc_tx }, { "tx_search", sb_rpc_tx_search },
	{ "unconfirmed_txs", sb_rpc_unconfirmed }, { "num_unconfirmed_txs", sb_rpc_num_unconfirmed },
};

struct sb_rpc_request {
	struct sb_rpc *rpc;
	json_object *calls;		/* an array */
	bool batch, uri;
	size_t at;
	bool resumed;			/* the call at `at` has waited */
	struct sb_tx_wait wait;
	bool can_wait;
	FILE *stream;
	char *text;
	size_t length, answers;
	unsigned int status;
};

static sb_rpc_method *method_of(const char *name)
{
	for (size_t i = 0; i < SB_ARRAY_SIZE(methods); i++)
		if (!strcmp(methods[i].name, name))
			return methods[i].run;
	return NULL;
}

bool sb_rpc_known(const char *method)
{
	return method_of(method) != NULL;
}

static struct sb_rpc_request *make(struct sb_rpc *rpc)
{
	struct sb_rpc_request *request = calloc(1, sizeof(*request));

	if (!request)
		return NULL;
	request->rpc = rpc;
	request->status = 200;
	request->calls = json_object_new_array();
	request->stream = open_memstream(&request->text, &request->length);
	if (!request->stream || !request->calls) {
		sb_rpc_close(request);
		return NULL;
	}
	return request;
}

void sb_rpc_close(struct sb_rpc_request *request)
{
	if (!request)
		return;
	/* a client that went away while it waited */
	sb_waits_remove(request->rpc->waits, &request->wait);
	json_object_put(request->calls);
	if (request->stream)
		fclose(request->stream);
	free(request->text);
	free(request);
}

/* id: a number or a string, as it came. */
static void put_answer(struct sb_rpc_request *request, json_object *id, const char *what, const char *text)
{
	fprintf(request->stream, "%s{\"jsonrpc\":\"2.0\",\"id\":%s,\"%s\":%s}",
		request->batch && request->answers ? "," : "",
		id ? json_object_to_json_string_ext(id, JSON_C_TO_STRING_PLAIN) :
		request->uri ? "-1" : "null", what, text);
	request->answers++;
}

static void put_error(struct sb_rpc_request *request, json_object *id, int code, const char *data)
{
	const char *message = code == SB_RPC_PARSE ? "Parse error. Invalid JSON" :
			      code == SB_RPC_REQUEST ? "Invalid Request" : code == SB_RPC_METHOD ? "Method not found" :
			      code == SB_RPC_PARAMS ? "Invalid params" : "Internal error";
	sb_cleanup_free char *text = NULL;
	size_t length;
	struct sb_json json = { .stream = open_memstream(&text, &length) };

	if (!json.stream) {
		fputc('!', request->stream);	/* no memory: no JSON either */
		return;
	}
	sb_json_open(&json, NULL, '{');
	sb_json_signed(&json, "code", code);
	sb_json_string(&json, "message", message);
	if (data)
		sb_json_string(&json, "data", data);
	sb_json_close(&json, '}');
	if (fclose(json.stream) == 0)
		put_answer(request, id, "error", text);
	if (request->uri)
		request->status = 500;
}

struct sb_rpc_request *sb_rpc_open(struct sb_rpc *rpc, const char *body, size_t length)
{
	struct json_tokener *reader = json_tokener_new_ex(SB_RPC_DEPTH_MAX);
	struct sb_rpc_request *request = make(rpc);
	json_object *read = NULL;

	if (!reader || !request) {
		if (reader)
			json_tokener_free(reader);
		sb_rpc_close(request);
		return NULL;
	}
	json_tokener_set_flags(reader, JSON_TOKENER_STRICT);
	if (length <= SB_RPC_BODY_MAX)
		read = json_tokener_parse_ex(reader, body, (int)length);
	/* a number at the end is whole only when something ends it */
	if (json_tokener_get_error(reader) == json_tokener_continue)
		read = NULL;
	json_tokener_free(reader);
	if (json_object_is_type(read, json_type_object)) {
		json_object_array_add(request->calls, read);
	} else if (json_object_is_type(read, json_type_array)) {
		json_object_put(request->calls);
		request->calls = read;
		request->batch = true;
	} else {
		put_error(request, NULL, read ? SB_RPC_REQUEST : SB_RPC_PARSE,
			  read ? "neither an object nor an array" : "the body is no JSON, or nested too deeply");
		json_object_put(read);
		request->status = 500;
		return request;
	}
	if (json_object_array_length(request->calls) > SB_RPC_BATCH_MAX) {
		request->batch = false;
		request->at = json_object_array_length(request->calls);
		put_error(request, NULL, SB_RPC_REQUEST, "request batch size exceeds the limit of 10");
		request->status = 500;
	}
	return request;
}

struct sb_rpc_request *sb_rpc_open_uri(struct sb_rpc *rpc, const char *method, json_object *arguments)
{
	struct sb_rpc_request *request = make(rpc);
	json_object *call = json_object_new_object();

	if (!request || !call) {
		json_object_put(call);
		json_object_put(arguments);
		sb_rpc_close(request);
		return NULL;
	}
	json_object_object_add(call, "method", json_object_new_string(method));
	json_object_object_add(call, "params", arguments);
	json_object_array_add(request->calls, call);
	request->uri = true;
	return request;
}

void sb_rpc_parking(struct sb_rpc_request *request, void (*park)(void *), void (*wake)(void *), void *context)
{
	request->wait.park = park;
	request->wait.wake = wake;
	request->wait.context = context;
	request->can_wait = true;
}

/* Out: true when the answer is written. */
static bool run_method(struct sb_rpc_request *request, sb_rpc_method *method, json_object *id, json_object *params)
{
	sb_cleanup_free char *text = NULL;
	size_t length;
	struct sb_json json = { .stream = open_memstream(&text, &length) };
	struct sb_rpc_call call = {
		.rpc = request->rpc, .params = params, .uri = request->uri, .json = &json,
		.wait = &request->wait, .resumed = request->resumed,
	};
	int rc;

	if (!json.stream) {
		put_error(request, id, SB_RPC_INTERNAL, "out of memory");
		return true;
	}
	sb_json_open(&json, NULL, '{');
	rc = method(&call);
	sb_json_close(&json, '}');
	if (fclose(json.stream) && rc == SB_RPC_OK)
		rc = sb_rpc_fail(&call, SB_RPC_INTERNAL, "out of memory");
	if (rc == SB_RPC_OK)
		put_answer(request, id, "result", text);
	else if (rc == SB_RPC_FAILED)
		put_error(request, id, call.code, call.error);
	return rc != SB_RPC_PARKED;
}

static bool run_call(struct sb_rpc_request *request, json_object *object)
{
	json_object *id = NULL, *name = NULL, *params = NULL;
	sb_rpc_method *method;

	if (!json_object_is_type(object, json_type_object)) {
		put_error(request, NULL, SB_RPC_REQUEST, "no object");
		return true;
	}
	json_object_object_get_ex(object, "id", &id);
	json_object_object_get_ex(object, "method", &name);
	json_object_object_get_ex(object, "params", &params);
	/* JSON-RPC 2.0: without an id it is a notification, and gets no answer */
	if (!id && !request->uri)
		return true;
	if (id && !json_object_is_type(id, json_type_int) && !json_object_is_type(id, json_type_string)) {
		put_error(request, NULL, SB_RPC_REQUEST, "id: neither a number nor a string");
		return true;
	}
	method = json_object_is_type(name, json_type_string) ? method_of(json_object_get_string(name)) : NULL;
	if (!method) {
		put_error(request, id, SB_RPC_METHOD, NULL);
		return true;
	}
	if (params && !json_object_is_type(params, json_type_object)) {
		put_error(request, id, SB_RPC_PARAMS, "params: give them by name, as an object");
		return true;
	}
	if (method == sb_rpc_broadcast_commit && !request->can_wait) {
		put_error(request, id, SB_RPC_INTERNAL, "broadcast_tx_commit needs HTTP: POST or GET");
		return true;
	}
	return run_method(request, method, id, params);
}

bool sb_rpc_run(struct sb_rpc_request *request)
{
	for (; request->at < json_object_array_length(request->calls); request->at++) {
		if (!run_call(request, json_object_array_get_idx(request->calls, request->at))) {
			request->resumed = true;
			return false;
		}
		request->resumed = false;
	}
	return true;
}

char *sb_rpc_answer(struct sb_rpc_request *request, size_t *length, unsigned int *status)
{
	char *text;
	int bad;

	bad = ferror(request->stream);
	bad |= fclose(request->stream);
	request->stream = NULL;
	text = sb_take_ptr(request->text);
	if (bad || !text) {
		free(text);
		return NULL;
	}
	*status = request->status;
	if (request->batch) {
		char *all = NULL;
		int size = request->answers ? asprintf(&all, "[%s]", text) : asprintf(&all, "%s", "");

		free(text);
		if (size < 0)
			return NULL;
		*length = (size_t)size;
		return all;
	}
	*length = request->length;
	return text;
}
