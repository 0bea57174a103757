/* SPDX-License-Identifier: Apache-2.0 */
/* A home in a directory of its own, for tests of the chain. */
#ifndef CHAIN_WORLD_H
#define CHAIN_WORLD_H

#include "cmocka_all.h"

#include <limits.h>
#include <ftw.h>
#include <unistd.h>

static char home[64];

static inline int make_home(void **state)
{
	(void)state;
	snprintf(home, sizeof(home), "%s/sb-home-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	return mkdtemp(home) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
	(void)status;
	(void)kind;
	(void)where;
	return remove(path);
}

static inline int remove_home(void **state)
{
	(void)state;
	return nftw(home, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline const char *in_home(const char *name)
{
	static char path[4][PATH_MAX];
	static unsigned int at;
	char *out = path[at++ % 4];

	snprintf(out, PATH_MAX, "%s/%s", home, name);
	return out;
}

#endif
