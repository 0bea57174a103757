// SPDX-License-Identifier: Apache-2.0
/*
 * What root can keep a processor for: `fifo COMMAND...` runs it with real-time priority, before
 * whatever the kernel's own workers do, and without the limit on its time.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sched_param priority = { .sched_priority = 50 };
	int limit = open("/proc/sys/kernel/sched_rt_runtime_us", O_WRONLY);

	if (argc < 2 || limit < 0 || write(limit, "-1", 2) != 2 || sched_setscheduler(0, SCHED_FIFO, &priority)) {
		perror("fifo");
		return 1;
	}
	close(limit);
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return 1;
}
