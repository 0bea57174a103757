/* SPDX-License-Identifier: GPL-2.0-only */
/* Whole packets for PRE_ROUTING: only pieces meet this, so that whole packets do not pay for it. */
#ifndef SB_DEFRAG_H
#define SB_DEFRAG_H

#include <linux/netfilter.h>

/*
 * sb_defrag() - NF_ACCEPT: @skb is whole, as it came or just reassembled; NF_STOLEN: a piece that
 * waits for the others; NF_DROP: it can be no part of anything. The IP header must be readable.
 */
unsigned int sb_defrag(struct sk_buff *skb, const struct nf_hook_state *state);

#endif
