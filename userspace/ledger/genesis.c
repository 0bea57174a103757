// SPDX-License-Identifier: Apache-2.0
#include "ledger/genesis.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "ledger/block.h"
#include "light/json.h"
#include "light/json_write.h"

static void put_json(json_object **object)
{
	json_object_put(*object);
}

void sb_genesis_free(struct sb_genesis *genesis)
{
	free(genesis->app_state);
	free(genesis->text);
	genesis->app_state = genesis->text = NULL;
}

static json_object *member(json_object *object, const char *name)
{
	json_object *found = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, name, &found);
	return found;
}

static bool int_of(json_object *object, const char *name, int64_t least, int64_t *value)
{
	json_object *found = member(object, name);
	const char *text = json_object_is_type(found, json_type_string) ? json_object_get_string(found) : "";
	char *end;
	int64_t number;

	errno = 0;
	number = strtoll(text, &end, 10);
	if (!*text || *end || errno || number < least)
		return false;
	*value = number;
	return true;
}

/* The light client's reader knows what a validator looks like, but for the name of its power here. */
static bool read_validator(json_object *entry, struct sb_validator *validator)
{
	sb_cleanup(put_json) json_object *list = json_object_new_array(), *copy = NULL;
	struct sb_validator_set set = { 0 };

	if (!list || json_object_deep_copy(entry, &copy, NULL) < 0 ||
	    json_object_object_add(copy, "voting_power", json_object_get(member(entry, "power"))) < 0 ||
	    json_object_array_add(list, json_object_get(copy)) < 0 || sb_json_validators(list, &set, NULL) < 0)
		return false;
	*validator = set.validators[0];
	free(set.validators);
	return true;
}

static int fill(json_object *file, struct sb_genesis *genesis, const char **wrong)
{
	json_object *params = member(file, "consensus_params"), *block = member(params, "block");
	json_object *chain = member(file, "chain_id"), *time = member(file, "genesis_time");
	json_object *validators = member(file, "validators"), *state = member(file, "app_state");
	const char *name = json_object_is_type(chain, json_type_string) ? json_object_get_string(chain) : "";
	int64_t first, version = 0;

	*wrong = "chain_id (1 to 50 characters)";
	if (!name[0] || strlen(name) > SB_CHAIN_NAME_MAX)
		return -EBADMSG;
	strcpy(genesis->chain, name);
	*wrong = "genesis_time";
	if (!json_object_is_type(time, json_type_string) ||
	    sb_json_time(json_object_get_string(time), &genesis->time) < 0)
		return -EBADMSG;
	*wrong = "initial_height (\"1\" is what an embedded chain begins with)";
	if (!int_of(file, "initial_height", 1, &first) || first != 1)
		return -EBADMSG;
	*wrong = "consensus_params.block.max_bytes or max_gas (\"-1\" is what this chain knows)";
	if (!int_of(block, "max_bytes", 65536, &genesis->max_bytes) || genesis->max_bytes > SB_BLOCK_MAX ||
	    !int_of(block, "max_gas", -1, &genesis->max_gas))
		return -EBADMSG;
	*wrong = "consensus_params.version.app";
	if (member(params, "version") && !int_of(member(params, "version"), "app", 0, &version))
		return -EBADMSG;
	genesis->app_version = (uint64_t)version;
	*wrong = "validators (an embedded chain has exactly one, with an ed25519 key)";
	if (!json_object_is_type(validators, json_type_array) || json_object_array_length(validators) != 1 ||
	    !read_validator(json_object_array_get_idx(validators, 0), &genesis->validator))
		return -EBADMSG;
	genesis->app_state = strdup(state ? json_object_to_json_string_ext(state, JSON_C_TO_STRING_PLAIN |
									     JSON_C_TO_STRING_NOSLASHESCAPE) : "{}");
	genesis->text = strdup(json_object_to_json_string_ext(file, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	return genesis->app_state && genesis->text ? 0 : -ENOMEM;
}

int sb_genesis_read(const char *path, struct sb_genesis *genesis, struct sb_error *error)
{
	sb_cleanup(put_json) json_object *file = NULL;
	sb_cleanup_free uint8_t *text = NULL;
	struct sb_genesis read = { .max_bytes = 0 };
	const char *wrong = NULL;
	size_t length;
	int rc = sb_file_read(path, SB_GENESIS_MAX, &text, &length);

	if (rc)
		return sb_fail(error, rc, "%s: %s", path, strerror(-rc));
	file = json_tokener_parse((char *)text);
	if (!file || strlen((char *)text) != length)
		return sb_fail(error, -EBADMSG, "%s: not JSON", path);
	rc = fill(file, &read, &wrong);
	if (rc) {
		sb_genesis_free(&read);
		return sb_fail(error, rc, "%s: %s: missing or wrong", path, rc == -ENOMEM ? "memory" : wrong);
	}
	*genesis = read;
	return 0;
}

int sb_genesis_create(const char *path, const struct sb_genesis *genesis, struct sb_error *error)
{
	char time[SB_JSON_TIME_ROOM], key[64], address[2 * SB_CHAIN_ADDRESS_LEN + 1];
	sb_cleanup_free char *text = NULL;
	int length, rc;

	sodium_bin2base64(key, sizeof(key), genesis->validator.key, sizeof(genesis->validator.key),
			  sodium_base64_VARIANT_ORIGINAL);
	for (size_t i = 0; i < SB_CHAIN_ADDRESS_LEN; i++)
		snprintf(address + 2 * i, 3, "%02X", genesis->validator.address[i]);
	length = asprintf(&text,
			  "{\"genesis_time\":\"%s\",\"chain_id\":\"%s\",\"initial_height\":\"1\",\"consensus_params\":"
			  "{\"block\":{\"max_bytes\":\"%" PRId64 "\",\"max_gas\":\"%" PRId64 "\"},\"evidence\":"
			  "{\"max_age_num_blocks\":\"100000\",\"max_age_duration\":\"172800000000000\","
			  "\"max_bytes\":\"1048576\"},\"validator\":{\"pub_key_types\":[\"ed25519\"]},"
			  "\"version\":{\"app\":\"%" PRIu64 "\"},\"abci\":{\"vote_extensions_enable_height\":\"0\"}},"
			  "\"validators\":[{\"address\":\"%s\",\"pub_key\":{\"type\":\"tendermint/PubKeyEd25519\","
			  "\"value\":\"%s\"},\"power\":\"%" PRId64 "\",\"name\":\"\"}],\"app_hash\":\"\","
			  "\"app_state\":%s}\n",
			  sb_json_put_time(time, genesis->time), genesis->chain, genesis->max_bytes,
			  genesis->max_gas, genesis->app_version, address, key, genesis->validator.power,
			  genesis->app_state);
	if (length < 0) {
		text = NULL;
		return sb_fail(error, -ENOMEM, "out of memory");
	}
	rc = sb_file_create(path, text, (size_t)length, 0600);
	if (rc == -EEXIST)
		return sb_fail(error, rc, "%s is there already: a chain's genesis is never replaced", path);
	return rc ? sb_fail(error, rc, "%s: %s", path, strerror(-rc)) : 0;
}
