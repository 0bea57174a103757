// SPDX-License-Identifier: GPL-2.0-only
#include "defrag.h"

#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ipv6_frag.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>

/*
 * The stock reassembly hooks (nf_defrag_ipv4, nf_defrag_ipv6) would sit on LOCAL_OUT as well, for
 * every packet of the machine. Where connection tracking has enabled them, they come first, and
 * no piece gets here.
 */
static unsigned int gather4(struct sk_buff *skb, const struct nf_hook_state *state)
{
	int err;

	local_bh_disable();
	err = ip_defrag(state->net, skb, IP_DEFRAG_CONNTRACK_IN);
	local_bh_enable();
	if (err)
		return NF_STOLEN;	/* queued, or freed */
	skb->ignore_df = 1;
	return NF_ACCEPT;
}

static unsigned int gather6(struct sk_buff *skb, const struct nf_hook_state *state)
{
	int err = nf_ct_frag6_gather(state->net, skb, IP6_DEFRAG_CONNTRACK_IN);

	if (err == -EINPROGRESS)
		return NF_STOLEN;
	return err ? NF_DROP : NF_ACCEPT;
}

unsigned int sb_defrag_gather(struct sk_buff *skb, const struct nf_hook_state *state)
{
	return state->pf == NFPROTO_IPV4 ? gather4(skb, state) : gather6(skb, state);
}
