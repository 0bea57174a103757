// SPDX-License-Identifier: Apache-2.0
/*
 * What a light client costs:
 *   light_bench [RECORDS]
 * The time of a header of 100 validators whom nobody has seen before, from an endpoint's answers as text to the
 * verdict; and the bytes of HTTP that a device downloads to renew its lease (the headers since the last time, a
 * heartbeat of 1,200 bytes with the proof that a block has it, and its record of 1,500 bytes with its proof) from
 * a ledger with RECORDS records (100,000), for one validator and for 100. Prints one JSON object a line.
 */
#include "ledger_server.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "light/answer.h"
#include "light/client.h"
#include "light/json.h"
#include "light/json_write.h"

#define ROUNDS		101
#define VALIDATORS	100
#define DEADLINE	60000
#define HEARTBEAT	1200
#define RECORD		1500

static struct ledger ledger;
static struct sb_error error;

static void report(const char *name, double value, const char *unit, const char *what)
{
	printf("{\"name\": \"%s\", \"value\": %.3f, \"unit\": \"%s\", \"what\": \"%s\"}\n", name, value, unit, what);
	fflush(stdout);
}

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static char *answer_of(json_object *result)
{
	json_object *whole = json_object_new_object();
	char *text;

	json_object_object_add(whole, "jsonrpc", json_object_new_string("2.0"));
	json_object_object_add(whole, "id", json_object_new_int(0));
	json_object_object_add(whole, "result", result);
	text = strdup(json_object_to_json_string_ext(whole, JSON_C_TO_STRING_PLAIN));
	json_object_put(whole);
	assert_non_null(text);
	return text;
}

static char *commit_answer(const struct sb_light_block *block)
{
	json_object *result = json_object_new_object();

	json_object_object_add(result, "signed_header", sb_json_put_signed_header(block));
	json_object_object_add(result, "canonical", json_object_new_boolean(1));
	return answer_of(result);
}

static char *validators_answer(const struct sb_light_block *block)
{
	json_object *result = json_object_new_object();
	char number[32];

	snprintf(number, sizeof(number), "%" PRId64, block->header.height);
	json_object_object_add(result, "block_height", json_object_new_string(number));
	json_object_object_add(result, "total", json_object_new_string("100"));
	json_object_object_add(result, "validators", sb_json_put_validators(&block->validators, 0, VALIDATORS));
	return answer_of(result);
}

static json_object *result_of(const char *text)
{
	json_object *result = NULL;

	if (sb_answer_result(text, strlen(text), 0, &result, &error) != SB_FAULT_NONE)
		fail_msg("%s", error.text);
	return result;
}

/* Everything between the last byte from the wire and the verdict. */
static double judge(const struct sb_light_block *trusted, const char *commit, const char *validators)
{
	const struct sb_light_rules rules = SB_LIGHT_RULES_DEFAULT;
	const struct sb_light_now now = { true, { WORLD_START + 100, 0 } };
	struct sb_light_block block = { .header.height = 0 };
	struct sb_answer_page page;
	json_object *first, *second;
	double start = now_ms();

	first = result_of(commit);
	second = result_of(validators);
	assert_int_equal(sb_answer_commit(first, &block, &error), SB_FAULT_NONE);
	assert_int_equal(sb_answer_validators(second, &page, &error), SB_FAULT_NONE);
	assert_int_equal(sb_json_validators(page.validators, &block.validators, &error), 0);
	assert_int_equal(sb_light_verify(&trusted->header, &trusted->validators, &block, &rules, &now), SB_LIGHT_OK);
	json_object_put(first);
	json_object_put(second);
	start = now_ms() - start;
	sb_light_block_free(&block);
	return start;
}

static int by_value(const void *a, const void *b)
{
	return (*(const double *)a > *(const double *)b) - (*(const double *)a < *(const double *)b);
}

static double median(unsigned int from, unsigned int to)
{
	sb_cleanup_free char *commit = commit_answer(&ledger.at[to].block);
	sb_cleanup_free char *validators = validators_answer(&ledger.at[to].block);
	double ms[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++)
		ms[i] = judge(&ledger.at[from].block, commit, validators);
	qsort(ms, ROUNDS, sizeof(ms[0]), by_value);
	return ms[ROUNDS / 2];
}

static void cold_header(void)
{
	ledger_init(&ledger, WORLD_START, VALIDATORS, 0);
	ledger_grow(&ledger, 10);
	report("cold_header_ms_100", median(1, 10), "ms",
	       "a header of 100 validators, skipped to: processor time, median of 101");
	report("next_header_ms_100", median(9, 10), "ms", "the same, the next header");
	ledger_free(&ledger);
}

static uint64_t downloaded(const struct sb_light_client *client)
{
	struct sb_light_status status;

	sb_light_client_status(client, &status);
	return status.in;
}

static void remove_directory(const char *directory)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/trust", directory);
	unlink(path);
	rmdir(directory);
}

static void renew(struct sb_light_client *client, uint64_t bytes[4])
{
	struct sb_light_submitted submitted;
	struct sb_light_synced synced;
	struct sb_light_record record;
	char heartbeat[HEARTBEAT];

	memset(heartbeat, 'q', sizeof(heartbeat));
	bytes[0] = downloaded(client);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), 0);
	bytes[1] = downloaded(client);
	assert_int_equal(sb_light_client_submit(client, heartbeat, sizeof(heartbeat), DEADLINE, &submitted, &error), 0);
	assert_true(submitted.proven);
	bytes[2] = downloaded(client);
	assert_int_equal(sb_light_client_query(client, "d/me", 4, DEADLINE, &record, &error), 0);
	assert_int_equal(record.length, RECORD);
	bytes[3] = downloaded(client);
	free(record.value);
}

/* With a witness, which is asked for the header as well. */
static void renewal(unsigned int validators, unsigned int records)
{
	char directory[64], value[RECORD + 1], name[64];
	struct sb_light_config config = {
		.chain = WORLD_CHAIN, .directory = directory, .root.height = 1, .endpoints = 2, .clock = SB_CLOCK_YES,
		.floor = 1, .endpoint = { { .url = server[0].url }, { .url = server[1].url } },
	};
	struct sb_light_synced synced;
	struct sb_light_client *client;
	uint64_t bytes[4];

	snprintf(directory, sizeof(directory), "/tmp/sb-light-bench-%d", (int)getpid());
	memset(value, 'v', RECORD);
	value[RECORD] = '\0';
	ledger_init(&ledger, time(NULL) - 60, validators, 0);
	ledger.filler = records;
	ledger_set(&ledger, "d/me", value);
	ledger_grow(&ledger, 20);
	servers_reset(&ledger);
	sb_header_hash(&ledger.at[1].block.header, config.root.hash);
	assert_int_equal(sb_light_client_open(&config, &client, &error), 0);
	assert_int_equal(sb_light_client_sync(client, DEADLINE, &synced, &error), 0);
	servers_lock();
	ledger_grow(&ledger, 20);
	servers_unlock();
	renew(client, bytes);
	snprintf(name, sizeof(name), "renewal_bytes_%u", validators);
	report(name, (double)(bytes[3] - bytes[0]), "bytes", "downloaded to renew: headers, heartbeat, record");
	snprintf(name, sizeof(name), "sync_bytes_%u", validators);
	report(name, (double)(bytes[1] - bytes[0]), "bytes", "of them the new header, twice: from a witness, too");
	snprintf(name, sizeof(name), "submit_bytes_%u", validators);
	report(name, (double)(bytes[2] - bytes[1]), "bytes", "the heartbeat's inclusion and code, proven");
	snprintf(name, sizeof(name), "query_bytes_%u", validators);
	report(name, (double)(bytes[3] - bytes[2]), "bytes", "the record and its proof");
	sb_light_client_close(client);
	remove_directory(directory);
	ledger_free(&ledger);
}

int main(int argc, char **argv)
{
	unsigned int records = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 100000;

	if (sodium_init() < 0)
		return 1;
	cold_header();
	servers_start();
	renewal(1, records);
	renewal(VALIDATORS, records);
	servers_stop();
	return 0;
}
