// SPDX-License-Identifier: Apache-2.0
/*
 * Sends as a program with root's rights may: by every kind of socket, with what can be set on one.
 *
 *   waysend dgram DEV MAC HEX            a packet socket that leaves the link layer to the kernel
 *   waysend ring DEV HEX                 a frame in the mapped ring of a packet socket
 *   waysend tap NAME HEX, tun NAME HEX   a frame or packet as if the device had received it
 *   waysend file PATH HEX [times=N]      the same to a device that exists (/dev/tapN of a macvtap)
 *   waysend TYPE ADDR PORT HEX [OPTION...]
 *	TYPE: udp, udplite, tcp, sctp, or an IP protocol's number (raw)
 *	OPTION: mark=N prio=N dev=NAME from=PORT src=ADDR ttl=N broadcast=1 reuse=1 zerocopy=1
 *	        splice=1 uring=1 fastopen=1 ip4=HEX (IP options) hop=HEX, dst=HEX, route=HEX (IPv6
 *	        extension headers) join=GROUP count=N
 *
 * Prints sent=N errors=N error=NAME; exit code 0 also where all was refused.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_ZEROCOPY
#define SO_ZEROCOPY 60
#endif

static uint8_t data[65536];
static size_t length;
static long sent, errors;
static int last_error;
static char **options;

union address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
	struct sockaddr_ll link;
};

static void fail(const char *what)
{
	/* Refused at this step: nothing was sent, and that is an answer too. */
	printf("sent=0 errors=1 error=%s at=%s\n", strerrorname_np(errno), what);
	exit(0);
}

static void usage(void)
{
	fputs("usage: see tests/tools/waysend.c\n", stderr);
	exit(2);
}

static size_t read_hex(const char *text, uint8_t *out, size_t room)
{
	size_t n;

	for (n = 0; text[2 * n]; n++)
		if (n == room || sscanf(text + 2 * n, "%2hhx", &out[n]) != 1)
			usage();
	return n;
}

static const char *option(const char *name)
{
	size_t len = strlen(name);
	int i;

	for (i = 0; options[i]; i++)
		if (!strncmp(options[i], name, len) && options[i][len] == '=')
			return options[i] + len + 1;
	return NULL;
}

static int number(const char *name)
{
	const char *text = option(name);

	return text ? strtol(text, NULL, 0) : 0;
}

static void tell(ssize_t n)
{
	if (n >= 0) {
		sent++;
	} else {
		errors++;
		last_error = errno;
	}
}

static socklen_t parse(union address *to, const char *text, int port)
{
	memset(to, 0, sizeof(*to));
	if (inet_pton(AF_INET, text, &to->in4.sin_addr) == 1) {
		to->in4.sin_family = AF_INET;
		to->in4.sin_port = htons(port);
		return sizeof(to->in4);
	}
	if (inet_pton(AF_INET6, text, &to->in6.sin6_addr) != 1)
		usage();
	to->in6.sin6_family = AF_INET6;
	to->in6.sin6_port = htons(port);
	if (IN6_IS_ADDR_LINKLOCAL(&to->in6.sin6_addr) || IN6_IS_ADDR_MULTICAST(&to->in6.sin6_addr))
		to->in6.sin6_scope_id = if_nametoindex(option("dev") ?: "eth0");
	return sizeof(to->in6);
}

/* -- below IP ---------------------------------------------------------------------------------- */

static void send_dgram(const char *device, const char *mac)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = ETH_ALEN,
				  .sll_ifindex = if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_DGRAM, 0);

	if (fd < 0)
		fail("socket");
	sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &to.sll_addr[0], &to.sll_addr[1], &to.sll_addr[2],
	       &to.sll_addr[3], &to.sll_addr[4], &to.sll_addr[5]);
	to.sll_protocol = htons(data[0] >> 4 == 4 ? ETH_P_IP : ETH_P_IPV6);
	tell(sendto(fd, data, length, 0, (struct sockaddr *)&to, sizeof(to)));
}

static void send_ring(const char *device)
{
	struct tpacket_req req = { .tp_block_size = 4096, .tp_block_nr = 1, .tp_frame_size = 2048,
				   .tp_frame_nr = 2 };
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = if_nametoindex(device) };
	int version = TPACKET_V2, fd = socket(AF_PACKET, SOCK_RAW, 0);
	struct tpacket2_hdr *slot;

	if (fd < 0)
		fail("socket");
	if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_TX_RING, &req, sizeof(req)))
		fail("PACKET_TX_RING");
	slot = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (slot == MAP_FAILED || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("bind");
	memcpy((uint8_t *)slot + TPACKET2_HDRLEN - sizeof(struct sockaddr_ll), data, length);
	slot->tp_len = length;
	__atomic_store_n(&slot->tp_status, TP_STATUS_SEND_REQUEST, __ATOMIC_RELEASE);
	tell(send(fd, NULL, 0, 0));
}

static void send_tuntap(const char *name, int tap)
{
	struct ifreq request = { .ifr_flags = (tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI };
	int i, fd = open("/dev/net/tun", O_RDWR);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		fail("tun");
	/* The device has its carrier from now on; a bridge takes a moment to notice. */
	for (i = 0; i < 10; i++) {
		tell(write(fd, data, length));
		usleep(50000);
	}
}

static void send_file(const char *path)
{
	uint8_t frame[sizeof(data)] = { 0 };
	int i, times = option("times") ? number("times") : 1;
	int fd = open(path, O_RDWR);

	if (fd < 0)
		fail("open");
	/* A macvtap wants its virtio header of 10 bytes in front. */
	memcpy(frame + 10, data, length);
	for (i = 0; i < times; i++)
		tell(write(fd, frame, length + 10));
}

/* -- sockets of IP ----------------------------------------------------------------------------- */

static void set(int fd, int level, int name, const void *value, socklen_t size, const char *what)
{
	if (setsockopt(fd, level, name, value, size))
		fail(what);
}

static void set_hex(int fd, int level, int name, const char *what)
{
	uint8_t value[256];
	const char *text = option(what);

	if (text)
		set(fd, level, name, value, read_hex(text, value, sizeof(value)), what);
}

static void set_number(int fd, int level, int name, const char *what)
{
	int value = number(what);

	if (option(what))
		set(fd, level, name, &value, sizeof(value), what);
}

static void join(int fd)
{
	const char *text = option("join");
	struct ip_mreqn four = { .imr_ifindex = if_nametoindex("eth0") };
	struct ipv6_mreq six = { .ipv6mr_interface = if_nametoindex("eth0") };

	if (!text)
		return;
	if (inet_pton(AF_INET, text, &four.imr_multiaddr) == 1)
		set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four), "join");
	else if (inet_pton(AF_INET6, text, &six.ipv6mr_multiaddr) == 1)
		set(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &six, sizeof(six), "join");
}

static void set_options(int fd, int family)
{
	const char *device = option("dev"), *source = option("src");
	union address from;
	socklen_t size;

	set_number(fd, SOL_SOCKET, SO_MARK, "mark");
	set_number(fd, SOL_SOCKET, SO_PRIORITY, "prio");
	set_number(fd, SOL_SOCKET, SO_BROADCAST, "broadcast");
	set_number(fd, SOL_SOCKET, SO_ZEROCOPY, "zerocopy");
	set_number(fd, SOL_SOCKET, SO_REUSEADDR, "reuse");
	set_number(fd, SOL_SOCKET, SO_REUSEPORT, "reuse");
	if (family == AF_INET6) {
		set_number(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, "ttl");
		set_number(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, "ttl");
	} else {
		set_number(fd, IPPROTO_IP, IP_TTL, "ttl");
	}
	if (device)
		set(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device) + 1, "dev");
	set_hex(fd, IPPROTO_IP, IP_OPTIONS, "ip4");
	set_hex(fd, IPPROTO_IPV6, IPV6_HOPOPTS, "hop");
	set_hex(fd, IPPROTO_IPV6, IPV6_DSTOPTS, "dst");
	set_hex(fd, IPPROTO_IPV6, IPV6_RTHDR, "route");
	join(fd);
	if (!option("from") && !source)
		return;
	size = parse(&from, source ?: family == AF_INET ? "0.0.0.0" : "::", number("from"));
	if (bind(fd, &from.any, size))
		fail("bind");
}

static int uring_setup(struct io_uring_params *p)
{
	return syscall(__NR_io_uring_setup, 2, p);
}

/* One send by an io_uring, on a connected socket. */
static void send_uring(int fd)
{
	struct io_uring_params p = { 0 };
	int ring = uring_setup(&p);
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	uint8_t *sq, *cq;

	if (ring < 0)
		fail("io_uring");
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(*cqe), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_CQ_RING);
	sqe = mmap(NULL, p.sq_entries * sizeof(*sqe), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, ring, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || sqe == MAP_FAILED)
		fail("mmap");
	sqe->opcode = IORING_OP_SEND;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)data;
	sqe->len = length;
	*(uint32_t *)(sq + p.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(sq + p.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		fail("io_uring_enter");
	cqe = (struct io_uring_cqe *)(cq + p.cq_off.cqes);
	errno = cqe->res < 0 ? -cqe->res : 0;
	tell(cqe->res < 0 ? -1 : cqe->res);
}

static void send_splice(int fd)
{
	int ends[2];

	if (pipe(ends) || write(ends[1], data, length) != (ssize_t)length)
		fail("pipe");
	tell(splice(ends[0], NULL, fd, NULL, length, 0));
}

static void send_socket(const char *type, const char *address, const char *port)
{
	int kind = SOCK_DGRAM, protocol = IPPROTO_UDP, fd, i;
	struct timeval second = { .tv_sec = 0, .tv_usec = 300000 };
	union address to;
	socklen_t size = parse(&to, address, atoi(port));

	if (!strcmp(type, "tcp") || !strcmp(type, "sctp")) {
		kind = SOCK_STREAM;
		protocol = *type == 't' ? IPPROTO_TCP : IPPROTO_SCTP;
	} else if (!strcmp(type, "udplite")) {
		protocol = IPPROTO_UDPLITE;
	} else if (strcmp(type, "udp")) {
		kind = SOCK_RAW;
		protocol = atoi(type);
		to.in4.sin_port = 0;	/* of a raw socket, both families: a protocol */
	}
	fd = socket(to.any.sa_family, kind, protocol);
	if (fd < 0)
		fail("socket");
	set_options(fd, to.any.sa_family);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
	if (number("fastopen")) {
		tell(sendto(fd, data, length, MSG_FASTOPEN, &to.any, size));
		return;
	}
	if (connect(fd, &to.any, size))
		fail("connect");
	for (i = 0; i < (number("count") ?: 1); i++) {
		if (number("splice"))
			send_splice(fd);
		else if (number("uring"))
			send_uring(fd);
		else
			tell(send(fd, data, length, number("zerocopy") ? MSG_ZEROCOPY : 0));
	}
}

int main(int argc, char **argv)
{
	int link;

	if (argc < 4)
		usage();
	link = !strcmp(argv[1], "ring") || !strcmp(argv[1], "tap") || !strcmp(argv[1], "tun") ||
	       !strcmp(argv[1], "file");
	if (!link && argc < 5)
		usage();
	options = argv + (link ? 4 : 5);
	length = read_hex(argv[link ? 3 : 4], data, sizeof(data));
	if (!strcmp(argv[1], "ring"))
		send_ring(argv[2]);
	else if (!strcmp(argv[1], "file"))
		send_file(argv[2]);
	else if (link)
		send_tuntap(argv[2], argv[1][1] == 'a');
	else if (!strcmp(argv[1], "dgram"))
		send_dgram(argv[2], argv[3]);
	else
		send_socket(argv[1], argv[2], argv[3]);
	printf("sent=%ld errors=%ld error=%s\n", sent, errors,
	       last_error ? strerrorname_np(last_error) : "none");
	return 0;
}
