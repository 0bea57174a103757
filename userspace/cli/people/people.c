// SPDX-License-Identifier: Apache-2.0
#include "cli/people/people.h"

#include <string.h>
#include <time.h>

const char *cli_time(char room[CLI_TIME_ROOM], int64_t seconds)
{
	struct tm fields;
	time_t time = (time_t)seconds;

	if (!seconds || !gmtime_r(&time, &fields) || !strftime(room, CLI_TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", &fields))
		snprintf(room, CLI_TIME_ROOM, "never");
	return room;
}

static int set_option(const struct cli_option *option, int *i, int argc, char **argv)
{
	if (option->flag) {
		if (*option->flag)
			return -1;
		*option->flag = true;
		return 0;
	}
	if (*option->value || *i + 1 == argc)
		return -1;
	*option->value = argv[++*i];
	return 0;
}

static int take_one(const struct cli_option *own, const struct cli_option *common, int *i, int argc, char **argv)
{
	const struct cli_option *tables[] = { own, common };

	for (size_t t = 0; t < SB_ARRAY_SIZE(tables); t++)
		for (const struct cli_option *option = tables[t]; option && option->name; option++)
			if (strcmp(option->name, argv[*i]) == 0)
				return set_option(option, i, argc, argv);
	return -1;
}

int cli_people_take(struct cli_people *people, struct sb_cli *cli, const char *usage, int argc, char **argv,
		    const struct cli_option *table, size_t least, size_t most)
{
	const struct cli_option common[] = {
		{ "--ledger", &people->ledger_file, NULL }, { "--key", &people->key_file, NULL },
		{ "--passphrase-file", &people->passphrase_file, NULL }, { "--dry-run", NULL, &people->dry_run },
		{ NULL },
	};

	people->cli = cli;
	people->usage = usage;
	people->ledger_file = people->key_file = people->passphrase_file = NULL;
	people->dry_run = people->open = people->quiet = false;
	people->keep = NULL;
	people->arguments = 0;
	if (sb_secrets_protect() < 0)
		return cli_fail(cli, SB_EXIT_FAILED, "this process cannot be kept from leaving its secrets in a core file");
	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] == '-') {
			if (take_one(table, common, &i, argc, argv) < 0)
				return cli_usage(cli, usage);
		} else if (people->arguments == CLI_ARGUMENTS_MAX || people->arguments == most) {
			return cli_usage(cli, usage);
		} else {
			people->argument[people->arguments++] = argv[i];
		}
	}
	return people->arguments < least ? cli_usage(cli, usage) : 0;
}

void cli_people_end(struct cli_people *people)
{
	if (people->open)
		cli_ledger_close(&people->ledger);
	people->open = false;
}

int cli_verb(struct sb_cli *cli, const char *usage, int argc, char **argv, const struct cli_verb *verbs)
{
	const char *nearest;
	size_t count = 0;

	if (argc < 2)
		return cli_usage(cli, usage);
	for (; verbs[count].name; count++)
		if (strcmp(verbs[count].name, argv[1]) == 0)
			return verbs[count].run(cli, argc - 1, argv + 1);
	nearest = sb_nearest_word(argv[1], &verbs[0].name, count, sizeof(verbs[0]));
	if (nearest)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: no such word; did you mean %s?", argv[1], nearest);
	return cli_usage(cli, usage);
}

int cli_people_number(struct cli_people *people, const char *option, const char *text, uint64_t most, uint64_t *value)
{
	uint64_t number;

	if (sb_parse_u64(text, &number) < 0 || number > most)
		return cli_fail(people->cli, SB_EXIT_USAGE, "%s %s: not a whole number from 0 to %llu", option, text,
				(unsigned long long)most);
	*value = number;
	return 0;
}

int cli_people_hex(struct cli_people *people, const char *what, const char *text, uint8_t *out, size_t length)
{
	if (strlen(text) != 2 * length || sb_parse_hex(text, out, length) < 0)
		return cli_fail(people->cli, SB_EXIT_USAGE, "%s: %s is not %zu hex digits", what, text, 2 * length);
	return 0;
}

int cli_people_open(struct cli_people *people)
{
	const char *path = people->ledger_file ? people->ledger_file : getenv("SEALBOND_LEDGER");
	int code;

	if (people->open)
		return 0;
	code = cli_ledger_open(people->cli, path ? path : CLI_LEDGER_PATH, &people->ledger);
	people->open = code == 0;
	return code;
}

struct looking {
	const char *digits;
	size_t count;
	uint8_t device[32];
};

static int look(struct cli_people *people, struct sb_span id, struct sb_span value, void *context)
{
	struct looking *looking = context;
	char hex[SB_HEX_ROOM(32)];

	(void)people;
	(void)value;
	if (id.length < 32)
		return 0;
	sb_format_hex(hex, id.data, 32);
	if (strncmp(hex, looking->digits, strlen(looking->digits)) == 0) {
		memcpy(looking->device, id.data, 32);
		looking->count++;
	}
	return looking->count > 1;
}

int cli_people_device(struct cli_people *people, const char *text, uint8_t device[32])
{
	struct looking looking = { .digits = text };
	size_t length = strlen(text);
	int code;

	if (length == 64)
		return cli_people_hex(people, "device", text, device, 32);
	if (length < 6 || strspn(text, "0123456789abcdef") != length)
		return cli_fail(people->cli, SB_EXIT_USAGE, "%s is no device id: its 64 hex digits, or the first 6 and more",
				text);
	code = cli_people_open(people);
	if (code)
		return code;
	code = cli_people_each(people, SB_RECORD_DEVICE, look, &looking);
	if (looking.count > 1)
		return cli_fail(people->cli, SB_EXIT_USAGE, "%s: more than one device begins so; give more digits", text);
	if (code)
		return code;
	if (!looking.count)
		return cli_fail(people->cli, SB_EXIT_FAILED, "%s: the ledger knows no device that begins so", text);
	memcpy(device, looking.device, 32);
	return 0;
}

void cli_ledger_close(struct cli_ledger *ledger)
{
	if (ledger->close)
		ledger->close(ledger->context);
	*ledger = (struct cli_ledger){ 0 };
}
