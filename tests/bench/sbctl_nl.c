// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "sbctl_nl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <sys/socket.h>

#define EXIT_NO_MODULE	3
#define RECEIVE_BYTES	(64 * 1024)
#define SOCKET_BYTES	(4 * 1024 * 1024)

static uint8_t received[RECEIVE_BYTES];
static char said[256];

static void die(const char *what, int code)
{
	fprintf(stderr, "sbctl: %s\n", what);
	exit(code);
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void nl_open(struct sbctl_nl *nl)
{
	int one = 1, bytes = SOCKET_BYTES, fd;

	nl->sock = nl_socket_alloc();
	if (!nl->sock || genl_connect(nl->sock) < 0)
		die("no netlink socket", 1);
	nl_socket_disable_seq_check(nl->sock);
	nl->family = genl_ctrl_resolve(nl->sock, SEALBOND_GENL_NAME);
	if (nl->family < 0)
		die("the module is not loaded", EXIT_NO_MODULE);
	nl->handshake = genl_ctrl_resolve_grp(nl->sock, SEALBOND_GENL_NAME,
					      SEALBOND_MCGRP_HANDSHAKE);
	nl->monitor = genl_ctrl_resolve_grp(nl->sock, SEALBOND_GENL_NAME, SEALBOND_MCGRP_MONITOR);
	fd = nl_socket_get_fd(nl->sock);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes));
}

void nl_open_in(struct sbctl_nl *nl, const char *netns)
{
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), other;
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	other = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) < 0)
		die("there is no such network namespace", 1);
	nl_open(nl);
	if (setns(own, CLONE_NEWNET) < 0)
		die("the own network namespace is lost", 1);
	close(own);
	close(other);
}

void nl_join(struct sbctl_nl *nl, int group)
{
	if (group < 0 || nl_socket_add_membership(nl->sock, group) < 0)
		die("cannot listen to the module's events", 1);
}

struct nl_msg *nl_request(struct sbctl_nl *nl, uint8_t command, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(64 * 1024);

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
				 NLM_F_REQUEST | flags, command, SEALBOND_GENL_VERSION))
		die("out of memory", 1);
	return msg;
}

static ssize_t receive(struct sbctl_nl *nl)
{
	ssize_t n;

	do {
		n = recv(nl_socket_get_fd(nl->sock), received, sizeof(received), 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		die(strerror(errno), 1);
	return n;
}

/* The text of an extended acknowledgement; it follows the request's header (NETLINK_CAP_ACK). */
static const char *text_of(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = nlmsg_data(nlh);
	const struct nlattr *attr;
	int rest = nlmsg_datalen(nlh) - sizeof(*e);

	said[0] = 0;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return said;
	nla_for_each_attr(attr, (const struct nlattr *)(e + 1), rest, rest)
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(said, sizeof(said), "%.*s", nla_len(attr),
				 (const char *)nla_data(attr));
	return said;
}

static bool parse(struct sbctl_nl *nl, struct nlmsghdr *nlh, struct nlattr **a)
{
	return nlh->nlmsg_type == nl->family &&
	       !genlmsg_parse(nlh, 0, a, SEALBOND_A_MAX, NULL);
}

static uint8_t command_of(const struct nlmsghdr *nlh)
{
	return ((const struct genlmsghdr *)nlmsg_data(nlh))->cmd;
}

int nl_ask(struct sbctl_nl *nl, struct nl_msg *msg, void (*each)(struct nlattr **a, void *ctx),
	   void *ctx, const char **text)
{
	struct nlattr *a[SEALBOND_A_MAX + 1];
	uint32_t seq;

	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	nl_complete_msg(nl->sock, msg);
	seq = nlmsg_hdr(msg)->nlmsg_seq;
	if (nl_send(nl->sock, msg) < 0)
		die("cannot send to the kernel", 1);
	nlmsg_free(msg);
	said[0] = 0;
	*text = said;
	for (;;) {
		int left = receive(nl);
		struct nlmsghdr *nlh = (struct nlmsghdr *)received;

		for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_seq != seq)
				continue;
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				*text = text_of(nlh);
				return ((struct nlmsgerr *)nlmsg_data(nlh))->error;
			}
			if (nlh->nlmsg_type == NLMSG_DONE)
				return 0;
			if (each && parse(nl, nlh, a))
				each(a, ctx);
		}
	}
}

int nl_event(struct sbctl_nl *nl, struct nlattr **a, int timeout_ms)
{
	uint64_t until = now_ns() + (uint64_t)timeout_ms * 1000000;
	struct pollfd pfd = { .fd = nl_socket_get_fd(nl->sock), .events = POLLIN };

	for (;;) {
		uint64_t now = now_ns();
		int wait = timeout_ms < 0 ? -1 :
			   now >= until ? 0 : (int)((until - now + 999999) / 1000000);
		struct nlmsghdr *nlh = (struct nlmsghdr *)received;

		if (poll(&pfd, 1, wait) == 0)
			return 0;
		if (!(pfd.revents & POLLIN))
			continue;
		/* an event is a message of its own */
		if (nlmsg_ok(nlh, receive(nl)) && parse(nl, nlh, a) &&
		    command_of(nlh) == SEALBOND_CMD_EVENT && a[SEALBOND_A_EVENT])
			return nla_get_u8(a[SEALBOND_A_EVENT]);
	}
}

unsigned int nl_send_batch(struct sbctl_nl *nl, const void *messages, size_t length, uint32_t last,
			   int *err, const char **text)
{
	unsigned int refused = 0;

	if (nl_sendto(nl->sock, (void *)messages, length) < 0)
		die("cannot send to the kernel", 1);
	for (;;) {
		int left = receive(nl);
		struct nlmsghdr *nlh = (struct nlmsghdr *)received;

		for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *e = nlmsg_data(nlh);

			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			if (e->error && !refused++) {
				*err = e->error;
				*text = text_of(nlh);
			}
			if (nlh->nlmsg_seq == last)
				return refused;
		}
	}
}
