// SPDX-License-Identifier: Apache-2.0
#include "light/json_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/cleanup.h"

#define YEAR_1		INT64_C(-62135596800)
#define YEAR_10000	INT64_C(253402300800)

char *sb_json_put_time(char out[SB_JSON_TIME_ROOM], struct sb_chain_time time)
{
	time_t seconds = time.seconds;
	struct tm parts;
	size_t length;

	if (time.seconds < YEAR_1 || time.seconds >= YEAR_10000)
		time = (struct sb_chain_time){ YEAR_1, 0 };
	seconds = time.seconds;
	gmtime_r(&seconds, &parts);
	length = (size_t)snprintf(out, SB_JSON_TIME_ROOM, "%04u-%02u-%02uT%02u:%02u:%02u",
				  (unsigned int)(parts.tm_year + 1900) % 10000, (unsigned int)parts.tm_mon % 12 + 1,
				  (unsigned int)parts.tm_mday % 32, (unsigned int)parts.tm_hour % 24,
				  (unsigned int)parts.tm_min % 60, (unsigned int)parts.tm_sec % 61);
	if (time.nanos) {
		snprintf(out + length, SB_JSON_TIME_ROOM - length, ".%09" PRId32, time.nanos);
		length = strlen(out);
		while (out[length - 1] == '0')
			length--;
	}
	strcpy(out + length, "Z");
	return out;
}

static json_object *put_number(int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, number);
	return json_object_new_string(text);
}

json_object *sb_json_put_hex(const void *data, size_t length)
{
	sb_cleanup_free char *text = malloc(2 * length + 1);

	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02X", ((const uint8_t *)data)[i]);
	return json_object_new_string_len(text, (int)(2 * length));
}

json_object *sb_json_put_base64(const void *data, size_t length)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t groups = (length + 2) / 3;
	sb_cleanup_free char *text = malloc(4 * groups + 1);
	const uint8_t *bytes = data;

	if (!text)
		return NULL;
	for (size_t i = 0; i < groups; i++) {
		size_t left = length - 3 * i;
		uint32_t word = (uint32_t)bytes[3 * i] << 16 | (left > 1 ? (uint32_t)bytes[3 * i + 1] << 8 : 0) |
				(left > 2 ? bytes[3 * i + 2] : 0);

		for (unsigned int j = 0; j < 4; j++)
			text[4 * i + j] = j > left ? '=' : digit[word >> (18 - 6 * j) & 63];
	}
	return json_object_new_string_len(text, (int)(4 * groups));
}

static json_object *put_hash(const struct sb_chain_hash *hash)
{
	return sb_json_put_hex(hash->bytes, hash->there ? sizeof(hash->bytes) : 0);
}

static json_object *put_time(struct sb_chain_time time)
{
	char text[SB_JSON_TIME_ROOM];

	return json_object_new_string(sb_json_put_time(text, time));
}

static json_object *put_id(const struct sb_block_id *id)
{
	json_object *object = json_object_new_object(), *parts = json_object_new_object();

	json_object_object_add(parts, "total", json_object_new_int64(id->parts));
	json_object_object_add(parts, "hash", put_hash(&id->parts_hash));
	json_object_object_add(object, "hash", put_hash(&id->hash));
	json_object_object_add(object, "parts", parts);
	return object;
}

json_object *sb_json_put_header(const struct sb_header *header)
{
	json_object *object = json_object_new_object(), *version = json_object_new_object();

	json_object_object_add(version, "block", put_number((int64_t)header->block_version));
	json_object_object_add(version, "app", put_number((int64_t)header->app_version));
	json_object_object_add(object, "version", version);
	json_object_object_add(object, "chain_id", json_object_new_string(header->chain));
	json_object_object_add(object, "height", put_number(header->height));
	json_object_object_add(object, "time", put_time(header->time));
	json_object_object_add(object, "last_block_id", put_id(&header->last_block));
	json_object_object_add(object, "last_commit_hash", put_hash(&header->last_commit));
	json_object_object_add(object, "data_hash", put_hash(&header->data));
	json_object_object_add(object, "validators_hash", put_hash(&header->validators));
	json_object_object_add(object, "next_validators_hash", put_hash(&header->next_validators));
	json_object_object_add(object, "consensus_hash", put_hash(&header->consensus));
	json_object_object_add(object, "app_hash", sb_json_put_hex(header->app.bytes, header->app.length));
	json_object_object_add(object, "last_results_hash", put_hash(&header->last_results));
	json_object_object_add(object, "evidence_hash", put_hash(&header->evidence));
	json_object_object_add(object, "proposer_address",
			       sb_json_put_hex(header->proposer, sizeof(header->proposer)));
	return object;
}

static json_object *put_vote(const struct sb_commit_vote *vote)
{
	json_object *object = json_object_new_object();
	bool absent = vote->flag == SB_VOTE_ABSENT;

	json_object_object_add(object, "block_id_flag", json_object_new_int(vote->flag));
	json_object_object_add(object, "validator_address",
			       sb_json_put_hex(vote->address, absent ? 0 : sizeof(vote->address)));
	json_object_object_add(object, "timestamp",
			       put_time(absent ? (struct sb_chain_time){ YEAR_1, 0 } : vote->time));
	json_object_object_add(object, "signature",
			       absent ? NULL : sb_json_put_base64(vote->signature, sizeof(vote->signature)));
	return object;
}

json_object *sb_json_put_signed_header(const struct sb_light_block *block)
{
	json_object *object = json_object_new_object(), *commit = json_object_new_object();
	json_object *votes = json_object_new_array();

	for (size_t i = 0; i < block->commit.count; i++)
		json_object_array_add(votes, put_vote(&block->commit.votes[i]));
	json_object_object_add(commit, "height", put_number(block->commit.height));
	json_object_object_add(commit, "round", json_object_new_int(block->commit.round));
	json_object_object_add(commit, "block_id", put_id(&block->commit.block));
	json_object_object_add(commit, "signatures", votes);
	json_object_object_add(object, "header", sb_json_put_header(&block->header));
	json_object_object_add(object, "commit", commit);
	return object;
}

json_object *sb_json_put_validators(const struct sb_validator_set *set, size_t first, size_t count)
{
	json_object *array = json_object_new_array();

	for (size_t i = first; i < set->count && i < first + count; i++) {
		const struct sb_validator *validator = &set->validators[i];
		json_object *object = json_object_new_object(), *key = json_object_new_object();

		json_object_object_add(key, "type", json_object_new_string("tendermint/PubKeyEd25519"));
		json_object_object_add(key, "value", sb_json_put_base64(validator->key, sizeof(validator->key)));
		json_object_object_add(object, "address",
				       sb_json_put_hex(validator->address, sizeof(validator->address)));
		json_object_object_add(object, "pub_key", key);
		json_object_object_add(object, "voting_power", put_number(validator->power));
		json_object_object_add(object, "proposer_priority", put_number(0));
		json_object_array_add(array, object);
	}
	return array;
}
