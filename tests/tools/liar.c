// SPDX-License-Identifier: Apache-2.0
/*
 * A ledger endpoint that lies: it passes what clients ask on to a real one, and while a file exists it changes
 * each record that comes back, so that its proof does not prove it any more.
 *
 *   liar PORT UPSTREAM-ADDR UPSTREAM-PORT LIE-FILE     says "ready"; until SIGTERM
 *
 * The seventh character of each JSON text "value":"..." becomes another one: still Base64, another record.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHANGED	7	/* of the value's characters */

static const char MARK[] = "\"value\":\"";
static const char *lie_file;

/* How far into the mark, or into the value behind it, an answer's bytes have come. */
struct place {
	size_t matched, in_value;
};

static void change(struct place *place, char *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (place->matched == sizeof(MARK) - 1) {
			if (data[i] == '"' || ++place->in_value == CHANGED) {
				if (data[i] != '"')
					data[i] = data[i] == 'A' ? 'B' : 'A';
				place->matched = place->in_value = 0;
			}
		} else if (data[i] == MARK[place->matched]) {
			place->matched++;
		} else {
			place->matched = data[i] == MARK[0];
		}
	}
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, data, length);

		if (written <= 0)
			return -1;
		data += written;
		length -= (size_t)written;
	}
	return 0;
}

/* One client's connection, in a process of its own. */
static void relay(int client, const struct sockaddr_in *upstream)
{
	struct pollfd fds[2] = { { .fd = client, .events = POLLIN }, { .events = POLLIN } };
	struct place place = { 0 };
	char data[16384];

	fds[1].fd = socket(AF_INET, SOCK_STREAM, 0);
	if (fds[1].fd < 0 || connect(fds[1].fd, (const struct sockaddr *)upstream, sizeof(*upstream)) < 0)
		return;
	while (poll(fds, 2, -1) > 0) {
		for (int from = 0; from < 2; from++) {
			ssize_t got;

			if (!fds[from].revents)
				continue;
			got = read(fds[from].fd, data, sizeof(data));
			if (got <= 0)
				return;
			if (from == 1 && access(lie_file, F_OK) == 0)
				change(&place, data, (size_t)got);
			if (write_all(fds[!from].fd, data, (size_t)got) < 0)
				return;
		}
	}
}

static int listen_on(unsigned int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 16) < 0) {
		perror("liar");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_in upstream = { .sin_family = AF_INET };
	int listener;

	if (argc != 5 || inet_pton(AF_INET, argv[2], &upstream.sin_addr) != 1) {
		fprintf(stderr, "usage: liar PORT UPSTREAM-ADDR UPSTREAM-PORT LIE-FILE\n");
		return 2;
	}
	upstream.sin_port = htons((uint16_t)atoi(argv[3]));
	lie_file = argv[4];
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	listener = listen_on((unsigned int)atoi(argv[1]));
	puts("ready");
	fflush(stdout);
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client < 0)
			continue;
		if (fork() == 0) {
			close(listener);
			relay(client, &upstream);
			_exit(0);
		}
		close(client);
	}
}
