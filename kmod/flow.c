// SPDX-License-Identifier: GPL-2.0-only
/* The slow path of packet.h: what exceptions and reports want to know of a packet. */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "ledger_socket.h"
#include "namespace.h"
#include "packet.h"
#include "sa.h"

/* A quoted header: what we sent when the error comes in, what we received when it goes out. */
struct quoted {
	u8 family, proto;
	const void *saddr, *daddr;
};

/*
 * Is the packet that an ICMP error quotes an outer one of our bonds, or one that a socket of the
 * helper has sent to the ledger? @offset: of what follows its header.
 */
static bool quotes_ours(const struct sb_packet *p, int offset, const struct quoted *q, bool in)
{
	__be16 port = READ_ONCE(p->sn->port_be);
	union {
		__be32 spi;
		struct udphdr udp;
		__be16 ports[4];
	} *quoted, buf;

	/* RFC 792 promises 8 bytes behind the quoted header: no more can be asked for. */
	quoted = skb_header_pointer(p->skb, offset, sizeof(buf), &buf);
	if (!quoted)
		return false;
	if (q->proto == IPPROTO_ESP)
		return sb_sa_by_spi(p->sn->net, quoted->spi, in);
	if (q->proto == IPPROTO_TCP)
		return in && sb_ledger_socket_talks(p->sn, q->family, q->daddr, quoted->ports[1],
						    q->saddr, quoted->ports[0]);
	if (q->proto != IPPROTO_UDP || !port)
		return false;
	return (in ? quoted->udp.source : quoted->udp.dest) == port;
}

static bool quotes_ours4(const struct sb_packet *p, int offset, bool in)
{
	const struct iphdr *ip;
	struct iphdr buf;
	struct quoted q = { .family = 4 };

	ip = skb_header_pointer(p->skb, offset, sizeof(buf), &buf);
	if (!ip || ip->version != 4 || ip->ihl < 5 || ip->frag_off & htons(IP_OFFSET))
		return false;
	q.proto = ip->protocol;
	q.saddr = &ip->saddr;
	q.daddr = &ip->daddr;
	return quotes_ours(p, offset + ip->ihl * 4, &q, in);
}

static bool quotes_ours6(const struct sb_packet *p, int offset, bool in)
{
	const struct ipv6hdr *ip;
	struct ipv6hdr buf;

	struct quoted q = { .family = 6 };

	ip = skb_header_pointer(p->skb, offset, sizeof(buf), &buf);
	if (!ip || ip->version != 6)
		return false;
	q.proto = ip->nexthdr;
	q.saddr = &ip->saddr;
	q.daddr = &ip->daddr;
	return quotes_ours(p, offset + sizeof(buf), &q, in);
}

static bool is_icmp_error(u8 family, u8 type)
{
	return family == 4 ? icmp_is_err(type) : icmpv6_is_err(type);
}

static void read_transport(const struct sb_packet *p, struct sb_flow *flow, int offset)
{
	bool in = flow->dir == SEALBOND_X_DIR_IN;
	const __be16 *ports;
	__be16 ports_buf[2];
	const u8 *type;
	u8 type_buf;

	switch (flow->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
		ports = skb_header_pointer(p->skb, offset, sizeof(ports_buf), ports_buf);
		if (!ports)
			return;
		flow->ports = true;
		flow->sport = ntohs(ports[0]);
		flow->dport = ntohs(ports[1]);
		return;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		if ((flow->proto == IPPROTO_ICMP) != (flow->family == 4))
			return;
		type = skb_header_pointer(p->skb, offset, sizeof(type_buf), &type_buf);
		if (!type)
			return;
		flow->icmp_type = *type;
		/* Both kinds of ICMP have 8 bytes of header. */
		if (is_icmp_error(flow->family, flow->icmp_type))
			flow->quotes_ours = flow->family == 4 ?
				quotes_ours4(p, offset + sizeof(struct icmphdr), in) :
				quotes_ours6(p, offset + sizeof(struct icmp6hdr), in);
		return;
	}
}

static void read4(const struct sb_packet *p, struct sb_flow *flow)
{
	const struct iphdr *ip;
	struct iphdr buf;

	ip = skb_header_pointer(p->skb, p->offset, sizeof(buf), &buf);
	if (!ip || ip->version != 4 || ip->ihl < 5)
		return;
	flow->family = 4;
	flow->proto = ip->protocol;
	flow->hop_limit = ip->ttl;
	flow->fragment = ip_is_fragment(ip);
	memcpy(flow->saddr, &ip->saddr, sizeof(ip->saddr));
	memcpy(flow->daddr, &ip->daddr, sizeof(ip->daddr));
	if (!(ip->frag_off & htons(IP_OFFSET)))
		read_transport(p, flow, p->offset + ip->ihl * 4);
}

static void read6(const struct sb_packet *p, struct sb_flow *flow)
{
	const struct ipv6hdr *ip;
	struct ipv6hdr buf;

	ip = skb_header_pointer(p->skb, p->offset, sizeof(buf), &buf);
	if (!ip || ip->version != 6)
		return;
	flow->family = 6;
	flow->proto = ip->nexthdr;
	flow->hop_limit = ip->hop_limit;
	flow->fragment = ip->nexthdr == NEXTHDR_FRAGMENT;
	memcpy(flow->saddr, &ip->saddr, sizeof(ip->saddr));
	memcpy(flow->daddr, &ip->daddr, sizeof(ip->daddr));
	/* No exception is about a packet with extension headers. */
	read_transport(p, flow, p->offset + sizeof(*ip));
}

void sb_packet_flow(const struct sb_packet *p, struct sb_flow *flow)
{
	memset(flow, 0, sizeof(*flow));
	static_assert(SB_IFNAME_LEN == IFNAMSIZ);
	memcpy(flow->ifname, p->dev->name, IFNAMSIZ);
	flow->ethertype = p->ethertype;
	flow->dir = p->facts.hook == SB_HOOK_PRE ? SEALBOND_X_DIR_IN : SEALBOND_X_DIR_OUT;
	flow->packet_socket = p->facts.packet_socket;
	if (p->offset < 0)
		return;
	if (p->family == 4)
		read4(p, flow);
	else if (p->family == 6)
		read6(p, flow);
	if (flow->ports && flow->proto == IPPROTO_TCP)
		flow->ledger = flow->dir == SEALBOND_X_DIR_IN ?
			sb_ledger_socket_talks(p->sn, flow->family, flow->saddr, htons(flow->sport),
					       flow->daddr, htons(flow->dport)) :
			sb_ledger_socket_has(p->sn, p->skb->sk);
}
