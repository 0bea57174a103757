// SPDX-License-Identifier: Apache-2.0
#include "ledger/rpc_json.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdlib.h>

#include "light/json_write.h"

void sb_put_int64(struct sb_json *json, const char *key, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	sb_json_string(json, key, text);
}

void sb_put_hex(struct sb_json *json, const char *key, const uint8_t *data, size_t length)
{
	static const char digits[] = "0123456789ABCDEF";
	char text[2 * SB_CHAIN_HASH_LEN + 1];

	if (length > SB_CHAIN_HASH_LEN)
		abort();
	for (size_t i = 0; i < length; i++) {
		text[2 * i] = digits[data[i] >> 4];
		text[2 * i + 1] = digits[data[i] & 15];
	}
	text[2 * length] = '\0';
	sb_json_string(json, key, text);
}

void sb_put_base64(struct sb_json *json, const char *key, const uint8_t *data, size_t length)
{
	char small[128], *text = small;
	size_t room = sodium_base64_ENCODED_LEN(length, sodium_base64_VARIANT_ORIGINAL);

	if (room > sizeof(small))
		text = malloc(room);
	if (!text) {
		fputc('!', json->stream);	/* what is no JSON is never taken for an answer */
		return;
	}
	sodium_bin2base64(text, room, data, length, sodium_base64_VARIANT_ORIGINAL);
	sb_json_string(json, key, text);
	if (text != small)
		free(text);
}

void sb_put_time(struct sb_json *json, const char *key, struct sb_chain_time time)
{
	char text[SB_JSON_TIME_ROOM];

	sb_json_string(json, key, sb_json_put_time(text, time));
}

static void put_hash(struct sb_json *json, const char *key, const struct sb_chain_hash *hash)
{
	sb_put_hex(json, key, hash->bytes, hash->there ? sizeof(hash->bytes) : 0);
}

void sb_put_block_id(struct sb_json *json, const char *key, const struct sb_block_id *id)
{
	sb_json_open(json, key, '{');
	put_hash(json, "hash", &id->hash);
	sb_json_open(json, "parts", '{');
	sb_json_number(json, "total", id->parts);
	put_hash(json, "hash", &id->parts_hash);
	sb_json_close(json, '}');
	sb_json_close(json, '}');
}

void sb_put_header(struct sb_json *json, const char *key, const struct sb_header *header)
{
	sb_json_open(json, key, '{');
	sb_json_open(json, "version", '{');
	sb_put_int64(json, "block", (int64_t)header->block_version);
	sb_put_int64(json, "app", (int64_t)header->app_version);
	sb_json_close(json, '}');
	sb_json_string(json, "chain_id", header->chain);
	sb_put_int64(json, "height", header->height);
	sb_put_time(json, "time", header->time);
	sb_put_block_id(json, "last_block_id", &header->last_block);
	put_hash(json, "last_commit_hash", &header->last_commit);
	put_hash(json, "data_hash", &header->data);
	put_hash(json, "validators_hash", &header->validators);
	put_hash(json, "next_validators_hash", &header->next_validators);
	put_hash(json, "consensus_hash", &header->consensus);
	sb_put_hex(json, "app_hash", header->app.bytes, header->app.length);
	put_hash(json, "last_results_hash", &header->last_results);
	put_hash(json, "evidence_hash", &header->evidence);
	sb_put_hex(json, "proposer_address", header->proposer, sizeof(header->proposer));
	sb_json_close(json, '}');
}

void sb_put_commit(struct sb_json *json, const char *key, const struct sb_commit *commit)
{
	sb_json_open(json, key, '{');
	sb_put_int64(json, "height", commit->height);
	sb_json_signed(json, "round", commit->round);
	sb_put_block_id(json, "block_id", &commit->block);
	sb_json_open(json, "signatures", '[');
	for (size_t i = 0; i < commit->count; i++) {
		const struct sb_commit_vote *vote = &commit->votes[i];

		sb_json_open(json, NULL, '{');
		sb_json_number(json, "block_id_flag", vote->flag);
		sb_put_hex(json, "validator_address", vote->address, sizeof(vote->address));
		sb_put_time(json, "timestamp", vote->time);
		sb_put_base64(json, "signature", vote->signature, sizeof(vote->signature));
		sb_json_close(json, '}');
	}
	sb_json_close(json, ']');
	sb_json_close(json, '}');
}

void sb_put_block(struct sb_json *json, const char *key, const struct sb_block *block)
{
	sb_json_open(json, key, '{');
	sb_put_header(json, "header", &block->header);
	sb_json_open(json, "data", '{');
	sb_json_open(json, "txs", '[');
	for (size_t i = 0; i < block->count; i++)
		sb_put_base64(json, NULL, block->txs[i].data, block->txs[i].length);
	sb_json_close(json, ']');
	sb_json_close(json, '}');
	sb_json_open(json, "evidence", '{');
	sb_json_open(json, "evidence", '[');
	sb_json_close(json, ']');
	sb_json_close(json, '}');
	sb_put_commit(json, "last_commit", &block->last_commit);
	sb_json_close(json, '}');
}

void sb_put_validator(struct sb_json *json, const char *key, const struct sb_validator *validator)
{
	sb_json_open(json, key, '{');
	sb_put_hex(json, "address", validator->address, sizeof(validator->address));
	sb_json_open(json, "pub_key", '{');
	sb_json_string(json, "type", "tendermint/PubKeyEd25519");
	sb_put_base64(json, "value", validator->key, sizeof(validator->key));
	sb_json_close(json, '}');
	sb_put_int64(json, "voting_power", validator->power);
	sb_put_int64(json, "proposer_priority", 0);
	sb_json_close(json, '}');
}

/* All but the block's are CometBFT's defaults, as sb_genesis_create writes them; nothing here uses them. */
void sb_put_params(struct sb_json *json, const char *key, const struct sb_genesis *genesis)
{
	sb_json_open(json, key, '{');
	sb_json_open(json, "block", '{');
	sb_put_int64(json, "max_bytes", genesis->max_bytes);
	sb_put_int64(json, "max_gas", genesis->max_gas);
	sb_json_close(json, '}');
	sb_json_open(json, "evidence", '{');
	sb_put_int64(json, "max_age_num_blocks", 100000);
	sb_put_int64(json, "max_age_duration", INT64_C(172800000000000));
	sb_put_int64(json, "max_bytes", 1048576);
	sb_json_close(json, '}');
	sb_json_open(json, "validator", '{');
	sb_json_open(json, "pub_key_types", '[');
	sb_json_string(json, NULL, "ed25519");
	sb_json_close(json, ']');
	sb_json_close(json, '}');
	sb_json_open(json, "version", '{');
	sb_put_int64(json, "app", (int64_t)genesis->app_version);
	sb_json_close(json, '}');
	sb_json_open(json, "abci", '{');
	sb_put_int64(json, "vote_extensions_enable_height", 0);
	sb_json_close(json, '}');
	sb_json_close(json, '}');
}

void sb_put_result(struct sb_json *json, const char *key, const struct sb_tx_result *result)
{
	sb_json_open(json, key, '{');
	sb_json_number(json, "code", result->code);
	if (result->data_length)
		sb_put_base64(json, "data", result->data, result->data_length);
	else
		sb_json_string(json, "data", NULL);
	sb_json_string(json, "log", result->log);
	sb_json_string(json, "info", "");
	sb_put_int64(json, "gas_wanted", 0);
	sb_put_int64(json, "gas_used", 0);
	sb_json_open(json, "events", '[');
	sb_json_close(json, ']');
	sb_json_string(json, "codespace", "");
	sb_json_close(json, '}');
}
