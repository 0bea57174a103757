// SPDX-License-Identifier: Apache-2.0
/*
 * What validators can sign who lie: forge KEY..., each the 64 bytes of an ed25519 secret key in hex. Reads lines of JSON:
 * {"commit": the result of CometBFT's commit, "validators": those of its height}. Answers each with a signed header of
 * that height with another app hash, which these keys have signed and the other validators have not.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"
#include "light/answer.h"
#include "light/json.h"
#include "light/json_write.h"

#define KEYS	16

static uint8_t secret[KEYS][crypto_sign_SECRETKEYBYTES];
static size_t keys;

static const uint8_t *secret_of(const struct sb_validator *validator)
{
	for (size_t i = 0; i < keys; i++)
		if (memcmp(secret[i] + 32, validator->key, 32) == 0)
			return secret[i];
	return NULL;
}

static void sign(struct sb_light_block *block)
{
	struct sb_commit *commit = &block->commit;
	uint8_t message[SB_VOTE_BYTES_MAX];

	sb_header_hash(&block->header, commit->block.hash.bytes);
	for (size_t i = 0; i < commit->count && i < block->validators.count; i++) {
		struct sb_commit_vote *vote = &commit->votes[i];
		const struct sb_validator *validator = &block->validators.validators[i];
		const uint8_t *key = secret_of(validator);

		*vote = (struct sb_commit_vote){ .flag = key ? SB_VOTE_COMMIT : SB_VOTE_ABSENT };
		if (!key)
			continue;
		memcpy(vote->address, validator->address, sizeof(vote->address));
		vote->time = sb_time_add(block->header.time, 1);
		crypto_sign_detached(vote->signature, NULL, message,
				     sb_vote_bytes(block->header.chain, commit, i, message), key);
	}
}

static int forge(const char *line)
{
	json_object *object = json_tokener_parse(line), *commit = NULL, *validators = NULL, *made;
	struct sb_light_block block = { .header.height = 0 };
	struct sb_error error = { "" };

	if (!json_object_object_get_ex(object, "commit", &commit) ||
	    !json_object_object_get_ex(object, "validators", &validators) ||
	    sb_answer_commit(commit, &block, &error) != SB_FAULT_NONE ||
	    sb_json_validators(validators, &block.validators, &error) < 0) {
		fprintf(stderr, "forge: %s\n", error.text);
		return 1;
	}
	block.header.app.bytes[0] ^= 1;
	sign(&block);
	made = sb_json_put_signed_header(&block);
	puts(json_object_to_json_string_ext(made, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	fflush(stdout);
	json_object_put(made);
	json_object_put(object);
	sb_light_block_free(&block);
	return 0;
}

int main(int argc, char **argv)
{
	char *line = NULL;
	size_t room = 0;

	for (int i = 1; i < argc && keys < KEYS; i++)
		if (sb_parse_hex(argv[i], secret[keys++], sizeof(secret[0])) < 0)
			return 2;
	while (getline(&line, &room, stdin) > 0)
		if (forge(line))
			return 1;
	free(line);
	return 0;
}
