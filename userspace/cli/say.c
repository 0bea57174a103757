// SPDX-License-Identifier: Apache-2.0
/* What the commands say, with or without --json: nothing of the module. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "cli/cli.h"

volatile int cli_stopped;

void cli_json_begin(struct sb_cli *cli)
{
	cli->out = (struct sb_json){ .stream = stdout };
	sb_json_open(&cli->out, NULL, '{');
}

void cli_json_end(struct sb_cli *cli)
{
	sb_json_close(&cli->out, '}');
	fputc('\n', stdout);
	fflush(stdout);
}

int (cli_fail)(struct sb_cli *cli, int code, const char *format, ...)
{
	va_list arguments;
	char text[640];

	if (cli->quiet)
		return code;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fprintf(stderr, "sealbond: %s\n", text);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "error", text);
		sb_json_number(&cli->out, "exit", (uint64_t)code);
		cli_json_end(cli);
	}
	return code;
}

int cli_code_of(int result)
{
	return result == -EPERM || result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_FAILED;
}

int (cli_usage)(struct sb_cli *cli, const char *usage)
{
	return cli_fail(cli, SB_EXIT_USAGE, "usage: sealbond %s", usage);
}

static void on_stop(int number)
{
	(void)number;
	cli_stopped = 1;
}

void cli_catch_stop(void)
{
	/* No SA_RESTART: a wait ends. */
	const struct sigaction action = { .sa_handler = on_stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int cli_take_common(struct sb_cli *cli, int argc, char **argv)
{
	int kept = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			cli->json = true;
		else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			cli->config_path = argv[++i];
		else if (strncmp(argv[i], "--config=", 9) == 0)
			cli->config_path = argv[i] + 9;
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	return kept;
}
