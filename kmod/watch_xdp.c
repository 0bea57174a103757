// SPDX-License-Identifier: GPL-2.0-only
/*
 * XDP programs, on any device of any namespace: one on a device that is nobody's can redirect to
 * one that is protected, below every hook.
 */
#include <linux/netdevice.h>
#include <linux/rtnetlink.h>
#include <net/net_namespace.h>

#include "watch.h"

bool sb_watch_xdp(struct net *net)
{
	struct net_device *dev;

	for_each_netdev(net, dev)
		if (dev_xdp_prog_count(dev))
			return true;
	return false;
}
