/* SPDX-License-Identifier: Apache-2.0 */
/* How far what the module promises can be relied on: pure, from what the module and the system say. */
#ifndef SB_ASSURANCE_H
#define SB_ASSURANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "full", "partial" or "bench", by enum sealbond_assurance_gap. */
const char *sb_assurance_word(uint32_t gaps);

/* The text of files of the system, NULL where one cannot be read: the worst is then taken. */
struct sb_assurance_system {
	const char *lockdown;		/* /sys/kernel/security/lockdown */
	const char *modules_disabled;	/* /proc/sys/kernel/modules_disabled */
	bool signing_key;		/* a file with a key that signs modules is there */
};

/* The gaps that only userspace sees. */
uint32_t sb_assurance_gaps(const struct sb_assurance_system *system);

/* system_gaps.c: the same from the files of this system. */
uint32_t sb_system_gaps(void);

/*
 * The key file that a configuration of DKMS names (mok_signing_key=...), the last one of the text.
 * Returns whether there is one that fits; else path is untouched.
 */
bool sb_assurance_dkms_key(const char *text, char *path, size_t room);

#endif
