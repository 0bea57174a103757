// SPDX-License-Identifier: Apache-2.0
/* sealbond reference: measured boot states that the members approve, and roots that they trust. */
#include <string.h>

#include "cli/people/people.h"
#include "common/file.h"

#define USAGE	"reference list\n" \
		"   or: sealbond reference add ID PCR=HEX... --key MEMBER [--name NAME] [--dry-run]\n" \
		"   or: sealbond reference remove ID --key MEMBER [--dry-run]\n" \
		"   or: sealbond reference root add FILE.der | root remove SHA256    --key MEMBER [--name NAME]"
#define CERT_MAX	4096

static int list_one(struct cli_people *people, struct sb_span id, struct sb_span value, void *context)
{
	SB_AUTO_MESSAGE Sealbond__Reference *reference =
		sb_message_read(&sealbond__reference__descriptor, value.data, value.length);
	struct sb_cli *cli = people->cli;
	char pcrs[SB_PCRS_ROOM];

	(void)context;
	if (!reference)
		return 0;
	sb_format_pcrs(pcrs, reference->pcrs);
	if (cli->json) {
		sb_json_open(&cli->out, NULL, '{');
		sb_json_hex(&cli->out, "id", id.data, id.length);
		sb_json_string(&cli->out, "pcrs", pcrs);
		sb_json_string(&cli->out, "name", reference->name);
		sb_json_close(&cli->out, '}');
	} else {
		printf("%.*s  PCRs %s  %s\n", (int)reference->id.len, (const char *)reference->id.data, pcrs, reference->name);
	}
	return 0;
}

static int list(struct sb_cli *cli, int argc, char **argv)
{
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 0, 0);

	return code ? code : cli_people_list(&people, "references", SB_RECORD_REFERENCE, list_one, NULL);
}

/* PCR=HEX of each, in any order. */
static int take_values(struct cli_people *people, uint8_t values[24][32], uint32_t *pcrs)
{
	*pcrs = 0;
	for (size_t i = 1; i < people->arguments; i++) {
		const char *equals = strchr(people->argument[i], '=');
		char digits[4] = "";
		uint64_t pcr;

		if (equals && equals - people->argument[i] <= 2)
			memcpy(digits, people->argument[i], (size_t)(equals - people->argument[i]));
		if (!equals || sb_parse_u64(digits, &pcr) < 0 || pcr > 23 || *pcrs & 1U << pcr ||
		    strlen(equals + 1) != 64 || sb_parse_hex(equals + 1, values[pcr], 32) < 0)
			return cli_fail(people->cli, SB_EXIT_USAGE, "%s: a PCR from 0 to 23, once, =, and its 64 hex digits",
					people->argument[i]);
		*pcrs |= 1U << pcr;
	}
	return 0;
}

/* A boot state that no device can be in, or that few things are compared with, is one that people count on in vain. */
static int say_effect(struct cli_people *people, uint32_t pcrs)
{
	SB_AUTO_MESSAGE Sealbond__Parameters *parameters = NULL;
	char must[SB_PCRS_ROOM], may[SB_PCRS_ROOM];
	uint32_t compared, quoted;
	int code = cli_people_parameters(people, &parameters);

	if (code || !parameters)
		return code;
	/* The cap PCR may be named, by its value before the kernel's cap. */
	compared = parameters->pcrs & ~(1U << parameters->cap_pcr);
	quoted = compared | parameters->pcrs_allowed;
	sb_format_pcrs(must, compared);
	sb_format_pcrs(may, quoted);
	if (compared & ~pcrs || pcrs & ~quoted)
		printf("No device fits it: by the ledger's parameters it needs values of PCRs %s, and may have them of %s\n", must,
		       may);
	if (!parameters->match_references)
		printf("Devices in other boot states are admitted, too: the ledger's parameter match_references is not set. "
		       "It says in which states a device may bring new keys by itself\n");
	return 0;
}

static int add(struct sb_cli *cli, int argc, char **argv)
{
	Sealbond__Reference reference = SEALBOND__REFERENCE__INIT;
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	const char *name = NULL;
	const struct cli_option table[] = { { "--name", &name, NULL }, { NULL } };
	ProtobufCBinaryData list[24];
	struct cli_people people;
	uint8_t values[24][32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 2, 25);

	if (code == 0)
		code = take_values(&people, values, &reference.pcrs);
	if (code)
		return code;
	for (unsigned int pcr = 0; pcr < 24; pcr++)
		if (reference.pcrs & 1U << pcr)
			list[reference.n_values++] = CLI_BYTES(32, values[pcr]);
	reference.values = list;
	reference.id = CLI_BYTES(strlen(people.argument[0]), people.argument[0]);
	reference.name = (char *)(name ? name : "");
	change.change_case = SEALBOND__CHANGE__CHANGE_REFERENCE;
	change.reference = &reference;
	code = cli_people_propose(&people, 1, &change, "a boot state");
	if (code == 0 && !cli->json && !people.dry_run)
		code = say_effect(&people, reference.pcrs);
	cli_people_end(&people);
	return code;
}

static int remove_one(struct sb_cli *cli, int argc, char **argv)
{
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1);

	if (code)
		return code;
	change.change_case = SEALBOND__CHANGE__CHANGE_REFERENCE_REMOVE;
	change.reference_remove = CLI_BYTES(strlen(people.argument[0]), people.argument[0]);
	code = cli_people_propose(&people, 1, &change, "a boot state no more");
	cli_people_end(&people);
	return code;
}

static int root_add(struct sb_cli *cli, int argc, char **argv)
{
	Sealbond__TrustRoot root = SEALBOND__TRUST_ROOT__INIT;
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	const char *name = NULL;
	const struct cli_option table[] = { { "--name", &name, NULL }, { NULL } };
	sb_cleanup_free uint8_t *text = NULL;
	struct cli_people people;
	size_t length;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 1, 1), result;

	if (code)
		return code;
	result = sb_file_read(people.argument[0], CERT_MAX, &text, &length);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", people.argument[0], strerror(-result));
	root.certificate = CLI_BYTES(length, text);
	root.name = (char *)(name ? name : "");
	change.change_case = SEALBOND__CHANGE__CHANGE_ROOT;
	change.root = &root;
	code = cli_people_propose(&people, 1, &change, "a trust root");
	cli_people_end(&people);
	return code;
}

static int root_remove(struct sb_cli *cli, int argc, char **argv)
{
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	struct cli_people people;
	uint8_t id[32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1);

	if (code == 0)
		code = cli_people_hex(&people, "root", people.argument[0], id, 32);
	if (code)
		return code;
	change.change_case = SEALBOND__CHANGE__CHANGE_ROOT_REMOVE;
	change.root_remove = CLI_BYTES(32, id);
	code = cli_people_propose(&people, 1, &change, "a trust root no more");
	cli_people_end(&people);
	return code;
}

static int root(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = { { "add", root_add }, { "remove", root_remove }, { NULL, NULL } };

	return cli_verb(cli, USAGE, argc, argv, verbs);
}

int cli_reference(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "list", list }, { "add", add }, { "remove", remove_one }, { "root", root }, { NULL, NULL },
	};

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
