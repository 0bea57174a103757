/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files by which the C library looks names up. Landlock's rules are for the very files that were there: one that takes
 * the name of another (DHCP clients and editors do so), or that was not there, is refused to this process, and the
 * library then goes on as if there was none.
 */
#ifndef SB_NAMES_H
#define SB_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define SB_NAME_FILES	5
extern const char *const sb_name_files[SB_NAME_FILES];	/* all that are not in a directory of their own */

struct sb_names {
	size_t count;
	struct {
		const char *path;
		dev_t device;
		ino_t inode;		/* 0: none */
	} file[SB_NAME_FILES];
};

/* Before the sandbox is made: what is there now. The paths have to stay; at most SB_NAME_FILES. */
void sb_names_look(struct sb_names *names, const char *const *paths, size_t count);

/* Is there another file now that this process may not read? A new one that starts now could. */
bool sb_names_stale(const struct sb_names *names);

#endif
