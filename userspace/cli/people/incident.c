// SPDX-License-Identifier: Apache-2.0
/* sealbond incident: what somebody has to look at, and what came of it. */
#include <string.h>

#include "cli/people/people.h"
#include "state/message_json.h"

#define USAGE	"incident list [--all]\n" \
		"   or: sealbond incident resolve INCIDENT --key OWNER [--keep-frozen] [--note TEXT] [--dry-run]\n" \
		"   or: sealbond incident unfreeze INCIDENT --key MEMBER    by the members' vote, where no owner can"

static const char *kind_word(uint32_t kind)
{
	static const char *const words[] = { "unknown", "clone", "second-enrolment", "equivocation", "fork" };

	return words[kind < SB_ARRAY_SIZE(words) ? kind : 0];
}

static int list_one(struct cli_people *people, struct sb_span id, struct sb_span value, void *context)
{
	SB_AUTO_MESSAGE Sealbond__Incident *incident = NULL;
	char hex[SB_HEX_ROOM(SB_RECORD_KEY_MAX)], device[SB_HEX_ROOM(32)] = "", time[CLI_TIME_ROOM];
	struct sb_cli *cli = people->cli;
	const bool *all = context;
	int code;

	(void)value;
	code = cli_people_read(people, &sealbond__incident__descriptor, SB_RECORD_INCIDENT, id.data,
			       id.length < 32 ? id.length : 32, (void **)&incident, NULL);
	if (code || !incident || (incident->resolved && !*all))
		return code;
	sb_format_hex(hex, id.data, id.length < 32 ? id.length : 32);
	if (incident->device.len == 32)
		sb_format_hex(device, incident->device.data, 32);
	if (cli->json) {
		sb_json_open(&cli->out, NULL, '{');
		sb_json_string(&cli->out, "id", hex);
		sb_json_string(&cli->out, "kind", kind_word(incident->kind));
		sb_message_to_json(&cli->out, "record", incident);
		sb_json_close(&cli->out, '}');
	} else {
		printf("%s  %s  %s  device %.16s  %s%s%s\n", hex, cli_time(time, incident->time), kind_word(incident->kind),
		       device, incident->text, incident->resolved ? "; resolved: " : "", incident->note);
	}
	return 0;
}

static int list(struct sb_cli *cli, int argc, char **argv)
{
	bool all = false;
	const struct cli_option table[] = { { "--all", NULL, &all }, { NULL } };
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 0, 0);

	return code ? code : cli_people_list(&people, "incidents", SB_RECORD_INCIDENT, list_one, &all);
}

static int resolve(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(RESOLVE_INCIDENT, resolve_incident, ResolveIncident, resolve);
	SB_AUTO_MESSAGE Sealbond__Incident *incident = NULL;
	bool keep = false;
	const char *note = NULL;
	const struct cli_option table[] = { { "--keep-frozen", NULL, &keep }, { "--note", &note, NULL }, { NULL } };
	struct cli_people people;
	uint8_t id[32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 1, 1);

	if (code == 0)
		code = cli_people_hex(&people, "incident", people.argument[0], id, 32);
	if (code == 0)
		code = cli_people_read(&people, &sealbond__incident__descriptor, SB_RECORD_INCIDENT, id, 32,
				       (void **)&incident, NULL);
	if (code == 0 && (!incident || incident->device.len != 32))
		code = cli_fail(cli, SB_EXIT_FAILED, "the ledger has no such incident of a device");
	resolve.incident = CLI_BYTES(32, id);
	resolve.keep_frozen = keep;
	resolve.note = (char *)(note ? note : "");
	if (code == 0)
		code = cli_people_say(&people, SB_KEY_OWNER, incident->device.data, &body, "resolved");
	cli_people_end(&people);
	return code;
}

static int unfreeze(struct sb_cli *cli, int argc, char **argv)
{
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	struct cli_people people;
	uint8_t id[32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1);

	if (code == 0)
		code = cli_people_hex(&people, "incident", people.argument[0], id, 32);
	if (code)
		return code;
	change.change_case = SEALBOND__CHANGE__CHANGE_UNFREEZE;
	change.unfreeze = CLI_BYTES(32, id);
	code = cli_people_propose(&people, 1, &change, "a frozen device goes on");
	cli_people_end(&people);
	return code;
}

int cli_incident(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "list", list }, { "resolve", resolve }, { "unfreeze", unfreeze }, { NULL, NULL },
	};

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
