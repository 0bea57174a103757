/* SPDX-License-Identifier: GPL-2.0-only */
/* What a packet's outermost headers say. Beneath packet_facts.h, for whom all of it is inline. */
#ifndef SB_PACKET_OUTER_H
#define SB_PACKET_OUTER_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "namespace.h"
#include "packet.h"

/* For what is written whole before it is read: kernels that clear every stack variable skip it. */
#if defined(__has_attribute) && __has_attribute(__uninitialized__)
#define SB_WRITTEN_WHOLE __attribute__((__uninitialized__))
#else
#define SB_WRITTEN_WHOLE
#endif

struct udp_spi {
	struct udphdr udp;
	__be32 word;		/* RFC 3948: an SPI, or zero before anything else */
};

/* What the outer headers say, beside the shape. */
struct outer {
	enum sb_shape shape;
	bool our_port;		/* the own side's UDP port is the bond port */
	bool first_fragment;
	__be32 spi;		/* with SB_SHAPE_SEALED */
	int esp;		/* likewise: where the ESP header is */
};

/*
 * @len bytes of the packet at @offset, or NULL. In the hook itself (@hot, a constant) only what
 * lies in the linear part is looked at, and @buf never used: so the hook needs no stack for it.
 * A packet that is cut elsewhere is taken for malformed there, and judged again.
 */
static __always_inline const void *bytes_at(const struct sk_buff *skb, int offset, int len,
					    void *buf, bool hot)
{
	const void *at = skb->data + offset;

	if (likely((int)skb_headlen(skb) - offset >= len)) {
		if (!at)
			__builtin_unreachable();	/* so that nobody asks whether it is NULL */
		return at;
	}
	return hot ? NULL : skb_header_pointer(skb, offset, len, buf);
}

static __always_inline void read_transport(struct outer *o, const struct sk_buff *skb,
					   int offset, u8 proto, __be16 port, bool out,
					   bool hot)
{
	const struct udp_spi *u;
	struct udp_spi u_buf SB_WRITTEN_WHOLE;
	const __be32 *spi;
	__be32 spi_buf SB_WRITTEN_WHOLE;

	static_assert(sizeof(struct udp_spi) == 12);
	if (proto == IPPROTO_ESP) {
		spi = bytes_at(skb, offset, sizeof(spi_buf), &spi_buf, hot);
		if (spi) {
			o->shape = SB_SHAPE_SEALED;
			o->spi = *spi;
			o->esp = offset;
		} else {
			o->shape = SB_SHAPE_MALFORMED;
		}
		return;
	}
	if (proto != IPPROTO_UDP || !port)
		return;
	u = bytes_at(skb, offset, sizeof(u_buf), &u_buf, hot);
	if (!u) {
		/* Too short for a first word; the port counts all the same. */
		u = bytes_at(skb, offset, sizeof(u_buf.udp), &u_buf, hot);
		if (!u)
			o->shape = SB_SHAPE_MALFORMED;
		else
			o->our_port = (out ? u->udp.source : u->udp.dest) == port;
		return;
	}
	if ((out ? u->udp.source : u->udp.dest) != port)
		return;
	o->our_port = true;
	o->spi = u->word;
	o->esp = offset + sizeof(u->udp);
	o->shape = u->word ? SB_SHAPE_SEALED : SB_SHAPE_HANDSHAKE;
}

static __always_inline void read_ip4(struct outer *o, const struct sk_buff *skb, int offset,
				     __be16 port, bool out, bool hot)
{
	const struct iphdr *ip;
	struct iphdr buf SB_WRITTEN_WHOLE;

	ip = bytes_at(skb, offset, sizeof(buf), &buf, hot);
	if (!ip || ip->version != 4 || ip->ihl < 5) {
		o->shape = SB_SHAPE_MALFORMED;
		return;
	}
	if (ip->frag_off & htons(IP_OFFSET)) {
		o->shape = SB_SHAPE_FRAGMENT;
		return;
	}
	o->first_fragment = ip->frag_off & htons(IP_MF);
	read_transport(o, skb, offset + ip->ihl * 4, ip->protocol, port, out, hot);
}

static __always_inline void read_ip6(struct outer *o, const struct sk_buff *skb, int offset,
				     __be16 port, bool out, bool hot)
{
	const struct frag_hdr *frag;
	const struct ipv6hdr *ip;
	struct frag_hdr frag_buf SB_WRITTEN_WHOLE;
	struct ipv6hdr buf SB_WRITTEN_WHOLE;
	u8 next;

	ip = bytes_at(skb, offset, sizeof(buf), &buf, hot);
	if (!ip || ip->version != 6) {
		o->shape = SB_SHAPE_MALFORMED;
		return;
	}
	next = ip->nexthdr;
	offset += sizeof(*ip);
	if (next == NEXTHDR_FRAGMENT) {
		frag = bytes_at(skb, offset, sizeof(frag_buf), &frag_buf, hot);
		if (!frag) {
			o->shape = SB_SHAPE_MALFORMED;
			return;
		}
		if (frag->frag_off & htons(IP6_OFFSET)) {
			o->shape = SB_SHAPE_FRAGMENT;
			return;
		}
		o->first_fragment = frag->frag_off & htons(IP6_MF);
		next = frag->nexthdr;
		offset += sizeof(*frag);
	}
	/* Behind other extension headers there is nothing of ours: that is clear traffic. */
	read_transport(o, skb, offset, next, port, out, hot);
}

static __always_inline void read_outer(struct outer *o, const struct sb_packet *p, bool out,
				       bool hot)
{
	__be16 port = READ_ONCE(p->sn->port_be);

	*o = (struct outer){ .shape = SB_SHAPE_CLEAR };
	if (p->offset < 0)
		o->shape = SB_SHAPE_MALFORMED;
	else if (p->family == 4)
		read_ip4(o, p->skb, p->offset, port, out, hot);
	else
		read_ip6(o, p->skb, p->offset, port, out, hot);
}

#endif
