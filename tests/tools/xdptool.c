// SPDX-License-Identifier: Apache-2.0
/*
 * Ways around the packet filter, without a compiler for BPF: its programs are written down here.
 *
 *   xdptool attach DEV             a generic XDP program that passes everything, by netlink; stays
 *   xdptool detach DEV
 *   xdptool link DEV               the same by a BPF link, which lives as long as this process
 *   xdptool xsk DEV HEX [COUNT]    an AF_XDP socket in copy mode; sends frames and goes on living
 *   xdptool burst DEV HEX [COUNT]  the same, and ends at once
 *   xdptool cls DEV PARENT TO      a direct-action program at PARENT (a hex handle: fff2 ingress or
 *                                  fff3 egress of clsact) that redirects everything to device TO
 *
 * Those that go on living print "ready" first, xsk with sent=N.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#define FRAME	2048
#define FRAMES	64

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned int device(const char *name)
{
	unsigned int index = if_nametoindex(name);

	if (!index)
		fail(name);
	return index;
}

static int bpf(int command, union bpf_attr *attr)
{
	int fd = syscall(__NR_bpf, command, attr, sizeof(*attr));

	if (fd < 0)
		fail("bpf");
	return fd;
}

static int load(enum bpf_prog_type type, const struct bpf_insn *code, size_t count)
{
	union bpf_attr attr = {
		.prog_type = type,
		.insns = (uintptr_t)code,
		.insn_cnt = count,
		.license = (uintptr_t)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int pass_everything(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(BPF_PROG_TYPE_XDP, code, 2);
}

static int redirect_to(unsigned int ifindex)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1, .imm = (int)ifindex },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return load(BPF_PROG_TYPE_SCHED_CLS, code, 4);
}

struct request {
	struct nlmsghdr header;
	union {
		struct ifinfomsg link;
		struct tcmsg tc;
	};
	uint8_t attributes[256];
};

static struct rtattr *put(struct request *r, int type, const void *data, size_t length)
{
	struct rtattr *a = (struct rtattr *)((uint8_t *)r + NLMSG_ALIGN(r->header.nlmsg_len));

	a->rta_type = type;
	a->rta_len = RTA_LENGTH(length);
	if (length)
		memcpy(RTA_DATA(a), data, length);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + RTA_ALIGN(a->rta_len);
	return a;
}

static void end(struct request *r, struct rtattr *nest)
{
	nest->rta_len = (uint8_t *)r + r->header.nlmsg_len - (uint8_t *)nest;
}

static void ask(struct request *r)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	struct { struct nlmsghdr header; struct nlmsgerr error; uint8_t rest[512]; } answer;

	r->header.nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (fd < 0 || send(fd, r, r->header.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < 0)
		fail("rtnetlink");
	close(fd);
	errno = -answer.error.error;
	if (answer.error.error)
		fail("refused");
}

static void set_xdp(const char *dev, int program)
{
	struct request r = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.link)), .nlmsg_type = RTM_SETLINK },
		.link = { .ifi_index = (int)device(dev) },
	};
	uint32_t flags = XDP_FLAGS_SKB_MODE;
	struct rtattr *nest = put(&r, IFLA_XDP | NLA_F_NESTED, NULL, 0);

	put(&r, IFLA_XDP_FD, &program, sizeof(program));
	put(&r, IFLA_XDP_FLAGS, &flags, sizeof(flags));
	end(&r, nest);
	ask(&r);
}

static void set_filter(const char *dev, const char *parent, const char *to)
{
	struct request r = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(r.tc)), .nlmsg_type = RTM_NEWTFILTER,
			    .nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL },
		.tc = { .tcm_ifindex = (int)device(dev),
			.tcm_parent = TC_H_CLSACT & 0xffff0000,
			.tcm_info = TC_H_MAKE(1 << 16, htons(ETH_P_ALL)) },
	};
	int program = redirect_to(device(to));
	uint32_t flags = TCA_BPF_FLAG_ACT_DIRECT;
	struct rtattr *nest;

	r.tc.tcm_parent |= strtoul(parent, NULL, 16);
	put(&r, TCA_KIND, "bpf", 4);
	nest = put(&r, TCA_OPTIONS, NULL, 0);
	put(&r, TCA_BPF_FD, &program, sizeof(program));
	put(&r, TCA_BPF_NAME, "redirect", 9);
	put(&r, TCA_BPF_FLAGS, &flags, sizeof(flags));
	end(&r, nest);
	ask(&r);
}

static void live(void)
{
	puts("ready");
	fflush(stdout);
	for (;;)
		pause();
}

static void *ring(int fd, uint64_t offset, size_t length)
{
	void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
			(off_t)offset);

	if (at == MAP_FAILED)
		fail("mmap");
	return at;
}

static void option(int fd, int name, const void *value, size_t length)
{
	if (setsockopt(fd, SOL_XDP, name, value, length) < 0)
		fail("setsockopt");
}

static void send_frames(const char *dev, const char *hex, unsigned int count)
{
	struct sockaddr_xdp to = { .sxdp_family = AF_XDP, .sxdp_ifindex = device(dev),
				   .sxdp_flags = XDP_COPY };
	struct xdp_umem_reg memory = { .len = FRAME * FRAMES, .chunk_size = FRAME };
	int fd = socket(AF_XDP, SOCK_RAW, 0), size = FRAMES;
	struct xdp_mmap_offsets at;
	socklen_t length = sizeof(at);
	struct xdp_desc *frames;
	uint32_t *producer;
	unsigned int bytes;
	uint8_t *base, *tx;

	if (fd < 0)
		fail("AF_XDP");
	base = mmap(NULL, memory.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memory.addr = (uintptr_t)base;
	for (bytes = 0; hex[2 * bytes]; bytes++)
		if (bytes == FRAME || sscanf(hex + 2 * bytes, "%2hhx", base + bytes) != 1)
			fail("hex");
	option(fd, XDP_UMEM_REG, &memory, sizeof(memory));
	option(fd, XDP_UMEM_FILL_RING, &size, sizeof(size));
	option(fd, XDP_UMEM_COMPLETION_RING, &size, sizeof(size));
	option(fd, XDP_TX_RING, &size, sizeof(size));
	if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &length) < 0)
		fail("offsets");
	tx = ring(fd, XDP_PGOFF_TX_RING, at.tx.desc + FRAMES * sizeof(*frames));
	if (bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("bind");
	frames = (struct xdp_desc *)(tx + at.tx.desc);
	producer = (uint32_t *)(tx + at.tx.producer);
	for (unsigned int i = 0; i < count && i < FRAMES; i++)
		frames[i] = (struct xdp_desc){ .addr = 0, .len = bytes };
	__atomic_store_n(producer, count, __ATOMIC_RELEASE);
	while (count && sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0 &&
	       (errno == EAGAIN || errno == EBUSY))
		;
	printf("sent=%u\n", count);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	union bpf_attr link = {};

	if (!strcmp(what, "attach")) {
		set_xdp(argv[2], pass_everything());
	} else if (!strcmp(what, "detach")) {
		set_xdp(argv[2], -1);
	} else if (!strcmp(what, "link")) {
		link.link_create.prog_fd = pass_everything();
		link.link_create.target_ifindex = device(argv[2]);
		link.link_create.attach_type = BPF_XDP;
		link.link_create.flags = XDP_FLAGS_SKB_MODE;
		bpf(BPF_LINK_CREATE, &link);
		live();
	} else if (!strcmp(what, "xsk") && argc > 3) {
		send_frames(argv[2], argv[3], argc > 4 ? strtoul(argv[4], NULL, 10) : 1);
		live();
	} else if (!strcmp(what, "burst") && argc > 3) {
		send_frames(argv[2], argv[3], argc > 4 ? strtoul(argv[4], NULL, 10) : 1);
	} else if (!strcmp(what, "cls") && argc > 4) {
		set_filter(argv[2], argv[3], argv[4]);
	} else {
		fputs("usage: xdptool attach|detach|link DEV | xsk|burst DEV HEX [COUNT] | cls DEV PARENT TO\n",
		      stderr);
		return 2;
	}
	return 0;
}
