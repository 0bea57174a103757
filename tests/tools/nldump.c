// SPDX-License-Identifier: Apache-2.0
/*
 * Writes, as they come, the answers to every question of XFRM and of the netlink family "sealbond".
 *
 *   nldump > FILE
 *
 * Says on stderr "NAME COMMAND answers=N bytes=N" for each.
 */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/sealbond.h>
#include <linux/xfrm.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static union {
	struct nlmsghdr head;
	uint8_t bytes[1 << 16];
} answer;

static int open_socket(int protocol)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	struct timeval most = { 2, 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
	return fd;
}

/* Reads to the end of the answer and writes it all; returns the first message's length in *answer. */
static void take(int fd, const char *name, unsigned int command)
{
	unsigned int answers = 0, bytes = 0;
	ssize_t got;

	while ((got = recv(fd, &answer, sizeof(answer), 0)) > 0) {
		struct nlmsghdr *at = &answer.head;
		int left = got, end = 0;

		fwrite(&answer, 1, got, stdout);
		bytes += got;
		for (; NLMSG_OK(at, left); at = NLMSG_NEXT(at, left)) {
			end |= at->nlmsg_type == NLMSG_DONE || at->nlmsg_type == NLMSG_ERROR;
			answers += at->nlmsg_type >= NLMSG_MIN_TYPE;
		}
		if (end)
			break;
	}
	fprintf(stderr, "%s %u answers=%u bytes=%u\n", name, command, answers, bytes);
}

static void ask(int fd, uint16_t type, uint16_t flags, const void *payload, size_t length)
{
	static struct {
		struct nlmsghdr head;
		uint8_t body[512];
	} question;

	memset(&question, 0, sizeof(question));
	question.head.nlmsg_len = NLMSG_LENGTH(length);
	question.head.nlmsg_type = type;
	question.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	if (length)
		memcpy(question.body, payload, length);
	send(fd, &question, question.head.nlmsg_len, 0);
}

static void xfrm(void)
{
	static const uint16_t dumps[] = { XFRM_MSG_GETSA, XFRM_MSG_GETPOLICY }, infos[] = { XFRM_MSG_GETSADINFO,
		XFRM_MSG_GETSPDINFO };
	static const uint32_t all = ~0U;
	int fd = open_socket(NETLINK_XFRM);

	for (int i = 0; i < 2; i++) {
		ask(fd, dumps[i], NLM_F_DUMP, NULL, 0);
		take(fd, "xfrm", dumps[i]);
		ask(fd, infos[i], 0, &all, sizeof(all));
		take(fd, "xfrm", infos[i]);
	}
	close(fd);
}

/* CTRL_CMD_GETFAMILY; 0 when there is none. */
static uint16_t family_of(int fd)
{
	struct {
		struct genlmsghdr genl;
		struct nlattr attr;
		char name[12];
	} question = { { CTRL_CMD_GETFAMILY, 1, 0 }, { 4 + sizeof(SEALBOND_GENL_NAME), CTRL_ATTR_FAMILY_NAME },
		       SEALBOND_GENL_NAME };
	ssize_t got;
	size_t at = NLMSG_HDRLEN + GENL_HDRLEN;
	uint16_t family = 0;

	ask(fd, GENL_ID_CTRL, 0, &question, sizeof(question));
	got = recv(fd, &answer, sizeof(answer), 0);
	while (got > 0 && at + NLA_HDRLEN <= (size_t)got) {
		const struct nlattr *attr = (const void *)(answer.bytes + at);

		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&family, attr + 1, sizeof(family));
		if (attr->nla_len < NLA_HDRLEN)
			break;
		at += NLA_ALIGN(attr->nla_len);
	}
	recv(fd, &answer, sizeof(answer), 0);
	return family;
}

static void sealbond(void)
{
	static const uint8_t questions[] = { SEALBOND_CMD_GET_STATUS, SEALBOND_CMD_GET_KEY, SEALBOND_CMD_GET_PEER,
		SEALBOND_CMD_GET_EXCEPTIONS, SEALBOND_CMD_GET_DROPS };
	int fd = open_socket(NETLINK_GENERIC);
	uint16_t family = family_of(fd);

	for (size_t i = 0; i < sizeof(questions); i++) {
		struct genlmsghdr genl = { questions[i], SEALBOND_GENL_VERSION, 0 };

		for (int dump = 0; dump < 2; dump++) {
			ask(fd, family, dump ? NLM_F_DUMP : 0, &genl, sizeof(genl));
			take(fd, dump ? "sealbond-dump" : "sealbond", questions[i]);
		}
	}
	close(fd);
}

int main(void)
{
	xfrm();
	sealbond();
	return 0;
}
