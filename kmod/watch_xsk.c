// SPDX-License-Identifier: GPL-2.0-only
/* AF_XDP sockets on devices that lead out of the machine: they send below every hook. */
#include <linux/mutex.h>
#include <net/net_namespace.h>
#include <net/xdp_sock.h>

#include "device.h"
#include "watch.h"

#ifdef CONFIG_XDP_SOCKETS
/*
 * A bound socket leaves the list before it lets go of its device, or is unbound under the lock
 * that we hold: in the list and bound, its device is there.
 */
bool sb_watch_xsk(struct sb_net *sn)
{
	struct netns_xdp *xdp = &sn->net->xdp;
	bool found = false;
	struct sock *sk;

	mutex_lock(&xdp->lock);
	sk_for_each(sk, &xdp->list) {
		struct xdp_sock *xs = (struct xdp_sock *)sk;

		if (READ_ONCE(xs->state) != XSK_BOUND)
			continue;
		smp_rmb();	/* bound, then its device: as xsk_bind() writes them */
		if (sb_device_guarded(sn, READ_ONCE(xs->dev))) {
			found = true;
			break;
		}
	}
	mutex_unlock(&xdp->lock);
	return found;
}
#else
bool sb_watch_xsk(struct sb_net *sn)
{
	return false;
}
#endif
