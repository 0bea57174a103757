// SPDX-License-Identifier: Apache-2.0
#include "ledger/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "ledger/backup.h"
#include "ledger/home.h"
#include "ledger/ledger_app.h"

/* Until it is whole the home has another name. */
#define SUFFIX	".restoring"

struct input {
	const uint8_t *data;
	size_t length;
	struct sb_backup backup;
};

static void close_input(struct input *input)
{
	if (input->data)
		munmap((void *)input->data, input->length);
}

static int open_input(const char *path, struct input *input, struct sb_error *error)
{
	sb_cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat info;
	void *data;

	if (fd < 0 || fstat(fd, &info) < 0)
		return sb_fail(error, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(info.st_mode) || info.st_size < 64)
		return sb_fail(error, -EBADMSG, "%s: not a backup", path);
	data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return sb_fail(error, -errno, "%s: %s", path, strerror(errno));
	input->data = data;
	input->length = (size_t)info.st_size;
	return sb_backup_read(input->data, input->length, &input->backup) < 0 ?
	       sb_fail(error, -EBADMSG, "%s: not a backup, or a damaged one", path) : 0;
}

static int write_files(const struct sb_backup *backup, const char *home, struct sb_error *error)
{
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; !rc && i < 2; i++) {
		if (!sb_home_path(path, home, i ? "state" : SB_HOME_BLOCKS))
			return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
		rc = sb_make_directory(path, 0700);
	}
	for (size_t i = 0; !rc && i < SB_BACKUP_FILES; i++) {
		if (!backup->file[i].data)
			continue;
		if (!sb_home_path(path, home, sb_backup_kinds[i].name))
			return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
		rc = sb_file_create(path, backup->file[i].data, backup->file[i].length, sb_backup_kinds[i].mode);
	}
	return rc ? sb_fail(error, rc, "%s: %s", path, strerror(-rc)) : 0;
}

/* Given, in the backup, or new. */
static int place_key(const struct sb_restore *restore, const char *path, struct sb_error *error)
{
	uint8_t *data = NULL;
	size_t length;
	int rc = 0;

	if (!restore->validator_key)
		return 0;
	rc = sb_file_read(restore->validator_key, 4096, &data, &length);
	if (rc)
		return sb_fail(error, rc, "%s: %s", restore->validator_key, strerror(-rc));
	rc = sb_file_write(path, data, length, 0600);
	explicit_bzero(data, length);
	free(data);
	return rc ? sb_fail(error, rc, "%s: %s", path, strerror(-rc)) : 0;
}

/* The note of what was signed is of the last block: the next one is far above whatever came after it. */
static int make_signer(struct sb_restore *restore, const char *home, struct sb_error *error)
{
	char key[PATH_MAX], state[PATH_MAX];
	int64_t height;
	int rc;

	if (!sb_home_path(key, home, SB_HOME_KEY) || !sb_home_path(state, home, SB_HOME_STATE))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	rc = place_key(restore, key, error);
	if (rc)
		return rc;
	restore->new_key = access(key, F_OK) < 0;
	if (restore->new_key) {
		rc = sb_signer_create(key, state, error);
		if (rc)
			return rc;
		if (unlink(state) < 0)
			return sb_fail(error, -errno, "%s: %s", state, strerror(errno));
	}
	return sb_home_recover(home, &height, error);
}

static int resume(struct sb_restore *restore, const char *home, struct sb_error *error)
{
	struct sb_app app;
	int rc = sb_ledger_app_open(home, &app, error);

	if (rc)
		return rc;
	rc = app.verify ? app.verify(app.context, error) : 0;
	if (!rc)
		rc = sb_chain_resume(home, &app, restore->above, &restore->recovery, error);
	if (!rc && app.resume)
		rc = app.resume(app.context, &restore->recovery, error);
	sb_ledger_app_close(&app);
	return rc;
}

static void remove_below(const char *home, const char *name)
{
	char path[PATH_MAX];

	if (sb_home_path(path, home, name))
		(void)remove(path);
}

/* Only what this file has made. */
static void remove_home(const char *home)
{
	static const char *const others[] = {
		"state/lock.mdb", "blocks/lock.mdb", "state", SB_HOME_BLOCKS, SB_HOME_STATE, SB_RECOVERY_FILE, "lock",
	};

	for (size_t i = 0; i < SB_BACKUP_FILES; i++)
		remove_below(home, sb_backup_kinds[i].name);
	for (size_t i = 0; i < SB_ARRAY_SIZE(others); i++)
		remove_below(home, others[i]);
	(void)rmdir(home);
}

static int sync_directory(const char *path)
{
	sb_cleanup_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int make_home(struct sb_restore *restore, const struct input *input, const char *home, struct sb_error *error)
{
	sb_cleanup_close int lock = -1;
	char path[PATH_MAX];
	int rc = write_files(&input->backup, home, error);

	if (!rc && (lock = sb_home_lock(home, error)) < 0)
		rc = lock;
	if (!rc)
		rc = make_signer(restore, home, error);
	if (!rc)
		rc = resume(restore, home, error);
	restore->grants = sb_home_path(path, home, sb_backup_kinds[SB_BACKUP_GRANT_KEY].name) && access(path, F_OK) == 0;
	if (!rc && sync_directory(home) < 0)
		rc = sb_fail(error, -EIO, "%s: cannot be synced", home);
	/* over an empty directory, and over nothing else */
	if (!rc && rename(home, restore->home) < 0)
		rc = sb_fail(error, -errno, "%s: %s%s", restore->home, strerror(errno), errno == ENOTEMPTY || errno == EEXIST ?
			     ": a home is never restored over another one" : "");
	return rc;
}

int sb_restore_run(struct sb_restore *restore, struct sb_error *error)
{
	sb_cleanup(close_input) struct input input = { .data = NULL };
	char home[PATH_MAX];
	int rc = open_input(restore->file, &input, error);

	if (rc)
		return rc;
	if (snprintf(home, sizeof(home), "%s" SUFFIX, restore->home) >= PATH_MAX - 32)
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", restore->home);
	/* looked at again when it gets its name: this only saves the work */
	if (rmdir(restore->home) < 0 && errno != ENOENT)
		return sb_fail(error, -EEXIST, "%s is there already: a home is never restored over another one",
			       restore->home);
	if (mkdir(home, 0700) < 0)
		return sb_fail(error, -errno, "%s: %s%s", home, strerror(errno), errno == EEXIST ? ": of a restore that was "
			       "interrupted; remove it" : "");
	rc = make_home(restore, &input, home, error);
	if (rc)
		remove_home(home);
	return rc;
}
