// SPDX-License-Identifier: Apache-2.0
/*
 * A real CometBFT node's answers to `commit` and `validators` against userspace/light.
 *   rpc_vectors DIRECTORY
 * For each commit_N.json with its validators_N.json: the block hashes to what was signed, its validators
 * signed it, and with one bit of the header, of a signature or of a power changed it is refused.
 * Prints a line for each and `N passed, N failed`. Exit: 0 when all passed and at least one ran, else
 * 1; 2 for a file that cannot be read.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/json.h"
#include "light/verify.h"
#include "json_read.h"

static unsigned int passed, failed;

static void check(const char *name, const char *words, bool good)
{
	printf("%-4s  %s: %s\n", good ? "ok" : "FAIL", name, words);
	good ? passed++ : failed++;
}

static enum sb_light_verdict judge(const struct sb_light_block *block)
{
	enum sb_light_verdict verdict = sb_light_check(block, block->header.chain);

	return verdict == SB_LIGHT_OK ? sb_light_commit(block) : verdict;
}

static void check_block(const char *name, struct sb_light_block *block)
{
	enum sb_light_verdict verdict = judge(block);

	check(name, "is proven by its validators", verdict == SB_LIGHT_OK);
	if (verdict != SB_LIGHT_OK)
		printf("      %s\n", sb_light_text(verdict));
	block->header.data.bytes[0] ^= 1;
	check(name, "with another header it is not", judge(block) == SB_LIGHT_COMMIT);
	block->header.data.bytes[0] ^= 1;
	block->commit.votes[0].signature[5] ^= 1;
	check(name, "nor with another signature", judge(block) == SB_LIGHT_SIGNATURE);
	block->commit.votes[0].signature[5] ^= 1;
	block->validators.validators[0].power++;
	block->validators.power++;
	check(name, "nor with other validators", judge(block) == SB_LIGHT_VALIDATORS);
}

static int run(const char *directory, const char *name)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	sb_cleanup(put_json) json_object *commit = NULL, *validators = NULL;
	struct sb_error error = { "" };
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	commit = json_object_from_file(path);
	snprintf(path, sizeof(path), "%s/validators_%s", directory, name + strlen("commit_"));
	validators = json_object_from_file(path);
	if (!commit || !validators ||
	    sb_json_signed_header(get(get(commit, "result"), "signed_header"), &block, &error) < 0 ||
	    sb_json_validators(get(get(validators, "result"), "validators"), &block.validators, &error) < 0) {
		fprintf(stderr, "%s: %s\n", path, error.text[0] ? error.text : "cannot be read");
		return 2;
	}
	check_block(name, &block);
	return 0;
}

static int is_commit(const struct dirent *entry)
{
	return strncmp(entry->d_name, "commit_", 7) == 0;
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count = argc == 2 ? scandir(argv[1], &entries, is_commit, alphasort) : -1, result = 0;

	if (count < 0) {
		fprintf(stderr, "rpc_vectors DIRECTORY\n");
		return 2;
	}
	for (int i = 0; i < count; i++) {
		if (!result)
			result = run(argv[1], entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (result)
		return result;
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
