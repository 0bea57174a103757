/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process gives up before it touches anything from outside. Each step returns 0 or a
 * negative errno; the caller ends itself when one fails.
 */
#ifndef SB_SANDBOX_H
#define SB_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

/* No core files, no ptrace by others of our uid, no new privileges by exec. */
int sb_sandbox_begin(void);

/* Keeps the capabilities of a mask (1ULL << CAP_…) in all sets but the inheritable one, which is emptied. */
int sb_sandbox_capabilities(uint64_t keep);

struct sb_sandbox_path {
	const char *path;
	int write;	/* 0: read; 1: read, write, and in a directory create, rename, remove */
};

/*
 * From here on only these paths can be opened (Landlock). Paths that do not exist are left
 * out. Returns 1 where the kernel has no Landlock: nothing is restricted then.
 */
int sb_sandbox_paths(const struct sb_sandbox_path *paths, size_t count);

/*
 * From here on only the calls that every role needs and those of the NULL-terminated list more; any other fails with
 * EPERM. More may be NULL. Processes that are started from here need "tgkill" to abort. Sockets can be made of these
 * families (AF_…) only, of which 0 is the end; NULL: none. Who may make no AF_UNIX ones cannot speak to another program of
 * the machine: "socketpair" in more makes connected ones alone.
 */
int sb_sandbox_calls(const char *const *more, const unsigned int *families);

#endif
