// SPDX-License-Identifier: Apache-2.0
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"

int sb_file_read(const char *path, size_t limit, uint8_t **data, size_t *length)
{
	/* O_NONBLOCK: a FIFO in the file's place must not hang us before fstat tells. */
	sb_cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	sb_cleanup_free uint8_t *buffer = NULL;
	struct stat status;
	size_t used = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	if ((uint64_t)status.st_size > limit)
		return -EFBIG;
	buffer = malloc((size_t)status.st_size + 2);
	if (!buffer)
		return -ENOMEM;
	/* One byte more than fstat said: a file that grew meanwhile is not cut silently. */
	while (used < (size_t)status.st_size + 1) {
		ssize_t got = read(fd, buffer + used, (size_t)status.st_size + 1 - used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		used += (size_t)got;
	}
	if (used > (size_t)status.st_size)
		return -EAGAIN;
	buffer[used] = '\0';
	*data = sb_take_ptr(buffer);
	*length = used;
	return 0;
}

static int write_all(int fd, const uint8_t *data, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, data, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		data += put;
		length -= (size_t)put;
	}
	return 0;
}

static int sync_directory_of(const char *path)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	sb_cleanup_close int fd = -1;

	if (!slash)
		strcpy(directory, ".");
	else if (slash == path)
		strcpy(directory, "/");
	else
		memcpy(directory, path, slash - path), directory[slash - path] = '\0';
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int write_and_sync(int fd, const void *data, size_t length, mode_t mode)
{
	int result = write_all(fd, data, length);

	if (result == 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0))
		result = -errno;
	return result;
}

/* A whole file, on the disk, beside the place that it is for. */
static int write_beside(const char *path, const void *data, size_t length, mode_t mode, char temporary[PATH_MAX])
{
	sb_cleanup_close int fd = -1;
	int result;

	if (snprintf(temporary, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = write_and_sync(fd, data, length, mode);
	if (result < 0)
		unlink(temporary);
	return result;
}

int sb_file_write(const char *path, const void *data, size_t length, mode_t mode)
{
	char temporary[PATH_MAX];
	int result = write_beside(path, data, length, mode, temporary);

	if (result < 0)
		return result;
	if (rename(temporary, path) < 0) {
		result = -errno;
		unlink(temporary);
		return result;
	}
	return sync_directory_of(path);
}

int sb_file_rename(const char *from, const char *to)
{
	if (strlen(to) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (rename(from, to) < 0)
		return -errno;
	return sync_directory_of(to);
}

/* File systems without the one have the other: FAT no second names, NFS no such flag. */
static int name_if_free(const char *temporary, const char *path)
{
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (link(temporary, path) < 0)
		return -errno;
	unlink(temporary);
	return 0;
}

int sb_file_create(const char *path, const void *data, size_t length, mode_t mode)
{
	char temporary[PATH_MAX];
	struct stat status;
	int result;

	/* The name decides, below; a secret is not written to the disk for nothing. */
	if (lstat(path, &status) == 0)
		return -EEXIST;
	result = write_beside(path, data, length, mode, temporary);
	if (result < 0)
		return result;
	result = name_if_free(temporary, path);
	if (result < 0) {
		unlink(temporary);
		return result;
	}
	return sync_directory_of(path);
}

int sb_make_directory(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (length == 0 || length >= sizeof(part))
		return length ? -ENAMETOOLONG : -EINVAL;
	memcpy(part, path, length + 1);
	for (char *at = part + 1;; at++) {
		char kept = *at;

		if (kept != '/' && kept != '\0')
			continue;
		*at = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return -errno;
		*at = kept;
		if (kept == '\0')
			return 0;
	}
}
