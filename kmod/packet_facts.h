/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the facts are found. For hooks.c alone, and inline there: at each hook the compiler sees
 * which facts are asked, and a packet pays for no other.
 */
#ifndef SB_PACKET_FACTS_H
#define SB_PACKET_FACTS_H

#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_bridge.h>
#include <linux/netfilter_netdev.h>
#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <net/xfrm.h>

#include "device.h"
#include "namespace.h"
#include "packet.h"
#include "packet_outer.h"
#include "peer.h"
#include "sa.h"
#include "watch.h"

/* More tags than a service and a customer VLAN are not looked behind. */
#define VLAN_TAGS	2

#define PROTO_NONE	59	/* IPv6's "no next header", used for both families */

/* Sent by it. What was received for it is another matter. */
static __always_inline bool is_own_socket(const struct sb_net *sn, const struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	return sk && (sk == rcu_access_pointer(sn->sk[0]) || sk == rcu_access_pointer(sn->sk[1])) &&
	       skb->destructor != sock_pfree;
}

/*
 * The bond socket is where it goes: the kernel need not look for one, three times. Without a
 * reference, as a program at tc's ingress does it; who keeps the packet takes one. Not on a
 * bridge, which may send it on.
 */
static __always_inline void give_socket(const struct sb_net *sn, struct sk_buff *skb, u8 family)
{
	struct sock *sk = rcu_dereference(sn->sk[family == 6]);

	if (likely(sk && !skb->sk && sock_flag(sk, SOCK_RCU_FREE)) && !nf_bridge_info_exists(skb)) {
		skb->sk = sk;
		skb->destructor = sock_pfree;
	}
}

static __always_inline void ask_peer(struct sb_facts *f, const struct sb_peer *peer)
{
	f->lease_live = READ_ONCE(peer->lease_live) && !sb_watch_shut();
	f->quarantined = READ_ONCE(peer->flags) & SEALBOND_PEER_F_QUARANTINE;
}

/*
 * Most peers may say everything. The others' packets are read, but not in the hook itself: it keeps
 * the facts in registers as long as nobody else looks at them.
 */
static __always_inline bool ports_ok(const struct sb_packet *p, const struct sb_peer *peer, bool hot)
{
	const struct sb_peer_ports *only = rcu_dereference(peer->ports);

	return likely(!only) || (!hot && sb_packet_allowed(p, &only->ports));
}

static __always_inline void start(struct sb_packet *p, struct sb_net *sn, struct sk_buff *skb,
		  const struct net_device *dev, enum sb_hook hook)
{
	p->facts = (struct sb_facts){ .hook = hook, .device = sb_device_of(sn, dev) };
	p->more_fragments = false;
	p->sa = NULL;
	p->to_socket = false;
	p->guard = NULL;
	p->sn = sn;
	p->skb = skb;
	p->dev = dev;
}

/* For the hooks of IP, where that header is known to be whole. */
static __always_inline void start_ip(struct sb_packet *p, u8 family)
{
	p->family = family;
	p->ethertype = family == 4 ? ETH_P_IP : ETH_P_IPV6;
	p->offset = skb_network_offset(p->skb);
}

static __always_inline struct sb_sa *sb_packet_sa(const struct sb_net *sn, const struct sk_buff *skb)
{
	const struct sec_path *path = skb_sec_path(skb);
	struct sb_sa *sa;

	if (!path || !path->len)
		return NULL;
	sa = sb_sa_by_state(path->xvec[path->len - 1]);
	return sa && !sa->out && sa->peer->sn == sn ? sa : NULL;
}

static __always_inline bool sb_packet_is_dummy(const struct sk_buff *skb, u8 family)
{
	return family == 4 ? ip_hdr(skb)->protocol == PROTO_NONE :
			     ipv6_hdr(skb)->nexthdr == PROTO_NONE;
}

static __always_inline bool source_is(const struct sb_peer *peer, const struct sb_packet *p)
{
	if (p->family == 4)
		return peer->overlay4.s_addr && ip_hdr(p->skb)->saddr == peer->overlay4.s_addr;
	return !ipv6_addr_any(&peer->overlay6) &&
	       ipv6_addr_equal(&ipv6_hdr(p->skb)->saddr, &peer->overlay6);
}

static __always_inline void through_sb0(struct sb_packet *p, bool hot)
{
	struct sb_facts *f = &p->facts;

	p->sa = sb_packet_sa(p->sn, p->skb);
	if (!p->sa) {
		f->sa = secpath_exists(p->skb) ? SB_SA_FOREIGN : SB_SA_NONE;
		return;
	}
	f->sa = SB_SA_OURS;
	ask_peer(f, p->sa->peer);
	f->source_ok = source_is(p->sa->peer, p);
	f->ports_ok = ports_ok(p, p->sa->peer, hot);
	if (sb_packet_is_dummy(p->skb, p->family))
		f->shape = SB_SHAPE_DUMMY;
}

/* To the address that the SA has; the packet's IP header is known to be whole. */
static __always_inline bool is_to(const struct sb_sa *sa, const struct sb_packet *p)
{
	return p->family == 4 ?
	       sb_sa_is_to(sa, AF_INET, (const xfrm_address_t *)&ip_hdr(p->skb)->daddr) :
	       sb_sa_is_to(sa, AF_INET6, (const xfrm_address_t *)&ipv6_hdr(p->skb)->daddr);
}

static __always_inline void sb_packet_pre(struct sb_packet *p, struct sb_net *sn, struct sk_buff *skb,
		   const struct nf_hook_state *state, u8 family, bool hot)
{
	struct sb_facts *f = &p->facts;
	struct sb_sa *sa;
	struct outer o SB_WRITTEN_WHOLE;

	start(p, sn, skb, state->in, SB_HOOK_PRE);
	start_ip(p, family);
	if (f->device == SB_DEVICE_SB0) {
		through_sb0(p, hot);
		return;
	}
	if (f->device != SB_DEVICE_PROTECTED)
		return;
	read_outer(&o, p, false, hot);
	f->shape = o.shape;
	if (o.shape == SB_SHAPE_SEALED) {
		sa = sb_sa_by_spi(sn->net, o.spi, false);
		f->sa = sa ? SB_SA_OURS : SB_SA_FOREIGN;
		p->to_socket = sa && o.our_port && is_to(sa, p);
	} else if (secpath_exists(skb)) {
		f->sa = sb_packet_sa(sn, skb) ? SB_SA_OURS : SB_SA_FOREIGN;
	}
}

/* Apart, so that the hook itself needs no stack. */
static noinline struct sb_peer *find_inner_peer(struct sb_net *sn, const struct sk_buff *skb,
						u8 family)
{
	const struct in6_addr *to6 = &ipv6_hdr(skb)->daddr;
	struct in6_addr mapped SB_WRITTEN_WHOLE;
	struct sb_peer *peer;

	if (family == 4) {
		ipv6_addr_set_v4mapped(ip_hdr(skb)->daddr, &mapped);
		to6 = &mapped;
	}
	peer = sb_peer_by_overlay(sn, to6);
	if (peer)
		this_cpu_write(*sn->last_peer, peer);
	return peer;
}

/* The same peer as for this processor's last packet, most of the time. */
static __always_inline struct sb_peer *inner_peer(const struct sb_packet *p)
{
	struct sb_peer *peer = this_cpu_read(*p->sn->last_peer);

	if (likely(peer) && (p->family == 4 ?
			     peer->overlay4.s_addr == ip_hdr(p->skb)->daddr :
			     ipv6_addr_equal(&peer->overlay6, &ipv6_hdr(p->skb)->daddr)))
		return peer;
	return find_inner_peer(p->sn, p->skb, p->family);
}

static __always_inline void into_sb0(struct sb_packet *p)
{
	struct sb_facts *f = &p->facts;
	struct sb_peer *peer;

	f->forwarded = p->skb->skb_iif;
	peer = inner_peer(p);
	if (!peer)
		return;
	f->peer = true;
	f->bonded = READ_ONCE(peer->bonded);
	if (unlikely(!f->bonded))
		ask_peer(f, peer);
}

static __always_inline bool is_transformed(const struct sk_buff *skb, u8 family)
{
	return family == 4 ? IPCB(skb)->flags & IPSKB_XFRM_TRANSFORMED :
			     IP6CB(skb)->flags & IP6SKB_XFRM_TRANSFORMED;
}

/* Whose it is, of what is sealed. Its outer header was read. */
static __always_inline struct sb_sa *sealed_for(const struct sb_packet *p, __be32 spi, bool hot)
{
	bool ip4 = p->family == 4;
	const xfrm_address_t *to;
	xfrm_address_t buf SB_WRITTEN_WHOLE;

	to = bytes_at(p->skb, p->offset + (ip4 ? offsetof(struct iphdr, daddr) :
						 offsetof(struct ipv6hdr, daddr)),
		      ip4 ? sizeof(buf.a4) : sizeof(buf), &buf, hot);
	return to ? sb_sa_outbound(p->sn->net, spi, ip4 ? AF_INET : AF_INET6, to) : NULL;
}

/* What is encrypted has its number on it. */
static __always_inline void read_number(struct sb_packet *p, bool hot)
{
	struct outer o SB_WRITTEN_WHOLE;
	const __be32 *number;
	__be32 buf SB_WRITTEN_WHOLE;

	read_outer(&o, p, true, hot);
	p->facts.shape = o.shape;
	if (o.shape != SB_SHAPE_SEALED)
		return;
	p->guard = sealed_for(p, o.spi, hot);
	number = bytes_at(p->skb, o.esp + sizeof(o.spi), sizeof(buf), &buf, hot);
	if (number)
		p->first = ntohl(*number);
	else
		p->facts.shape = SB_SHAPE_MALFORMED;
	p->count = 1;
}

/*
 * At LOCAL_OUT, for what an SA has just made: once for each packet, whatever devices it goes
 * through below. What is not encrypted yet has its SA in its path, and is left to egress.
 * True if the SA is ours; then it leaves by a device that is protected.
 */
static __always_inline bool sb_packet_sealed(struct sb_packet *p, struct sb_net *sn,
					     struct sk_buff *skb,
					     const struct nf_hook_state *state, u8 family,
					     bool hot)
{
	const struct sec_path *path = skb_sec_path(skb);

	start(p, sn, skb, state->out, SB_HOOK_POST);
	start_ip(p, family);
	p->facts.transformed = true;
	/* Another SA comes next, and it is none of ours: POST_ROUTING judges that. */
	if (p->facts.device != SB_DEVICE_PROTECTED || skb_dst(skb)->xfrm)
		return false;
	if (xfrm_offload(skb))
		return sb_sa_by_state(path->xvec[path->len - 1]);
	read_number(p, hot);
	return p->guard;
}

static __always_inline void sb_packet_post(struct sb_packet *p, struct sb_net *sn, struct sk_buff *skb,
		    const struct nf_hook_state *state, u8 family, bool hot)
{
	const struct dst_entry *dst = skb_dst(skb);
	struct sb_facts *f = &p->facts;
	struct sb_sa *sa;
	struct outer o SB_WRITTEN_WHOLE;

	start(p, sn, skb, state->out, SB_HOOK_POST);
	if (f->device == SB_DEVICE_LOOPBACK || f->device == SB_DEVICE_INSIDE)
		return;
	start_ip(p, family);
	if (f->device == SB_DEVICE_SB0) {
		into_sb0(p);
		return;
	}
	f->forwarded = skb->skb_iif;
	if (dst && dst->xfrm) {
		sa = sb_sa_by_state(dst->xfrm);
		f->transforming = true;
		f->sa = SB_SA_FOREIGN;
		if (sa && sa->out && sa->peer->sn == sn) {
			f->sa = SB_SA_OURS;
			ask_peer(f, sa->peer);
			f->ports_ok = ports_ok(p, sa->peer, hot);
		}
		return;
	}
	/* What it has become is judged at egress. */
	f->transformed = is_transformed(skb, p->family);
	f->own_socket = is_own_socket(sn, skb);
	if (f->device != SB_DEVICE_PROTECTED)
		return;
	/*
	 * Here only where LOCAL_OUT does not take it past. (With a VRF there is another POST_ROUTING
	 * before that of the device.)
	 */
	if (f->transformed) {
		if (!xfrm_offload(skb) && dst && dst->dev == p->dev)
			read_number(p, hot);
		return;
	}
	if (f->own_socket)
		return;
	read_outer(&o, p, true, hot);
	f->shape = o.shape;
	f->our_port = o.our_port;
	if (o.shape == SB_SHAPE_SEALED)
		f->sa = sb_sa_by_spi(sn->net, o.spi, true) ? SB_SA_OURS : SB_SA_FOREIGN;
}

/*
 * The network header of a frame with a tag in it (and not beside it, as the kernel prefers) is
 * the tag; @proto is what the skb says. Sets ethertype, family and offset.
 */
static __always_inline void read_frame(struct sb_packet *p, __be16 proto, bool hot)
{
	const struct vlan_hdr *tag;
	struct vlan_hdr buf SB_WRITTEN_WHOLE;
	int tags;

	p->offset = skb_network_offset(p->skb);
	for (tags = 0; eth_type_vlan(proto) && p->offset >= 0 && tags < VLAN_TAGS; tags++) {
		tag = bytes_at(p->skb, p->offset, sizeof(buf), &buf, hot);
		if (!tag)
			break;
		proto = tag->h_vlan_encapsulated_proto;
		p->offset += sizeof(*tag);
	}
	p->ethertype = ntohs(proto);
	p->family = proto == htons(ETH_P_IP) ? 4 : proto == htons(ETH_P_IPV6) ? 6 : 0;
}

/* The SA that will encrypt it is in its path, and has to be the one that it says. */
static __always_inline struct sb_sa *to_be_sealed_by(const struct sb_packet *p, __be32 spi)
{
	const struct sec_path *path = skb_sec_path(p->skb);
	struct sb_sa *sa = sb_sa_by_state(path->xvec[path->len - 1]);

	return sa && sa->out && sa->peer->sn == p->sn && sa->spi == spi ? sa : NULL;
}

/*
 * Not encrypted yet: that comes behind the queue of this device. So its numbers are looked at on
 * each device that it comes to in this state; a copy of it that was changed would be encrypted
 * under the same ones. Where nobody can tell how many numbers it will take (segments that nobody
 * counted, or that were cut already) it is dropped; neither happens to what the stack makes,
 * but for a path that has just become narrower.
 */
static __always_inline void not_yet_encrypted(struct sb_packet *p, struct sb_sa *sa,
					      const struct xfrm_offload *xo)
{
	bool gso = skb_is_gso(p->skb);

	if (unlikely(gso ? skb_shinfo(p->skb)->gso_type & SKB_GSO_DODGY :
			   xo->flags & XFRM_GSO_SEGMENT)) {
		p->facts.repeated = true;
		return;
	}
	p->guard = sa;
	p->first = xo->seq.low;
	p->count = gso ? skb_shinfo(p->skb)->gso_segs : 1;
}

/*
 * What an SA of ours has made is routed to the device that it leaves by, or to one on top. What
 * was routed to loopback or into sb0, or by a route with a program of its own, or not at all, has
 * been brought here by somebody (nft's fwd and dup, BPF), and nobody has judged what is in it.
 * Devices on top of others keep the route for those: hooks.c sees to it.
 */
static __always_inline bool is_astray(const struct sb_packet *p)
{
	const struct dst_entry *dst = skb_dst(p->skb);

	return !skb_valid_dst(p->skb) || dst->lwtstate || dst->dev == p->sn->net->loopback_dev ||
	       dst->dev->ifindex == READ_ONCE(p->sn->sb0_ifindex);
}

/* Where a device has another egress hook, what is in a packet may be that one's. */
static __always_inline bool sb_packet_untouched(const struct net_device *dev)
{
	const struct nf_hook_entries *hooks = rcu_dereference(dev->nf_hooks_egress);

	return likely(hooks && hooks->num_hook_entries == 1);
}

static __always_inline void leaving(struct sb_packet *p, bool hot)
{
	const struct xfrm_offload *xo;
	struct sb_facts *f = &p->facts;
	struct sb_sa *sa;
	struct outer o SB_WRITTEN_WHOLE;

	read_outer(&o, p, true, hot);
	f->shape = o.shape;
	f->our_port = o.our_port;
	p->more_fragments = o.first_fragment;
	if (o.shape != SB_SHAPE_SEALED)
		return;
	xo = xfrm_offload(p->skb);
	sa = xo ? to_be_sealed_by(p, o.spi) : sealed_for(p, o.spi, hot);
	f->sa = sa && sb_packet_untouched(p->dev) && !is_astray(p) ? SB_SA_OURS : SB_SA_FOREIGN;
	if (!sa)
		return;
	ask_peer(f, sa->peer);
	if (xo)
		not_yet_encrypted(p, sa, xo);
}

/* What a card has received must not go on by a veth, over a bridge or by nft, unjudged. */
static __always_inline bool is_from_outside(const struct sb_net *sn, const struct sk_buff *skb)
{
	const struct net_device *from;
	bool outside = false;

	if (!skb->skb_iif)
		return false;
	rcu_read_lock();
	from = dev_get_by_index_rcu(sn->net, skb->skb_iif);
	outside = !from || sb_device_of(sn, from) == SB_DEVICE_OTHER;
	rcu_read_unlock();
	return outside;
}

static __always_inline void sb_packet_egress(struct sb_packet *p, struct sb_net *sn, struct sk_buff *skb,
		      const struct nf_hook_state *state, __be16 proto, bool hot)
{
	struct sb_facts *f = &p->facts;

	start(p, sn, skb, state->out, SB_HOOK_EGRESS);
	if (f->device == SB_DEVICE_INSIDE) {
		if (!is_from_outside(sn, skb))
			return;
		f->device = SB_DEVICE_OTHER;
	}
	/* Egress hooks are on no xfrm interface: what has sb0's number here is not sb0. */
	if (f->device == SB_DEVICE_SB0)
		f->device = SB_DEVICE_PROTECTED;
	f->packet_socket = skb->sk && skb->sk->sk_family == AF_PACKET;
	f->forwarded = skb->skb_iif;
	read_frame(p, proto, hot);
	if (p->ethertype == ETH_P_ARP)
		f->shape = SB_SHAPE_ARP;
	else if (!p->family)
		f->shape = SB_SHAPE_UNKNOWN;
	else if (f->device == SB_DEVICE_PROTECTED)
		leaving(p, hot);
	/* What is sealed needs no excuse, and none of the bond sockets' is. */
	if (f->sa != SB_SA_OURS)
		f->own_socket = is_own_socket(sn, skb) && sb_packet_untouched(state->out);
}

#endif
