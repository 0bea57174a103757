// SPDX-License-Identifier: Apache-2.0
/*
 * Runs the model-based light client tests of tendermint-rs (light-client/tests/support/model_based)
 * against userspace/light.
 *   light_vectors DIRECTORY|FILE...
 * A file has a trusted state and steps, each with a light block, a time and a verdict; a block that
 * is believed becomes the trusted one. Prints a line for each file, how many verdicts agree, and
 * `N passed, N failed`. Exit: 0 when all passed and at least one ran, else 1; 2 for a file that
 * cannot be read.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/json.h"
#include "light/verify.h"
#include "json_read.h"

#define FILES_MAX	1024
#define NS_PER_S	1000000000

static unsigned int passed, failed, agreed, verdicts;

static const char *word_of(enum sb_light_verdict verdict)
{
	switch (verdict) {
	case SB_LIGHT_OK:
		return "SUCCESS";
	case SB_LIGHT_NOT_ENOUGH_TRUST:
		return "NOT_ENOUGH_TRUST";
	default:
		return "INVALID";
	}
}

struct trusted {
	struct sb_header header;
	struct sb_validator_set next;	/* in this test data the next validators are trusted */
};

/* A chain may announce that nobody follows; then nothing does. */
static int read_set(json_object *object, struct sb_validator_set *set, struct sb_error *error)
{
	json_object *list = get(object, "validators");

	if (json_object_is_type(list, json_type_array) && json_object_array_length(list) == 0)
		return 0;
	return sb_json_validators(get(object, "validators"), set, error);
}

/* A step whose block cannot even be read is an invalid one. */
static enum sb_light_verdict judge(json_object *step, struct trusted *trusted,
				   const struct sb_light_rules *rules)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	json_object *json = get(step, "block");
	struct sb_light_now now = { .known = true };
	struct sb_validator_set next = { .count = 0 };
	enum sb_light_verdict verdict;
	struct sb_error error;

	if (sb_json_time(json_object_get_string(get(step, "now")), &now.time) < 0 ||
	    sb_json_signed_header(get(json, "signed_header"), &block, &error) < 0 ||
	    read_set(get(json, "validator_set"), &block.validators, &error) < 0 ||
	    read_set(get(json, "next_validator_set"), &next, &error) < 0)
		verdict = SB_LIGHT_MALFORMED;
	else
		verdict = sb_light_verify(&trusted->header, &trusted->next, &block, rules, &now);
	if (verdict != SB_LIGHT_OK) {
		free(next.validators);
		return verdict;
	}
	free(trusted->next.validators);
	trusted->header = block.header;
	trusted->next = next;
	return verdict;
}

static int run_steps(json_object *steps, struct trusted *trusted, const struct sb_light_rules *rules)
{
	int wrong = 0;

	for (size_t i = 0; i < json_object_array_length(steps); i++) {
		json_object *step = json_object_array_get_idx(steps, i);
		const char *want = json_object_get_string(get(step, "verdict"));
		enum sb_light_verdict verdict = judge(step, trusted, rules);

		verdicts++;
		if (want && strcmp(want, word_of(verdict)) == 0) {
			agreed++;
			continue;
		}
		printf("      step %zu: %s, and %s is expected\n", i, sb_light_name(verdict), want);
		wrong++;
	}
	return wrong;
}

static int run_file(const char *path)
{
	sb_cleanup(put_json) json_object *root = json_object_from_file(path);
	sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
	struct sb_light_rules rules = SB_LIGHT_RULES_DEFAULT;
	json_object *initial = get(root, "initial"), *steps = get(root, "input");
	struct trusted trusted = { .next.count = 0 };
	const char *period = json_object_get_string(get(initial, "trusting_period"));
	struct sb_error error = { "" };
	int wrong;

	if (!root || !period || !json_object_is_type(steps, json_type_array)) {
		fprintf(stderr, "%s: not a test of this kind\n", path);
		return 2;
	}
	rules.trusting_period = strtoll(period, NULL, 10) / NS_PER_S;
	rules.drift = 1;
	if (sb_json_signed_header(get(initial, "signed_header"), &block, &error) < 0 ||
	    read_set(get(initial, "next_validator_set"), &trusted.next, &error) < 0) {
		fprintf(stderr, "%s: %s\n", path, error.text);
		return 2;
	}
	trusted.header = block.header;
	wrong = run_steps(steps, &trusted, &rules);
	free(trusted.next.validators);
	printf("%-4s  %s\n", wrong ? "FAIL" : "ok", strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	wrong ? failed++ : passed++;
	return 0;
}

static int is_json(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static int run_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_json, alphasort), result = 0;

	for (int i = 0; i < count; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		if (!result)
			result = run_file(file);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return count < 0 ? run_file(path) : result;
}

int main(int argc, char **argv)
{
	int result = 0;

	for (int i = 1; i < argc && !result; i++)
		result = run_directory(argv[i]);
	if (result)
		return result;
	printf("%u of %u verdicts agree\n", agreed, verdicts);
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
