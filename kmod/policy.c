// SPDX-License-Identifier: GPL-2.0-only
#include "policy.h"

#include "namespace.h"
#include "peer.h"
#include "sa.h"

#define SB_POLICY_PRIORITY	100

enum { V4, V6 };
enum { IN, OUT };

static const int direction[] = { [IN] = XFRM_POLICY_IN, [OUT] = XFRM_POLICY_OUT };

/* Whole addresses on both sides: such policies sit in the kernel's hash, not in its lists. */
static void set_selector(struct xfrm_selector *sel, const struct sb_net *sn,
			 const struct sb_peer *peer, int family, int dir)
{
	xfrm_address_t own = {}, theirs = {};

	if (family == V4) {
		sel->family = AF_INET;
		sel->prefixlen_s = 32;
		own.a4 = sn->overlay4.s_addr;
		theirs.a4 = peer->overlay4.s_addr;
	} else {
		sel->family = AF_INET6;
		sel->prefixlen_s = 128;
		own.in6 = sn->overlay6;
		theirs.in6 = peer->overlay6;
	}
	sel->prefixlen_d = sel->prefixlen_s;
	sel->saddr = dir == OUT ? own : theirs;
	sel->daddr = dir == OUT ? theirs : own;
}

/*
 * Outbound, the template pins the SPI: which SA is used never depends on ages or clocks.
 * Inbound it names only the peer's reqid, so that old and new epochs pass, from any address.
 */
static void set_template(struct xfrm_tmpl *tmpl, const struct sb_peer *peer,
			 const struct sb_sa *out, int dir)
{
	const struct xfrm_state *x = out->x;

	if (dir == OUT) {
		tmpl->id.daddr = x->id.daddr;
		tmpl->saddr = x->props.saddr;
		tmpl->id.spi = x->id.spi;
	}
	tmpl->id.proto = IPPROTO_ESP;
	tmpl->encap_family = x->props.family;
	tmpl->reqid = peer->reqid;
	tmpl->mode = XFRM_MODE_TUNNEL;
	tmpl->aalgos = ~0;
	tmpl->ealgos = ~0;
	tmpl->calgos = ~0;
	tmpl->allalgs = 1;
}

static struct xfrm_policy *make_policy(const struct sb_net *sn, const struct sb_peer *peer,
				       const struct sb_sa *out, int family, int dir)
{
	struct xfrm_policy *xp = xfrm_policy_alloc(sn->net, GFP_KERNEL);

	if (!xp)
		return NULL;
	set_selector(&xp->selector, sn, peer, family, dir);
	xp->family = xp->selector.family;
	xp->lft.soft_byte_limit = XFRM_INF;
	xp->lft.hard_byte_limit = XFRM_INF;
	xp->lft.soft_packet_limit = XFRM_INF;
	xp->lft.hard_packet_limit = XFRM_INF;
	xp->action = XFRM_POLICY_ALLOW;
	xp->type = XFRM_POLICY_TYPE_MAIN;
	xp->if_id = sn->if_id;
	xp->priority = SB_POLICY_PRIORITY;
	xp->xfrm_nr = 1;
	set_template(&xp->xfrm_vec[0], peer, out, dir);
	return xp;
}

static void drop_policy(struct xfrm_policy *xp, int dir)
{
	if (!xp)
		return;
	xfrm_policy_delete(xp, direction[dir]);
	xfrm_pol_put(xp);
}

static int switch_one(struct sb_net *sn, struct sb_peer *peer, const struct sb_sa *out,
		      int family, int dir)
{
	struct xfrm_policy *xp = make_policy(sn, peer, out, family, dir);
	struct xfrm_policy *old = peer->bond.policy[family][dir];
	int err;

	if (!xp)
		return -ENOMEM;
	err = xfrm_policy_insert(direction[dir], xp, 0);
	if (err) {
		xp->walk.dead = 1;
		xfrm_policy_destroy(xp);
		return err;
	}
	peer->bond.policy[family][dir] = xp;
	if (old)
		xfrm_pol_put(old);	/* the insertion has unlinked it */
	return 0;
}

int sb_policies_switch(struct sb_net *sn, struct sb_peer *peer, const struct sb_sa *out)
{
	bool has[] = {
		[V4] = sn->overlay4.s_addr && peer->overlay4.s_addr,
		[V6] = !ipv6_addr_any(&sn->overlay6) && !ipv6_addr_any(&peer->overlay6),
	};
	int family, err = -EADDRNOTAVAIL;

	for (family = V4; family <= V6; family++) {
		if (!has[family])
			continue;
		/* Inbound ones do not change with an epoch. */
		err = peer->bond.policy[family][IN] && sb_policies_intact(peer) ? 0 :
		      switch_one(sn, peer, out, family, IN);
		if (!err)
			err = switch_one(sn, peer, out, family, OUT);
		if (err)
			return err;
	}
	return err;
}

void sb_policies_del(struct sb_peer *peer)
{
	int family, dir;

	for (family = V4; family <= V6; family++)
		for (dir = IN; dir <= OUT; dir++) {
			drop_policy(peer->bond.policy[family][dir], dir);
			peer->bond.policy[family][dir] = NULL;
		}
}

bool sb_policies_intact(const struct sb_peer *peer)
{
	int family, dir;

	for (family = V4; family <= V6; family++)
		for (dir = IN; dir <= OUT; dir++) {
			const struct xfrm_policy *xp = peer->bond.policy[family][dir];

			if (xp && READ_ONCE(xp->walk.dead))
				return false;
		}
	return true;
}
