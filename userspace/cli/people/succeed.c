// SPDX-License-Identifier: Apache-2.0
/* sealbond ledger close, reopen, succeed: a ledger goes on as another chain. */
#include <string.h>

#include "cli/people/people.h"

#define USAGE	"ledger close     the ledger, so that its state can be exported: it takes nothing more\n" \
	"   or: sealbond ledger reopen    a closed one, when its successor is not to be\n" \
	"   or: sealbond ledger succeed --to FILE    says where a closed one goes on, for good: FILE is the new\n" \
	"           chain's ledger.conf, and its endpoints have its first block\n" \
	"       each with --key MEMBER [--dry-run]"

static int decide_closing(struct sb_cli *cli, int argc, char **argv, bool close)
{
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 0, 0);

	if (code)
		return code;
	change.change_case = SEALBOND__CHANGE__CHANGE_CLOSE;
	change.close = close;
	code = cli_people_propose(&people, 1, &change, close ? "closes the ledger for its successor" : "reopens the ledger");
	cli_people_end(&people);
	return code;
}

static int close_it(struct sb_cli *cli, int argc, char **argv)
{
	return decide_closing(cli, argc, argv, true);
}

static int reopen(struct sb_cli *cli, int argc, char **argv)
{
	return decide_closing(cli, argc, argv, false);
}

static void say(struct sb_cli *cli, const struct cli_beginning *beginning)
{
	char hex[SB_HEX_ROOM(32)];

	/* With --json the proposal itself has it all. */
	if (!cli->json)
		printf("%s begins with block %lld, %s, say %zu of %zu endpoints\n", beginning->network,
		       (long long)beginning->height, sb_format_hex(hex, beginning->hash, 32), beginning->agree,
		       beginning->urls);
}

static int propose(struct cli_people *people, const struct cli_beginning *beginning)
{
	Sealbond__Succession succession = SEALBOND__SUCCESSION__INIT;
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	char *url[SB_ARRAY_SIZE(beginning->url)], title[100];

	for (size_t i = 0; i < beginning->urls; i++)
		url[i] = (char *)beginning->url[i];
	succession.chain = (char *)beginning->network;
	succession.height = (uint64_t)beginning->height;
	succession.hash = CLI_BYTES(32, beginning->hash);
	succession.n_endpoints = beginning->urls;
	succession.endpoints = url;
	change.change_case = SEALBOND__CHANGE__CHANGE_SUCCESSION;
	change.succession = &succession;
	snprintf(title, sizeof(title), "goes on as %s", beginning->network);
	return cli_people_propose(people, 1, &change, title);
}

static int succeed(struct sb_cli *cli, int argc, char **argv)
{
	const char *to = NULL;
	const struct cli_option table[] = { { "--to", &to, NULL }, { NULL } };
	struct cli_beginning *beginning = calloc(1, sizeof(*beginning));
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 0, 0);

	if (!beginning)
		abort();
	if (!code && !to)
		code = cli_usage(cli, USAGE);
	if (!code)
		code = cli_ledger_beginning(cli, to, beginning);
	if (!code) {
		say(cli, beginning);
		code = propose(&people, beginning);
	}
	free(beginning);
	cli_people_end(&people);
	return code;
}

int cli_succeed(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "close", close_it }, { "reopen", reopen }, { "succeed", succeed }, { NULL, NULL },
	};

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
