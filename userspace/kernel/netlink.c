// SPDX-License-Identifier: Apache-2.0
#include "kernel/netlink.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <linux/sealbond.h>

int sb_netlink_open(struct sb_netlink *netlink, int protocol, struct sb_error *error)
{
	/* The kernel answers at once; were it not to, the caller's loop must not stand still. */
	static const struct timeval patience = { 20, 0 };
	struct nl_sock *socket = nl_socket_alloc();
	const int on = 1;
	int result;

	if (!socket)
		return sb_fail(error, -ENOMEM, "out of memory");
	nl_socket_disable_auto_ack(socket);
	result = nl_connect(socket, protocol);
	if (result < 0) {
		nl_socket_free(socket);
		return sb_fail(error, -EPROTO, "netlink socket: %s", nl_geterror(result));
	}
	(void)setsockopt(nl_socket_get_fd(socket), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	/* Old kernels lack one or the other; then the errno has to do. */
	(void)setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(nl_socket_get_fd(socket), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	memset(netlink, 0, sizeof(*netlink));
	netlink->socket = socket;
	return 0;
}

void sb_netlink_close(struct sb_netlink *netlink)
{
	if (netlink->socket)
		nl_socket_free(netlink->socket);
	netlink->socket = NULL;
}

int sb_netlink_family(struct sb_netlink *netlink, struct sb_error *error)
{
	int family = genl_ctrl_resolve(netlink->socket, SEALBOND_GENL_NAME);

	if (family < 0)
		return sb_fail(error, -ENOENT, "the kernel module sealbond is not loaded; load it with: modprobe sealbond");
	netlink->family = family;
	return 0;
}

struct talk {
	struct sb_netlink *netlink;
	int (*each)(void *context, struct nlmsghdr *answer);
	void *context;
	int result;	/* 1 while the end is still to come */
};

/* The kernel's sentence in an error or in a dump's end: attributes behind a fixed part. */
static void take_text(struct talk *talk, struct nlmsghdr *header, size_t fixed)
{
	struct nlattr *attributes[NLMSGERR_ATTR_MAX + 1];

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS) || header->nlmsg_len < NLMSG_HDRLEN + fixed)
		return;
	if (nla_parse(attributes, NLMSGERR_ATTR_MAX, (struct nlattr *)((char *)nlmsg_data(header) + fixed),
		      (int)(header->nlmsg_len - NLMSG_HDRLEN - fixed), NULL) < 0)
		return;
	if (attributes[NLMSGERR_ATTR_MSG] &&
	    memchr(nla_data(attributes[NLMSGERR_ATTR_MSG]), '\0', (size_t)nla_len(attributes[NLMSGERR_ATTR_MSG])))
		snprintf(talk->netlink->error, sizeof(talk->netlink->error), "%s",
			 nla_get_string(attributes[NLMSGERR_ATTR_MSG]));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *answer, void *argument)
{
	struct talk *talk = argument;
	struct nlmsghdr *header = (struct nlmsghdr *)((char *)answer - NLMSG_HDRLEN);
	size_t fixed = sizeof(*answer);

	(void)from;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		fixed += NLMSG_ALIGN(answer->msg.nlmsg_len) - NLMSG_HDRLEN;
	talk->result = answer->error;
	take_text(talk, header, fixed);
	return NL_STOP;
}

static int on_ack(struct nl_msg *message, void *argument)
{
	struct talk *talk = argument;

	(void)message;
	talk->result = 0;
	return NL_STOP;
}

static int on_finish(struct nl_msg *message, void *argument)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct talk *talk = argument;
	int result = 0;

	if (nlmsg_datalen(header) >= (int)sizeof(result)) {
		memcpy(&result, nlmsg_data(header), sizeof(result));
		take_text(talk, header, sizeof(result));
	}
	talk->result = result;
	return NL_STOP;
}

static int on_valid(struct nl_msg *message, void *argument)
{
	struct talk *talk = argument;
	int result = talk->each ? talk->each(talk->context, nlmsg_hdr(message)) : 0;

	if (result != 0) {
		talk->result = result;
		return NL_STOP;
	}
	return NL_OK;
}

static int receive_all(struct talk *talk, struct nl_cb *callbacks)
{
	nl_cb_err(callbacks, NL_CB_CUSTOM, on_error, talk);
	nl_cb_set(callbacks, NL_CB_ACK, NL_CB_CUSTOM, on_ack, talk);
	nl_cb_set(callbacks, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, talk);
	nl_cb_set(callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_valid, talk);
	talk->result = 1;
	while (talk->result == 1) {
		int result = nl_recvmsgs(talk->netlink->socket, callbacks);

		if (result == -NLE_DUMP_INTR)
			return -EINTR;
		if (result < 0 && talk->result == 1) {
			snprintf(talk->netlink->error, sizeof(talk->netlink->error), "netlink: %s",
				 nl_geterror(result));
			return -EPROTO;
		}
	}
	return talk->result;
}

int sb_netlink_talk(struct sb_netlink *netlink, struct nl_msg *message,
		    int (*each)(void *context, struct nlmsghdr *answer), void *context)
{
	struct talk talk = { .netlink = netlink, .each = each, .context = context };
	struct nl_cb *callbacks;
	int result;

	netlink->error[0] = '\0';
	/* A dump ends by NLMSG_DONE; anything else is acknowledged. NLM_F_REPLACE is one bit of DUMP. */
	if ((nlmsg_hdr(message)->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		nlmsg_hdr(message)->nlmsg_flags |= NLM_F_ACK;
	result = nl_send_auto(netlink->socket, message);
	nlmsg_free(message);
	if (result < 0) {
		snprintf(netlink->error, sizeof(netlink->error), "netlink: %s", nl_geterror(result));
		return -EPROTO;
	}
	callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	if (!callbacks)
		return -ENOMEM;
	result = receive_all(&talk, callbacks);
	nl_cb_put(callbacks);
	if (result < 0 && !netlink->error[0])
		snprintf(netlink->error, sizeof(netlink->error), "%s", strerror(-result));
	return result;
}

int sb_netlink_parse(struct nlmsghdr *answer, struct nlattr **attributes, int max)
{
	return genlmsg_parse(answer, 0, attributes, max, NULL) < 0 ? -EBADMSG : 0;
}
