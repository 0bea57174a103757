// SPDX-License-Identifier: Apache-2.0
/*
 * Listens for patterns, as any program that was told to would: UDP, UDP-Lite and TCP of both families
 * on each port that is named, and the same in a multicast group of each family.
 *
 *   wayhear PORT...
 *
 * Prints "ready", then for each pattern (the word "way" and 13 letters or digits behind it) in what
 * arrives: heard=PATTERN over=udp|udplite|tcp to=ADDR. Runs until it is ended.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX		64
#define PATTERN_LEN	16
#define GROUP4		"239.1.2.3"
#define GROUP6		"ff02::1:9"

static struct pollfd fds[MAX];
static const char *over[MAX];
static int used;

static void look(const char *data, ssize_t len, const char *what, const char *to)
{
	const char *at = data;

	while ((at = memmem(at, data + len - at, "way", 3)) && data + len - at >= PATTERN_LEN) {
		int n = 3;

		while (n < PATTERN_LEN && isalnum((unsigned char)at[n]))
			n++;
		if (n == PATTERN_LEN) {
			printf("heard=%.16s over=%s to=%s\n", at, what, to);
			fflush(stdout);
			return;
		}
		at++;
	}
}

static void add(int fd, const char *what)
{
	if (fd < 0 || used == MAX)
		return;
	fds[used] = (struct pollfd){ .fd = fd, .events = POLLIN };
	over[used++] = what;
}

static void join(int fd)
{
	struct if_nameindex *links = if_nameindex(), *link;

	for (link = links; link && link->if_index; link++) {
		struct ipv6_mreq six = { .ipv6mr_interface = link->if_index };
		struct ip_mreqn four = { .imr_ifindex = link->if_index };

		inet_pton(AF_INET, GROUP4, &four.imr_multiaddr);
		inet_pton(AF_INET6, GROUP6, &six.ipv6mr_multiaddr);
		setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four));
		setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &six, sizeof(six));
	}
	if_freenameindex(links);
}

static void open_port(int type, int protocol, int port, const char *what)
{
	struct sockaddr_in6 here = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int one = 1, fd = socket(AF_INET6, type, protocol);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here))) {
		close(fd);
		return;
	}
	if (type == SOCK_STREAM)
		listen(fd, 16);
	else if (protocol == IPPROTO_UDP)
		join(fd);
	add(fd, what);
}

static void accept_one(int listener)
{
	char to[INET6_ADDRSTRLEN] = "?", data[4096];
	struct timeval second = { .tv_sec = 1 };
	struct sockaddr_in6 here;
	socklen_t size = sizeof(here);
	int fd = accept(listener, NULL, NULL);
	ssize_t len;

	if (fd < 0)
		return;
	if (!getsockname(fd, (struct sockaddr *)&here, &size))
		inet_ntop(AF_INET6, &here.sin6_addr, to, sizeof(to));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
	while ((len = recv(fd, data, sizeof(data), 0)) > 0)
		look(data, len, "tcp", to);
	close(fd);
}

static void receive(int fd, const char *what)
{
	char data[65536], control[256], to[INET6_ADDRSTRLEN] = "?";
	struct iovec part = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(fd, &msg, 0);
	struct cmsghdr *c;

	if (len < 0)
		return;
	for (c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			inet_ntop(AF_INET6, &((struct in6_pktinfo *)CMSG_DATA(c))->ipi6_addr, to,
				  sizeof(to));
	look(data, len, what, to);
}

int main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		open_port(SOCK_DGRAM, IPPROTO_UDP, atoi(argv[i]), "udp");
		open_port(SOCK_DGRAM, IPPROTO_UDPLITE, atoi(argv[i]), "udplite");
		open_port(SOCK_STREAM, IPPROTO_TCP, atoi(argv[i]), "tcp");
	}
	if (!used) {
		fputs("usage: wayhear PORT...\n", stderr);
		return 2;
	}
	puts("ready");
	fflush(stdout);
	while (poll(fds, used, -1) > 0) {
		for (i = 0; i < used; i++) {
			if (!fds[i].revents)
				continue;
			if (*over[i] == 't')
				accept_one(fds[i].fd);
			else
				receive(fds[i].fd, over[i]);
		}
	}
	return 0;
}
