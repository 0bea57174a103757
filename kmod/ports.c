// SPDX-License-Identifier: GPL-2.0-only
#include "ports.h"

/* IANA's numbers. */
enum {
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_NO_CONTENT = 59,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
};

bool sb_ports_of(u8 proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP ||
	       proto == PROTO_UDPLITE;
}

static bool within(const struct sb_port_rule *rule, u16 port)
{
	return port >= rule->first && port <= rule->last;
}

static bool rule_allows(const struct sb_port_rule *rule, const struct sb_flow *flow)
{
	bool begins = rule->by & flow->dir, answers = rule->by & ~flow->dir && !flow->opens;

	if (rule->proto != flow->proto)
		return false;
	if (!rule->first)
		return begins || answers;
	if (!flow->ports)
		return false;
	return (begins && within(rule, flow->dport)) || (answers && within(rule, flow->sport));
}

bool sb_ports_allow(const struct sb_ports *ports, const struct sb_flow *flow)
{
	u8 i;

	if (!ports->n)
		return true;
	if (!flow->family || flow->fragment)
		return false;
	if (flow->proto == PROTO_NO_CONTENT)
		return true;
	for (i = 0; i < ports->n; i++)
		if (rule_allows(&ports->rule[i], flow))
			return true;
	return false;
}
