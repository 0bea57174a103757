/* SPDX-License-Identifier: Apache-2.0 */
/* The link role: what the configuration wants, kept true in the kernel. */
#ifndef SB_LINK_H
#define SB_LINK_H

#include <stdbool.h>

/*
 * Runs until the parent ends it. restarted: an earlier one of these has set the mode already,
 * and somebody may have changed it since. handover_fd: where the ledger role's sockets come (device/handover.h), or
 * -1. Returns the process's exit code.
 */
int sb_link_run(const char *config_path, bool restarted, int handover_fd);

#endif
