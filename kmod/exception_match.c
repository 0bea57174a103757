// SPDX-License-Identifier: GPL-2.0-only
#include "exception_match.h"

#include "sealbond/limits.h"

#define ETHERTYPE_ARP	0x0806

/* IANA's numbers, the same in every header that has them. */
enum {
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMPV6 = 58,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

enum {
	ICMP_UNREACHABLE = 3,	/* with "fragmentation needed" */
	ICMP_TIME = 11,
	ICMPV6_UNREACHABLE = 1,
	ICMPV6_TOO_BIG = 2,
	ICMPV6_TIME = 3,
	ND_FIRST = 133,		/* router solicitation */
	ND_LAST = 136,		/* neighbour advertisement; redirects are not wanted */
	ND_HOP_LIMIT = 255,	/* RFC 4861: has not crossed a router */
};

bool sb_budget_has(const struct sb_budget *budget, u64 now)
{
	return budget->packets_ns <= now + SB_EXC_BURST_NS &&
	       budget->bytes_ns <= now + SB_EXC_BURST_NS;
}

static u64 per_second(u64 units, u32 rate)
{
	/* units < 2^32 and a second < 2^30 ns: no overflow */
	return units * SB_NS_PER_S / rate;
}

bool sb_budget_take(struct sb_budget *budget, const struct sb_exception_spec *spec, u64 now,
		    u32 len)
{
	if (!sb_budget_has(budget, now))
		return false;
	budget->packets_ns = max(budget->packets_ns, now) +
			     per_second(1, spec->rate ? spec->rate : SB_EXC_RATE);
	budget->bytes_ns = max(budget->bytes_ns, now) +
			   per_second(len, spec->bytes ? spec->bytes : SB_EXC_BYTES);
	return true;
}

static bool has_ports(u8 proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP ||
	       proto == PROTO_UDPLITE;
}

static const char *check_match(const struct sb_exception_spec *spec)
{
	if (!spec->proto)
		return "an exception of kind match needs a protocol";
	if ((spec->local_port || spec->remote_port) && !has_ports(spec->proto))
		return "an exception has a port, and its protocol has none";
	if (spec->family && spec->family != 4 && spec->family != 6)
		return "an exception's remote address is neither IPv4 nor IPv6";
	if (spec->prefix > (spec->family == 4 ? 32 : 128) || (!spec->family && spec->prefix))
		return "an exception's prefix is longer than its address";
	if ((spec->proto == PROTO_ICMP && spec->family == 6) ||
	    (spec->proto == PROTO_ICMPV6 && spec->family == 4))
		return "an exception's protocol does not go with its address";
	return NULL;
}

static const char *check_ledger(const struct sb_exception_spec *spec)
{
	if (!spec->remote_port)
		return "an exception of kind ledger needs the port of its endpoint";
	if (spec->proto || spec->local_port)
		return "an exception of kind ledger is TCP by itself, and has no local port";
	if (spec->family && spec->family != 4 && spec->family != 6)
		return "an exception's remote address is neither IPv4 nor IPv6";
	if (spec->prefix > (spec->family == 4 ? 32 : 128) || (!spec->family && spec->prefix))
		return "an exception's prefix is longer than its address";
	return NULL;
}

const char *sb_exception_check(const struct sb_exception_spec *spec)
{
	if (!spec->name[0] || spec->name[SEALBOND_NAME_LEN - 1])
		return "an exception needs a name of 1 to 31 bytes";
	if (spec->ifname[SB_IFNAME_LEN - 1])
		return "an exception's device name is longer than 15 bytes";
	if (spec->dir & ~(SEALBOND_X_DIR_IN | SEALBOND_X_DIR_OUT))
		return "an exception's direction is unknown";
	if (spec->rate > SB_EXC_RATE_MAX)
		return "an exception's rate is above 1,000,000 packets a second";
	if (spec->bytes > SB_EXC_BYTES_MAX)
		return "an exception's byte rate is above 1 GiB a second";
	if (spec->kind <= SEALBOND_EXC_NONE || spec->kind >= __SEALBOND_EXC_MAX)
		return "an exception's kind is unknown";
	if (spec->kind == SEALBOND_EXC_MATCH)
		return check_match(spec);
	if (spec->kind == SEALBOND_EXC_LEDGER)
		return check_ledger(spec);
	if (spec->proto || spec->family || spec->prefix || spec->local_port || spec->remote_port)
		return "protocol, address and ports go with kind match only";
	return NULL;
}

static bool match_prefix(const u8 *a, const u8 *b, unsigned int bits)
{
	unsigned int bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes))
		return false;
	return !rest || !((a[bytes] ^ b[bytes]) >> (8 - rest));
}

static bool match_ports(const struct sb_flow *flow, u16 client, u16 server)
{
	if (!flow->ports || flow->proto != PROTO_UDP)
		return false;
	if (flow->dir == SEALBOND_X_DIR_OUT)
		return flow->sport == client && flow->dport == server;
	return flow->sport == server && flow->dport == client;
}

static bool match_icmp_error(const struct sb_flow *flow)
{
	if (!flow->quotes_ours)
		return false;
	if (flow->family == 4)
		return flow->proto == PROTO_ICMP &&
		       (flow->icmp_type == ICMP_UNREACHABLE || flow->icmp_type == ICMP_TIME);
	return flow->proto == PROTO_ICMPV6 &&
	       flow->icmp_type >= ICMPV6_UNREACHABLE && flow->icmp_type <= ICMPV6_TIME;
}

static bool match_named(const struct sb_exception_spec *spec, const struct sb_flow *flow, u8 proto)
{
	bool out = flow->dir == SEALBOND_X_DIR_OUT;
	u16 local = out ? flow->sport : flow->dport, remote = out ? flow->dport : flow->sport;

	if (!flow->family || flow->proto != proto)
		return false;
	if (spec->family && (spec->family != flow->family ||
			     !match_prefix(spec->remote, out ? flow->daddr : flow->saddr,
					   spec->prefix)))
		return false;
	if ((spec->local_port || spec->remote_port) && !flow->ports)
		return false;
	return (!spec->local_port || spec->local_port == local) &&
	       (!spec->remote_port || spec->remote_port == remote);
}

bool sb_exception_match(const struct sb_exception_spec *spec, const struct sb_flow *flow)
{
	if (flow->fragment || (spec->dir && !(spec->dir & flow->dir)))
		return false;
	if (spec->ifname[0] && strncmp(spec->ifname, flow->ifname, SB_IFNAME_LEN))
		return false;
	if (flow->packet_socket && spec->kind != SEALBOND_EXC_DHCP4)
		return false;

	switch (spec->kind) {
	case SEALBOND_EXC_ARP:
		return flow->ethertype == ETHERTYPE_ARP;
	case SEALBOND_EXC_ND:
		return flow->family == 6 && flow->proto == PROTO_ICMPV6 &&
		       flow->icmp_type >= ND_FIRST && flow->icmp_type <= ND_LAST &&
		       flow->hop_limit == ND_HOP_LIMIT;
	case SEALBOND_EXC_DHCP4:
		return flow->family == 4 && match_ports(flow, 68, 67);
	case SEALBOND_EXC_DHCP6:
		return flow->family == 6 && match_ports(flow, 546, 547);
	case SEALBOND_EXC_ICMP_ERROR:
		return flow->family && match_icmp_error(flow);
	case SEALBOND_EXC_MATCH:
		return match_named(spec, flow, spec->proto);
	case SEALBOND_EXC_LEDGER:
		return flow->ledger && match_named(spec, flow, PROTO_TCP);
	}
	return false;
}

bool sb_exception_is_ledgers(const struct sb_exception_spec *spec, const struct sb_flow *flow)
{
	return spec->kind == SEALBOND_EXC_LEDGER && spec->family &&
	       match_named(spec, flow, PROTO_TCP);
}

bool sb_exception_same(const struct sb_exception_spec *a, const struct sb_exception_spec *b)
{
	return !strcmp(a->name, b->name) && !strcmp(a->ifname, b->ifname) && a->kind == b->kind &&
	       a->dir == b->dir && a->proto == b->proto && a->family == b->family &&
	       a->prefix == b->prefix && !memcmp(a->remote, b->remote, sizeof(a->remote)) &&
	       a->local_port == b->local_port && a->remote_port == b->remote_port &&
	       a->rate == b->rate && a->bytes == b->bytes;
}
