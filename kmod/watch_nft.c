// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks of others where sealed packets pass: at the egress of a protected device, between a bridge
 * and its ports, and at LOCAL_OUT before ours. What such a hook writes into a packet, the verdict
 * does not see. Other hooks of IP are none: sealed packets go past them.
 */
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_bridge.h>
#include <net/net_namespace.h>

#include "device.h"
#include "hooks.h"
#include "watch.h"

bool sb_watch_nft_hook(struct sb_net *sn, const struct nf_hook_ops *ops)
{
	if (!sn || !READ_ONCE(sn->sb0_ifindex) || sb_hooks_own(ops->hook))
		return false;
	switch (ops->pf) {
	case NFPROTO_NETDEV:
		return ops->hooknum == NF_NETDEV_EGRESS && ops->dev &&
		       sb_device_of(sn, ops->dev) == SB_DEVICE_PROTECTED;
	case NFPROTO_BRIDGE:
		/* The kernel's own bridge code and ebtables write into no packet. */
		return ops->hook_ops_type == NF_HOOK_OP_NF_TABLES &&
		       (ops->hooknum == NF_BR_LOCAL_OUT || ops->hooknum == NF_BR_POST_ROUTING);
	case NFPROTO_INET:
	case NFPROTO_IPV4:
	case NFPROTO_IPV6:
		return ops->hooknum == NF_INET_LOCAL_OUT && ops->priority == INT_MIN;
	}
	return false;
}

static bool comes_before(struct nf_hook_entries __rcu *const *list)
{
	const struct nf_hook_entries *hooks = rcu_dereference(*list);

	return hooks && hooks->num_hook_entries && !sb_hooks_own(hooks->hooks[0].hook);
}

static bool shares_egress(const struct net_device *dev)
{
	const struct nf_hook_entries *hooks = rcu_dereference(dev->nf_hooks_egress);

	return hooks && hooks->num_hook_entries > 1;
}

#ifdef CONFIG_NETFILTER_FAMILY_BRIDGE
static bool has_tables(struct sb_net *sn, unsigned int where)
{
	const struct nf_hook_entries *hooks = rcu_dereference(sn->net->nf.hooks_bridge[where]);
	unsigned int i;

	for (i = 0; hooks && i < hooks->num_hook_entries; i++)
		if (sb_watch_nft_hook(sn, nf_hook_entries_get_hook_ops(hooks)[i]))
			return true;
	return false;
}
#else
static bool has_tables(struct sb_net *sn, unsigned int where)
{
	return false;
}
#endif

bool sb_watch_nft(struct sb_net *sn)
{
	struct net_device *dev;
	bool found;

	if (!READ_ONCE(sn->sb0_ifindex))
		return false;
	rcu_read_lock();
	found = comes_before(&sn->net->nf.hooks_ipv4[NF_INET_LOCAL_OUT]) ||
		comes_before(&sn->net->nf.hooks_ipv6[NF_INET_LOCAL_OUT]) ||
		has_tables(sn, NF_BR_LOCAL_OUT) || has_tables(sn, NF_BR_POST_ROUTING);
	for_each_netdev_rcu(sn->net, dev)
		if (sb_device_of(sn, dev) == SB_DEVICE_PROTECTED && shares_egress(dev))
			found = true;
	rcu_read_unlock();
	return found;
}
