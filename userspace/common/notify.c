// SPDX-License-Identifier: Apache-2.0
#include "common/notify.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/cleanup.h"

void sb_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	sb_cleanup_close int fd = -1;
	size_t length;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(address.sun_path))
		return;
	length = strlen(path);
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
		(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

void sb_notify_status(const void *text, size_t length)
{
	char line[256] = "STATUS=";
	const unsigned char *from = text;
	size_t used = strlen(line);

	for (size_t i = 0; i < length && used < sizeof(line) - 1; i++)
		line[used++] = from[i] < ' ' || from[i] == 0x7f ? ' ' : (char)from[i];
	line[used] = '\0';
	sb_notify(line);
}
