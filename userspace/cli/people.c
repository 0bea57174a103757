// SPDX-License-Identifier: Apache-2.0
/*
 * The commands of people (a ledger's members, owners, enrollers) need libraries that no device needs at boot, where
 * this program runs, too: they are a program of their own, which takes over.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "cli/cli.h"

#define PROGRAM	"sealbond-people"

int cli_people(struct sb_cli *cli, int argc, char **argv)
{
	char path[PATH_MAX], json[] = "--json", **words = calloc((size_t)argc + 3, sizeof(*words));
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof(PROGRAM));
	int count = 1;
	char *slash;

	if (!words)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	words[0] = PROGRAM;
	if (cli->json)
		words[count++] = json;
	for (int i = 0; i < argc; i++)
		words[count++] = argv[i];
	path[length < 0 ? 0 : length] = '\0';
	slash = strrchr(path, '/');
	/* Beside this one where it was built, else where it is installed. */
	if (slash) {
		memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
		execv(path, words);
	}
	execv(SB_LIBEXECDIR "/" PROGRAM, words);
	free(words);
	return cli_fail(cli, SB_EXIT_FAILED, SB_LIBEXECDIR "/" PROGRAM ": %s; install the part of sealbond that is for people",
			strerror(errno));
}
