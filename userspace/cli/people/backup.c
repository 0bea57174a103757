// SPDX-License-Identifier: Apache-2.0
/*
 * sealbond ledger backup and restore, which sealbond-ledgerd does, and sealbond member recovery: the members sign how
 * the restored ledger goes on. None of it needs a ledger that answers.
 */
#include <errno.h>
#include <string.h>

#include "cli/people/people.h"
#include "common/file.h"
#include "light/checkpoint.h"

#define BACKUP_USAGE	"ledger backup FILE --home DIR [--with-keys]"
#define RESTORE_USAGE	"ledger restore FILE --home DIR [--validator-key FILE] [--above HEIGHT] [--key MEMBER]"
#define RECOVERY_USAGE	"member recovery FILE --key MEMBER [--dry-run]"
#define RECOVERY_FILE	"recovery"	/* ledger/ledger_app.h */
#define DESCRIPTION_MAX	16384

/* A recovery's file, and the key that signs it; on the heap, for its size. */
struct work {
	struct cli_people people;
	struct sb_checkpoint record;
	char path[PATH_MAX];
	uint8_t key[32];
};

static int run_daemon(struct cli_people *people, const char *const *arguments)
{
	char program[PATH_MAX];
	int status;

	cli_daemon_find(program);
	status = cli_daemon_run(program, arguments, false);
	if (status == 127)
		return cli_fail(people->cli, SB_EXIT_FAILED, "%s cannot be run: install sealbond-ledgerd on this machine",
				program);
	return status ? cli_fail(people->cli, SB_EXIT_FAILED, "sealbond-ledgerd could not do it: see above") : 0;
}

int cli_ledger_backup(struct sb_cli *cli, int argc, char **argv)
{
	const char *home = NULL;
	bool with_keys = false;
	const struct cli_option table[] = { { "--home", &home, NULL }, { "--with-keys", NULL, &with_keys }, { NULL } };
	struct cli_people people;
	int code = cli_people_take(&people, cli, BACKUP_USAGE, argc, argv, table, 1, 1);

	if (code == 0 && (!home || people.dry_run))
		code = cli_usage(cli, BACKUP_USAGE);
	if (code == 0) {
		const char *const arguments[] = { "sealbond-ledgerd", "backup", people.argument[0], "--home", home,
						  with_keys ? "--with-keys" : NULL, NULL };

		code = run_daemon(&people, arguments);
	}
	if (code)
		return code;
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "done", "backup");
		sb_json_string(&cli->out, "file", people.argument[0]);
		sb_json_bool(&cli->out, "keys", with_keys);
		cli_json_end(cli);
	}
	return 0;
}

static int read_record(struct work *work)
{
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_cli *cli = work->people.cli;
	size_t length, used;
	int result = sb_file_read(work->path, SB_CHECKPOINT_MAX, &data, &length);

	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", work->path, strerror(-result));
	if (sb_checkpoint_read(data, length, &work->record, &used) < 0 || used != length || !work->record.after)
		return cli_fail(cli, SB_EXIT_FAILED, "%s: not a recovery", work->path);
	return 0;
}

/* Its place among the signatures, whose keys ascend; a signature that is there already is made anew. */
static int sign(struct work *work, const uint8_t secret[SB_PERSON_SECRET_LEN])
{
	struct sb_checkpoint *record = &work->record;
	uint8_t message[32];
	size_t at = 0;

	while (at < record->signatures && memcmp(record->signature[at].key, work->key, 32) < 0)
		at++;
	if (at == record->signatures || memcmp(record->signature[at].key, work->key, 32) != 0) {
		if (record->signatures == SB_MEMBERS_MAX)
			return cli_fail(work->people.cli, SB_EXIT_FAILED, "there is no room for more signatures");
		memmove(&record->signature[at + 1], &record->signature[at],
			(record->signatures - at) * sizeof(record->signature[0]));
		memcpy(record->signature[at].key, work->key, 32);
		record->signatures++;
	}
	if (sb_checkpoint_message(record, message) < 0)
		abort();
	return sb_person_sign(secret, message, record->signature[at].signature) < 0 ?
	       cli_fail(work->people.cli, SB_EXIT_FAILED, "it cannot be signed") : 0;
}

static int report(struct work *work, const char *done, bool complete, const char *missing)
{
	const struct sb_checkpoint *record = &work->record;
	struct sb_cli *cli = work->people.cli;
	char time[CLI_TIME_ROOM], hex[SB_HEX_ROOM(32)];

	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "done", done);
		sb_json_string(&cli->out, "file", work->path);
		sb_json_string(&cli->out, "chain", record->chain);
		sb_json_signed(&cli->out, "last", record->after);
		sb_json_signed(&cli->out, "resumes", record->height);
		sb_json_signed(&cli->out, "time", record->time.seconds);
		sb_json_bool(&cli->out, "complete", complete);
		cli_json_end(cli);
		return 0;
	}
	printf("%s: %s\n", work->path, done);
	printf("Ledger %s goes on from block %lld, %s,\n", record->chain, (long long)record->after,
	       sb_format_hex(hex, record->after_hash, 32));
	printf("with block %lld of %s, %s.\n", (long long)record->height, cli_time(time, record->time.seconds),
	       sb_format_hex(hex, record->hash, 32));
	printf("%s\n", complete ? "Members of enough weight have signed it: start sealbond-ledgerd." : missing);
	return 0;
}

/* Signs with the key of --key, and says how far it is. */
static int sign_file(struct work *work)
{
	sb_cleanup(sb_key_file_wipe) struct sb_key_file file = { 0 };
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	struct sb_error missing = { "" };
	bool is_member = false;
	int code = read_record(work), result;

	if (code == 0)
		code = cli_people_key(&work->people, work->people.key_file, SB_KEY_MEMBER, &file);
	if (code)
		return code;
	if (sb_person_key(file.secret, work->key) < 0)
		return cli_fail(work->people.cli, SB_EXIT_FAILED, "the key's secret is none");
	for (size_t i = 0; i < work->record.members.count; i++)
		is_member |= memcmp(work->record.members.member[i].key, work->key, 32) == 0;
	if (!is_member)
		fprintf(stderr, "sealbond: this key is none of the members' of the restored ledger: its signature only helps "
			"devices that know it from the blocks that were lost\n");
	code = sign(work, file.secret);
	if (code || work->people.dry_run)
		return code ? code : report(work, "not signed (--dry-run)", false, "");
	sb_checkpoint_write(&work->record, &bytes);
	if (bytes.failed)
		abort();
	result = sb_file_write(work->path, bytes.data, bytes.length, 0644);
	if (result < 0)
		return cli_fail(work->people.cli, cli_code_of(result), "%s: %s", work->path, strerror(-result));
	result = sb_checkpoint_verify(&work->record, &work->record.members, &missing);
	return report(work, "signed", result == 0, missing.text);
}

int cli_member_recovery(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_free struct work *work = calloc(1, sizeof(*work));
	int code;

	if (!work)
		abort();
	code = cli_people_take(&work->people, cli, RECOVERY_USAGE, argc, argv, NULL, 1, 1);
	if (code == 0 && snprintf(work->path, PATH_MAX, "%s", work->people.argument[0]) >= PATH_MAX)
		code = cli_fail(cli, SB_EXIT_USAGE, "%s: too long", work->people.argument[0]);
	return code ? code : sign_file(work);
}

/*
 * Who begins with this ledger now begins with the block that goes on: the first validators may be none of it any more,
 * and who knows no members yet cannot be led over the gap by them.
 */
static int renew_description(struct work *work, const char *home)
{
	sb_cleanup_free char *made = NULL;
	sb_cleanup_free uint8_t *text = NULL;
	char path[PATH_MAX], hex[SB_HEX_ROOM(32)], *rest = NULL;
	size_t length;
	FILE *out;
	int result;

	if (snprintf(path, sizeof(path), "%s/ledger.conf", home) >= (int)sizeof(path))
		return cli_fail(work->people.cli, SB_EXIT_USAGE, "--home: too long");
	result = sb_file_read(path, DESCRIPTION_MAX, &text, &length);
	if (result == -ENOENT)
		return 0;
	if (result < 0)
		return cli_fail(work->people.cli, cli_code_of(result), "%s: %s", path, strerror(-result));
	out = open_memstream(&made, &length);
	if (!out)
		abort();
	for (char *line = strtok_r((char *)text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strncmp(line, "trust_hash", 10) != 0 && strncmp(line, "trust_height", 12) != 0)
			fprintf(out, "%s\n", line);
	fprintf(out, "trust_height = %lld\ntrust_hash = %s\n", (long long)work->record.height,
		sb_format_hex(hex, work->record.hash, 32));
	fclose(out);
	result = sb_file_write(path, made, length, 0644);
	return result < 0 ? cli_fail(work->people.cli, cli_code_of(result), "%s: %s", path, strerror(-result)) : 0;
}

static int restore(struct work *work, const char *home, const char *validator_key, const char *above)
{
	const char *arguments[10] = { "sealbond-ledgerd", "restore", work->people.argument[0], "--home", home };
	size_t count = 5;
	int code;

	if (validator_key) {
		arguments[count++] = "--validator-key";
		arguments[count++] = validator_key;
	}
	if (above) {
		arguments[count++] = "--above";
		arguments[count++] = above;
	}
	code = run_daemon(&work->people, arguments);
	if (code == 0)
		code = read_record(work);
	if (code == 0)
		code = renew_description(work, home);
	if (code)
		return code;
	return work->people.key_file ? sign_file(work) : report(work, "restored", false, "Its members sign it: sealbond member recovery FILE --key MEMBER");
}

int cli_ledger_restore(struct sb_cli *cli, int argc, char **argv)
{
	const char *home = NULL, *validator_key = NULL, *above = NULL;
	const struct cli_option table[] = {
		{ "--home", &home, NULL }, { "--validator-key", &validator_key, NULL }, { "--above", &above, NULL }, { NULL },
	};
	sb_cleanup_free struct work *work = calloc(1, sizeof(*work));
	int code;

	if (!work)
		abort();
	code = cli_people_take(&work->people, cli, RESTORE_USAGE, argc, argv, table, 1, 1);
	if (code == 0 && (!home || work->people.dry_run))
		code = cli_usage(cli, RESTORE_USAGE);
	if (code == 0 && snprintf(work->path, PATH_MAX, "%s/" RECOVERY_FILE, home) >= PATH_MAX)
		code = cli_fail(cli, SB_EXIT_USAGE, "--home: too long");
	return code ? code : restore(work, home, validator_key, above);
}
