// SPDX-License-Identifier: Apache-2.0
/* sealbond-people: what sealbond hands over to it, argv[1] being the command. */
#include <string.h>

#include "cli/people/people.h"

int main(int argc, char **argv)
{
	static const struct cli_verb commands[] = {
		{ "init", cli_init }, { "ledger", cli_ledger_or_export }, { "member", cli_member }, { "owner", cli_owner },
		{ "enroller", cli_enroller }, { "device", cli_device }, { "zone", cli_zone }, { "profile", cli_profile },
		{ "reference", cli_reference }, { "incident", cli_incident }, { "cluster", cli_cluster },
		{ NULL, NULL },
	};
	struct sb_cli cli = { .config_path = SB_CONFIG_PATH };
	int code;

	argc = cli_take_common(&cli, argc, argv);
	code = cli_verb(&cli, "init|ledger|member|owner|enroller|device|zone|profile|reference|incident|cluster ...", argc, argv,
			commands);
	/* A full disk or a closed pipe must not look like success. */
	if (fflush(stdout) != 0 && code == SB_EXIT_OK)
		code = SB_EXIT_FAILED;
	return code;
}
