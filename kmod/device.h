/* SPDX-License-Identifier: GPL-2.0-only */
/* What a device is to its namespace: the one rule, for the hooks and for the watchers. */
#ifndef SB_DEVICE_H
#define SB_DEVICE_H

#include <linux/netdevice.h>
#include <net/rtnetlink.h>

#include "namespace.h"
#include "verdict.h"

static __always_inline enum sb_device sb_device_of(const struct sb_net *sn,
						   const struct net_device *dev)
{
	int sb0 = READ_ONCE(sn->sb0_ifindex);

	if (sb0 && dev->ifindex == sb0)
		return SB_DEVICE_SB0;
	if (dev == sn->net->loopback_dev)
		return SB_DEVICE_LOOPBACK;
	if (sb0)
		return SB_DEVICE_PROTECTED;
	if (dev->rtnl_link_ops && !strcmp(dev->rtnl_link_ops->kind, "veth"))
		return SB_DEVICE_INSIDE;
	return SB_DEVICE_OTHER;
}

/* sb_device_guarded() - clear traffic must not leave by it: it leads out of the machine. */
static inline bool sb_device_guarded(const struct sb_net *sn, const struct net_device *dev)
{
	enum sb_device kind = sb_device_of(sn, dev);

	return kind == SB_DEVICE_PROTECTED || kind == SB_DEVICE_OTHER;
}

#endif
