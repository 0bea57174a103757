// SPDX-License-Identifier: Apache-2.0
/* sealbond ledger: any record with its proof, and how the ledger is. */
#include <string.h>

#include "cli/people/people.h"
#include "common/sha256.h"
#include "state/message_json.h"

#define USAGE	"ledger status | show KIND [ID] | list KIND    [--ledger FILE]\n" \
		"   or: sealbond ledger close | reopen | succeed --to FILE    [--dry-run]\n" \
		"   or: sealbond ledger export --home DIR --out FILE\n" \
		"   or: sealbond ledger backup FILE --home DIR [--with-keys]\n" \
		"   or: sealbond ledger restore FILE --home DIR [--validator-key FILE] [--above HEIGHT] [--key MEMBER]"

/* id: what people write it as. */
enum id_form { ID_NONE, ID_HEX, ID_DEVICE, ID_URL, ID_TEXT };

static const struct kind {
	const char *name;
	enum sb_record_kind kind;
	const ProtobufCMessageDescriptor *type;
	enum id_form form;
	size_t length;		/* bytes; 0: any */
} kinds[] = {
	{ "parameters", SB_RECORD_PARAMETERS, &sealbond__parameters__descriptor, ID_NONE, 0 },
	{ "members", SB_RECORD_MEMBERS, &sealbond__members__descriptor, ID_NONE, 0 },
	{ "account", SB_RECORD_ACCOUNT, &sealbond__account__descriptor, ID_HEX, 32 },
	{ "enroller", SB_RECORD_ENROLLER, &sealbond__enroller__descriptor, ID_HEX, 32 },
	{ "root", SB_RECORD_ROOT, &sealbond__trust_root__descriptor, ID_HEX, 32 },
	{ "reference", SB_RECORD_REFERENCE, &sealbond__reference__descriptor, ID_TEXT, 0 },
	{ "release", SB_RECORD_RELEASE, &sealbond__release__descriptor, ID_TEXT, 0 },
	{ "validator", SB_RECORD_VALIDATOR, &sealbond__validator__descriptor, ID_HEX, 32 },
	{ "grant-keys", SB_RECORD_GRANT_KEYS, &sealbond__grant_keys__descriptor, ID_NONE, 0 },
	{ "endpoint", SB_RECORD_ENDPOINT, &sealbond__endpoint__descriptor, ID_URL, 0 },
	{ "endpoints", SB_RECORD_ENDPOINTS, &sealbond__endpoints__descriptor, ID_NONE, 0 },
	{ "device", SB_RECORD_DEVICE, &sealbond__device__descriptor, ID_DEVICE, 32 },
	{ "zone", SB_RECORD_ZONE, &sealbond__zone__descriptor, ID_HEX, 16 },
	{ "known-key", SB_RECORD_KNOWN_KEY, &sealbond__known_key__descriptor, ID_HEX, 32 },
	{ "incident", SB_RECORD_INCIDENT, &sealbond__incident__descriptor, ID_HEX, 32 },
	{ "proposal", SB_RECORD_PROPOSAL, &sealbond__proposal__descriptor, ID_HEX, 32 },
	{ "counters", SB_RECORD_COUNTERS, &sealbond__counters__descriptor, ID_NONE, 0 },
	{ "bond-key", SB_RECORD_BOND_KEY, &sealbond__known_key__descriptor, ID_HEX, 32 },
	{ "enrolment", SB_RECORD_ENROLMENT, &sealbond__device__descriptor, ID_HEX, 48 },
	{ "rules", SB_RECORD_RULES, &sealbond__rules__descriptor, ID_NONE, 0 },
	{ "blocks", SB_RECORD_BLOCKS, &sealbond__blocks__descriptor, ID_NONE, 0 },
	{ "ledger", SB_RECORD_LEDGER, &sealbond__ledger__descriptor, ID_NONE, 0 },
	{ "succession", SB_RECORD_SUCCESSION, &sealbond__succession__descriptor, ID_NONE, 0 },
	{ "recovery", SB_RECORD_RECOVERY, &sealbond__recovery__descriptor, ID_NONE, 0 },
};

static int find_kind(struct sb_cli *cli, const char *name, const struct kind **found)
{
	const char *nearest;

	for (size_t i = 0; i < SB_ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i].name, name) == 0) {
			*found = &kinds[i];
			return 0;
		}
	nearest = sb_nearest_word(name, &kinds[0].name, SB_ARRAY_SIZE(kinds), sizeof(kinds[0]));
	if (nearest)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: no such kind of record; did you mean %s?", name, nearest);
	return cli_fail(cli, SB_EXIT_USAGE, "%s: no such kind of record: parameters, members, device, zone, ...", name);
}

static int take_id(struct cli_people *people, const struct kind *kind, uint8_t id[SB_RECORD_KEY_MAX], size_t *length)
{
	const char *text = people->arguments > 1 ? people->argument[1] : NULL;

	*length = kind->length;
	if ((kind->form == ID_NONE) != !text)
		return cli_fail(people->cli, SB_EXIT_USAGE, kind->form == ID_NONE ? "there is one record of %s: no id behind it" :
				"which %s? Its id behind it", kind->name);
	switch (kind->form) {
	case ID_DEVICE:
		return cli_people_device(people, text, id);
	case ID_HEX:
		return cli_people_hex(people, kind->name, text, id, kind->length);
	case ID_URL:
		sb_digest_of(text, strlen(text), id);
		*length = 32;
		return 0;
	case ID_TEXT:
		if (!text[0] || strlen(text) > 32)
			return cli_fail(people->cli, SB_EXIT_USAGE, "%s: an id of 1 to 32 bytes", text);
		*length = strlen(text);
		memcpy(id, text, *length);
		return 0;
	default:
		return 0;
	}
}

static void print_record(struct sb_cli *cli, const struct kind *kind, const void *message,
			 const struct cli_record *record)
{
	char time[CLI_TIME_ROOM];

	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "kind", kind->name);
		sb_json_bool(&cli->out, "there", message);
		sb_json_bool(&cli->out, "proven", true);
		sb_json_signed(&cli->out, "height", record->height);
		sb_json_signed(&cli->out, "time", record->time);
		if (message)
			sb_message_to_json(&cli->out, "record", message);
		cli_json_end(cli);
		return;
	}
	printf("Proven as of block %lld, %s%s\n", (long long)record->height, cli_time(time, record->time),
	       message ? "" : ": there is no such record");
	if (!message)
		return;
	cli->out = (struct sb_json){ .stream = stdout };
	sb_message_to_json(&cli->out, NULL, message);
	putchar('\n');
}

static int show(struct sb_cli *cli, int argc, char **argv)
{
	SB_AUTO_MESSAGE void *message = NULL;
	struct cli_people people;
	struct cli_record record = { 0 };
	const struct kind *kind = NULL;
	uint8_t id[SB_RECORD_KEY_MAX];
	size_t length = 0;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 2);

	if (code)
		return code;
	code = find_kind(cli, people.argument[0], &kind);
	if (code == 0)
		code = take_id(&people, kind, id, &length);
	if (code == 0)
		code = cli_people_read(&people, kind->type, kind->kind, id, length, &message, &record);
	if (code == 0)
		print_record(cli, kind, message, &record);
	if (code == 0 && !message)
		code = SB_EXIT_FAILED;
	cli_people_end(&people);
	return code;
}

static int list_one(struct cli_people *people, struct sb_span id, struct sb_span value, void *context)
{
	char hex[SB_HEX_ROOM(SB_RECORD_KEY_MAX)];
	const struct kind *kind = context;
	SB_AUTO_MESSAGE void *message = sb_message_read(kind->type, value.data, value.length);
	struct sb_cli *cli = people->cli;

	sb_format_hex(hex, id.data, id.length);
	if (cli->json) {
		sb_json_open(&cli->out, NULL, '{');
		sb_json_string(&cli->out, "id", hex);
		if (message)
			sb_message_to_json(&cli->out, "record", message);
		sb_json_close(&cli->out, '}');
		return 0;
	}
	printf("%s  ", hex);
	cli->out = (struct sb_json){ .stream = stdout };
	if (message)
		sb_message_to_json(&cli->out, NULL, message);
	putchar('\n');
	return 0;
}

static int list(struct sb_cli *cli, int argc, char **argv)
{
	struct cli_people people;
	const struct kind *kind = NULL;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1);

	if (code == 0)
		code = find_kind(cli, people.argument[0], &kind);
	if (code == 0)
		code = cli_people_open(&people);
	if (code)
		return code;
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_bool(&cli->out, "proven", false);
		sb_json_open(&cli->out, "records", '[');
	}
	code = cli_people_each(&people, kind->kind, list_one, (void *)kind);
	if (cli->json) {
		sb_json_close(&cli->out, ']');
		cli_json_end(cli);
	} else if (code == 0) {
		fputs("(as the endpoint lists them; sealbond ledger show proves each)\n", stdout);
	}
	cli_people_end(&people);
	return code;
}

static void print_counters(struct sb_cli *cli, const Sealbond__Counters *counters, const Sealbond__Members *members,
			   const Sealbond__Parameters *parameters)
{
	bool solo = members && members->n_members == 1;

	if (cli->json) {
		sb_json_string(&cli->out, "name", parameters ? parameters->name : "");
		sb_json_bool(&cli->out, "solo", solo);
		sb_json_number(&cli->out, "members", members ? members->n_members : 0);
		sb_json_number(&cli->out, "threshold", members ? members->threshold : 0);
		sb_message_to_json(&cli->out, "counters", counters);
		return;
	}
	printf("Members:    %zu, a weight of %u decides%s\n", members ? members->n_members : 0,
	       members ? members->threshold : 0, solo ? "; solo: its operator decides alone" : "");
	printf("Devices:    %u, %u enrolling, %llu incidents so far\n", counters->devices, counters->enrolling,
	       (unsigned long long)counters->incidents);
	printf("Zones:      %u; %u open proposals\n", counters->zones, counters->proposals);
}

static int status(struct sb_cli *cli, int argc, char **argv)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = NULL;
	SB_AUTO_MESSAGE Sealbond__Members *members = NULL;
	SB_AUTO_MESSAGE Sealbond__Parameters *parameters = NULL;
	static const Sealbond__Counters none = SEALBOND__COUNTERS__INIT;
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 0, 0);

	if (code == 0)
		code = cli_people_read(&people, &sealbond__counters__descriptor, SB_RECORD_COUNTERS, NULL, 0,
				       (void **)&counters, NULL);
	if (code == 0)
		code = cli_people_read(&people, &sealbond__members__descriptor, SB_RECORD_MEMBERS, NULL, 0, (void **)&members,
				       NULL);
	if (code == 0)
		code = cli_people_parameters(&people, &parameters);
	if (code == 0) {
		if (cli->json) {
			cli_json_begin(cli);
			sb_json_string(&cli->out, "chain", people.ledger.chain);
			sb_json_string(&cli->out, "network", people.ledger.network);
		} else {
			printf("Ledger:     %s (%s)\n", people.ledger.chain, parameters ? parameters->name : "");
			if (strcmp(people.ledger.chain, people.ledger.network) != 0)
				printf("Chain:      %s\n", people.ledger.network);
		}
		people.ledger.status(people.ledger.context, cli);
		print_counters(cli, counters ? counters : &none, members, parameters);
		if (cli->json)
			cli_json_end(cli);
	}
	cli_people_end(&people);
	return code;
}

int cli_ledger(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "status", status }, { "show", show }, { "list", list }, { "backup", cli_ledger_backup },
		{ "restore", cli_ledger_restore }, { NULL, NULL },
	};

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
