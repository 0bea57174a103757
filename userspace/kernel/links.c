// SPDX-License-Identifier: Apache-2.0
#include "kernel/links.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"
#include "kernel/netlink.h"

#define LINKS_MAX	1024

struct link {
	int index;
	unsigned int flags;
	char name[IFNAMSIZ];
};

struct links {
	struct link link[LINKS_MAX];
	unsigned int count;
};

static void close_netlink(struct sb_netlink *netlink)
{
	sb_netlink_close(netlink);
}

static int on_link(void *context, struct nlmsghdr *answer)
{
	struct nlattr *attributes[IFLA_MAX + 1];
	struct ifinfomsg *head = nlmsg_data(answer);
	struct links *links = context;
	struct link *link;

	if (answer->nlmsg_type != RTM_NEWLINK || nlmsg_parse(answer, sizeof(*head), attributes, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	if (head->ifi_flags & IFF_LOOPBACK)
		return 0;
	if (links->count == LINKS_MAX)
		return -E2BIG;
	link = &links->link[links->count++];
	link->index = head->ifi_index;
	link->flags = head->ifi_flags;
	snprintf(link->name, sizeof(link->name), "%s", attributes[IFLA_IFNAME] ?
		 nla_get_string(attributes[IFLA_IFNAME]) : "?");
	return 0;
}

static int list(struct sb_netlink *netlink, struct links *links, struct sb_error *error)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP);
	int result;

	links->count = 0;
	if (!message || nlmsg_append(message, (void *)&head, sizeof(head), NLMSG_ALIGNTO) < 0) {
		sb_nl_msg_free(&message);
		return sb_fail(error, -ENOMEM, "out of memory");
	}
	result = sb_netlink_talk(netlink, message, on_link, links);
	return result < 0 ? sb_fail(error, result, "network devices: %s", netlink->error) : 0;
}

/* netns_fd -1: sets it down only. */
static int change(struct sb_netlink *netlink, const struct link *link, int netns_fd)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC, .ifi_index = link->index, .ifi_change = IFF_UP };
	struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWLINK, NLM_F_REQUEST);
	int built;

	if (!message)
		return -ENOMEM;
	built = nlmsg_append(message, (void *)&head, sizeof(head), NLMSG_ALIGNTO);
	if (netns_fd >= 0)
		built |= nla_put_u32(message, IFLA_NET_NS_FD, (uint32_t)netns_fd);
	if (built < 0) {
		nlmsg_free(message);
		return -EMSGSIZE;
	}
	return sb_netlink_talk(netlink, message, NULL, NULL);
}

static int move(struct sb_netlink *netlink, const struct links *links, uint32_t index, int netns_fd,
		unsigned int *moved, struct sb_error *error)
{
	int result = 0;

	for (unsigned int i = 0; i < links->count; i++) {
		const struct link *link = &links->link[i];
		int step;

		if (index && (uint32_t)link->index != index)
			continue;
		step = change(netlink, link, netns_fd);
		if (step < 0) {
			result = sb_fail(error, step, "%s: %s", link->name, netlink->error);
			(void)change(netlink, link, -1);
			continue;
		}
		++*moved;
	}
	return result;
}

int sb_links_move(uint32_t index, int netns_fd, unsigned int *moved, struct sb_error *error)
{
	sb_cleanup(close_netlink) struct sb_netlink netlink = { 0 };
	sb_cleanup_free struct links *links = malloc(sizeof(*links));
	int result;

	*moved = 0;
	if (!links)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = sb_netlink_open(&netlink, NETLINK_ROUTE, error);
	if (result == 0)
		result = list(&netlink, links, error);
	return result < 0 ? result : move(&netlink, links, index, netns_fd, moved, error);
}

int sb_links_up(struct sb_error *error)
{
	sb_cleanup(close_netlink) struct sb_netlink netlink = { 0 };
	sb_cleanup_free struct links *links = malloc(sizeof(*links));
	int result, up = 0;

	if (!links)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = sb_netlink_open(&netlink, NETLINK_ROUTE, error);
	if (result == 0)
		result = list(&netlink, links, error);
	if (result < 0)
		return result;
	for (unsigned int i = 0; i < links->count; i++)
		up += (links->link[i].flags & IFF_UP) != 0;
	return up;
}
