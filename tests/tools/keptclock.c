// SPDX-License-Identifier: Apache-2.0
/*
 * Sets the clock ahead and tells the kernel that somebody keeps it in step, as an NTP daemon does: programs that
 * ask adjtimex(2) believe it from then on.
 *
 *   keptclock SECONDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/timex.h>
#include <time.h>

int main(int argc, char **argv)
{
	struct timex kept = { .modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR, .status = STA_PLL };
	struct timespec now;

	if (argc != 2) {
		fprintf(stderr, "usage: keptclock SECONDS\n");
		return 2;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	now.tv_sec += atol(argv[1]);
	if (clock_settime(CLOCK_REALTIME, &now) < 0 || adjtimex(&kept) < 0) {
		perror("keptclock");
		return 1;
	}
	return 0;
}
