// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/cli.h"
#include "sealbond/limits.h"

static int show(struct sb_cli *cli, struct sb_module *module)
{
	struct sb_status status;
	char text[SB_SHORT_ROOM];
	int result = sb_module_status(module, &status);

	if (result < 0)
		return cli_module_fail(cli, module, result);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "mode", sb_mode_word(status.mode));
		if (status.reverting)
			sb_json_number(&cli->out, "mode_revert_ms", status.revert_ms);
		cli_json_end(cli);
	} else if (status.reverting) {
		printf("%s (reverts in %s unless confirmed: sealbond mode confirm)\n", sb_mode_word(status.mode),
		       sb_format_duration(text, status.revert_ms));
	} else {
		puts(sb_mode_word(status.mode));
	}
	return SB_EXIT_OK;
}

static bool parse_mode(const char *word, unsigned int *mode)
{
	for (unsigned int i = 0; i < __SEALBOND_MODE_MAX; i++) {
		if (strcmp(word, sb_mode_word(i)) == 0) {
			*mode = i;
			return true;
		}
	}
	return false;
}

int cli_mode(struct sb_cli *cli, int argc, char **argv)
{
	static const char usage[] = "mode [off|observe|enforce [--confirm 10m]], or mode confirm; 1s to 24h";
	bool confirm = argc == 2 && strcmp(argv[1], "confirm") == 0;
	sb_cleanup_module struct sb_module *module = NULL;
	uint64_t confirm_ms = 0;
	unsigned int mode = 0;
	int code, result;

	if (argc > 1 && !confirm && !parse_mode(argv[1], &mode))
		return cli_usage(cli, usage);
	if (argc > 2 && (argc != 4 || strcmp(argv[2], "--confirm") != 0 || sb_parse_duration(argv[3], &confirm_ms) < 0 ||
			 confirm_ms < SB_CONFIRM_MIN_MS || confirm_ms > SB_CONFIRM_MAX_MS))
		return cli_usage(cli, usage);
	code = cli_open(cli, &module);
	if (code)
		return code;
	if (argc > 1) {
		result = confirm ? sb_module_confirm_mode(module) : sb_module_set_mode(module, mode, confirm_ms);
		if (result < 0)
			return cli_module_fail(cli, module, result);
	}
	return show(cli, module);
}
