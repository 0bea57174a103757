// SPDX-License-Identifier: Apache-2.0
/*
 * Frames and packets that a program with root's rights writes itself.
 *
 *   rawsend packet DEV HEX [COUNT]     an Ethernet frame by a packet socket
 *   rawsend bypass DEV HEX [COUNT]     the same, past the device's queue (PACKET_QDISC_BYPASS)
 *   rawsend hdrincl ADDR HEX [COUNT]   an IP packet with its own header by a raw socket
 *   rawsend udp ADDR PORT HEX [COUNT] [FROM_PORT]   a UDP datagram, bound with SO_REUSEPORT
 *
 * Prints sent=N errors=N error=NAME; exit code 0 even when all were refused.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static uint8_t data[65536];
static size_t length;

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_ll link;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void usage(void)
{
	fputs("usage: rawsend packet|bypass DEV HEX [COUNT] | hdrincl ADDR HEX [COUNT] |"
	      " udp ADDR PORT HEX [COUNT] [FROM_PORT]\n", stderr);
	exit(2);
}

static void read_hex(const char *text)
{
	for (; *text && length < sizeof(data); text += 2, length++)
		if (sscanf(text, "%2hhx", &data[length]) != 1 || !text[1])
			usage();
}

static socklen_t parse(union address *to, const char *text, int port)
{
	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &to->in4.sin_addr) == 1) {
		to->in4.sin_family = AF_INET;
		to->in4.sin_port = htons(port);
		return sizeof(to->in4);
	}
	if (inet_pton(AF_INET6, text, &to->in6.sin6_addr) == 1) {
		to->in6.sin6_family = AF_INET6;
		to->in6.sin6_port = htons(port);
		return sizeof(to->in6);
	}
	usage();
	return 0;
}

static int open_packet(union address *to, const char *device, int bypass)
{
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0)
		fail("socket");
	if (bypass && setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)))
		fail("PACKET_QDISC_BYPASS");
	memset(to, 0, sizeof(*to));
	to->link.sll_family = AF_PACKET;
	to->link.sll_ifindex = if_nametoindex(device);
	to->link.sll_halen = ETH_ALEN;
	to->link.sll_protocol = length >= 14 ? htons(data[12] << 8 | data[13]) : htons(ETH_P_ALL);
	memcpy(to->link.sll_addr, data, ETH_ALEN);
	return fd;
}

static int open_udp(const union address *to, int from_port)
{
	int one = 1, fd = socket(to->any.sa_family, SOCK_DGRAM, 0);
	union address from = { .any.sa_family = to->any.sa_family };

	if (fd < 0)
		fail("socket");
	if (!from_port)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	/* both families have the port at the same place */
	from.in4.sin_port = htons(from_port);
	if (bind(fd, &from.any, from.any.sa_family == AF_INET ? sizeof(from.in4) : sizeof(from.in6)))
		fail("bind");
	return fd;
}

int main(int argc, char **argv)
{
	long count = 1, i, sent = 0, errors = 0;
	int fd, last_error = 0;
	union address to;
	socklen_t size;

	if (argc < 4)
		usage();
	if (!strcmp(argv[1], "packet") || !strcmp(argv[1], "bypass")) {
		read_hex(argv[3]);
		fd = open_packet(&to, argv[2], argv[1][0] == 'b');
		size = sizeof(to.link);
		count = argc > 4 ? atol(argv[4]) : 1;
	} else if (!strcmp(argv[1], "hdrincl")) {
		size = parse(&to, argv[2], 0);
		read_hex(argv[3]);
		fd = socket(to.any.sa_family, SOCK_RAW, IPPROTO_RAW);
		count = argc > 4 ? atol(argv[4]) : 1;
	} else if (!strcmp(argv[1], "udp") && argc > 4) {
		size = parse(&to, argv[2], atoi(argv[3]));
		read_hex(argv[4]);
		fd = open_udp(&to, argc > 6 ? atoi(argv[6]) : 0);
		count = argc > 5 ? atol(argv[5]) : 1;
	} else {
		usage();
	}
	if (fd < 0)
		fail("socket");
	for (i = 0; i < count; i++) {
		if (sendto(fd, data, length, 0, &to.any, size) == (ssize_t)length) {
			sent++;
		} else {
			errors++;
			last_error = errno;
		}
	}
	printf("sent=%ld errors=%ld error=%s\n", sent, errors,
	       last_error ? strerrorname_np(last_error) : "none");
	return 0;
}
