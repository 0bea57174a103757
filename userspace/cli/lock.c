// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

int cli_lock(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_module struct sb_module *module = NULL;
	int code, result;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "lock");
	code = cli_open(cli, &module);
	if (code)
		return code;
	result = sb_module_lock(module);
	if (result < 0)
		return cli_module_fail(cli, module, result);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_bool(&cli->out, "locked", true);
		cli_json_end(cli);
		return SB_EXIT_OK;
	}
	puts("locked until this machine reboots. Until then nobody, root included, can\n"
	     "  change the mode (enforce) or the exceptions, in any network namespace,\n"
	     "  set or change grant keys, or the device id and the chain once they are set,\n"
	     "  set up a second network namespace, or unload the module");
	return SB_EXIT_OK;
}
