// SPDX-License-Identifier: Apache-2.0
/*
 * sealbond member checkpoint: a member says which block the ledger has, for devices that have been off for longer
 * than validators are believed (light/checkpoint.h). Signs the one that waits for signatures where there is one, and
 * else one for the latest proven block. Each endpoint gets it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/people/people.h"
#include "common/parse.h"
#include "light/checkpoint.h"

#define USAGE		"member checkpoint --key MEMBER [--if-older TIME] [--dry-run]"
#define BY_THE_WAY_S	86400	/* what a member's other commands take for old */
#define WAITS_S		(3 * 86400 + 43200)	/* a checkpoint that nobody has completed in this time is not worth it */

struct work {
	struct cli_people *people;
	struct sb_members members;	/* by the ledger's record */
	struct cli_header latest;
	uint8_t key[32];
	struct sb_checkpoint complete, waits, made;	/* height 0: there is none */
	bool complete_fits;		/* it names the members of now */
};

static int read_members(struct work *work)
{
	SB_AUTO_MESSAGE Sealbond__Members *read = NULL;
	struct sb_cli *cli = work->people->cli;
	int code = cli_people_read(work->people, &sealbond__members__descriptor, SB_RECORD_MEMBERS, NULL, 0, (void **)&read,
				   NULL);

	if (code)
		return code;
	if (!read || read->n_members > SB_MEMBERS_MAX)
		return cli_fail(cli, SB_EXIT_FAILED, "the ledger has no members, or more than a checkpoint can name");
	work->members = (struct sb_members){ .count = read->n_members, .threshold = read->threshold };
	for (size_t i = 0; i < read->n_members; i++) {
		if (read->members[i]->key.len != SB_MEMBER_KEY_LEN)
			return cli_fail(cli, SB_EXIT_FAILED, "a member's key has another length");
		memcpy(work->members.member[i].key, read->members[i]->key.data, SB_MEMBER_KEY_LEN);
		work->members.member[i].weight = read->members[i]->weight;
	}
	return sb_members_sort(&work->members) < 0 ? cli_fail(cli, SB_EXIT_FAILED, "the members' record cannot be") : 0;
}

static bool same_members(const struct sb_members *a, const struct sb_members *b)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes left = { .data = NULL }, right = { .data = NULL };

	sb_members_put(&left, a);
	sb_members_put(&right, b);
	return !left.failed && !right.failed && left.length == right.length &&
	       memcmp(left.data, right.data, left.length) == 0;
}

/* What the endpoint says is there: the newest that the members of now have completed, and what comes behind it. */
static void sort_out(struct work *work, const uint8_t *data, size_t length)
{
	struct sb_checkpoint *read = calloc(1, sizeof(*read));
	struct sb_error error;
	size_t used = 0;

	if (!read)
		abort();
	for (; length && sb_checkpoint_read(data, length, read, &used) == 0; data += used, length -= used) {
		if (strcmp(read->chain, work->people->ledger.network) != 0)
			break;
		work->waits.height = 0;
		if (sb_checkpoint_verify(read, &work->members, &error) == 0) {
			work->complete = *read;
			work->complete_fits = same_members(&read->members, &work->members);
		} else if (same_members(&read->members, &work->members)) {
			work->waits = *read;
		}
	}
	free(read);
}

static int ask(struct work *work)
{
	struct cli_ledger *ledger = &work->people->ledger;
	const uint8_t height[8] = { 0 };
	struct cli_answer answer = { 0 };
	struct sb_error error = { "" };
	int result = ledger->ask(ledger->context, -1, SB_CHECKPOINT_PATH, height, sizeof(height), &answer, &error);

	if (result < 0)
		return cli_fail(work->people->cli, SB_EXIT_FAILED, "%s", error.text);
	if (answer.code)
		cli_fail(work->people->cli, SB_EXIT_FAILED, "the endpoint keeps no checkpoints: %s", answer.log);
	else
		sort_out(work, answer.value, answer.length);
	free(answer.value);
	return answer.code ? SB_EXIT_FAILED : 0;
}

static bool has_signed(const struct sb_checkpoint *checkpoint, const uint8_t key[32])
{
	for (size_t i = 0; i < checkpoint->signatures; i++)
		if (memcmp(checkpoint->signature[i].key, key, 32) == 0)
			return true;
	return false;
}

/* One that others have begun is signed only where its block is the one that we have proven, too. */
static bool is_proven(struct work *work)
{
	struct cli_ledger *ledger = &work->people->ledger;
	const struct sb_checkpoint *waits = &work->waits;
	struct cli_header header;
	struct sb_error error = { "" };

	return waits->height && !waits->after && waits->height <= work->latest.height &&
	       work->latest.seconds - waits->time.seconds < WAITS_S &&
	       ledger->header(ledger->context, waits->height, &header, &error) == 0 &&
	       memcmp(header.hash, waits->hash, sizeof(header.hash)) == 0 && header.seconds == waits->time.seconds &&
	       header.nanos == waits->time.nanos;
}

static void begin_new(struct work *work)
{
	work->made = (struct sb_checkpoint){ .height = work->latest.height, .members = work->members };
	snprintf(work->made.chain, sizeof(work->made.chain), "%.50s", work->people->ledger.network);
	memcpy(work->made.hash, work->latest.hash, sizeof(work->made.hash));
	work->made.time = (struct sb_chain_time){ work->latest.seconds, work->latest.nanos };
}

static int sign(struct work *work, const uint8_t secret[SB_PERSON_SECRET_LEN])
{
	struct sb_checkpoint *made = &work->made;
	uint8_t message[32];

	made->signatures = 1;
	memcpy(made->signature[0].key, work->key, sizeof(work->key));
	if (sb_checkpoint_message(made, message) < 0)
		abort();
	return sb_person_sign(secret, message, made->signature[0].signature) < 0 ?
	       cli_fail(work->people->cli, SB_EXIT_FAILED, "it cannot be signed") : 0;
}

/* To each endpoint; one that takes it is enough. Out: what that one says. */
static int put(struct work *work, bool *complete, char log[SB_TX_LOG_MAX], int *taken)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	struct cli_ledger *ledger = &work->people->ledger;
	struct sb_error error = { "" };
	int result = 0;

	sb_checkpoint_write(&work->made, &bytes);
	if (bytes.failed)
		abort();
	*taken = 0;
	for (int i = 0; result != -ENOENT; i++) {
		struct cli_answer answer = { 0 };

		result = ledger->ask(ledger->context, i, SB_CHECKPOINT_PUT_PATH, bytes.data, bytes.length, &answer, &error);
		if (result == 0 && answer.code == SB_TX_OK) {
			*complete |= answer.length == 1 && answer.value[0] == 1;
			snprintf(log, SB_TX_LOG_MAX, "%s", answer.log);
			++*taken;
		} else if (result == 0) {
			sb_fail(&error, 0, "%s", answer.log);
		}
		free(answer.value);
	}
	return *taken ? 0 : cli_fail(work->people->cli, SB_EXIT_FAILED, "no endpoint takes it: %s", error.text);
}

static int report(struct work *work, const char *what, bool complete, int taken, const char *log)
{
	const struct sb_checkpoint *about = work->made.height ? &work->made : &work->complete;
	struct sb_cli *cli = work->people->cli;
	char time[CLI_TIME_ROOM];

	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "done", what);
		sb_json_signed(&cli->out, "height", about->height);
		sb_json_signed(&cli->out, "time", about->time.seconds);
		sb_json_bool(&cli->out, "complete", complete);
		sb_json_signed(&cli->out, "endpoints", taken);
		cli_json_end(cli);
	} else {
		printf("%s: block %lld, of %s%s%s\n", what, (long long)about->height, cli_time(time, about->time.seconds),
		       log[0] ? "; " : "", log);
	}
	return SB_EXIT_OK;
}

static bool is_fresh(const struct work *work, int64_t older)
{
	return older && work->complete.height && work->complete_fits &&
	       work->latest.seconds - work->complete.time.seconds < older;
}

static int find_out(struct work *work, const uint8_t secret[SB_PERSON_SECRET_LEN])
{
	struct cli_ledger *ledger = &work->people->ledger;
	struct sb_error error = { "" };
	int code;

	if (sb_person_key(secret, work->key) < 0)
		return cli_fail(work->people->cli, SB_EXIT_FAILED, "the key's secret is none");
	code = read_members(work);
	if (code)
		return code;
	if (ledger->header(ledger->context, 0, &work->latest, &error) < 0)
		return cli_fail(work->people->cli, SB_EXIT_FAILED, "%s", error.text);
	return ask(work);
}

/* older: seconds; 0: whatever there is. */
static int make(struct work *work, const uint8_t secret[SB_PERSON_SECRET_LEN], int64_t older)
{
	char log[SB_TX_LOG_MAX] = "";
	bool complete = false;
	int code = find_out(work, secret), taken = 0;

	if (code)
		return code;
	if (is_fresh(work, older))
		return report(work, "the newest checkpoint is young enough", true, 0, log);
	if (work->complete_fits && work->complete.height >= work->latest.height)
		return report(work, "the newest block has a complete checkpoint", true, 0, log);
	if (is_proven(work)) {
		work->made = work->waits;
		if (has_signed(&work->waits, work->key))
			return report(work, "signed already; it waits for other members", false, 0, log);
	} else {
		begin_new(work);
	}
	code = sign(work, secret);
	if (code == 0 && work->people->dry_run)
		return report(work, "not sent (--dry-run): a checkpoint", false, 0, log);
	if (code == 0)
		code = put(work, &complete, log, &taken);
	return code ? code : report(work, "checkpoint", complete, taken, log);
}

int cli_member_checkpoint(struct sb_cli *cli, int argc, char **argv)
{
	const char *older = NULL;
	const struct cli_option table[] = { { "--if-older", &older, NULL }, { NULL } };
	sb_cleanup(sb_key_file_wipe) struct sb_key_file file = { 0 };
	sb_cleanup_free struct work *work = calloc(1, sizeof(*work));
	struct cli_people people;
	uint64_t ms = 0;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 0, 0);

	if (!work)
		abort();
	work->people = &people;
	if (code == 0 && older && sb_parse_duration(older, &ms) < 0)
		code = cli_fail(cli, SB_EXIT_USAGE, "--if-older: a time, as 24h");
	if (code)
		return code;
	code = cli_people_key(&people, people.key_file, SB_KEY_MEMBER, &file);
	if (code == 0)
		code = cli_people_open(&people);
	if (code == 0)
		code = make(work, file.secret, (int64_t)(ms / 1000));
	cli_people_end(&people);
	return code;
}

/* Nothing is printed: what was asked for is done, and the next one comes with the next command. */
void cli_checkpoint_by_the_way(struct cli_people *people, const uint8_t secret[SB_PERSON_SECRET_LEN])
{
	sb_cleanup_free struct work *work = calloc(1, sizeof(*work));
	char log[SB_TX_LOG_MAX] = "";
	bool complete = false;
	int taken;

	if (!work)
		abort();
	work->people = people;
	if (!people->ledger.ask || !people->ledger.header)
		return;
	people->cli->quiet = true;
	if (find_out(work, secret) == 0 && !is_fresh(work, BY_THE_WAY_S)) {
		bool waits = is_proven(work);

		if (waits)
			work->made = work->waits;
		else
			begin_new(work);
		if ((!waits || !has_signed(&work->waits, work->key)) && sign(work, secret) == 0)
			(void)put(work, &complete, log, &taken);
	}
	people->cli->quiet = false;
}
