// SPDX-License-Identifier: Apache-2.0
#include "tree/lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/cleanup.h"

int sb_lmdb_error(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return -ENOSPC;
	case MDB_READERS_FULL:
		return -EAGAIN;
	case MDB_PAGE_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_VERSION_MISMATCH:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
	case MDB_PANIC:
		return -EUCLEAN;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

int sb_lmdb_open(const char *directory, uint64_t map_size, unsigned int tables, unsigned int readers, MDB_env **env)
{
	int dead, rc = mdb_env_create(env);

	if (!rc)
		rc = mdb_env_set_mapsize(*env, map_size);
	if (!rc)
		rc = mdb_env_set_maxdbs(*env, tables);
	if (!rc)
		rc = mdb_env_set_maxreaders(*env, readers);
	if (!rc)
		rc = mdb_env_open(*env, directory, MDB_NOTLS | MDB_NORDAHEAD, 0600);
	if (!rc)
		rc = mdb_reader_check(*env, &dead);
	return sb_lmdb_error(rc);
}

int sb_lmdb_sync_names(const char *directory)
{
	sb_cleanup_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}
