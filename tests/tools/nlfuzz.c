// SPDX-License-Identifier: Apache-2.0
/*
 * Malformed messages to every command of the netlink family.
 *
 *   nlfuzz [SEED [COUNT]]
 *
 * The same SEED sends the same messages. Every message is answered with success or with an error;
 * an error that the family gives must say why in an extended ack. Prints one line:
 *   sent=N accepted=N refused=N silent=N core=N lost=N
 * silent: refused by the family without a text (each is shown); core: refused before the family
 * was asked (no such command, no such way to call it); lost: no answer at all.
 * Exit code: 0, 1 when something was silent or lost, 3 without the module.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sealbond.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWER_MS	10000
#define SHOWN		10

static uint64_t state;
static int fd;
static uint16_t family;
static uint32_t seq;

static struct {
	long sent, accepted, refused, silent, core, lost;
} count;

/* A message under construction. */
static struct message {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	uint8_t body[16000];
} msg;
static size_t used;	/* of body */

static uint64_t random64(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static uint32_t below(uint32_t n)
{
	return random64() % n;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

static void fill(void *at, size_t len)
{
	uint8_t *p = at;

	while (len--)
		*p++ = random64();
}

/* -- a message ---------------------------------------------------------------------------------- */

static void begin(uint8_t cmd, uint16_t flags)
{
	used = 0;
	memset(&msg, 0, sizeof(msg.nlh) + sizeof(msg.genl));
	msg.nlh.nlmsg_type = family;
	msg.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	msg.genl.cmd = cmd;
	msg.genl.version = SEALBOND_GENL_VERSION;
}

static struct nlattr *open_attr(uint16_t type)
{
	struct nlattr *attr = (struct nlattr *)(msg.body + used);

	attr->nla_type = type;
	used += NLA_HDRLEN;
	return attr;
}

static void close_attr(struct nlattr *attr)
{
	attr->nla_len = msg.body + used - (uint8_t *)attr;
	used = NLA_ALIGN(used);
}

static void put(uint16_t type, const void *data, size_t len)
{
	struct nlattr *attr = open_attr(type);

	memcpy(msg.body + used, data, len);
	memset(msg.body + used + len, 0, NLA_ALIGN(len) - len);
	used += len;
	close_attr(attr);
}

static void put_random(uint16_t type, size_t len)
{
	static uint8_t data[9000];

	fill(data, len);
	put(type, data, len);
}

/* What an attribute has as its proper length; 0: a flag or a nest. */
static const uint16_t proper[SEALBOND_A_MAX + 1] = {
	[SEALBOND_A_MODE] = 1, [SEALBOND_A_CONFIRM_MS] = 8, [SEALBOND_A_DEVICE_ID] = 32,
	[SEALBOND_A_CHAIN_ID] = 32, [SEALBOND_A_SB0_IFINDEX] = 4, [SEALBOND_A_IF_ID] = 4,
	[SEALBOND_A_PORT] = 2, [SEALBOND_A_OVERLAY4] = 4, [SEALBOND_A_OVERLAY6] = 16,
	[SEALBOND_A_ALGORITHMS] = 2, [SEALBOND_A_ENCAP] = 1, [SEALBOND_A_POLICY_PCRS] = 4,
	[SEALBOND_A_CAP_PCR] = 1, [SEALBOND_A_RELEASE_KEY] = 64, [SEALBOND_A_POLICY_REF] = 32,
	[SEALBOND_A_BLOB_CURRENT] = 900, [SEALBOND_A_BLOB_NEXT] = 900, [SEALBOND_A_KEY] = 32,
	[SEALBOND_A_LEASE_MS] = 8, [SEALBOND_A_ENDPOINT] = 16, [SEALBOND_A_PEER_FLAGS] = 4,
	[SEALBOND_A_GRANT_KEYS] = 128, [SEALBOND_A_GRANT_THRESHOLD] = 1, [SEALBOND_A_GRANT] = 264,
	[SEALBOND_A_NONCE] = 16, [SEALBOND_A_CONFIG_HASH] = 32,
	[SEALBOND_A_LEDGER_FD] = 4,
};

#define A(x) SEALBOND_A_##x

/* What each command takes: the soil in which the faults are sown. */
static const uint8_t takes[SEALBOND_CMD_MAX + 1][12] = {
	[SEALBOND_CMD_SET_MODE] = { A(MODE), A(CONFIRM_MS) },
	[SEALBOND_CMD_SET_LOCAL] = { A(DEVICE_ID), A(CHAIN_ID), A(SB0_IFINDEX), A(IF_ID), A(PORT),
				     A(OVERLAY4), A(OVERLAY6), A(ALGORITHMS), A(ENCAP), A(LIMITS) },
	[SEALBOND_CMD_KEY] = { A(POLICY_PCRS), A(CAP_PCR), A(RELEASE_KEY), A(POLICY_REF),
			       A(ALLOW_VIRTUAL), A(BLOB_CURRENT), A(BLOB_NEXT), A(APPROVALS),
			       A(CONFIG_HASH), A(EARLY), A(CLOSE) },
	[SEALBOND_CMD_SET_PEER] = { A(DEVICE_ID), A(KEY), A(LEASE_MS), A(OVERLAY4), A(OVERLAY6),
				    A(ENDPOINT), A(PEER_FLAGS) },
	[SEALBOND_CMD_DEL_PEER] = { A(DEVICE_ID), A(FLUSH) },
	[SEALBOND_CMD_GET_PEER] = { A(DEVICE_ID) },
	[SEALBOND_CMD_START_BOND] = { A(DEVICE_ID) },
	[SEALBOND_CMD_END_BOND] = { A(DEVICE_ID), A(FLUSH) },
	[SEALBOND_CMD_SET_EXCEPTIONS] = { A(EXCEPTIONS) },
	[SEALBOND_CMD_SET_GRANT_KEYS] = { A(GRANT_KEYS), A(GRANT_THRESHOLD), A(GRANT_STATIC) },
	[SEALBOND_CMD_REQUEST_GRANT] = { A(DEVICE_ID) },
	[SEALBOND_CMD_SET_GRANT] = { A(GRANT), A(ENDPOINT) },
	[SEALBOND_CMD_LEDGER_SOCKET] = { A(LEDGER_FD) },
};

static void put_nest(uint16_t type, int depth)
{
	struct nlattr *attr = open_attr(one_in(4) ? type : type | NLA_F_NESTED);
	uint32_t n = below(5);

	while (n--) {
		uint16_t inner = type == A(EXCEPTIONS) && !one_in(4) ? A(EXCEPTION) :
				 type == A(APPROVALS) && !one_in(4) ? A(APPROVAL) :
				 below(SEALBOND_X_MAX + 4);

		if (used > 12000)
			break;
		if (depth < 6 && (inner == A(EXCEPTION) || one_in(8)))
			put_nest(inner, depth + 1);
		else
			put_random(inner, one_in(16) ? below(400) : 1u << below(5));
	}
	if (one_in(8)) {	/* trailing bytes in the nest */
		fill(msg.body + used, 3);
		used += 1 + below(3);
	}
	close_attr(attr);
}

static void put_proper(uint16_t type)
{
	static const uint8_t zero[64];

	if (type == A(LIMITS) || type == A(EXCEPTIONS) || type == A(APPROVALS))
		put_nest(type, 0);
	else if (type == A(CONFIRM_MS) || one_in(16))
		put(type, zero, proper[type] < sizeof(zero) ? proper[type] : sizeof(zero));
	else
		put_random(type, proper[type]);
}

/* A proper message with faults sown in: gone, doubled, too short, too long, of another type. */
static void sown(uint8_t cmd)
{
	int i;

	for (i = 0; i < 12 && takes[cmd][i]; i++) {
		uint16_t type = takes[cmd][i];

		switch (below(12)) {
		case 0:
			break;
		case 1:
			put_random(type, below(proper[type] + 1));
			break;
		case 2:
			put_random(type, proper[type] + 1 + below(one_in(8) ? 6000 : 8));
			break;
		case 3:
			put_random(below(SEALBOND_A_MAX + 8), proper[type]);
			break;
		case 4:
			put_nest(type, 0);
			break;
		case 5:
			put_proper(type);
			/* fall through */
		default:
			put_proper(type);
		}
		if (used > 6000)
			return;
	}
}

static void soup(void)
{
	uint32_t n = below(20);

	while (n-- && used < 12000) {
		uint16_t type = one_in(8) ? random64() : below(SEALBOND_A_MAX + 4);

		if (one_in(4))
			put_nest(type & NLA_TYPE_MASK, 0);
		else
			put_random(type, one_in(16) ? below(2000) : below(40));
	}
}

/* Lengths that lie, in the attributes and at the end of the message. */
static void distort(void)
{
	uint32_t n = below(4);

	while (n-- && used >= NLA_HDRLEN) {
		size_t at = below(used / 4) * 4;

		switch (below(3)) {
		case 0:
			*(uint16_t *)(msg.body + at) = random64();
			break;
		case 1:
			msg.body[below(used)] = random64();
			break;
		case 2:
			used = below(used + 1);
			break;
		}
	}
	if (one_in(8)) {
		uint32_t more = 1 + below(7);

		fill(msg.body + used, more);
		used += more;
	}
}

/* -- the kernel ---------------------------------------------------------------------------------- */

static void show(const char *why, int error)
{
	size_t i;

	printf("%s: command %u flags %#x error %d:", why, msg.genl.cmd, msg.nlh.nlmsg_flags, error);
	for (i = 0; i < used && i < 200; i++)
		printf("%s%02x", i % 4 ? "" : " ", msg.body[i]);
	puts(used > 200 ? " ..." : "");
}

static bool has_text(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = (const void *)(nlh + 1);
	size_t at = NLMSG_HDRLEN + sizeof(*e);	/* the request's body is left out: NETLINK_CAP_ACK */

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return false;
	while (at + NLA_HDRLEN <= nlh->nlmsg_len) {
		const struct nlattr *attr = (const void *)((const uint8_t *)nlh + at);

		if (attr->nla_len < NLA_HDRLEN)
			return false;
		if ((attr->nla_type & NLA_TYPE_MASK) == NLMSGERR_ATTR_MSG)
			return attr->nla_len > NLA_HDRLEN + 1;
		at += NLA_ALIGN(attr->nla_len);
	}
	return false;
}

static bool admin_dump_only(uint8_t cmd)
{
	return cmd == SEALBOND_CMD_GET_EXCEPTIONS || cmd == SEALBOND_CMD_GET_DROPS;
}

/* The generic netlink core refuses these itself, without words. */
static bool is_core(int error)
{
	bool dump = (msg.nlh.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	uint8_t cmd = msg.genl.cmd;

	if (cmd == SEALBOND_CMD_UNSPEC || cmd == SEALBOND_CMD_EVENT || cmd > SEALBOND_CMD_MAX)
		return error == -EOPNOTSUPP;
	if (dump && cmd != SEALBOND_CMD_GET_PEER && !admin_dump_only(cmd))
		return error == -EOPNOTSUPP;
	return !dump && admin_dump_only(cmd) && error == -EOPNOTSUPP;
}

static void judge(const struct nlmsghdr *nlh, int error)
{
	if (!error) {
		count.accepted++;
	} else if (has_text(nlh)) {
		count.refused++;
	} else if (is_core(error)) {
		count.core++;
	} else if (count.silent++ < SHOWN) {
		show("silent", error);
	}
}

static bool answered(void)
{
	static uint8_t buffer[128 * 1024] __attribute__((aligned(8)));
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	for (;;) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
		ssize_t left;

		if (poll(&pfd, 1, ANSWER_MS) <= 0)
			return false;
		left = recv(fd, buffer, sizeof(buffer), 0);
		for (; NLMSG_OK(nlh, left); nlh = NLMSG_NEXT(nlh, left)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				judge(nlh, ((struct nlmsgerr *)NLMSG_DATA(nlh))->error);
				return true;
			}
			if (nlh->nlmsg_type == NLMSG_DONE) {
				judge(nlh, *(int *)NLMSG_DATA(nlh) < 0 ? *(int *)NLMSG_DATA(nlh) : 0);
				return true;
			}
		}
	}
}

static void exchange(void)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };

	msg.nlh.nlmsg_len = sizeof(msg.nlh) + sizeof(msg.genl) + used;
	msg.nlh.nlmsg_seq = ++seq;
	if (sendto(fd, &msg, msg.nlh.nlmsg_len, 0, (struct sockaddr *)&to, sizeof(to)) < 0) {
		perror("sendto");
		exit(1);
	}
	count.sent++;
	if (!answered() && count.lost++ < SHOWN)
		show("lost", 0);
}

static bool resolve(void)
{
	uint8_t buffer[8192] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
	size_t at = NLMSG_HDRLEN + GENL_HDRLEN;

	family = GENL_ID_CTRL;
	begin(CTRL_CMD_GETFAMILY, 0);
	msg.nlh.nlmsg_flags = NLM_F_REQUEST;
	put(CTRL_ATTR_FAMILY_NAME, SEALBOND_GENL_NAME, sizeof(SEALBOND_GENL_NAME));
	msg.nlh.nlmsg_len = sizeof(msg.nlh) + sizeof(msg.genl) + used;
	if (send(fd, &msg, msg.nlh.nlmsg_len, 0) < 0 || recv(fd, buffer, sizeof(buffer), 0) < 0)
		return false;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return false;
	while (at + NLA_HDRLEN <= nlh->nlmsg_len) {
		const struct nlattr *attr = (const void *)(buffer + at);

		if (attr->nla_type == CTRL_ATTR_FAMILY_ID) {
			memcpy(&family, attr + 1, sizeof(family));
			return true;
		}
		at += NLA_ALIGN(attr->nla_len);
	}
	return false;
}

int main(int argc, char **argv)
{
	unsigned long total = argc > 2 ? strtoul(argv[2], NULL, 10) : 20000, i;
	int one = 1;

	state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC);
	if (fd < 0 || setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one))) {
		perror("nlfuzz");
		return 1;
	}
	if (!resolve()) {
		fputs("nlfuzz: the module is not loaded\n", stderr);
		return 3;
	}
	for (i = 0; i < total; i++) {
		uint8_t cmd = one_in(32) ? random64() : 1 + i % (SEALBOND_CMD_MAX + 1);
		bool dump = cmd <= SEALBOND_CMD_MAX && admin_dump_only(cmd) ? !one_in(8) : one_in(16);

		begin(cmd, dump ? NLM_F_DUMP : 0);
		if (cmd <= SEALBOND_CMD_MAX && !one_in(4))
			sown(cmd);
		else
			soup();
		if (one_in(3))
			distort();
		/* LOCK by itself would be obeyed, and the guest is used for more. */
		if (cmd == SEALBOND_CMD_LOCK && used < NLA_HDRLEN)
			put(SEALBOND_A_MODE, "", 1);
		if (one_in(32))
			msg.genl.version = random64();
		exchange();
	}
	printf("sent=%ld accepted=%ld refused=%ld silent=%ld core=%ld lost=%ld\n", count.sent,
	       count.accepted, count.refused, count.silent, count.core, count.lost);
	return count.silent || count.lost;
}
