// SPDX-License-Identifier: Apache-2.0
#include "device/reboot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"

/* A parent that ends without the word closes its end of the pipe: then this process ends, too. */
static void __attribute__((noreturn)) wait_for_word(const char *command, int fd)
{
	const char *const arguments[] = { command, NULL };
	char word = 0;
	ssize_t got;

	prctl(PR_SET_NAME, "sealbondd-boot", 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	do {
		got = read(fd, &word, 1);
	} while (got < 0 && errno == EINTR);
	if (got != 1)
		_exit(0);
	execv(command, (char *const *)arguments);
	_exit(127);
}

int sb_reboot_prepare(struct sb_reboot *reboot, const char *command)
{
	int ends[2], result;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		result = -errno;
		close(ends[0]);
		close(ends[1]);
		return result;
	}
	if (pid == 0) {
		close(ends[1]);
		wait_for_word(command, ends[0]);
	}
	close(ends[0]);
	reboot->fd = ends[1];
	reboot->pid = pid;
	return 0;
}

int sb_reboot_ask(struct sb_reboot *reboot)
{
	ssize_t put;

	if (reboot->fd < 0)
		return reboot->pid ? -EALREADY : -ENOENT;
	put = write(reboot->fd, "r", 1);
	close(reboot->fd);
	reboot->fd = -1;
	return put == 1 ? 0 : -EPIPE;
}

void sb_reboot_reap(struct sb_reboot *reboot)
{
	int status;

	if (reboot->pid <= 0 || waitpid(reboot->pid, &status, WNOHANG) != reboot->pid)
		return;
	reboot->pid = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		sb_error("reboot_command could not be run");
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		sb_error("reboot_command failed");
}
