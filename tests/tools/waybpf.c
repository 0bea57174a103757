// SPDX-License-Identifier: Apache-2.0
/*
 * BPF programs that take a frame elsewhere, and AF_XDP sockets.
 *
 *   waybpf cls DEV PATH        a tc program that redirects to DEV         pinned at PATH
 *   waybpf clone DEV PATH      a tc program that sends a copy to DEV
 *   waybpf xdp DEV PATH        an XDP program that redirects to DEV
 *   waybpf tx PATH             an XDP program that sends back what comes, to every address
 *   waybpf write PATH HEX      a tc program that writes 16 bytes into every packet, at byte 50
 *   waybpf lwt DEV PATH HEX    a route's program (BPF_PROG_TYPE_LWT_XMIT): puts HEX, a link layer
 *                              header, in front of the packet and redirects it to DEV
 *   waybpf xsk DEV HEX         sends a frame by an AF_XDP socket, copy mode; then holds it ("ready")
 *
 * Prints done, or refused=NAME at=STEP; exit code 0 for both.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SOL_XDP
#define SOL_XDP 283
#endif

#define WRITE_AT	50	/* in a frame: within what follows the first words of ESP over IPv4 */
#define LINK_LAYER	14
#define UMEM_SIZE	(64 * 4096)
#define RING		64

static struct bpf_insn code[64];
static int used;
static uint8_t data[4096];

static void emit(uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
	code[used++] = (struct bpf_insn){ .code = op, .dst_reg = dst, .src_reg = src, .off = off,
					  .imm = imm };
}

static void set(int reg, int32_t value)
{
	emit(BPF_ALU64 | BPF_MOV | BPF_K, reg, 0, 0, value);
}

static void copy(int to, int from)
{
	emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0);
}

static void call(int function)
{
	emit(BPF_JMP | BPF_CALL, 0, 0, 0, function);
}

static void leave(void)
{
	emit(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int refused(const char *at)
{
	printf("refused=%s at=%s\n", strerrorname_np(errno), at);
	exit(0);
}

static size_t read_hex(const char *text)
{
	size_t n;

	for (n = 0; text[2 * n] && n < sizeof(data); n++)
		if (sscanf(text + 2 * n, "%2hhx", &data[n]) != 1)
			exit(2);
	return n;
}

/* Puts @len bytes of data (a multiple of 8, at most 16) into the packet of register 6. */
static void store(int offset, int len)
{
	int word;

	for (word = 0; word < 4; word++) {
		int32_t value;

		memcpy(&value, data + 4 * word, 4);
		emit(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, 4 * word - 16, value);
	}
	copy(BPF_REG_1, BPF_REG_6);
	set(BPF_REG_2, offset);
	copy(BPF_REG_3, BPF_REG_10);
	emit(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_3, 0, 0, -16);
	set(BPF_REG_4, len);
	set(BPF_REG_5, 0);
	call(BPF_FUNC_skb_store_bytes);
}

static int load(int type, const char *path)
{
	union bpf_attr attr = { 0 };
	static char log[65536];
	int fd;

	attr.prog_type = type;
	attr.insns = (uintptr_t)code;
	attr.insn_cnt = used;
	attr.license = (uintptr_t)"GPL";
	attr.log_buf = (uintptr_t)log;
	attr.log_size = sizeof(log);
	attr.log_level = 1;
	fd = syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
	if (fd < 0) {
		fputs(log, stderr);
		refused("load");
	}
	memset(&attr, 0, sizeof(attr));
	attr.pathname = (uintptr_t)path;
	attr.bpf_fd = fd;
	unlink(path);
	if (syscall(__NR_bpf, BPF_OBJ_PIN, &attr, sizeof(attr)))
		refused("pin");
	puts("done");
	return 0;
}

static int redirect(int type, const char *device, const char *path)
{
	set(BPF_REG_1, if_nametoindex(device));
	set(BPF_REG_2, 0);
	call(BPF_FUNC_redirect);
	leave();
	return load(type, path);
}

static int clone_redirect(const char *device, const char *path)
{
	set(BPF_REG_2, if_nametoindex(device));
	set(BPF_REG_3, 0);
	call(BPF_FUNC_clone_redirect);
	set(BPF_REG_0, 0);
	leave();
	return load(BPF_PROG_TYPE_SCHED_CLS, path);
}

static int send_back(const char *path)
{
	set(BPF_REG_0, XDP_TX);
	leave();
	return load(BPF_PROG_TYPE_XDP, path);
}

static int write_into(const char *path, const char *hex)
{
	read_hex(hex);
	copy(BPF_REG_6, BPF_REG_1);
	store(WRITE_AT, 16);
	set(BPF_REG_0, 0);
	leave();
	return load(BPF_PROG_TYPE_SCHED_CLS, path);
}

static int route_program(const char *device, const char *path, const char *hex)
{
	read_hex(hex);
	copy(BPF_REG_6, BPF_REG_1);
	set(BPF_REG_2, LINK_LAYER);
	set(BPF_REG_3, 0);
	call(BPF_FUNC_skb_change_head);
	store(0, LINK_LAYER);
	set(BPF_REG_1, if_nametoindex(device));
	set(BPF_REG_2, 0);
	call(BPF_FUNC_redirect);
	leave();
	return load(BPF_PROG_TYPE_LWT_XMIT, path);
}

static int xsk(const char *device, const char *hex)
{
	struct sockaddr_xdp to = { .sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY,
				   .sxdp_ifindex = if_nametoindex(device) };
	size_t len = read_hex(hex);
	struct xdp_mmap_offsets at;
	socklen_t size = sizeof(at);
	struct xdp_umem_reg umem = { .len = UMEM_SIZE, .chunk_size = 4096 };
	int entries = RING, fd = socket(AF_XDP, SOCK_RAW, 0);
	struct xdp_desc *slot;
	uint8_t *memory, *ring;

	if (fd < 0)
		refused("socket");
	memory = mmap(NULL, UMEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	umem.addr = (uintptr_t)memory;
	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof(umem)) ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &entries, sizeof(entries)) ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries)) ||
	    setsockopt(fd, SOL_XDP, XDP_TX_RING, &entries, sizeof(entries)) ||
	    getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &size))
		refused("rings");
	ring = mmap(NULL, at.tx.desc + RING * sizeof(*slot), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, XDP_PGOFF_TX_RING);
	if (ring == MAP_FAILED || bind(fd, (struct sockaddr *)&to, sizeof(to)))
		refused("bind");
	memcpy(memory, data, len);
	slot = (struct xdp_desc *)(ring + at.tx.desc);
	*slot = (struct xdp_desc){ .addr = 0, .len = len };
	__atomic_store_n((uint32_t *)(ring + at.tx.producer), 1, __ATOMIC_RELEASE);
	if (sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0) < 0)
		refused("send");
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "cls") && argc == 4)
		return redirect(BPF_PROG_TYPE_SCHED_CLS, argv[2], argv[3]);
	if (!strcmp(what, "xdp") && argc == 4)
		return redirect(BPF_PROG_TYPE_XDP, argv[2], argv[3]);
	if (!strcmp(what, "clone") && argc == 4)
		return clone_redirect(argv[2], argv[3]);
	if (!strcmp(what, "tx") && argc == 3)
		return send_back(argv[2]);
	if (!strcmp(what, "write") && argc == 4)
		return write_into(argv[2], argv[3]);
	if (!strcmp(what, "lwt") && argc == 5)
		return route_program(argv[2], argv[3], argv[4]);
	if (!strcmp(what, "xsk") && argc == 4)
		return xsk(argv[2], argv[3]);
	fputs("usage: see tests/tools/waybpf.c\n", stderr);
	return 2;
}
