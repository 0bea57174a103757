// SPDX-License-Identifier: Apache-2.0
#include "light/remote.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"
#include "light/json.h"
#include "light/json_write.h"

/* Bytes: what the longest answers of real nodes come to, and as much again. */
#define COMMIT_MAX	(512U << 10)	/* 1,024 votes of about 330 bytes */
#define PAGE_MAX	(64U << 10)	/* 100 validators of about 250 bytes */
#define STATUS_MAX	(32U << 10)
#define CHECKED_MAX	(32U << 10)
#define TX_MAX		(512U << 10)	/* the transaction, and the events of its result */
#define RESULTS_MAX	(2U << 20)
#define QUERY_MAX	(512U << 10)	/* a value of 64 KiB, and neighbours of that size in a proof */

#define PER_PAGE	100

#define SHARE_LEAST	1000	/* ms */

struct sb_remote {
	struct sb_http_config config;
	struct sb_http *http;		/* NULL: rests */
	int64_t id, deadline;
	uint32_t call_ms;
	bool shared;
	uint64_t calls, us, in, out;	/* bytes of what was opened before */
};

static int64_t now_us(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

int64_t sb_remote_now(void)
{
	return now_us() / 1000;
}

struct sb_remote *sb_remote_open(const struct sb_http_config *config)
{
	struct sb_remote *remote = calloc(1, sizeof(*remote));

	if (!remote)
		return NULL;
	remote->config = *config;
	remote->deadline = INT64_MAX;
	remote->call_ms = 10000;
	return remote;
}

bool sb_remote_check(struct sb_remote *remote)
{
	if (!remote->http)
		remote->http = sb_http_open(&remote->config);
	return remote->http != NULL;
}

void sb_remote_rest(struct sb_remote *remote)
{
	uint64_t in, out;

	if (!remote->http)
		return;
	sb_http_bytes(remote->http, &in, &out);
	remote->in += in;
	remote->out += out;
	sb_http_close(remote->http);
	remote->http = NULL;
}

void sb_remote_close(struct sb_remote *remote)
{
	if (!remote)
		return;
	sb_http_close(remote->http);
	free(remote);
}

void sb_remote_deadline(struct sb_remote *remote, int64_t deadline, uint32_t call_ms, bool shared)
{
	remote->deadline = deadline;
	remote->call_ms = call_ms;
	remote->shared = shared;
}

static uint32_t time_for_call(const struct sb_remote *remote, int64_t left)
{
	int64_t share = remote->shared ? left / 2 : left;

	if (share < SHARE_LEAST)
		share = left < SHARE_LEAST ? left : SHARE_LEAST;
	return share < remote->call_ms ? (uint32_t)share : remote->call_ms;
}

void sb_remote_counters(const struct sb_remote *remote, struct sb_remote_counters *counters)
{
	*counters = (struct sb_remote_counters){ .calls = remote->calls, .us = remote->us };
	if (remote->http)
		sb_http_bytes(remote->http, &counters->in, &counters->out);
	counters->in += remote->in;
	counters->out += remote->out;
}

static void put_json(json_object **object)
{
	json_object_put(*object);
}

/* Takes the parameters over. */
static enum sb_fault call(struct sb_remote *remote, const char *method, json_object *parameters, size_t limit,
			  json_object **result, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *question = json_object_new_object();
	sb_cleanup(sb_bytes_free) struct sb_bytes answer = { .data = NULL };
	int64_t start = now_us(), left = remote->deadline - start / 1000;
	enum sb_fault fault;
	const char *text;
	size_t length;

	json_object_object_add(question, "jsonrpc", json_object_new_string("2.0"));
	json_object_object_add(question, "id", json_object_new_int64(remote->id));
	json_object_object_add(question, "method", json_object_new_string(method));
	json_object_object_add(question, "params", parameters);
	if (left <= 0) {
		sb_fail(error, 0, "timeout: no time is left for %s", method);
		return SB_FAULT_TIMEOUT;
	}
	text = json_object_to_json_string_length(question, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
						 &length);
	if (!text || !sb_remote_check(remote)) {
		sb_fail(error, 0, "out of memory");
		return SB_FAULT_LOCAL;
	}
	remote->calls++;
	fault = sb_http_post(remote->http, text, length, limit, time_for_call(remote, left), &answer, error);
	if (fault == SB_FAULT_NONE)
		fault = sb_answer_result(answer.data, answer.length, remote->id, result, error);
	remote->id = (remote->id + 1) & INT32_MAX;
	remote->us = sb_http_wait(remote->http);
	return fault;
}

static void put_number(json_object *object, const char *name, int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, number);
	json_object_object_add(object, name, json_object_new_string(text));
}

enum sb_fault sb_remote_commit(struct sb_remote *remote, int64_t height, struct sb_light_block *block,
			    struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	json_object *parameters = json_object_new_object();
	enum sb_fault fault;

	if (height)
		put_number(parameters, "height", height);
	fault = call(remote, "commit", parameters, COMMIT_MAX, &result, error);
	return fault != SB_FAULT_NONE ? fault : sb_answer_commit(result, block, error);
}

enum sb_fault sb_remote_header(struct sb_remote *remote, int64_t height, struct sb_header *header,
			    struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	json_object *parameters = json_object_new_object();
	enum sb_fault fault;

	put_number(parameters, "height", height);
	fault = call(remote, "header", parameters, STATUS_MAX, &result, error);
	return fault != SB_FAULT_NONE ? fault : sb_answer_header(result, header, error);
}

/* One page, behind those in @all. */
static enum sb_fault add_page(struct sb_remote *remote, int64_t height, int64_t number, json_object *all,
			      int64_t *total, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	json_object *parameters = json_object_new_object();
	struct sb_answer_page page;
	enum sb_fault fault;

	put_number(parameters, "height", height);
	put_number(parameters, "page", number);
	put_number(parameters, "per_page", PER_PAGE);
	fault = call(remote, "validators", parameters, PAGE_MAX, &result, error);
	if (fault == SB_FAULT_NONE)
		fault = sb_answer_validators(result, &page, error);
	if (fault != SB_FAULT_NONE)
		return fault;
	if (page.height != height || page.count < 1 || page.count > PER_PAGE ||
	    (*total && page.total != *total) ||
	    (int64_t)json_object_array_length(all) + page.count > page.total) {
		sb_fail(error, 0, "bad-answer: validators that do not fit to what was asked");
		return SB_FAULT_ANSWER;
	}
	for (int64_t i = 0; i < page.count; i++)
		json_object_array_add(all, json_object_get(json_object_array_get_idx(page.validators, (size_t)i)));
	*total = page.total;
	return SB_FAULT_NONE;
}

enum sb_fault sb_remote_validators(struct sb_remote *remote, int64_t height, struct sb_validator_set *set,
				struct sb_error *error)
{
	sb_cleanup(put_json) json_object *all = json_object_new_array();
	int64_t total = 0;

	/* Each page has at least one, and there are SB_VALIDATORS_MAX at most. */
	for (int64_t number = 1; !total || (int64_t)json_object_array_length(all) < total; number++) {
		enum sb_fault fault = add_page(remote, height, number, all, &total, error);

		if (fault != SB_FAULT_NONE)
			return fault;
	}
	return sb_json_validators(all, set, error) == 0 ? SB_FAULT_NONE : SB_FAULT_ANSWER;
}

enum sb_fault sb_remote_status(struct sb_remote *remote, struct sb_answer_status *status, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	enum sb_fault fault = call(remote, "status", json_object_new_object(), STATUS_MAX, &result, error);

	return fault != SB_FAULT_NONE ? fault : sb_answer_status(result, status, error);
}

static json_object *with_tx(const void *tx, size_t length)
{
	json_object *parameters = json_object_new_object();

	json_object_object_add(parameters, "tx", sb_json_put_base64(tx, length));
	return parameters;
}

enum sb_fault sb_remote_broadcast_sync(struct sb_remote *remote, const void *tx, size_t length,
				    struct sb_answer_code *code, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	enum sb_fault fault = call(remote, "broadcast_tx_sync", with_tx(tx, length), CHECKED_MAX, &result, error);

	return fault != SB_FAULT_NONE ? fault : sb_answer_checked(result, code, error);
}

enum sb_fault sb_remote_broadcast_commit(struct sb_remote *remote, const void *tx, size_t length,
				      struct sb_answer_committed *committed, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	enum sb_fault fault = call(remote, "broadcast_tx_commit", with_tx(tx, length), TX_MAX, &result, error);

	return fault != SB_FAULT_NONE ? fault : sb_answer_committed(result, committed, error);
}

enum sb_fault sb_remote_tx(struct sb_remote *remote, const uint8_t hash[32], struct sb_answer_tx *tx,
			struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	json_object *parameters = json_object_new_object();
	enum sb_fault fault;

	json_object_object_add(parameters, "hash", sb_json_put_base64(hash, 32));
	json_object_object_add(parameters, "prove", json_object_new_boolean(1));
	fault = call(remote, "tx", parameters, TX_MAX, &result, error);
	return fault != SB_FAULT_NONE ? fault : sb_answer_tx(result, tx, error);
}

enum sb_fault sb_remote_results(struct sb_remote *remote, int64_t height, uint32_t index,
			     struct sb_answer_results *results, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	json_object *parameters = json_object_new_object();
	enum sb_fault fault;

	put_number(parameters, "height", height);
	fault = call(remote, "block_results", parameters, RESULTS_MAX, &result, error);
	return fault != SB_FAULT_NONE ? fault : sb_answer_results(result, index, results, error);
}

enum sb_fault sb_remote_evidence(struct sb_remote *remote, json_object *evidence, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	json_object *parameters = json_object_new_object();
	enum sb_fault fault;

	json_object_object_add(parameters, "evidence", evidence);
	fault = call(remote, "broadcast_evidence", parameters, CHECKED_MAX, &result, error);
	if (fault != SB_FAULT_NONE || (result && json_object_is_type(result, json_type_object)))
		return fault;
	sb_fail(error, 0, "bad-answer: what became of the evidence is not in it");
	return SB_FAULT_ANSWER;
}

enum sb_fault sb_remote_query(struct sb_remote *remote, const char *path, const void *data, size_t length,
			   int64_t height, bool prove, struct sb_query_answer *answer, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *result = NULL;
	json_object *parameters = json_object_new_object();
	enum sb_fault fault;

	json_object_object_add(parameters, "path", json_object_new_string(path));
	json_object_object_add(parameters, "data", sb_json_put_hex(data, length));
	put_number(parameters, "height", height);
	json_object_object_add(parameters, "prove", json_object_new_boolean(prove));
	fault = call(remote, "abci_query", parameters, QUERY_MAX, &result, error);
	return fault != SB_FAULT_NONE ? fault : sb_answer_query(result, answer, error);
}
