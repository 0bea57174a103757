// SPDX-License-Identifier: GPL-2.0-only
#include "manager.h"

#include <net/xfrm.h>

#include "bond.h"
#include "namespace.h"
#include "peer.h"
#include "sa.h"

/* Somebody has deleted, flushed or expired states: the sweep finds out which were ours. */
static int on_notify(struct xfrm_state *x, const struct km_event *c)
{
	struct net *net = x ? xs_net(x) : c->net;

	if (net && (c->event == XFRM_MSG_DELSA || c->event == XFRM_MSG_FLUSHSA ||
		    c->event == XFRM_MSG_EXPIRE || c->event == XFRM_MSG_UPDSA))
		sb_net_sweep_now(sb_net_of(net));
	return 0;
}

static int on_policy(struct xfrm_policy *xp, int dir, const struct km_event *c)
{
	struct net *net = xp ? xp_net(xp) : c->net;

	if (net)
		sb_net_sweep_now(sb_net_of(net));
	return 0;
}

/* Nobody makes an SA on demand: a bond is started by the helper. */
static int on_acquire(struct xfrm_state *x, struct xfrm_tmpl *t, struct xfrm_policy *xp)
{
	return -ENOSYS;
}

/* An authenticated packet has come from another address or port: a NAT or a move. */
static int on_mapping(struct xfrm_state *x, xfrm_address_t *address, __be16 port)
{
	struct sb_addr to;
	struct sb_sa *sa;

	if (x->props.family == AF_INET)
		sb_addr_v4(&to, address->a4, be16_to_cpu(port));
	else
		sb_addr_v6(&to, address->in6.s6_addr, be16_to_cpu(port));
	rcu_read_lock();
	sa = sb_sa_by_state(x);
	if (sa)
		sb_bond_roam(sa, &to);
	rcu_read_unlock();
	return sa ? 0 : -EINVAL;
}

static bool is_alive(const struct km_event *c)
{
	return false;
}

static struct xfrm_mgr manager = {
	.notify = on_notify,
	.acquire = on_acquire,
	.new_mapping = on_mapping,
	.notify_policy = on_policy,
	.is_alive = is_alive,
};

void sb_manager_init(void)
{
	xfrm_register_km(&manager);
}

void sb_manager_exit(void)
{
	xfrm_unregister_km(&manager);
}
