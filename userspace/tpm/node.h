/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_NODE_H
#define SB_NODE_H

#include <stddef.h>

/*
 * The number of this machine's first TPM 2.0, by /sys/class/tpmrm: the kernel takes the same
 * one. It need not be 0: a driver that was bound anew may get the next number. Returns -ENOENT
 * when there is none, or another negative errno.
 */
int sb_tpm_number(void);

/* The same below another directory than /sys/class/tpmrm, for tests. */
int sb_tpm_number_in(const char *directory);

#define SB_TPM_NODE_ROOM	32

/* Its resource manager, "/dev/tpmrm0". Returns 0, or what sb_tpm_number() returns. */
int sb_tpm_node(char path[SB_TPM_NODE_ROOM]);

#endif
