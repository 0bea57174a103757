/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets and messages for module.c, decode.c, events.c and interface.c. */
#ifndef SB_NETLINK_H
#define SB_NETLINK_H

#include <stdint.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "common/error.h"

struct sb_netlink {
	struct nl_sock *socket;
	int family;		/* generic netlink family, 0 for others */
	char error[256];	/* of the last call that failed */
};

int sb_netlink_open(struct sb_netlink *netlink, int protocol, struct sb_error *error);
void sb_netlink_close(struct sb_netlink *netlink);

/* Looks the family "sealbond" up: -ENOENT when the module is not loaded. */
int sb_netlink_family(struct sb_netlink *netlink, struct sb_error *error);

/*
 * Sends message and hands every answer to each until the kernel's acknowledgement or the
 * dump's end. A dump that a change has interrupted gives -EINTR. Frees message.
 */
int sb_netlink_talk(struct sb_netlink *netlink, struct nl_msg *message,
		    int (*each)(void *context, struct nlmsghdr *answer), void *context);

/* Attributes of an answer by number, of a generic netlink message; 0 or -errno. */
int sb_netlink_parse(struct nlmsghdr *answer, struct nlattr **attributes, int max);

static inline void sb_nl_msg_free(struct nl_msg **message)
{
	if (*message)
		nlmsg_free(*message);
}

#endif
