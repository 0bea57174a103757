/* SPDX-License-Identifier: GPL-2.0-only */
/* Facts for the verdict, from an skb and where it is. */
#ifndef SB_PACKET_H
#define SB_PACKET_H

#include <linux/netfilter.h>
#include <linux/skbuff.h>

#include "exception_match.h"
#include "ports.h"
#include "verdict.h"

struct sb_net;
struct sb_sa;

/* A packet under judgement; lives on the hook's stack, under RCU. */
struct sb_packet {
	struct sb_facts facts;
	bool more_fragments;	/* EGRESS: a first fragment, or one that continues it */
	u8 family;		/* 4, 6, 0: neither; known for every packet that is not accepted */
	int offset;		/* of the IP header from skb->data; the same */
	u16 ethertype;		/* host order; the same */
	struct sb_sa *sa;	/* PRE on sb0: what it came through, if it is ours; else NULL */
	bool to_socket;		/* PRE: sealed, in UDP, to where an SA of ours is: the bond socket's */
	struct sb_sa *guard;	/* POST, EGRESS: whose numbers it takes here if it passes, or NULL */
	u32 first, count;	/* those numbers */
	struct sb_net *sn;
	struct sk_buff *skb;
	const struct net_device *dev;
};

/*
 * sb_packet_flow() - who talks to whom, for exceptions and reports; the slow path. What cannot
 * be read stays zero, and a fragment is marked as one.
 */
void sb_packet_flow(const struct sb_packet *p, struct sb_flow *flow);

/* sb_packet_allowed() - is it among what the peer's grant allows? Of the inside of a bond. */
bool sb_packet_allowed(const struct sb_packet *p, const struct sb_ports *ports);

#endif
