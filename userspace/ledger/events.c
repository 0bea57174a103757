// SPDX-License-Identifier: Apache-2.0
#include "ledger/events.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/rpc_json.h"

static const char *const names[] = { "NewBlock", "NewBlockHeader", "Tx" };

static void blanks(const char **at)
{
	*at += strspn(*at, " ");
}

/* name = 'value', with blanks where somebody likes them. */
static bool condition(const char **at, const char *name, const char **value, size_t *length)
{
	blanks(at);
	if (strncmp(*at, name, strlen(name)) != 0)
		return false;
	*at += strlen(name);
	blanks(at);
	if (*(*at) != '=')
		return false;
	(*at)++;
	blanks(at);
	if (*(*at) != '\'')
		return false;
	*value = ++(*at);
	*length = strcspn(*at, "'");
	*at += *length;
	if (*(*at) != '\'')
		return false;
	(*at)++;
	blanks(at);
	return true;
}

bool sb_event_query(const char *text, struct sb_event_query *query)
{
	struct sb_event_query read = { .one = false };
	size_t length, bytes, kind = 0;
	const char *value, *end;

	if (!condition(&text, "tm.event", &value, &length))
		return false;
	while (kind <= SB_EVENT_TX && (strlen(names[kind]) != length || memcmp(names[kind], value, length) != 0))
		kind++;
	if (kind > SB_EVENT_TX)
		return false;
	read.kind = (enum sb_event_kind)kind;
	if (read.kind == SB_EVENT_TX && !strncmp(text, "AND", 3)) {
		text += 3;
		if (!condition(&text, "tx.hash", &value, &length) ||
		    sodium_hex2bin(read.id, sizeof(read.id), value, length, NULL, &bytes, &end) ||
		    bytes != sizeof(read.id) || end != value + length)
			return false;
		read.one = true;
	}
	if (*text)
		return false;
	*query = read;
	return true;
}

static void put_block(struct sb_json *json, const struct sb_chain_event *event)
{
	sb_put_block(json, "block", event->block);
	sb_put_block_id(json, "block_id", &event->commit->block);
	sb_json_open(json, "result_finalize_block", '{');
	sb_json_open(json, "tx_results", '[');
	for (size_t i = 0; i < event->block->count; i++)
		sb_put_result(json, NULL, &event->results[i]);
	sb_json_close(json, ']');
	sb_put_base64(json, "app_hash", event->app_hash, SB_APP_HASH_LEN);
	sb_json_close(json, '}');
}

static void put_tx(struct sb_json *json, const struct sb_chain_event *event, size_t tx)
{
	sb_json_open(json, "TxResult", '{');
	sb_put_int64(json, "height", event->block->header.height);
	sb_json_number(json, "index", tx);
	sb_put_base64(json, "tx", event->block->txs[tx].data, event->block->txs[tx].length);
	sb_put_result(json, "result", &event->results[tx]);
	sb_json_close(json, '}');
}

static void put_one(struct sb_json *json, const char *key, const char *value)
{
	sb_json_open(json, key, '[');
	sb_json_string(json, NULL, value);
	sb_json_close(json, ']');
}

static void put_tags(struct sb_json *json, enum sb_event_kind kind, const struct sb_chain_event *event, size_t tx)
{
	char text[65];

	sb_json_open(json, "events", '{');
	put_one(json, "tm.event", names[kind]);
	if (kind == SB_EVENT_TX) {
		for (size_t i = 0; i < 32; i++)
			snprintf(text + 2 * i, 3, "%02X", event->ids[tx][i]);
		put_one(json, "tx.hash", text);
		snprintf(text, sizeof(text), "%" PRId64, event->block->header.height);
		put_one(json, "tx.height", text);
	}
	sb_json_close(json, '}');
}

char *sb_event_text(enum sb_event_kind kind, const struct sb_chain_event *event, size_t tx)
{
	struct sb_json json = { 0 };
	char *text = NULL, type[64];
	size_t length;

	json.stream = open_memstream(&text, &length);
	if (!json.stream)
		return NULL;
	snprintf(type, sizeof(type), "tendermint/event/%s", names[kind]);
	sb_json_open(&json, "data", '{');
	sb_json_string(&json, "type", type);
	sb_json_open(&json, "value", '{');
	if (kind == SB_EVENT_BLOCK)
		put_block(&json, event);
	else if (kind == SB_EVENT_HEADER)
		sb_put_header(&json, "header", &event->block->header);
	else
		put_tx(&json, event, tx);
	sb_json_close(&json, '}');
	sb_json_close(&json, '}');
	put_tags(&json, kind, event, tx);
	if (fclose(json.stream)) {
		free(text);
		return NULL;
	}
	return text;
}
