// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as what a client sends: 'w' a WebSocket stream, 'q' a query to subscribe to, 'u' a method
 * and arguments of a URI, line by line, else the body of a request. Each is answered, with JSON, or refused.
 * Behind the methods is a chain that has no blocks to give and an application that knows nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"
#include "ledger/events.h"
#include "ledger/rpc.h"
#include "ledger/ws_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sb_blocks {
	int none;
};

static struct sb_genesis genesis = { .chain = "fuzz", .text = "{}", .app_state = "{}", .max_bytes = 1 << 20 };
static struct sb_mempool *pool;

void sb_chain_tip(struct sb_chain *chain, struct sb_chain_tip *tip)
{
	memset(tip, 0, sizeof(*tip));
	tip->height = 7;
}

bool sb_chain_wait(struct sb_chain *chain, int64_t height, unsigned int ms)
{
	return height <= 7;
}

int64_t sb_chain_base(const struct sb_chain *chain)
{
	return 2;
}

bool sb_chain_is_gap(const struct sb_chain *chain, int64_t height)
{
	return height == 3;
}

void sb_chain_validator(const struct sb_chain *chain, int64_t height, struct sb_validator *validator)
{
	*validator = genesis.validator;
}

struct sb_blocks *sb_chain_blocks(struct sb_chain *chain)
{
	return NULL;
}

struct sb_mempool *sb_chain_pool(struct sb_chain *chain)
{
	return pool;
}

const struct sb_genesis *sb_chain_genesis(struct sb_chain *chain)
{
	return &genesis;
}

int sb_chain_submit(struct sb_chain *chain, const uint8_t *tx, size_t length, uint8_t id[32],
		    struct sb_tx_result *check)
{
	sb_digest_of(tx, length, id);
	return length ? sb_mempool_add(pool, id, tx, length) : -EINVAL;
}

int sb_blocks_get(struct sb_blocks *blocks, enum sb_blocks_table table, int64_t height, uint8_t **data, size_t *length)
{
	return -ENOENT;
}

int sb_blocks_find_tx(struct sb_blocks *blocks, const uint8_t id[32], struct sb_tx_place *place)
{
	return -ENOENT;
}

int sb_blocks_find(struct sb_blocks *blocks, const uint8_t hash[32], int64_t *height)
{
	return -ENOENT;
}

static int info(void *context, int64_t *height, uint8_t app_hash[SB_APP_HASH_LEN])
{
	*height = 7;
	memset(app_hash, 0, SB_APP_HASH_LEN);
	return 0;
}

static int check_tx(void *context, const uint8_t *tx, size_t length, struct sb_tx_result *result)
{
	return 0;
}

static int query(void *context, const char *path, const uint8_t *data, size_t length, int64_t height, bool prove,
		 struct sb_app_answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->height = 6;
	return 0;
}

static const struct sb_app app = { .info = info, .check = check_tx, .query = query };

const struct sb_app *sb_chain_app(struct sb_chain *chain)
{
	return &app;
}

static void nothing(void *context)
{
}

static void finish(struct sb_rpc_request *request)
{
	unsigned int status;
	size_t length = 0;
	json_object *read;
	char *text;

	if (!request)
		abort();
	sb_rpc_parking(request, nothing, nothing, NULL);
	if (sb_rpc_run(request)) {
		text = sb_rpc_answer(request, &length, &status);
		if (!text || (status != 200 && status != 500))
			abort();
		read = json_tokener_parse(text);
		if (length && !read)
			abort();
		json_object_put(read);
		free(text);
	}
	sb_rpc_close(request);
}

static void uri(struct sb_rpc *rpc, const uint8_t *data, size_t size)
{
	json_object *arguments = json_object_new_object();
	char *text = strndup((const char *)data, size), *line, *rest = text, *method;

	method = strsep(&rest, "\n");
	while ((line = strsep(&rest, "\n"))) {
		char *value = strchr(line, '=');

		if (value) {
			*value++ = '\0';
			json_object_object_add(arguments, line, json_object_new_string(value));
		}
	}
	if (sb_rpc_known(method))
		finish(sb_rpc_open_uri(rpc, method, arguments));
	else
		json_object_put(arguments);
	free(text);
}

static void frames(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size + 1), *at = copy;
	struct sb_ws_frame frame;
	int used;

	memcpy(copy, data, size);
	while ((used = sb_ws_take(at, size, 1000, &frame)) > 0) {
		if ((size_t)used > size || frame.length > 1000 || frame.data + frame.length != at + used)
			abort();
		at += used;
		size -= (size_t)used;
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sb_rpc rpc = { .waits = sb_waits_new(), .listen = "127.0.0.1:1", .commit_ms = 1 };
	struct sb_event_query event;
	char *text;

	pool = sb_mempool_new(10, 1000);
	if (size && data[0] == 'w') {
		frames(data + 1, size - 1);
	} else if (size && data[0] == 'q') {
		text = strndup((const char *)data + 1, size - 1);
		(void)sb_event_query(text, &event);
		free(text);
	} else if (size && data[0] == 'u') {
		uri(&rpc, data + 1, size - 1);
	} else {
		finish(sb_rpc_open(&rpc, (const char *)data, size));
	}
	sb_mempool_free(pool);
	sb_waits_free(rpc.waits);
	return 0;
}
