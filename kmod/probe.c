// SPDX-License-Identifier: GPL-2.0-only
#include "probe.h"

#include <linux/skbuff.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "namespace.h"
#include "peer.h"

static struct sk_buff *alloc_probe(struct dst_entry *dst, unsigned int header_len)
{
	struct sk_buff *skb = alloc_skb(LL_MAX_HEADER + MAX_HEADER + header_len, GFP_KERNEL);

	if (!skb)
		return NULL;
	skb_reserve(skb, LL_MAX_HEADER + MAX_HEADER);
	skb_put_zero(skb, header_len);
	skb_reset_network_header(skb);
	skb_dst_set(skb, dst);
	return skb;
}

static void send4(struct sb_net *sn, struct sb_peer *peer)
{
	struct flowi4 fl = {
		.daddr = peer->overlay4.s_addr,
		.saddr = sn->overlay4.s_addr,
		.flowi4_oif = sn->sb0_ifindex,
	};
	struct rtable *rt = ip_route_output_key(sn->net, &fl);
	struct sk_buff *skb;
	struct iphdr *ip;

	if (IS_ERR(rt))
		return;
	skb = alloc_probe(&rt->dst, sizeof(*ip));
	if (!skb) {
		ip_rt_put(rt);
		return;
	}
	ip = ip_hdr(skb);
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_NONE;
	ip->saddr = fl.saddr;
	ip->daddr = fl.daddr;
	skb->protocol = htons(ETH_P_IP);
	ip_local_out(sn->net, NULL, skb);
}

static void send6(struct sb_net *sn, struct sb_peer *peer)
{
	struct flowi6 fl = {
		.daddr = peer->overlay6,
		.saddr = sn->overlay6,
		.flowi6_oif = sn->sb0_ifindex,
	};
	struct dst_entry *dst = ip6_route_output(sn->net, NULL, &fl);
	struct ipv6hdr *ip;
	struct sk_buff *skb;

	skb = dst->error ? NULL : alloc_probe(dst, sizeof(*ip));
	if (!skb) {
		dst_release(dst);
		return;
	}
	ip = ipv6_hdr(skb);
	ip6_flow_hdr(ip, 0, 0);
	ip->nexthdr = IPPROTO_NONE;
	ip->hop_limit = 64;
	ip->saddr = fl.saddr;
	ip->daddr = fl.daddr;
	skb->protocol = htons(ETH_P_IPV6);
	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	ip6_local_out(sn->net, NULL, skb);
}

void sb_probe_send(struct sb_net *sn, struct sb_peer *peer)
{
	if (!ipv6_addr_any(&sn->overlay6) && !ipv6_addr_any(&peer->overlay6))
		send6(sn, peer);
	else
		send4(sn, peer);
}
