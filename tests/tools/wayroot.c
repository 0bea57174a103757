// SPDX-License-Identifier: Apache-2.0
/*
 * What root may ask of the kernel beside sending: about SAs, memory, other programs and kernels.
 *
 *   wayroot newae DADDR SPI SEQUENCE     rewrites the counters of an SA (XFRM_MSG_NEWAE)
 *   wayroot migrate OLD_LOCAL OLD_REMOTE NEW_REMOTE DST IF_ID REQID
 *                                        moves the SAs of an outbound policy (XFRM_MSG_MIGRATE)
 *   wayroot kexec                        may another kernel be loaded? (kexec_load of nothing)
 *   wayroot read PATH OFFSET             reads 4 KiB of memory or ports
 *   wayroot ptrace PID                   attaches to a program, and lets it go
 *   wayroot bpf-read                     loads a BPF program that reads kernel memory
 *   wayroot vtpm                         makes a virtual TPM, and holds it ("ready")
 *
 * Prints done, or refused=NAME; exit code 0 for both.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <linux/vtpm_proxy.h>
#include <linux/xfrm.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BITMAP_WORDS	64	/* of an SA of the module: a window of 2048 packets */

static struct {
	struct nlmsghdr head;
	char body[2048];
} message;

static int told(int error)
{
	if (error)
		printf("refused=%s\n", strerrorname_np(error));
	else
		puts("done");
	return 0;
}

static void *put(size_t size)
{
	void *at = (char *)&message + NLMSG_ALIGN(message.head.nlmsg_len);

	message.head.nlmsg_len = NLMSG_ALIGN(message.head.nlmsg_len) + size;
	return at;
}

static void *put_attribute(int type, size_t size)
{
	struct nlattr *attribute = put(NLA_HDRLEN + size);

	attribute->nla_type = type;
	attribute->nla_len = NLA_HDRLEN + size;
	return attribute + 1;
}

static void begin(int type, int flags)
{
	memset(&message, 0, sizeof(message));
	message.head.nlmsg_len = NLMSG_HDRLEN;
	message.head.nlmsg_type = type;
	message.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
}

static int ask(void)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char rest[4096];
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_XFRM);

	if (fd < 0 || send(fd, &message, message.head.nlmsg_len, 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), 0) < (ssize_t)sizeof(answer.head) + 4)
		return errno;
	return -answer.error.error;
}

static int newae(const char *daddr, const char *spi, const char *sequence)
{
	struct xfrm_replay_state_esn *replay;
	struct xfrm_aevent_id *id;
	uint64_t number = strtoull(sequence, NULL, 0);

	begin(XFRM_MSG_NEWAE, NLM_F_REPLACE);
	id = put(sizeof(*id));
	inet_pton(AF_INET, daddr, &id->sa_id.daddr.a4);
	id->sa_id.spi = htonl(strtoul(spi, NULL, 0));
	id->sa_id.family = AF_INET;
	id->sa_id.proto = IPPROTO_ESP;
	replay = put_attribute(XFRMA_REPLAY_ESN_VAL, sizeof(*replay) + BITMAP_WORDS * 4);
	replay->bmp_len = BITMAP_WORDS;
	replay->replay_window = BITMAP_WORDS * 32;
	replay->oseq = number;
	replay->oseq_hi = number >> 32;
	return told(ask());
}

static int migrate(char **words)
{
	struct xfrm_userpolicy_id *policy;
	struct xfrm_user_migrate *move;

	begin(XFRM_MSG_MIGRATE, 0);
	policy = put(sizeof(*policy));
	policy->sel.family = AF_INET;
	if (strcmp(words[3], "any")) {
		inet_pton(AF_INET, words[3], &policy->sel.daddr.a4);
		policy->sel.prefixlen_d = 32;
	}
	policy->dir = XFRM_POLICY_OUT;
	move = put_attribute(XFRMA_MIGRATE, sizeof(*move));
	inet_pton(AF_INET, words[0], &move->old_saddr.a4);
	inet_pton(AF_INET, words[1], &move->old_daddr.a4);
	inet_pton(AF_INET, words[0], &move->new_saddr.a4);
	inet_pton(AF_INET, words[2], &move->new_daddr.a4);
	move->old_family = AF_INET;
	move->new_family = AF_INET;
	move->proto = IPPROTO_ESP;
	move->mode = XFRM_MODE_TUNNEL;
	move->reqid = strtoul(words[5], NULL, 0);
	*(uint32_t *)put_attribute(XFRMA_IF_ID, 4) = strtoul(words[4], NULL, 0);
	return told(ask());
}

static int read_memory(const char *path, const char *offset)
{
	char page[4096];
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return told(errno);
	return told(pread(fd, page, sizeof(page), strtoull(offset, NULL, 0)) < 0 ? errno : 0);
}

static int trace(pid_t pid)
{
	if (ptrace(PTRACE_ATTACH, pid, NULL, NULL))
		return told(errno);
	waitpid(pid, NULL, __WALL);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	return told(0);
}

/* A kprobe's program that calls bpf_probe_read_kernel: lockdown for confidentiality refuses it. */
static int bpf_read(void)
{
	struct bpf_insn code[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_1, BPF_REG_10, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, -8 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 8 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_3, 0, 0, 0 },
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_probe_read_kernel },
		{ BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.insns = (uintptr_t)code,
		.insn_cnt = sizeof(code) / sizeof(*code),
		.license = (uintptr_t)"GPL",
	};

	return told(syscall(__NR_bpf, BPF_PROG_LOAD, &attr, sizeof(attr)) < 0 ? errno : 0);
}

static int virtual_tpm(void)
{
	struct vtpm_proxy_new_dev device = { .flags = VTPM_PROXY_FLAG_TPM2 };
	int fd = open("/dev/vtpmx", O_RDWR);

	if (fd < 0 || ioctl(fd, VTPM_PROXY_IOC_NEW_DEV, &device))
		return told(errno);
	printf("ready tpm=%u\n", device.tpm_num);
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "newae") && argc == 5)
		return newae(argv[2], argv[3], argv[4]);
	if (!strcmp(what, "migrate") && argc == 8)
		return migrate(argv + 2);
	if (!strcmp(what, "kexec"))
		return told(syscall(__NR_kexec_load, 0, 0, NULL, 0) ? errno : 0);
	if (!strcmp(what, "read") && argc == 4)
		return read_memory(argv[2], argv[3]);
	if (!strcmp(what, "ptrace") && argc == 3)
		return trace(atoi(argv[2]));
	if (!strcmp(what, "bpf-read"))
		return bpf_read();
	if (!strcmp(what, "vtpm"))
		return virtual_tpm();
	fputs("usage: see tests/tools/wayroot.c\n", stderr);
	return 2;
}
