// SPDX-License-Identifier: GPL-2.0-only
#include "manager.h"

#include <net/xfrm.h>

#include "bond.h"
#include "namespace.h"
#include "peer.h"
#include "sa.h"

/*
 * Somebody has written an SA's counters or its settings. UPDSA tells of the state that asked for
 * it; NEWAE is also what the kernel itself tells of a counter that has moved on.
 */
static void on_change(struct xfrm_state *x, const struct km_event *c)
{
	struct sb_sa *sa = NULL;

	rcu_read_lock();
	if (c->event == XFRM_MSG_NEWAE && c->data.aevent == XFRM_AE_CU)
		sa = sb_sa_by_state(x);
	else if (c->event == XFRM_MSG_UPDSA)
		sa = sb_sa_named(x);
	if (sa)
		sb_bond_tampered(sa);
	rcu_read_unlock();
}

/* Somebody has deleted, flushed or expired states: the sweep finds out which were ours. */
static int on_notify(struct xfrm_state *x, const struct km_event *c)
{
	struct net *net = x ? xs_net(x) : c->net;

	if (x)
		on_change(x, c);
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

/*
 * States were cloned, with what stood in place of their keys, and their originals deleted. The
 * clones are none of ours. Kernels differ in whether they say in which namespace; all are looked
 * through.
 */
static void on_migrated(void)
{
	rcu_read_lock();
	sb_sa_migrated(sb_bond_tampered);
	rcu_read_unlock();
}

static int __maybe_unused on_migrate(const struct xfrm_selector *sel, u8 dir, u8 type,
				     const struct xfrm_migrate *m, int count,
				     const struct xfrm_kmaddress *k,
				     const struct xfrm_encap_tmpl *encap)
{
	on_migrated();
	return 0;
}

static int __maybe_unused on_migrate_net(const struct xfrm_selector *sel, u8 dir, u8 type,
					 const struct xfrm_migrate *m, int count,
					 const struct xfrm_kmaddress *k, struct net *net,
					 const struct xfrm_encap_tmpl *encap)
{
	on_migrated();
	return 0;
}

/* By the type that the kernel's own header gives the member. */
#define ON_MIGRATE __builtin_choose_expr( \
	__builtin_types_compatible_p(typeof(((struct xfrm_mgr *)NULL)->migrate), \
				     typeof(&on_migrate_net)), on_migrate_net, on_migrate)

/*
 * A socket's own policy, which no format of ours says. Every manager is asked, without a look
 * whether it has an answer; with *dir as it is, the next one is, and the last one's refusal stays.
 */
static struct xfrm_policy *on_socket_policy(struct sock *sk, int opt, u8 *data, int len, int *dir)
{
	return NULL;
}

static bool is_alive(const struct km_event *c)
{
	return false;
}

static struct xfrm_mgr manager = {
	.notify = on_notify,
	.acquire = on_acquire,
	.compile_policy = on_socket_policy,
	.new_mapping = on_mapping,
	.notify_policy = on_policy,
	.is_alive = is_alive,
	.migrate = ON_MIGRATE,
};

void sb_manager_init(void)
{
	xfrm_register_km(&manager);
}

void sb_manager_exit(void)
{
	xfrm_unregister_km(&manager);
}
