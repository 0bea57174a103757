// SPDX-License-Identifier: Apache-2.0
#include "kernel/interface.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"
#include "kernel/netlink.h"

struct sb_interface {
	struct sb_netlink netlink;
};

int sb_interface_open(struct sb_interface **interface, struct sb_error *error)
{
	struct sb_interface *opened = calloc(1, sizeof(*opened));
	int result;

	if (!opened)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = sb_netlink_open(&opened->netlink, NETLINK_ROUTE, error);
	if (result < 0) {
		free(opened);
		return result;
	}
	*interface = opened;
	return 0;
}

void sb_interface_close(struct sb_interface *interface)
{
	if (!interface)
		return;
	sb_netlink_close(&interface->netlink);
	free(interface);
}

struct found {
	bool seen, is_xfrm;
	uint32_t index, if_id;
};

static int on_link(void *context, struct nlmsghdr *answer)
{
	struct nlattr *link[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *xfrm[IFLA_XFRM_MAX + 1];
	struct found *found = context;

	if (answer->nlmsg_type != RTM_NEWLINK || nlmsg_parse(answer, sizeof(struct ifinfomsg), link, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	found->seen = true;
	found->index = (uint32_t)((struct ifinfomsg *)nlmsg_data(answer))->ifi_index;
	if (!link[IFLA_LINKINFO] || nla_parse_nested(info, IFLA_INFO_MAX, link[IFLA_LINKINFO], NULL) < 0 ||
	    !info[IFLA_INFO_KIND] || nla_strcmp(info[IFLA_INFO_KIND], "xfrm") != 0)
		return 0;
	found->is_xfrm = true;
	if (info[IFLA_INFO_DATA] && nla_parse_nested(xfrm, IFLA_XFRM_MAX, info[IFLA_INFO_DATA], NULL) == 0 &&
	    xfrm[IFLA_XFRM_IF_ID])
		found->if_id = nla_get_u32(xfrm[IFLA_XFRM_IF_ID]);
	return 0;
}

static int find(struct sb_interface *interface, const char *name, struct found *found)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC };
	struct nl_msg *message = nlmsg_alloc_simple(RTM_GETLINK, NLM_F_REQUEST);
	int result;

	memset(found, 0, sizeof(*found));
	if (!message)
		return -ENOMEM;
	if (nlmsg_append(message, (void *)&head, sizeof(head), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(message, IFLA_IFNAME, name) < 0) {
		nlmsg_free(message);
		return -EMSGSIZE;
	}
	result = sb_netlink_talk(&interface->netlink, message, on_link, found);
	if (result == 0 && !found->seen)
		result = -ENODEV;
	return result;
}

static int put_xfrm(struct nl_msg *message, uint32_t if_id)
{
	struct nlattr *info = nla_nest_start(message, IFLA_LINKINFO), *data;
	int built;

	if (!info || nla_put_string(message, IFLA_INFO_KIND, "xfrm") < 0)
		return -1;
	data = nla_nest_start(message, IFLA_INFO_DATA);
	if (!data)
		return -1;
	built = nla_put_u32(message, IFLA_XFRM_IF_ID, if_id);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	return built;
}

/* Creates (index 0) or changes the link, and brings it up. */
static int set_link(struct sb_interface *interface, const char *name, uint32_t if_id, uint32_t mtu,
		    uint32_t index)
{
	const struct ifinfomsg head = {
		.ifi_family = AF_UNSPEC, .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP,
	};
	struct nl_msg *message = nlmsg_alloc_simple(RTM_NEWLINK, index ? NLM_F_REQUEST :
						    NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL);
	int built;

	if (!message)
		return -ENOMEM;
	built = nlmsg_append(message, (void *)&head, sizeof(head), NLMSG_ALIGNTO);
	built |= nla_put_u32(message, IFLA_MTU, mtu);
	if (!index) {
		built |= nla_put_string(message, IFLA_IFNAME, name);
		built |= put_xfrm(message, if_id);
	}
	if (built < 0) {
		nlmsg_free(message);
		return -EMSGSIZE;
	}
	return sb_netlink_talk(&interface->netlink, message, NULL, NULL);
}

int sb_interface_ensure(struct sb_interface *interface, const char *name, uint32_t if_id, uint32_t mtu,
			uint32_t *index, struct sb_error *error)
{
	struct found found;
	int result = find(interface, name, &found);

	if (result == -ENODEV) {
		result = set_link(interface, name, if_id, mtu, 0);
		if (result < 0)
			return sb_fail(error, result, "making %s: %s%s", name, interface->netlink.error,
				       result == -EOPNOTSUPP ? " (is the module xfrm_interface there?)" : "");
		result = find(interface, name, &found);
	}
	if (result < 0)
		return sb_fail(error, result, "looking for %s: %s", name, interface->netlink.error);
	if (!found.is_xfrm)
		return sb_fail(error, -EEXIST, "%s exists and is no xfrm interface; remove it or set interface in [device]",
			       name);
	if (found.if_id != if_id)
		return sb_fail(error, -EEXIST, "%s exists with if_id %u, not %u; remove it or set if_id in [device]",
			       name, found.if_id, if_id);
	result = set_link(interface, name, if_id, mtu, found.index);
	if (result < 0)
		return sb_fail(error, result, "setting %s up: %s", name, interface->netlink.error);
	*index = found.index;
	return 0;
}

static int size_of(const struct sb_prefix *prefix)
{
	return prefix->family == AF_INET ? 4 : 16;
}

static int change_address(struct sb_interface *interface, uint32_t index, const struct sb_prefix *address,
			  bool add, struct sb_error *error)
{
	const struct ifaddrmsg head = {
		.ifa_family = (unsigned char)address->family, .ifa_prefixlen = address->length,
		/* Nobody else can have it: no wait for duplicate address detection. */
		.ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_scope = RT_SCOPE_UNIVERSE, .ifa_index = index,
	};
	struct nl_msg *message = nlmsg_alloc_simple(add ? RTM_NEWADDR : RTM_DELADDR, add ?
						    NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE : NLM_F_REQUEST);
	char text[SB_ADDRESS_ROOM];
	int result;

	if (!message)
		return sb_fail(error, -ENOMEM, "out of memory");
	if (nlmsg_append(message, (void *)&head, sizeof(head), NLMSG_ALIGNTO) < 0 ||
	    nla_put(message, IFA_LOCAL, size_of(address), address->address) < 0 ||
	    nla_put(message, IFA_ADDRESS, size_of(address), address->address) < 0) {
		nlmsg_free(message);
		return sb_fail(error, -EMSGSIZE, "address: message too long");
	}
	result = sb_netlink_talk(&interface->netlink, message, NULL, NULL);
	if (result == (add ? -EEXIST : -EADDRNOTAVAIL))
		result = 0;
	if (result < 0)
		return sb_fail(error, result, "address %s: %s", sb_format_prefix(text, address),
			       interface->netlink.error);
	return 0;
}

int sb_interface_address(struct sb_interface *interface, uint32_t index, const struct sb_prefix *address,
			 struct sb_error *error)
{
	return change_address(interface, index, address, true, error);
}

int sb_interface_del_address(struct sb_interface *interface, uint32_t index,
			     const struct sb_prefix *address, struct sb_error *error)
{
	return change_address(interface, index, address, false, error);
}

static int put_mtu(struct nl_msg *message, uint32_t mtu)
{
	struct nlattr *metrics;
	int built;

	if (!mtu)
		return 0;
	metrics = nla_nest_start(message, RTA_METRICS);
	if (!metrics)
		return -1;
	built = nla_put_u32(message, RTAX_MTU, mtu);
	nla_nest_end(message, metrics);
	return built;
}

static int change_route(struct sb_interface *interface, uint32_t index, const struct sb_prefix *to,
			uint32_t mtu, bool add, struct sb_error *error)
{
	const struct rtmsg head = {
		.rtm_family = (unsigned char)to->family, .rtm_dst_len = to->length, .rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC, .rtm_type = RTN_UNICAST,
		.rtm_scope = to->family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
	};
	struct nl_msg *message = nlmsg_alloc_simple(add ? RTM_NEWROUTE : RTM_DELROUTE, add ?
						    NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE : NLM_F_REQUEST);
	char text[SB_ADDRESS_ROOM];
	int result, built;

	if (!message)
		return sb_fail(error, -ENOMEM, "out of memory");
	built = nlmsg_append(message, (void *)&head, sizeof(head), NLMSG_ALIGNTO);
	built |= nla_put(message, RTA_DST, size_of(to), to->address);
	built |= nla_put_u32(message, RTA_OIF, index);
	built |= put_mtu(message, mtu);
	if (built < 0) {
		nlmsg_free(message);
		return sb_fail(error, -EMSGSIZE, "route: message too long");
	}
	result = sb_netlink_talk(&interface->netlink, message, NULL, NULL);
	if (!add && (result == -ESRCH || result == -ENODEV))
		result = 0;
	if (result < 0)
		return sb_fail(error, result, "route to %s: %s", sb_format_prefix(text, to),
			       interface->netlink.error);
	return 0;
}

int sb_interface_route(struct sb_interface *interface, uint32_t index, const struct sb_prefix *to,
		       uint32_t mtu, struct sb_error *error)
{
	return change_route(interface, index, to, mtu, true, error);
}

int sb_interface_del_route(struct sb_interface *interface, uint32_t index, const struct sb_prefix *to,
			   struct sb_error *error)
{
	return change_route(interface, index, to, 0, false, error);
}
