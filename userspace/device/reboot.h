/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configured command for an orderly reboot. It needs more than the helper keeps, so that a
 * process of its own waits for the word from before the sandbox on. It takes one word, once.
 */
#ifndef SB_REBOOT_H
#define SB_REBOOT_H

struct sb_reboot {
	int fd;		/* to the process that waits; -1: none */
	int pid;
};

/* Before anything is opened that is not to be handed on. 0 or a negative errno. */
int sb_reboot_prepare(struct sb_reboot *reboot, const char *command);

/* Has the command run; 0, -EALREADY when it was asked before, or -ENOENT when it was not prepared. */
int sb_reboot_ask(struct sb_reboot *reboot);

/* To be called at SIGCHLD. */
void sb_reboot_reap(struct sb_reboot *reboot);

#endif
