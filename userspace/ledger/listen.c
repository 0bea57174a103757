// SPDX-License-Identifier: Apache-2.0
#include "ledger/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/cleanup.h"
#include "common/parse.h"

static int bound(int fd, const struct sockaddr *address, size_t length, const char *where, struct sb_error *error)
{
	if (bind(fd, address, (socklen_t)length) < 0 || listen(fd, SOMAXCONN) < 0)
		return sb_fail(error, -errno, "cannot listen on %s: %s", where, strerror(errno));
	return 0;
}

/* A socket that a process which is no more has left; its home's lock says that there is no other. */
static int listen_path(const char *path, struct sb_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	sb_cleanup_close int fd = -1;
	struct stat status;

	if (strlen(path) >= sizeof(address.sun_path))
		return sb_fail(error, -ENAMETOOLONG, "%s: too long for a socket", path);
	strcpy(address.sun_path, path);
	if (!lstat(path, &status) && S_ISSOCK(status.st_mode))
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return sb_fail(error, -errno, "socket: %s", strerror(errno));
	if (bound(fd, (struct sockaddr *)&address, sizeof(address), path, error))
		return -EADDRNOTAVAIL;
	return sb_take_fd(&fd);
}

int sb_listen(const char *where, struct sb_error *error)
{
	sb_cleanup_close int fd = -1;
	union sb_endpoint endpoint;
	const int one = 1;

	if (where[0] == '/')
		return listen_path(where, error);
	if (sb_parse_endpoint(where, &endpoint) < 0)
		return sb_fail(error, -EINVAL, "%s: neither ADDR:PORT, nor [ADDR6]:PORT, nor an absolute path", where);
	fd = socket(endpoint.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return sb_fail(error, -errno, "socket: %s", strerror(errno));
	if (bound(fd, &endpoint.any, sb_endpoint_length(&endpoint), where, error))
		return -EADDRNOTAVAIL;
	return sb_take_fd(&fd);
}

void sb_unlisten(const char *where)
{
	if (where[0] == '/')
		unlink(where);
}
