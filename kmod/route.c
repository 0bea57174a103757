// SPDX-License-Identifier: GPL-2.0-only
#include "route.h"

#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>

static int route4(struct net *net, const struct sb_addr *remote, struct sb_addr *source, u32 *mtu)
{
	struct flowi4 fl = { .daddr = sb_addr_ip4(remote), .flowi4_proto = IPPROTO_UDP };
	struct rtable *rt = ip_route_output_key(net, &fl);

	if (IS_ERR(rt))
		return PTR_ERR(rt);
	sb_addr_v4(source, fl.saddr, source->port);
	if (mtu)
		*mtu = dst_mtu(&rt->dst);
	ip_rt_put(rt);
	return 0;
}

static int route6(struct net *net, const struct sb_addr *remote, struct sb_addr *source, u32 *mtu)
{
	struct flowi6 fl = { .flowi6_proto = IPPROTO_UDP };
	struct dst_entry *dst;
	struct in6_addr from;
	int err;

	memcpy(&fl.daddr, remote->ip, sizeof(fl.daddr));
	dst = ip6_route_output(net, NULL, &fl);
	err = dst->error;
	if (!err)
		err = ipv6_dev_get_saddr(net, ip6_dst_idev(dst) ? ip6_dst_idev(dst)->dev : NULL,
					 &fl.daddr, 0, &from);
	if (!err) {
		sb_addr_v6(source, from.s6_addr, source->port);
		if (mtu)
			*mtu = dst_mtu(dst);
	}
	dst_release(dst);
	return err;
}

int sb_route(struct net *net, const struct sb_addr *remote, struct sb_addr *source, u32 *mtu)
{
	return sb_addr_is_v4(remote) ? route4(net, remote, source, mtu) :
				       route6(net, remote, source, mtu);
}
