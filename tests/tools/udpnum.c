// SPDX-License-Identifier: Apache-2.0
/*
 * Numbered UDP datagrams: a sender, and a receiver that tells which came, which did not and
 * which came more than once.
 *
 *   udpnum recv PORT [ADDR]       says "ready"; ends after the sender's end mark or by SIGTERM
 *   udpnum send ADDR PORT COUNT INTERVAL_US [SIZE [open]]
 *                                 COUNT 0: until SIGTERM; prints a line every 250 ms while it goes on;
 *                                 open: without end mark
 *
 * A datagram: the number, 8 bytes, big endian; then PATTERN again and again, so that a capture
 * can be searched for it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NUMBERS		(1u << 24)
#define END		UINT64_MAX
#define SIZE_MAX_UDP	1472
#define END_MARKS	3
#define TELL_US		250000

static const char PATTERN[] = "sealbond-numbered-datagram/";
static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = 1;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static int open_socket(const char *host, const char *port, int to_send)
{
	union address at = { .in6 = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(port)) } };
	int fd, bytes = 8 << 20;
	socklen_t size = sizeof(at.in6);

	if (host && inet_pton(AF_INET, host, &at.in4.sin_addr) == 1) {
		/* the port is at the same place in both families */
		at.in4.sin_family = AF_INET;
		size = sizeof(at.in4);
	} else if (host && inet_pton(AF_INET6, host, &at.in6.sin6_addr) != 1) {
		fprintf(stderr, "udpnum: `%s` is not an address\n", host);
		exit(2);
	}
	fd = socket(at.any.sa_family, SOCK_DGRAM, 0);
	if (fd < 0)
		fail("socket");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (to_send ? connect(fd, &at.any, size) : bind(fd, &at.any, size))
		fail(to_send ? "connect" : "bind");
	return fd;
}

static int receive(const char *port, const char *host)
{
	unsigned long long received = 0, duplicates = 0, missing = 0, last = 0, n, gap = 0, run = 0;
	uint8_t *seen = calloc(NUMBERS / 8, 1), buffer[2048];
	int fd = open_socket(host, port, 0);

	if (!seen)
		fail("memory");
	puts("ready");
	fflush(stdout);
	for (;;) {
		/* what has come when it is told to stop is counted */
		ssize_t len = recv(fd, buffer, sizeof(buffer), stop ? MSG_DONTWAIT : 0);
		uint64_t number;

		if (len < 0 && stop && errno != EINTR)
			break;
		if (len < (ssize_t)sizeof(number))
			continue;
		memcpy(&number, buffer, sizeof(number));
		number = be64toh(number);
		if (number == END)
			break;
		if (number >= NUMBERS)
			continue;
		if (seen[number / 8] & 1 << number % 8)
			duplicates++;
		else
			received++;
		seen[number / 8] |= 1 << number % 8;
		if (number > last)
			last = number;
	}
	for (n = 0; received && n < last; n++) {
		if (seen[n / 8] & 1 << n % 8) {
			run = 0;
			continue;
		}
		missing++;
		if (++run > gap)
			gap = run;
	}
	printf("received=%llu missing=%llu duplicates=%llu last=%llu gap=%llu\n", received, missing,
	       duplicates, last, gap);
	return 0;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

static int transmit(const char *host, const char *port, uint64_t count, uint64_t interval, size_t size,
		    int marks)
{
	uint64_t n, next = now_us(), told = next, sent = 0, errors = 0;
	int fd = open_socket(host, port, 1), last_error = 0, i;
	uint8_t buffer[SIZE_MAX_UDP];

	if (size < 8 || size > sizeof(buffer)) {
		fputs("udpnum: a size is 8 to 1472\n", stderr);
		return 2;
	}
	for (i = 8; i < (int)size; i++)
		buffer[i] = PATTERN[(i - 8) % (sizeof(PATTERN) - 1)];
	for (n = 0; !stop && (!count || n < count); n++) {
		uint64_t number = htobe64(n), now;

		memcpy(buffer, &number, sizeof(number));
		if (send(fd, buffer, size, 0) == (ssize_t)size) {
			sent++;
		} else {
			errors++;
			last_error = errno;
		}
		next += interval;
		now = now_us();
		if (next > now)
			usleep(next - now);
		else if (now - next > 1000000)
			next = now;	/* stopped for a while: no burst */
		if (now - told >= TELL_US) {
			told = now;
			printf("sent=%llu\n", (unsigned long long)n + 1);
			fflush(stdout);
		}
	}
	for (i = 0; i < marks; i++) {
		uint64_t number = END;

		memcpy(buffer, &number, sizeof(number));
		send(fd, buffer, size, 0);
		usleep(50000);
	}
	printf("numbers=%llu sent=%llu errors=%llu error=%s\n", (unsigned long long)n,
	       (unsigned long long)sent, (unsigned long long)errors,
	       last_error ? strerrorname_np(last_error) : "none");
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (argc >= 3 && argc <= 4 && !strcmp(argv[1], "recv"))
		return receive(argv[2], argc == 4 ? argv[3] : NULL);
	if (argc >= 6 && argc <= 8 && !strcmp(argv[1], "send"))
		return transmit(argv[2], argv[3], strtoull(argv[4], NULL, 10),
				strtoull(argv[5], NULL, 10),
				argc >= 7 ? strtoul(argv[6], NULL, 10) : 64, argc == 8 ? 0 : END_MARKS);
	fputs("usage: udpnum recv PORT [ADDR] | udpnum send ADDR PORT COUNT INTERVAL_US [SIZE [open]]\n", stderr);
	return 2;
}
