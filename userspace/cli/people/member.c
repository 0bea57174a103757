// SPDX-License-Identifier: Apache-2.0
/* sealbond member: who decides on a ledger, and what they decide. */
#include <string.h>

#include "cli/people/people.h"
#include "common/file.h"
#include "state/message_json.h"

#define USAGE	"member key --out FILE [--name NAME] [--passphrase]\n" \
		"   or: sealbond member list | proposals\n" \
		"   or: sealbond member add PUBLIC [--weight N] [--name NAME] | remove PUBLIC | threshold N\n" \
		"   or: sealbond member replace PUBLIC --by PUBLIC [--name NAME]    a key that was lost or stolen\n" \
		"   or: sealbond member propose FILE.json | vote PROPOSAL [--against] | withdraw PROPOSAL\n" \
		"   or: sealbond member checkpoint [--if-older TIME] | recovery FILE\n" \
		"       each with --key MEMBER [--dry-run]"
#define FILE_MAX	(1U << 20)

static int key(struct sb_cli *cli, int argc, char **argv)
{
	return cli_people_key_new(cli, argc, argv, SB_KEY_MEMBER, USAGE);
}

static void print_members(struct sb_cli *cli, const Sealbond__Members *members)
{
	char hex[SB_HEX_ROOM(32)];

	if (cli->json) {
		cli_json_begin(cli);
		if (members)
			sb_message_to_json(&cli->out, "members", members);
		cli_json_end(cli);
		return;
	}
	for (size_t i = 0; members && i < members->n_members; i++)
		printf("%s  %6u  %s\n", sb_format_hex(hex, members->members[i]->key.data, members->members[i]->key.len),
		       members->members[i]->weight, members->members[i]->name);
	if (members)
		printf("a weight of %u decides\n", members->threshold);
}

static int list(struct sb_cli *cli, int argc, char **argv)
{
	SB_AUTO_MESSAGE Sealbond__Members *members = NULL;
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 0, 0);

	if (code == 0)
		code = cli_people_read(&people, &sealbond__members__descriptor, SB_RECORD_MEMBERS, NULL, 0, (void **)&members,
				       NULL);
	if (code == 0)
		print_members(cli, members);
	cli_people_end(&people);
	return code;
}

static int print_proposal(struct cli_people *people, struct sb_span id, struct sb_span value, void *context)
{
	SB_AUTO_MESSAGE Sealbond__Proposal *proposal =
		sb_message_read(&sealbond__proposal__descriptor, value.data, value.length);
	char hex[SB_HEX_ROOM(SB_RECORD_KEY_MAX)], time[CLI_TIME_ROOM];
	struct sb_cli *cli = people->cli;

	(void)context;
	if (!proposal)
		return 0;
	sb_format_hex(hex, id.data, id.length);
	if (cli->json) {
		sb_json_open(&cli->out, NULL, '{');
		sb_json_string(&cli->out, "id", hex);
		sb_message_to_json(&cli->out, "proposal", proposal);
		sb_json_close(&cli->out, '}');
		return 0;
	}
	printf("%s  until %s  %zu for, %zu against  %s\n", hex, cli_time(time, proposal->ends), proposal->n_approved,
	       proposal->n_against, proposal->title);
	if (proposal->effective)
		printf("    decided: made at that time, unless the member's old key votes against it before\n");
	for (size_t i = 0; i < proposal->n_changes; i++) {
		printf("    ");
		cli->out = (struct sb_json){ .stream = stdout };
		sb_message_to_json(&cli->out, NULL, proposal->changes[i]);
		putchar('\n');
	}
	return 0;
}

static int proposals(struct sb_cli *cli, int argc, char **argv)
{
	struct cli_people people;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 0, 0);

	return code ? code : cli_people_list(&people, "proposals", SB_RECORD_PROPOSAL, print_proposal, NULL);
}

static int propose_member(struct sb_cli *cli, int argc, char **argv, bool removes)
{
	const char *weight = NULL, *name = NULL;
	const struct cli_option table[] = { { "--weight", &weight, NULL }, { "--name", &name, NULL }, { NULL } };
	Sealbond__Member member = SEALBOND__MEMBER__INIT;
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	struct cli_people people;
	uint8_t public[32];
	uint64_t number = !removes;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, removes ? NULL : table, 1, 1);

	if (code == 0)
		code = cli_people_hex(&people, "public key", people.argument[0], public, 32);
	if (code == 0 && weight)
		code = cli_people_number(&people, "--weight", weight, 1000000, &number);
	if (code)
		return code;
	member.key = CLI_BYTES(32, public);
	member.weight = (uint32_t)number;
	member.name = (char *)(name ? name : "");
	change.change_case = SEALBOND__CHANGE__CHANGE_MEMBER;
	change.member = &member;
	code = cli_people_propose(&people, 1, &change, removes ? "removes a member" : "a member");
	cli_people_end(&people);
	return code;
}

static int add(struct sb_cli *cli, int argc, char **argv)
{
	return propose_member(cli, argc, argv, false);
}

static int remove_one(struct sb_cli *cli, int argc, char **argv)
{
	return propose_member(cli, argc, argv, true);
}

static int replace_key(struct sb_cli *cli, int argc, char **argv)
{
	const char *by = NULL, *name = NULL;
	const struct cli_option table[] = { { "--by", &by, NULL }, { "--name", &name, NULL }, { NULL } };
	Sealbond__ReplaceMember replace = SEALBOND__REPLACE_MEMBER__INIT;
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	struct cli_people people;
	uint8_t old[32], new[32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 1, 1);

	if (code == 0 && !by)
		code = cli_usage(cli, USAGE);
	if (code == 0)
		code = cli_people_hex(&people, "public key", people.argument[0], old, 32);
	if (code == 0)
		code = cli_people_hex(&people, "--by", by, new, 32);
	if (code)
		return code;
	replace.key = CLI_BYTES(32, old);
	replace.by = CLI_BYTES(32, new);
	replace.name = (char *)(name ? name : "");
	change.change_case = SEALBOND__CHANGE__CHANGE_REPLACE;
	change.replace = &replace;
	code = cli_people_propose(&people, 1, &change, "replaces a member's key");
	cli_people_end(&people);
	return code;
}

static int threshold(struct sb_cli *cli, int argc, char **argv)
{
	Sealbond__Change change = SEALBOND__CHANGE__INIT;
	struct cli_people people;
	uint64_t number;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1);

	if (code == 0)
		code = cli_people_number(&people, "threshold", people.argument[0], UINT32_MAX, &number);
	if (code)
		return code;
	change.change_case = SEALBOND__CHANGE__CHANGE_THRESHOLD;
	change.threshold = (uint32_t)number;
	code = cli_people_propose(&people, 1, &change, "the weight that decides");
	cli_people_end(&people);
	return code;
}

/* {"title": ..., "changes": [...]} as in ledger.proto: for what has no word of its own here. */
static int propose(struct sb_cli *cli, int argc, char **argv)
{
	SB_AUTO_MESSAGE Sealbond__Propose *read = NULL;
	Sealbond__Body body = SEALBOND__BODY__INIT;
	sb_cleanup_free uint8_t *text = NULL;
	struct cli_people people;
	struct sb_error error = { "" };
	size_t length;
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1), result;

	if (code)
		return code;
	result = sb_file_read(people.argument[0], FILE_MAX, &text, &length);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s: %s", people.argument[0], strerror(-result));
	read = sb_message_from_json(&sealbond__propose__descriptor, (char *)text, length, &error);
	if (!read)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: %s", people.argument[0], error.text);
	body.action_case = SEALBOND__BODY__ACTION_PROPOSE;
	body.propose = read;
	code = cli_people_say(&people, SB_KEY_MEMBER, NULL, &body, "proposed");
	cli_people_end(&people);
	return code;
}

static int vote(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(VOTE, vote, Vote, vote);
	bool against = false;
	const struct cli_option table[] = { { "--against", NULL, &against }, { NULL } };
	struct cli_people people;
	uint8_t id[32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, table, 1, 1);

	if (code == 0)
		code = cli_people_hex(&people, "proposal", people.argument[0], id, 32);
	if (code)
		return code;
	vote.proposal = CLI_BYTES(32, id);
	vote.against = against;
	code = cli_people_say(&people, SB_KEY_MEMBER, NULL, &body, "voted");
	cli_people_end(&people);
	return code;
}

static int withdraw(struct sb_cli *cli, int argc, char **argv)
{
	CLI_BODY(WITHDRAW, withdraw, Withdraw, withdraw);
	struct cli_people people;
	uint8_t id[32];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1);

	if (code == 0)
		code = cli_people_hex(&people, "proposal", people.argument[0], id, 32);
	if (code)
		return code;
	withdraw.proposal = CLI_BYTES(32, id);
	code = cli_people_say(&people, SB_KEY_MEMBER, NULL, &body, "withdrawn");
	cli_people_end(&people);
	return code;
}

int cli_member(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = {
		{ "key", key }, { "list", list }, { "proposals", proposals }, { "add", add }, { "remove", remove_one },
		{ "replace", replace_key }, { "threshold", threshold }, { "propose", propose }, { "vote", vote }, { "withdraw", withdraw },
		{ "checkpoint", cli_member_checkpoint }, { "recovery", cli_member_recovery },
		{ NULL, NULL },
	};

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
