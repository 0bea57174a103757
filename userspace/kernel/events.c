// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <string.h>

#include "common/cleanup.h"
#include "kernel/decode.h"
#include "kernel/module.h"
#include "kernel/netlink.h"

struct sb_events {
	struct sb_netlink netlink;
	struct nl_cb *callbacks;
	void (*each)(void *context, const struct sb_event *event);
	void *context;
};

/* Bytes: bursts of drops must not push a bond's event out. */
#define RECEIVE_ROOM	(1 << 20)

static int on_event(struct nl_msg *message, void *argument)
{
	struct nlattr *attributes[SEALBOND_A_MAX + 1];
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct sb_events *events = argument;
	struct sb_event event;

	if (header->nlmsg_type != events->netlink.family || !genlmsg_valid_hdr(header, 0) ||
	    genlmsg_hdr(header)->cmd != SEALBOND_CMD_EVENT ||
	    sb_netlink_parse(header, attributes, SEALBOND_A_MAX) < 0)
		return NL_OK;
	sb_decode_event(attributes, &event);
	events->each(events->context, &event);
	return NL_OK;
}

static int accept_any(struct nl_msg *message, void *argument)
{
	(void)message;
	(void)argument;
	return NL_OK;
}

static int join(struct sb_events *events, const char *group, struct sb_error *error)
{
	int id = genl_ctrl_resolve_grp(events->netlink.socket, SEALBOND_GENL_NAME, group);
	int result = id < 0 ? id : nl_socket_add_membership(events->netlink.socket, id);

	if (result < 0)
		return sb_fail(error, result == -NLE_PERM ? -EPERM : -ENOENT, "events of group %s: %s", group,
			       nl_geterror(result));
	return 0;
}

static int prepare(struct sb_events *events, bool handshake, bool monitor, struct sb_error *error)
{
	struct nl_sock *socket;
	int result = sb_netlink_open(&events->netlink, NETLINK_GENERIC, error);

	if (result == 0)
		result = sb_netlink_family(&events->netlink, error);
	if (result < 0)
		return result;
	socket = events->netlink.socket;
	nl_socket_disable_seq_check(socket);
	(void)nl_socket_set_buffer_size(socket, RECEIVE_ROOM, 0);
	if (handshake)
		result = join(events, SEALBOND_MCGRP_HANDSHAKE, error);
	if (result == 0 && monitor)
		result = join(events, SEALBOND_MCGRP_MONITOR, error);
	if (result < 0)
		return result;
	events->callbacks = nl_cb_alloc(NL_CB_DEFAULT);
	if (!events->callbacks || nl_socket_set_nonblocking(socket) < 0)
		return sb_fail(error, -ENOMEM, "out of memory");
	nl_cb_set(events->callbacks, NL_CB_VALID, NL_CB_CUSTOM, on_event, events);
	/* Events answer nothing: their sequence numbers are the kernel's own. */
	nl_cb_set(events->callbacks, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, accept_any, NULL);
	return 0;
}

int sb_events_open(struct sb_events **events, bool handshake, bool monitor, struct sb_error *error)
{
	struct sb_events *opened = calloc(1, sizeof(*opened));
	int result;

	if (!opened)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = prepare(opened, handshake, monitor, error);
	if (result < 0) {
		sb_events_close(opened);
		return result;
	}
	*events = opened;
	return 0;
}

void sb_events_close(struct sb_events *events)
{
	if (!events)
		return;
	if (events->callbacks)
		nl_cb_put(events->callbacks);
	sb_netlink_close(&events->netlink);
	free(events);
}

int sb_events_fd(const struct sb_events *events)
{
	return nl_socket_get_fd(events->netlink.socket);
}

int sb_events_read(struct sb_events *events, void (*each)(void *context, const struct sb_event *event),
		   void *context)
{
	events->each = each;
	events->context = context;
	for (;;) {
		int result = nl_recvmsgs(events->netlink.socket, events->callbacks);

		if (result == -NLE_AGAIN)
			return 0;
		if (result == -NLE_NOMEM)	/* libnl's word for ENOBUFS */
			return -ENOBUFS;
		if (result < 0)
			return -EIO;
	}
}
