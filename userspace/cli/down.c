// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "cli/cli.h"
#include "device/message.h"

static int done(struct sb_cli *cli, const char *what)
{
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "done", what);
		cli_json_end(cli);
	} else {
		puts(what);
	}
	return SB_EXIT_OK;
}

/* Without a helper there is nobody who would bring the bonds back: the kernel is told directly. */
static int down_directly(struct sb_cli *cli)
{
	sb_cleanup_module struct sb_module *module = NULL;
	int code = cli_open(cli, &module), result;

	if (code)
		return code;
	result = sb_module_end_bond(module, NULL);
	if (result == 0)
		result = sb_module_del_peer(module, NULL);
	return result < 0 ? cli_module_fail(cli, module, result) : done(cli, "all bonds ended");
}

static int code_of(int result)
{
	switch (result) {
	case -ENOTCONN:
		return SB_EXIT_NO_HELPER;
	case -EACCES:
	case -EPERM:
		return SB_EXIT_PERMISSION;
	default:
		return SB_EXIT_FAILED;
	}
}

int cli_down(struct sb_cli *cli, int argc, char **argv)
{
	struct sb_error error;
	int result;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "down");
	result = cli_helper(cli, SB_CONTROL_DOWN, &error);
	if (result == -ENOTCONN)
		return down_directly(cli);
	if (result < 0)
		return cli_fail(cli, code_of(result), "%s", error.text);
	return done(cli, "all bonds ended; sealbond reload brings them back");
}

int cli_reload(struct sb_cli *cli, int argc, char **argv)
{
	struct sb_error error;
	int result;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "reload");
	result = cli_helper(cli, SB_CONTROL_RELOAD, &error);
	/* The helper's own word for a configuration that it refused. */
	if (result == -EINVAL)
		return cli_fail(cli, SB_EXIT_USAGE, "%s", error.text);
	if (result < 0)
		return cli_fail(cli, code_of(result), "%s", error.text);
	return done(cli, "reloaded");
}
