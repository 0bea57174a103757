// SPDX-License-Identifier: Apache-2.0
/* sealbond owner: the master key of an owner, and the key that one device knows it by. */
#include "cli/people/people.h"

#define USAGE	"owner key --out FILE [--name NAME] [--passphrase]\n" \
		"   or: sealbond owner show DEVICE --key OWNER    the key that this device has its owner under"

static int key(struct sb_cli *cli, int argc, char **argv)
{
	return cli_people_key_new(cli, argc, argv, SB_KEY_OWNER, USAGE);
}

static int show(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup(sb_key_file_wipe) struct sb_key_file file = { 0 };
	struct cli_people people;
	struct sb_error error = { "" };
	uint8_t device[32], derived[32];
	char hex[SB_HEX_ROOM(32)];
	int code = cli_people_take(&people, cli, USAGE, argc, argv, NULL, 1, 1);

	if (code == 0 && !people.key_file)
		code = cli_usage(cli, USAGE);
	if (code == 0)
		code = cli_people_open(&people);
	if (code == 0)
		code = cli_people_device(&people, people.argument[0], device);
	if (code == 0 && sb_key_file_public(people.key_file, &file, &error) < 0)
		code = cli_fail(cli, SB_EXIT_FAILED, "%s", error.text);
	if (code == 0 && file.kind != SB_KEY_OWNER)
		code = cli_fail(cli, SB_EXIT_USAGE, "%s is no owner's key", people.key_file);
	if (code == 0 && sb_owner_key(file.key, people.ledger.chain, device, derived) < 0)
		code = cli_fail(cli, SB_EXIT_FAILED, "no key can be derived for this device");
	if (code == 0 && cli->json) {
		cli_json_begin(cli);
		sb_json_hex(&cli->out, "device", device, 32);
		sb_json_hex(&cli->out, "owner", derived, 32);
		cli_json_end(cli);
	} else if (code == 0) {
		puts(sb_format_hex(hex, derived, 32));
	}
	cli_people_end(&people);
	return code;
}

int cli_owner(struct sb_cli *cli, int argc, char **argv)
{
	static const struct cli_verb verbs[] = { { "key", key }, { "show", show }, { NULL, NULL } };

	return cli_verb(cli, USAGE, argc, argv, verbs);
}
