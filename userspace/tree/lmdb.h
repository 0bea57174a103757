/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMDB as the ledger's databases have it: it turns to a new state by one write of its head, so a crash leaves the old
 * state or the new one; MDB_NOSYNC and MDB_WRITEMAP would give that up and are not used.
 */
#ifndef SB_TREE_LMDB_H
#define SB_TREE_LMDB_H

#include <lmdb.h>
#include <stdint.h>

/* LMDB's code as -errno: -ENOENT, -ENOSPC when the map is full, -EAGAIN without a reader's place, -EUCLEAN for damage. */
int sb_lmdb_error(int rc);

/*
 * sb_lmdb_open() - in a directory that exists, mode 0600; readers that died with their process, and would keep old pages
 * for ever, are forgotten. Out: *env, also on failure, for mdb_env_close().
 */
int sb_lmdb_open(const char *directory, uint64_t map_size, unsigned int tables, unsigned int readers, MDB_env **env);

/* sb_lmdb_sync_names() - the files' names are to outlive a power cut, too. */
int sb_lmdb_sync_names(const char *directory);

#endif
