// SPDX-License-Identifier: Apache-2.0
#include "light/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/calendar.h"
#include "common/cleanup.h"
#include "common/parse.h"
#include "light/json_get.h"

static int bad(struct sb_error *error, const char *name)
{
	return sb_fail(error, -EBADMSG, "%s: missing, or not as CometBFT writes it", name);
}

/* Absent means 0: Go leaves it out where it is empty. */
static bool get_version(json_object *object, const char *name, uint64_t *value)
{
	json_object *found;
	int64_t number = 0;

	if (json_object_object_get_ex(object, name, &found) &&
	    (!sb_json_int64(object, name, &number) || number < 0))
		return false;
	*value = (uint64_t)number;
	return true;
}

static bool get_hash(json_object *object, const char *name, struct sb_chain_hash *hash)
{
	const char *text = sb_json_text(object, name);
	struct sb_chain_hash read = { .there = true };

	if (!text)
		return false;
	if (!text[0])
		read.there = false;
	else if (sb_parse_hex(text, read.bytes, sizeof(read.bytes)) < 0)
		return false;
	*hash = read;
	return true;
}

static bool get_app_hash(json_object *object, struct sb_app_hash *hash)
{
	const char *text = sb_json_text(object, "app_hash");
	size_t digits = text ? strlen(text) : 1;
	struct sb_app_hash read = { .length = (uint8_t)(digits / 2) };

	if (digits % 2 || digits / 2 > sizeof(read.bytes) || sb_parse_hex(text, read.bytes, read.length) < 0)
		return false;
	*hash = read;
	return true;
}

static bool get_address(json_object *object, const char *name, uint8_t address[SB_CHAIN_ADDRESS_LEN])
{
	const char *text = sb_json_text(object, name);

	return text && sb_parse_hex(text, address, SB_CHAIN_ADDRESS_LEN) == 0;
}

static bool get_base64(json_object *object, const char *name, uint8_t *out, size_t length)
{
	const char *text = sb_json_text(object, name);
	uint8_t read[SB_ED25519_SIG_LEN];
	size_t got;

	if (!text || strlen(text) > 4 * sizeof(read) / 2 ||
	    sb_parse_base64(text, read, sizeof(read), &got) < 0 || got != length)
		return false;
	memcpy(out, read, length);
	return true;
}

static bool digits(const char **text, size_t count, int64_t *value)
{
	int64_t sum = 0;

	for (size_t i = 0; i < count; i++, (*text)++) {
		if (**text < '0' || **text > '9')
			return false;
		sum = sum * 10 + **text - '0';
	}
	*value = sum;
	return true;
}

static bool mark(const char **text, char c)
{
	return *(*text)++ == c;
}

static bool fraction(const char **text, int32_t *nanos)
{
	int32_t value = 0, scale = 100000000;

	if (**text != '.')
		return true;
	(*text)++;
	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; (*text)++, scale /= 10) {
		if (!scale)
			return false;
		value += (**text - '0') * scale;
	}
	*nanos = value;
	return true;
}

int sb_json_time(const char *text, struct sb_chain_time *time)
{
	int64_t year, month, day, hour, minute, second;
	int32_t nanos = 0;

	if (!digits(&text, 4, &year) || !mark(&text, '-') || !digits(&text, 2, &month) ||
	    !mark(&text, '-') || !digits(&text, 2, &day) || !mark(&text, 'T') ||
	    !digits(&text, 2, &hour) || !mark(&text, ':') || !digits(&text, 2, &minute) ||
	    !mark(&text, ':') || !digits(&text, 2, &second) || !fraction(&text, &nanos) ||
	    !mark(&text, 'Z') || *text)
		return -EBADMSG;
	if (!sb_calendar_seconds(year, month, day, hour, minute, second, &time->seconds))
		return -EBADMSG;
	time->nanos = nanos;
	return 0;
}

static bool get_time(json_object *object, const char *name, struct sb_chain_time *time)
{
	const char *text = sb_json_text(object, name);

	return text && sb_json_time(text, time) == 0;
}

/* null, as in test data, is an empty one. */
static bool get_block_id(json_object *object, const char *name, struct sb_block_id *id)
{
	json_object *found, *parts;
	struct sb_block_id read = { .parts = 0 };
	int64_t total;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, name, &found))
		return false;
	if (found) {
		parts = sb_json_member(found, "parts", json_type_object);
		if (!parts)
			parts = sb_json_member(found, "part_set_header", json_type_object);
		if (!parts || !get_hash(found, "hash", &read.hash) ||
		    !sb_json_ranged(parts, "total", 0, UINT32_MAX, &total) ||
		    !get_hash(parts, "hash", &read.parts_hash))
			return false;
		read.parts = (uint32_t)total;
	}
	*id = read;
	return true;
}

static const char *read_hashes(json_object *object, struct sb_header *header)
{
	const struct {
		const char *name;
		struct sb_chain_hash *hash;
	} hashes[] = {
		{ "last_commit_hash", &header->last_commit }, { "data_hash", &header->data },
		{ "validators_hash", &header->validators },
		{ "next_validators_hash", &header->next_validators },
		{ "consensus_hash", &header->consensus },
		{ "last_results_hash", &header->last_results },
		{ "evidence_hash", &header->evidence },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(hashes); i++)
		if (!get_hash(object, hashes[i].name, hashes[i].hash))
			return hashes[i].name;
	return NULL;
}

int sb_json_header(json_object *object, struct sb_header *header, struct sb_error *error)
{
	json_object *version = sb_json_member(object, "version", json_type_object);
	const char *chain = sb_json_text(object, "chain_id"), *wrong;
	struct sb_header read = { .height = 0 };

	if (!version || !get_version(version, "block", &read.block_version) ||
	    !get_version(version, "app", &read.app_version))
		return bad(error, "header.version");
	if (!chain || !chain[0] || strlen(chain) > SB_CHAIN_NAME_MAX)
		return bad(error, "header.chain_id");
	strcpy(read.chain, chain);
	if (!sb_json_int64(object, "height", &read.height))
		return bad(error, "header.height");
	if (!get_time(object, "time", &read.time))
		return bad(error, "header.time");
	if (!get_block_id(object, "last_block_id", &read.last_block))
		return bad(error, "header.last_block_id");
	if (!get_address(object, "proposer_address", read.proposer))
		return bad(error, "header.proposer_address");
	if (!get_app_hash(object, &read.app))
		return bad(error, "header.app_hash");
	wrong = read_hashes(object, &read);
	if (wrong)
		return bad(error, wrong);
	*header = read;
	return 0;
}

/* types/block.go, CommitSig.ValidateBasic */
static bool read_vote(json_object *object, struct sb_commit_vote *vote)
{
	const char *address = sb_json_text(object, "validator_address");
	int64_t flag;

	if (!sb_json_ranged(object, "block_id_flag", SB_VOTE_ABSENT, SB_VOTE_NIL, &flag) ||
	    !get_time(object, "timestamp", &vote->time))
		return false;
	vote->flag = (uint8_t)flag;
	if (flag == SB_VOTE_ABSENT) {
		json_object *signature;

		return address && !address[0] &&
		       json_object_object_get_ex(object, "signature", &signature) &&
		       (!signature || (json_object_is_type(signature, json_type_string) &&
				       json_object_get_string_len(signature) == 0));
	}
	return get_address(object, "validator_address", vote->address) &&
	       get_base64(object, "signature", vote->signature, sizeof(vote->signature));
}

static int read_commit(json_object *object, struct sb_commit *commit, struct sb_error *error)
{
	json_object *votes = sb_json_member(object, "signatures", json_type_array);
	size_t count = votes ? json_object_array_length(votes) : 0;
	sb_cleanup_free struct sb_commit_vote *list = NULL;
	struct sb_commit read = { .count = count };
	int64_t round;

	if (!sb_json_int64(object, "height", &read.height))
		return bad(error, "commit.height");
	if (!sb_json_ranged(object, "round", 0, INT32_MAX, &round))
		return bad(error, "commit.round");
	read.round = (int32_t)round;
	if (!get_block_id(object, "block_id", &read.block))
		return bad(error, "commit.block_id");
	if (!votes || !count || count > SB_VALIDATORS_MAX)
		return bad(error, "commit.signatures");
	list = calloc(count, sizeof(*list));
	if (!list)
		return sb_fail(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (!read_vote(json_object_array_get_idx(votes, i), &list[i]))
			return bad(error, "a signature of the commit");
	read.votes = sb_take_ptr(list);
	*commit = read;
	return 0;
}

int sb_json_signed_header(json_object *object, struct sb_light_block *block,
			  struct sb_error *error)
{
	json_object *header = sb_json_member(object, "header", json_type_object);
	json_object *commit = sb_json_member(object, "commit", json_type_object);
	struct sb_header read;
	int result;

	if (!header || !commit)
		return bad(error, header ? "commit" : "header");
	result = sb_json_header(header, &read, error);
	if (result == 0)
		result = read_commit(commit, &block->commit, error);
	if (result == 0)
		block->header = read;
	return result;
}

static bool read_validator(json_object *object, struct sb_validator *validator)
{
	json_object *key = sb_json_member(object, "pub_key", json_type_object);
	const char *type = sb_json_text(key, "type");
	uint8_t address[SB_CHAIN_ADDRESS_LEN];

	if (!type || strcmp(type, "tendermint/PubKeyEd25519") != 0 ||
	    !get_base64(key, "value", validator->key, sizeof(validator->key)) ||
	    !get_address(object, "address", address) ||
	    !sb_json_int64(object, "voting_power", &validator->power))
		return false;
	sb_validator_address(validator->key, validator->address);
	return memcmp(address, validator->address, sizeof(address)) == 0;
}

/* The chain's order: most power first, then by address (types/validator_set.go). */
static int in_order(const void *a, const void *b)
{
	const struct sb_validator *left = a, *right = b;

	if (left->power != right->power)
		return left->power < right->power ? 1 : -1;
	return memcmp(left->address, right->address, SB_CHAIN_ADDRESS_LEN);
}

static int by_address(const void *a, const void *b)
{
	const struct sb_validator *left = a, *right = b;

	return memcmp(left->address, right->address, SB_CHAIN_ADDRESS_LEN);
}

/* Nobody is in a set twice: a vote would count twice. Leaves it sorted by address. */
static bool has_twins(struct sb_validator *list, size_t count)
{
	qsort(list, count, sizeof(*list), by_address);
	for (size_t i = 1; i < count; i++)
		if (memcmp(list[i - 1].address, list[i].address, SB_CHAIN_ADDRESS_LEN) == 0)
			return true;
	return false;
}

int sb_json_validators(json_object *array, struct sb_validator_set *set, struct sb_error *error)
{
	size_t count = json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
	sb_cleanup_free struct sb_validator *list = NULL;
	struct sb_validator_set read = { .count = count };

	if (!count || count > SB_VALIDATORS_MAX)
		return bad(error, "validators");
	list = calloc(count, sizeof(*list));
	if (!list)
		return sb_fail(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		if (!read_validator(json_object_array_get_idx(array, i), &list[i]))
			return bad(error, "a validator");
	if (has_twins(list, count))
		return bad(error, "a validator that is there twice");
	qsort(list, count, sizeof(*list), in_order);
	read.validators = list;
	if (sb_validator_set_sum(&read) < 0)
		return bad(error, "the validators' powers");
	sb_take_ptr(list);
	*set = read;
	return 0;
}
