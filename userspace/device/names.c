// SPDX-License-Identifier: Apache-2.0
#include "device/names.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/cleanup.h"

const char *const sb_name_files[SB_NAME_FILES] = {
	"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf",
};

void sb_names_look(struct sb_names *names, const char *const *paths, size_t count)
{
	names->count = count < SB_NAME_FILES ? count : SB_NAME_FILES;
	for (size_t i = 0; i < names->count; i++) {
		struct stat status = { .st_ino = 0 };

		/* A link that points nowhere yet is no file. */
		(void)stat(paths[i], &status);
		names->file[i].path = paths[i];
		names->file[i].device = status.st_dev;
		names->file[i].inode = status.st_ino;
	}
}

static bool is_refused(const char *path)
{
	sb_cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	return fd < 0 && errno == EACCES;
}

bool sb_names_stale(const struct sb_names *names)
{
	struct stat status;

	/* One that was refused from the beginning would be refused again. */
	for (size_t i = 0; i < names->count; i++)
		if (stat(names->file[i].path, &status) == 0 &&
		    (status.st_dev != names->file[i].device || status.st_ino != names->file[i].inode) &&
		    is_refused(names->file[i].path))
			return true;
	return false;
}
