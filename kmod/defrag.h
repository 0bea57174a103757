/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole packets for PRE_ROUTING: only pieces meet this, so that whole packets do not pay for it. */
#ifndef SB_DEFRAG_H
#define SB_DEFRAG_H

#include <linux/netfilter.h>
#include <net/ip.h>
#include <net/ipv6.h>

/* The other half of sb_defrag(), for what may be a piece. */
unsigned int sb_defrag_gather(struct sk_buff *skb, const struct nf_hook_state *state);

/* A fragment header comes first or behind one of these (RFC 8200 section 4.1). */
static inline bool sb_defrag_may_be_piece(u8 next)
{
	return next == NEXTHDR_FRAGMENT || next == NEXTHDR_HOP || next == NEXTHDR_ROUTING ||
	       next == NEXTHDR_DEST;
}

/*
 * sb_defrag() - NF_ACCEPT: @skb is whole, as it came or just reassembled; NF_STOLEN: a piece that
 * waits for the others; NF_DROP: it can be no part of anything. The IP header must be readable;
 * @family is 4 or 6.
 */
static __always_inline unsigned int sb_defrag(struct sk_buff *skb, const struct nf_hook_state *state,
					      u8 family)
{
	bool piece = family == 4 ? ip_is_fragment(ip_hdr(skb)) :
		     sb_defrag_may_be_piece(ipv6_hdr(skb)->nexthdr);

	return unlikely(piece) ? sb_defrag_gather(skb, state) : NF_ACCEPT;
}

#endif
