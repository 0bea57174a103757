// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <inttypes.h>

#include "cli/cli.h"

static int on_exception(void *context, const struct sb_exception_status *status)
{
	const struct sb_exception *exception = &status->exception;
	const char *kind = exception->kind < __SEALBOND_EXC_MAX ? sb_exception_kind_words[exception->kind] : "unknown";
	struct sb_cli *cli = context;
	char remote[SB_ADDRESS_ROOM];

	sb_format_prefix(remote, &exception->remote);
	if (!cli->json) {
		printf("%-20s %-10s %12" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", exception->name, kind, status->passed,
		       status->passed_bytes, status->over);
		return 0;
	}
	sb_json_open(&cli->out, NULL, '{');
	sb_json_string(&cli->out, "name", exception->name);
	sb_json_string(&cli->out, "kind", kind);
	sb_json_string(&cli->out, "dir", exception->dir == SEALBOND_X_DIR_IN ? "in" :
		       exception->dir == SEALBOND_X_DIR_OUT ? "out" : "both");
	sb_json_string(&cli->out, "interface", exception->interface[0] ? exception->interface : NULL);
	sb_json_number(&cli->out, "proto", exception->proto);
	sb_json_string(&cli->out, "remote", exception->remote.family ? remote : NULL);
	sb_json_number(&cli->out, "remote_port", exception->remote_port);
	sb_json_number(&cli->out, "local_port", exception->local_port);
	sb_json_number(&cli->out, "rate", exception->rate);
	sb_json_number(&cli->out, "bytes_rate", exception->bytes);
	sb_json_number(&cli->out, "passed", status->passed);
	sb_json_number(&cli->out, "passed_bytes", status->passed_bytes);
	sb_json_number(&cli->out, "over", status->over);
	sb_json_close(&cli->out, '}');
	return 0;
}

int cli_exceptions(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_module struct sb_module *module = NULL;
	int code, result;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "exceptions [--json]");
	code = cli_open(cli, &module);
	if (code)
		return code;
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_open(&cli->out, "exceptions", '[');
	} else {
		printf("%-20s %-10s %12s %12s %12s\n", "EXCEPTION", "KIND", "PASSED", "BYTES", "OVER BUDGET");
	}
	result = sb_module_exceptions(module, on_exception, cli);
	if (cli->json) {
		sb_json_close(&cli->out, ']');
		cli_json_end(cli);
		cli->json = false;
	}
	return result < 0 && result != -EINTR ? cli_module_fail(cli, module, result) : SB_EXIT_OK;
}
