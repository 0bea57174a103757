// SPDX-License-Identifier: Apache-2.0
/*
 * A service manager's end of NOTIFY_SOCKET, see sd_notify(3).
 *
 *   notify PATH        says "listening", then each datagram on a line of its own, until it is killed
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char text[4096];
	ssize_t length;
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (argc != 2 || strlen(argv[1]) >= sizeof(address.sun_path)) {
		fputs("usage: notify PATH\n", stderr);
		return 2;
	}
	strcpy(address.sun_path, argv[1]);
	unlink(argv[1]);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror(argv[1]);
		return 1;
	}
	puts("listening");
	fflush(stdout);
	while ((length = recv(fd, text, sizeof(text), 0)) >= 0) {
		printf("%.*s\n", (int)length, text);
		fflush(stdout);
	}
	return 1;
}
