// SPDX-License-Identifier: Apache-2.0
/* sealbond profile: a device's settings on the ledger, which only its zone can read. */
#include <string.h>

#include "cli/people/zone.h"

#define USAGE	"profile set DEVICE --zone FILE --key OWNER [--mode observe|enforce] [--hold 7d|stop]\n" \
		"                          [--exception NAME]... [--dry-run]\n" \
		"   or: sealbond profile show DEVICE --zone FILE"
#define EXCEPTIONS_MOST	16
#define NAME_MOST	31	/* of an exception: SEALBOND_NAME_LEN */

struct profile_work {
	struct cli_people people;
	struct sb_key_file zone;
	const char *path, *mode, *hold;
	char *exceptions[EXCEPTIONS_MOST];
	size_t count;
	uint8_t device[32];
	Sealbond__Device *record;
	Sealbond__Zone *zone_record;
	SealbondPrivate__ZoneContent *content;
	bool behind;
};

static void end(struct profile_work *work)
{
	cli_people_end(&work->people);
	sb_key_file_wipe(&work->zone);
	sb_message_free(work->record);
	sb_message_free(work->zone_record);
	sb_private_free(work->content);
}

/* --exception may come more than once: taken out before the rest is read. */
static int take_exceptions(struct profile_work *work, struct sb_cli *cli, int argc, char **argv)
{
	int kept = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--exception") != 0) {
			argv[kept++] = argv[i];
			continue;
		}
		if (i + 1 == argc || work->count == EXCEPTIONS_MOST) {
			cli_usage(cli, USAGE);
			return -1;
		}
		work->exceptions[work->count++] = argv[++i];
	}
	return kept;
}

static int begin(struct profile_work *work, struct sb_cli *cli, int argc, char **argv)
{
	const struct cli_option table[] = {
		{ "--zone", &work->path, NULL }, { "--mode", &work->mode, NULL }, { "--hold", &work->hold, NULL }, { NULL },
	};
	int code, kept;

	memset(work, 0, sizeof(*work));
	kept = take_exceptions(work, cli, argc, argv);
	if (kept < 0)
		return SB_EXIT_USAGE;
	code = cli_people_take(&work->people, cli, USAGE, kept, argv, table, 1, 1);
	if (code == 0 && !work->path)
		code = cli_usage(cli, USAGE);
	if (code == 0)
		code = cli_people_key(&work->people, work->path, SB_KEY_ZONE, &work->zone);
	if (code == 0)
		code = cli_people_open(&work->people);
	/* The zone may have got a new key since this file was copied: what is sealed is for who has that one. */
	if (code == 0)
		code = zone_open(&work->people, &work->zone, work->path, &work->zone_record, &work->content, &work->behind);
	if (code == 0)
		code = cli_people_device(&work->people, work->people.argument[0], work->device);
	if (code == 0)
		code = cli_people_read(&work->people, &sealbond__device__descriptor, SB_RECORD_DEVICE, work->device, 32,
				       (void **)&work->record, NULL);
	if (code == 0 && !work->record)
		code = cli_fail(cli, SB_EXIT_FAILED, "the ledger does not know this device");
	return code;
}

/* A device reads its profile with the key of its zone, its first tag, and with no other's. */
static int check_zone(struct profile_work *work)
{
	struct sb_tag_rules rules;

	if (!work->record->membership ||
	    (sb_zone_rules(work->content, &rules) == 0 &&
	     zone_tag_of(&work->zone, &rules, work->people.ledger.chain, work->device, work->record) == 0))
		return 0;
	return cli_fail(work->people.cli, SB_EXIT_FAILED, "%s is not this device's zone, and the device could not read what is "
			"sealed to it; of a conduit, name the zone", work->path);
}

static int fill(struct profile_work *work, SealbondPrivate__ProfileContent *content)
{
	uint64_t ms = 0;

	if (work->mode && strcmp(work->mode, "observe") != 0 && strcmp(work->mode, "enforce") != 0)
		return cli_fail(work->people.cli, SB_EXIT_USAGE, "--mode %s: observe or enforce", work->mode);
	content->mode = (char *)(work->mode ? work->mode : "");
	if (work->hold && strcmp(work->hold, "stop") == 0)
		content->stop = true;
	else if (work->hold && (sb_parse_duration(work->hold, &ms) < 0 || ms < 1000 || ms > 366ULL * 86400000))
		return cli_fail(work->people.cli, SB_EXIT_USAGE, "--hold %s: stop, or a time from 1s to 366d", work->hold);
	for (size_t i = 0; i < work->count; i++)
		if (!work->exceptions[i][0] || strlen(work->exceptions[i]) > NAME_MOST || strpbrk(work->exceptions[i], ": "))
			return cli_fail(work->people.cli, SB_EXIT_USAGE, "--exception %s: the name of one in the device's "
					"configuration, 1 to %d characters", work->exceptions[i], NAME_MOST);
	content->hold = (uint32_t)(ms / 1000);
	content->n_exceptions = work->count;
	content->exceptions = work->exceptions;
	content->version = (work->record->profile ? work->record->profile->version : 0) + 1;
	return 0;
}

static int set(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(SET_PROFILE, set_profile, SetProfile, profile);
	SealbondPrivate__ProfileContent content = SEALBOND_PRIVATE__PROFILE_CONTENT__INIT;
	struct profile_work work;
	int code = begin(&work, cli, argc, argv);

	if (code == 0)
		code = fill(&work, &content);
	if (code == 0)
		code = check_zone(&work);
	if (code == 0 && sb_profile_seal(work.zone.zone_key, work.people.ledger.chain, work.device, &content,
					 &profile.sealed.data, &profile.sealed.len) < 0)
		code = cli_fail(cli, SB_EXIT_FAILED, "the profile is too long");
	profile.device = CLI_BYTES(32, work.device);
	profile.version = content.version;
	if (code == 0)
		code = cli_people_say(&work.people, SB_KEY_OWNER, work.device, &body, "set");
	if (code == 0 && !work.record->membership && !cli->json && !work.people.dry_run)
		printf("The device is in no zone, and reads its profile when it is in this one: sealbond zone add\n");
	free(profile.sealed.data);
	end(&work);
	return code;
}

static void print(struct sb_cli *cli, const SealbondPrivate__ProfileContent *content, uint32_t in_force)
{
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_number(&cli->out, "version", content->version);
		sb_json_number(&cli->out, "in_force", in_force);
		sb_json_string(&cli->out, "mode", content->mode[0] ? content->mode : NULL);
		sb_json_number(&cli->out, "hold", content->hold);
		sb_json_bool(&cli->out, "stop", content->stop);
		sb_json_open(&cli->out, "exceptions", '[');
		for (size_t i = 0; i < content->n_exceptions; i++)
			sb_json_string(&cli->out, NULL, content->exceptions[i]);
		sb_json_close(&cli->out, ']');
		cli_json_end(cli);
		return;
	}
	printf("version %u (in force on the device: %u), mode %s, on ledger loss %s", content->version, in_force,
	       content->mode[0] ? content->mode : "as the device has it", content->stop ? "stop" :
	       content->hold ? "hold for " : "as the ledger says");
	if (!content->stop && content->hold)
		printf("%u s", content->hold);
	putchar('\n');
	for (size_t i = 0; i < content->n_exceptions; i++)
		printf("exception %s\n", content->exceptions[i]);
}

static int show(struct sb_cli *cli, int argc, char **argv)
{
	SealbondPrivate__ProfileContent *content = NULL;
	struct profile_work work;
	int code = begin(&work, cli, argc, argv);

	if (code == 0 && !work.record->profile)
		code = cli_fail(cli, SB_EXIT_FAILED, "it has no profile");
	if (code == 0 && sb_profile_open(work.zone.zone_key, work.people.ledger.chain, work.device,
					 work.record->profile->sealed, &content) < 0)
		code = cli_fail(cli, SB_EXIT_FAILED, "the profile does not open with this zone's key");
	if (code == 0)
		print(cli, content, work.record->profile_version);
	sb_private_free(content);
	end(&work);
	return code;
}

int cli_profile(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = { { "set", set }, { "show", show }, { NULL, NULL } };

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
