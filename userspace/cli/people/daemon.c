// SPDX-License-Identifier: Apache-2.0
/* sealbond-ledgerd, run for what only it can do. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/people/people.h"

void cli_daemon_find(char path[PATH_MAX])
{
	static const char *const places[] = { "sealbond-ledgerd", "../sbin/sealbond-ledgerd" };
	char own[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 32);
	char *slash;

	snprintf(path, PATH_MAX, "sealbond-ledgerd");
	if (length <= 0)
		return;
	own[length] = '\0';
	slash = strrchr(own, '/');
	if (!slash)
		return;
	for (size_t i = 0; i < SB_ARRAY_SIZE(places); i++) {
		char there[PATH_MAX];

		if (snprintf(there, sizeof(there), "%.*s/%s", (int)(slash - own), own, places[i]) < (int)sizeof(there) &&
		    access(there, X_OK) == 0) {
			snprintf(path, PATH_MAX, "%s", there);
			return;
		}
	}
}

int cli_daemon_run(const char *program, const char *const *arguments, bool quiet)
{
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		int nowhere = quiet ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;

		dup2(quiet ? nowhere : STDERR_FILENO, STDOUT_FILENO);
		execvp(program, (char *const *)arguments);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}
