// SPDX-License-Identifier: Apache-2.0
/*
 * Of a home whose daemon may be running: LMDB gives this process the two databases as they are at one moment each.
 * The state comes first, and the blocks when they have a header that proves it; blocks beyond it are executed again
 * by the restore.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/sha256.h"
#include "ledger/backup.h"
#include "ledger/block.h"
#include "ledger/chain.h"
#include "ledger/restore.h"
#include "light/query.h"
#include "tree/lmdb.h"

#define WAIT_STEPS	1500
#define STEP_NS		20000000	/* 30 s in all: the block behind one with changes is made at once */
#define SMALL_MAX	SB_GENESIS_MAX	/* bytes of a file that is no database */

struct making {
	const char *home;
	int fd;
	MDB_env *state, *blocks;
};

/* To be read only: the daemon writes. */
static int open_env(const char *home, const char *name, MDB_env **env, struct sb_error *error)
{
	char path[PATH_MAX];
	int rc;

	if (!sb_home_path(path, home, name))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	rc = mdb_env_create(env);
	if (!rc)
		rc = mdb_env_set_maxdbs(*env, 16);
	if (!rc)
		rc = mdb_env_open(*env, path, MDB_RDONLY | MDB_NOTLS, 0600);
	return rc ? sb_fail(error, sb_lmdb_error(rc), "%s: %s", path, mdb_strerror(rc)) : 0;
}

/* A copy, to be freed. */
static int get(MDB_env *env, const char *table, const void *key, size_t key_length, uint8_t **data, size_t *length)
{
	MDB_val name = { key_length, (void *)key }, value;
	MDB_txn *txn;
	MDB_dbi dbi;
	int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

	if (rc)
		return sb_lmdb_error(rc);
	rc = mdb_dbi_open(txn, table, 0, &dbi);
	if (!rc)
		rc = mdb_get(txn, dbi, &name, &value);
	if (!rc) {
		*data = malloc(value.mv_size + 1);
		if (!*data)
			abort();
		memcpy(*data, value.mv_data, value.mv_size);
		*length = value.mv_size;
	}
	mdb_txn_abort(txn);
	return sb_lmdb_error(rc);
}

/* docs/ledger-store.md: the state's head. */
static int state_head(struct making *making, int64_t *height, uint8_t app_hash[SB_APP_HASH_LEN])
{
	sb_cleanup_free uint8_t *data = NULL;
	uint64_t number;
	size_t length;
	int rc = get(making->state, "head", "SBstore1", 8, &data, &length);

	if (rc)
		return rc;
	if (length != 48)
		return -EUCLEAN;
	memcpy(&number, data + 8, sizeof(number));
	*height = (int64_t)be64toh(number);
	sb_query_app_hash(data + 16, app_hash);
	return 0;
}

/* The chain's last block. */
static int blocks_head(struct making *making, int64_t *height, struct sb_header *header)
{
	sb_cleanup_free uint8_t *data = NULL, *bytes = NULL;
	struct sb_block block;
	size_t length, block_length;
	uint64_t number;
	int rc = get(making->blocks, "head", "SBchain1", 8, &data, &length);

	if (rc)
		return rc;
	if (length != 16)
		return -EUCLEAN;
	memcpy(&number, data + 8, sizeof(number));
	rc = get(making->blocks, "blocks", &number, sizeof(number), &bytes, &block_length);
	if (!rc)
		rc = sb_block_decode(bytes, block_length, &block);
	if (rc)
		return rc;
	*height = (int64_t)be64toh(number);
	*header = block.header;
	sb_block_free(&block);
	return 0;
}

/* A header that names the state as it was when it was copied, or before: one more block, or one that changed nothing. */
static int wait_for_header(struct making *making, struct sb_error *error)
{
	const struct timespec step = { 0, STEP_NS };
	uint8_t app_hash[SB_APP_HASH_LEN];
	struct sb_header header;
	int64_t height, tip;
	int rc = state_head(making, &height, app_hash);

	for (int i = 0; !rc && i < WAIT_STEPS; i++) {
		rc = blocks_head(making, &tip, &header);
		if (rc || tip > height)
			break;
		if (tip == height && header.app.length == sizeof(app_hash) &&
		    memcmp(header.app.bytes, app_hash, sizeof(app_hash)) == 0)
			return 0;
		if (i + 1 == WAIT_STEPS)
			return sb_fail(error, -EAGAIN, "no header names the last block's state yet: start sealbond-ledgerd, which "
				       "makes the next block at once, and try again");
		nanosleep(&step, NULL);
	}
	return rc ? sb_fail(error, rc, "%s: no ledger that has begun: %s", making->home, strerror(-rc)) : 0;
}

static int write_all(int fd, const void *data, size_t length)
{
	const uint8_t *at = data;

	while (length) {
		ssize_t written = write(fd, at, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		at += written;
		length -= (size_t)written;
	}
	return 0;
}

static int put_head(struct making *making, enum sb_backup_file kind, uint64_t length)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };

	sb_backup_put_file(&bytes, kind, length);
	return bytes.failed ? -ENOMEM : write_all(making->fd, bytes.data, bytes.length);
}

/* Its length stands before it and is known behind it. */
static int put_database(struct making *making, enum sb_backup_file kind, MDB_env *env)
{
	int rc = put_head(making, kind, 0);
	off_t from = lseek(making->fd, 0, SEEK_CUR), to;
	uint64_t length;

	if (rc || from < 0)
		return rc ? rc : -errno;
	rc = sb_lmdb_error(mdb_env_copyfd2(env, making->fd, MDB_CP_COMPACT));
	to = rc ? 0 : lseek(making->fd, 0, SEEK_END);
	if (rc || to < from)
		return rc ? rc : -EIO;
	length = htobe64((uint64_t)(to - from));
	return pwrite(making->fd, &length, sizeof(length), from - 8) == sizeof(length) ? 0 : -EIO;
}

/* What is not there is not needed, or was asked for before. */
static int put_small(struct making *making, enum sb_backup_file kind)
{
	uint8_t *data = NULL;
	char path[PATH_MAX];
	size_t length;
	int rc = sb_home_path(path, making->home, sb_backup_kinds[kind].name) ?
		 sb_file_read(path, SMALL_MAX, &data, &length) : -ENAMETOOLONG;

	if (rc)
		return rc == -ENOENT && !sb_backup_kinds[kind].needed ? 0 : rc;
	rc = put_head(making, kind, length);
	if (!rc)
		rc = write_all(making->fd, data, length);
	explicit_bzero(data, length);
	free(data);
	return rc;
}

/* Over everything before, as it is on the disk. */
static int put_end(struct making *making)
{
	uint8_t buffer[65536], digest[SB_SHA256_LEN];
	struct sb_digest sum;
	ssize_t got;
	int rc = write_all(making->fd, "", 1);

	if (rc || lseek(making->fd, 0, SEEK_SET) < 0)
		return rc ? rc : -errno;
	sb_digest_init(&sum);
	while ((got = read(making->fd, buffer, sizeof(buffer))) > 0)
		sb_digest_update(&sum, buffer, (size_t)got);
	rc = got < 0 ? -errno : 0;
	sb_digest_final(&sum, digest);
	explicit_bzero(buffer, sizeof(buffer));
	if (!rc)
		rc = write_all(making->fd, digest, sizeof(digest));
	return !rc && fsync(making->fd) ? -errno : rc;
}

static int put_all(struct making *making, const char *chain, bool with_keys, struct sb_error *error)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes head = { .data = NULL };
	int rc;

	sb_backup_put_head(&head, chain, (int64_t)time(NULL));
	rc = head.failed ? -ENOMEM : write_all(making->fd, head.data, head.length);
	if (!rc)
		rc = put_database(making, SB_BACKUP_STATE, making->state);
	if (!rc) {
		rc = wait_for_header(making, error);
		if (rc)
			return rc;
		rc = put_database(making, SB_BACKUP_BLOCKS, making->blocks);
	}
	for (int i = 0; !rc && i < SB_BACKUP_FILES; i++)
		if (i != SB_BACKUP_STATE && i != SB_BACKUP_BLOCKS && (with_keys || !sb_backup_kinds[i].secret))
			rc = put_small(making, (enum sb_backup_file)i);
	if (!rc)
		rc = put_end(making);
	return rc ? sb_fail(error, rc, "the backup cannot be written: %s", strerror(-rc)) : 0;
}

static int open_home(struct making *making, char chain[SB_CHAIN_NAME_MAX + 1], struct sb_error *error)
{
	char path[PATH_MAX];
	struct sb_genesis genesis;
	int rc;

	if (!sb_home_path(path, making->home, SB_HOME_GENESIS))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", making->home);
	rc = sb_genesis_read(path, &genesis, error);
	if (rc)
		return rc;
	strcpy(chain, genesis.chain);
	sb_genesis_free(&genesis);
	rc = open_env(making->home, "state", &making->state, error);
	return rc ? rc : open_env(making->home, SB_HOME_BLOCKS, &making->blocks, error);
}

int sb_backup_make(const char *home, const char *file, bool with_keys, struct sb_error *error)
{
	struct making making = { .home = home, .fd = -1 };
	char chain[SB_CHAIN_NAME_MAX + 1];
	int rc = open_home(&making, chain, error);

	if (!rc) {
		making.fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (making.fd < 0)
			rc = sb_fail(error, -errno, "%s: %s%s", file, strerror(errno),
				     errno == EEXIST ? ": a backup is never written over" : "");
	}
	if (!rc) {
		rc = put_all(&making, chain, with_keys, error);
		if (rc)
			unlink(file);
	}
	if (making.fd >= 0)
		close(making.fd);
	mdb_env_close(making.blocks);
	mdb_env_close(making.state);
	return rc;
}
