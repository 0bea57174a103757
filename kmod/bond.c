// SPDX-License-Identifier: GPL-2.0-only
#include "bond.h"

#include <linux/slab.h>

#include "event.h"
#include "exchange.h"
#include "namespace.h"
#include "peer.h"
#include "policy.h"
#include "probe.h"
#include "route.h"
#include "sa.h"
#include "socket.h"
#include "watch.h"

static xfrm_address_t outer(const struct sb_addr *addr)
{
	xfrm_address_t a = {};

	if (sb_addr_is_v4(addr))
		a.a4 = sb_addr_ip4(addr);
	else
		memcpy(&a.in6, addr->ip, sizeof(a.in6));
	return a;
}

static u8 algorithm_of(const struct sb_hs_keys *keys)
{
	return keys->alg == SB_ALG_AES256GCM ? SEALBOND_ALG_AES256_GCM :
					       SEALBOND_ALG_CHACHA20_POLY1305;
}

static struct sb_sa *add_sa(struct sb_net *sn, struct sb_peer *peer,
			    const struct sb_hs_keys *keys, bool out,
			    const struct sb_addr *local, const struct sb_addr *remote)
{
	const struct sb_addr *from = out ? local : remote, *to = out ? remote : local;
	struct sb_sa_spec spec = {
		.out = out,
		.algorithm = algorithm_of(keys),
		.family = sb_addr_is_v4(remote) ? AF_INET : AF_INET6,
		.saddr = outer(from),
		.daddr = outer(to),
		.spi = out ? keys->spi_out : keys->spi_in,
		.reqid = peer->reqid,
		.encap = keys->encap,
		.sport = cpu_to_be16(from->port),
		.dport = cpu_to_be16(to->port),
		.key = out ? keys->key_out : keys->key_in,
		.hard_bytes = sn->limits.hard_bytes,
	};

	return sb_sa_add(sn, peer, &spec);
}

static void add_traffic(struct sb_traffic *sum, const struct sb_epoch *epoch)
{
	if (!epoch->in)
		return;
	sum->bytes_in += epoch->in->x->curlft.bytes;
	sum->packets_in += epoch->in->x->curlft.packets;
	sum->bytes_out += epoch->out->x->curlft.bytes;
	/* curlft counts a segmented super-packet once; the sequence counts what was sent. */
	sum->packets_out += sb_sa_sequence(epoch->out);
}

void sb_bond_traffic(const struct sb_peer *peer, struct sb_traffic *traffic)
{
	*traffic = peer->bond.retired;
	add_traffic(traffic, &peer->bond.prev);
	add_traffic(traffic, &peer->bond.current_epoch);
	add_traffic(traffic, &peer->bond.pending);
}

static void end_epoch(struct sb_bond *bond, struct sb_epoch *epoch)
{
	add_traffic(&bond->retired, epoch);
	sb_sa_del(epoch->in);
	sb_sa_del(epoch->out);
	memset(epoch, 0, sizeof(*epoch));
}

static int make_epoch(struct sb_net *sn, struct sb_peer *peer, const struct sb_hs_keys *keys,
		      const struct sb_addr *local, const struct sb_addr *remote,
		      struct sb_epoch *epoch)
{
	int err = keys->encap ? sb_socket_encap(sn, sb_addr_is_v4(remote)) : 0;

	if (err)
		return err;
	/* Inbound first: the peer may answer as soon as our first packet is out. */
	epoch->in = add_sa(sn, peer, keys, false, local, remote);
	if (IS_ERR(epoch->in))
		return PTR_ERR(epoch->in);
	epoch->out = add_sa(sn, peer, keys, true, local, remote);
	if (IS_ERR(epoch->out)) {
		sb_sa_del(epoch->in);
		return PTR_ERR(epoch->out);
	}
	epoch->made_ns = ktime_get_boottime_ns();
	epoch->number = ++peer->bond.last_number;
	epoch->algorithm = algorithm_of(keys);
	epoch->encap = keys->encap;
	epoch->remote = *remote;
	return 0;
}

/* Traffic leaves by @next from here on; what is under way by the old one still arrives. */
static int make_current(struct sb_net *sn, struct sb_peer *peer, struct sb_epoch *next)
{
	struct sb_bond *bond = &peer->bond;
	u64 now = ktime_get_boottime_ns();
	int err;

	err = sb_policies_switch(sn, peer, next->out);
	if (err)
		return err;
	end_epoch(bond, &bond->prev);
	if (bond->current_epoch.in) {
		bond->prev = bond->current_epoch;
		bond->prev.retire_ns = now + sn->limits.overlap_ns;
	}
	bond->current_epoch = *next;
	bond->rotate_asked = false;
	bond->handshakes++;
	bond->last_handshake_ns = now;
	peer->endpoint = next->remote;
	WRITE_ONCE(peer->bonded, true);
	sb_event_bond_live(sn, peer);
	return 0;
}

int sb_bond_install(struct sb_net *sn, struct sb_peer *peer, const struct sb_hs_keys *keys,
		    const struct sb_addr *local, const struct sb_addr *remote)
{
	struct sb_bond *bond = &peer->bond;
	struct sb_epoch next = {};
	int err;

	err = make_epoch(sn, peer, keys, local, remote, &next);
	if (err)
		return err;
	end_epoch(bond, &bond->pending);
	if (!keys->initiator) {
		bond->pending = next;
		return 0;
	}
	/* A response proves the peer: nothing is left to confirm on this side. */
	WRITE_ONCE(next.in->confirmed, true);
	err = make_current(sn, peer, &next);
	if (err) {
		end_epoch(bond, &next);
		return err;
	}
	sb_probe_send(sn, peer);
	return 0;
}

static void confirm(struct sb_net *sn, struct sb_peer *peer)
{
	struct sb_bond *bond = &peer->bond;
	struct sb_epoch next = bond->pending;

	if (!next.in || !READ_ONCE(next.in->confirmed))
		return;
	sb_hs_confirmed(&peer->hs, be32_to_cpu(next.in->spi));
	memset(&bond->pending, 0, sizeof(bond->pending));
	if (make_current(sn, peer, &next))
		end_epoch(bond, &next);
}

static void roam(struct sb_net *sn, struct sb_peer *peer)
{
	struct sb_epoch *epoch = &peer->bond.current_epoch;
	struct sb_addr to;
	struct xfrm_state *x;

	spin_lock_bh(&peer->roam_lock);
	to = peer->roam_to;
	spin_unlock_bh(&peer->roam_lock);
	if (!epoch->out || !memcmp(&to, &peer->endpoint, sizeof(to)))
		return;
	peer->endpoint = to;
	x = epoch->out->x;
	if (!memcmp(to.ip, epoch->remote.ip, sizeof(to.ip)) && x->encap) {
		/* Only a port: states are not hashed by it. */
		spin_lock_bh(&x->lock);
		x->encap->encap_dport = cpu_to_be16(to.port);
		spin_unlock_bh(&x->lock);
		epoch->remote = to;
	} else {
		sb_exchange_start(sn, peer);
	}
	sb_event_roamed(sn, peer);
}

static void ask(struct sb_peer *peer, int what)
{
	set_bit(what, &peer->asked);
	if (test_and_set_bit(SB_ASKED_QUEUED, &peer->asked))
		return;
	llist_add(&peer->todo, &peer->sn->todo);
	queue_work(sb_wq, &peer->sn->bond_work);
}

void sb_bond_confirm(struct sb_sa *sa)
{
	if (READ_ONCE(sa->confirmed))
		return;
	WRITE_ONCE(sa->confirmed, true);
	ask(sa->peer, SB_ASKED_CONFIRM);
}

void sb_bond_roam(struct sb_sa *sa, const struct sb_addr *to)
{
	struct sb_peer *peer = sa->peer;

	spin_lock_bh(&peer->roam_lock);
	peer->roam_to = *to;
	spin_unlock_bh(&peer->roam_lock);
	ask(peer, SB_ASKED_ROAM);
}

void sb_bond_tampered(struct sb_sa *sa)
{
	sb_sa_tampered(sa);
	ask(sa->peer, SB_ASKED_TAMPERED);
}

static bool epoch_tampered(const struct sb_epoch *epoch)
{
	return epoch->in && (READ_ONCE(epoch->in->tampered) || READ_ONCE(epoch->out->tampered));
}

/* It may have been an SA that is gone meanwhile. */
static void end_tampered(struct sb_net *sn, struct sb_peer *peer)
{
	const struct sb_bond *bond = &peer->bond;

	if (epoch_tampered(&bond->current_epoch) || epoch_tampered(&bond->prev) ||
	    epoch_tampered(&bond->pending))
		sb_bond_end(sn, peer, SEALBOND_END_TAMPERED);
}

void sb_bond_do_asked(struct sb_net *sn)
{
	struct llist_node *list = llist_del_all(&sn->todo);
	struct sb_peer *peer, *next;

	llist_for_each_entry_safe(peer, next, list, todo) {
		clear_bit(SB_ASKED_QUEUED, &peer->asked);
		smp_mb__after_atomic();	/* what is asked from here on queues anew */
		if (test_and_clear_bit(SB_ASKED_CONFIRM, &peer->asked) && !peer->dead)
			confirm(sn, peer);
		if (test_and_clear_bit(SB_ASKED_ROAM, &peer->asked) && !peer->dead)
			roam(sn, peer);
		if (test_and_clear_bit(SB_ASKED_TAMPERED, &peer->asked) && !peer->dead)
			end_tampered(sn, peer);
	}
}

void sb_bond_work(struct work_struct *work)
{
	struct sb_net *sn = container_of(work, struct sb_net, bond_work);

	mutex_lock(&sn->lock);
	sb_bond_do_asked(sn);
	mutex_unlock(&sn->lock);
}

/* The pending epoch is as old as its handshake: it lengthens no life beyond the hard age either. */
void sb_bond_other_key(struct sb_peer *peer)
{
	if (!peer->bond.current_epoch.in)
		end_epoch(&peer->bond, &peer->bond.pending);
}

void sb_bond_end(struct sb_net *sn, struct sb_peer *peer, enum sealbond_end why)
{
	struct sb_bond *bond = &peer->bond;
	bool was = bond->current_epoch.in;

	WRITE_ONCE(peer->bonded, false);
	sb_exchange_cancel(sn, peer);
	sb_policies_del(peer);
	end_epoch(bond, &bond->prev);
	end_epoch(bond, &bond->current_epoch);
	end_epoch(bond, &bond->pending);
	if (was)
		sb_event_bond_ended(sn, peer, why);
}

static bool epoch_intact(const struct sb_epoch *epoch)
{
	return !epoch->in || (READ_ONCE(epoch->in->x->km.state) == XFRM_STATE_VALID &&
			      READ_ONCE(epoch->out->x->km.state) == XFRM_STATE_VALID);
}

static enum sealbond_end must_end(const struct sb_net *sn, const struct sb_peer *peer, u64 now)
{
	const struct sb_bond *bond = &peer->bond;
	const struct sb_epoch *epoch = &bond->current_epoch;
	const struct sb_limits *limits = &sn->limits;

	if (sb_alarmed())
		return SEALBOND_END_ALARM;
	if (!sb_lease_live(peer, now))
		return SEALBOND_END_LEASE;
	if (now - epoch->made_ns >= limits->hard_ns)
		return SEALBOND_END_HARD_TIME;
	if (epoch->out->x->curlft.bytes >= limits->hard_bytes ||
	    epoch->in->x->curlft.bytes >= limits->hard_bytes)
		return SEALBOND_END_HARD_BYTES;
	if (sb_sa_sequence(epoch->out) >= limits->hard_sequence)
		return SEALBOND_END_HARD_SEQUENCE;
	if (!epoch_intact(epoch) || !epoch_intact(&bond->prev) || !sb_policies_intact(peer))
		return SEALBOND_END_SA_GONE;
	return SEALBOND_END_NONE;
}

static void ask_rotation(struct sb_net *sn, struct sb_peer *peer)
{
	struct sb_bond *bond = &peer->bond;
	const struct sb_epoch *epoch = &bond->current_epoch;

	if (bond->rotate_asked)
		return;
	if (epoch->out->x->curlft.bytes < sn->limits.soft_bytes &&
	    epoch->in->x->curlft.bytes < sn->limits.soft_bytes &&
	    sb_sa_sequence(epoch->out) < sn->limits.soft_sequence)
		return;
	bond->rotate_asked = true;
	sb_event_rotate_wanted(sn, peer);
}

void sb_bond_sweep(struct sb_net *sn, struct sb_peer *peer, u64 now)
{
	struct sb_bond *bond = &peer->bond;
	enum sealbond_end why;

	if (!epoch_intact(&bond->pending) || sb_alarmed() ||
	    (bond->pending.in && now - bond->pending.made_ns >= sn->limits.hard_ns))
		end_epoch(bond, &bond->pending);
	if (!bond->current_epoch.in)
		return;
	why = must_end(sn, peer, now);
	if (why) {
		sb_bond_end(sn, peer, why);
		return;
	}
	if (bond->prev.in && now >= bond->prev.retire_ns)
		end_epoch(bond, &bond->prev);
	ask_rotation(sn, peer);
}

enum sealbond_bond_state sb_bond_state(const struct sb_peer *peer, u64 now)
{
	if (!sb_lease_live(peer, now))
		return SEALBOND_BOND_LEASE_ENDED;
	if (peer->bond.current_epoch.in)
		return SEALBOND_BOND_LIVE;
	if (peer->bond.pending.in)
		return SEALBOND_BOND_PENDING;
	return peer->hs_ready && sb_hs_retry_at(&peer->hs) ? SEALBOND_BOND_STARTING :
							     SEALBOND_BOND_NONE;
}

u32 sb_bond_mtu(struct sb_net *sn, struct sb_peer *peer)
{
	const struct sb_epoch *epoch = &peer->bond.current_epoch;
	struct sb_addr local = {};
	u32 path;

	if (!epoch->out || sb_route(sn->net, &epoch->remote, &local, &path))
		return 0;
	return xfrm_state_mtu(epoch->out->x, path);
}
