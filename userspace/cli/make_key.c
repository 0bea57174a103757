// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "cli/cli.h"
#include "cli/release_key.h"

int cli_make_key(struct sb_cli *cli, int argc, char **argv, const char *usage, const char *what,
		 const char *use)
{
	char public_path[SB_PATH_ROOM + 16];
	struct sb_error error;
	size_t length;
	int result;

	if (argc != 3 || strcmp(argv[1], "--out") != 0)
		return cli_usage(cli, usage);
	length = strlen(argv[2]);
	if (length >= SB_PATH_ROOM)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: too long", argv[2]);
	if (length > 4 && strcmp(argv[2] + length - 4, ".pem") == 0)
		length -= 4;
	snprintf(public_path, sizeof(public_path), "%.*s.pub.pem", (int)length, argv[2]);
	result = sb_release_key_make(argv[2], public_path, &error);
	if (result < 0)
		return cli_fail(cli, cli_code_of(result), "%s", error.text);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "private", argv[2]);
		sb_json_string(&cli->out, "public", public_path);
		cli_json_end(cli);
	} else {
		printf("%s    %s: keep it off the devices\n%s    its public part: %s of each device\n",
		       argv[2], what, public_path, use);
	}
	return SB_EXIT_OK;
}
