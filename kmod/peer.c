// SPDX-License-Identifier: GPL-2.0-only
#include "peer.h"

#include <linux/slab.h>

#include "exchange.h"
#include "namespace.h"

static const struct rhashtable_params id_params = {
	.key_len = SB_ID_LEN,
	.key_offset = offsetof(struct sb_peer, device_id),
	.head_offset = offsetof(struct sb_peer, by_id),
	.automatic_shrinking = true,
};

static const struct rhashtable_params key_params = {
	.key_len = SB_KEY_LEN,
	.key_offset = offsetof(struct sb_peer, key),
	.head_offset = offsetof(struct sb_peer, by_key),
	.automatic_shrinking = true,
};

static const struct rhashtable_params overlay_params = {
	.key_len = sizeof(struct in6_addr),
	.key_offset = offsetof(struct sb_overlay, address),
	.head_offset = offsetof(struct sb_overlay, node),
	.automatic_shrinking = true,
};

int sb_peers_init(struct sb_net *sn)
{
	int err;

	sn->last_peer = alloc_percpu(struct sb_peer *);
	if (!sn->last_peer)
		return -ENOMEM;
	INIT_LIST_HEAD(&sn->peers);
	sn->peers_generation = 1;
	idr_init(&sn->peers_by_index);
	ida_init(&sn->reqids);
	err = rhashtable_init(&sn->peers_by_id, &id_params);
	if (err)
		goto err_last;
	err = rhashtable_init(&sn->peers_by_key, &key_params);
	if (err)
		goto err_id;
	err = rhashtable_init(&sn->peers_by_overlay, &overlay_params);
	if (err)
		goto err_key;
	return 0;

err_key:
	rhashtable_destroy(&sn->peers_by_key);
err_id:
	rhashtable_destroy(&sn->peers_by_id);
err_last:
	free_percpu(sn->last_peer);
	return err;
}

void sb_peers_exit(struct sb_net *sn)
{
	rhashtable_destroy(&sn->peers_by_overlay);
	rhashtable_destroy(&sn->peers_by_key);
	rhashtable_destroy(&sn->peers_by_id);
	ida_destroy(&sn->reqids);
	idr_destroy(&sn->peers_by_index);
	free_percpu(sn->last_peer);
}

struct sb_peer *sb_peer_by_id(struct sb_net *sn, const u8 id[SEALBOND_ID_LEN])
{
	return rhashtable_lookup_fast(&sn->peers_by_id, id, id_params);
}

struct sb_peer *sb_peer_by_key(struct sb_net *sn, const u8 key[SEALBOND_KEY_LEN])
{
	return rhashtable_lookup_fast(&sn->peers_by_key, key, key_params);
}

struct sb_peer *sb_peer_by_index(struct sb_net *sn, u32 index)
{
	return idr_find(&sn->peers_by_index, index);
}

struct sb_peer *sb_peer_by_overlay(struct sb_net *sn, const struct in6_addr *address)
{
	struct sb_overlay *at = rhashtable_lookup(&sn->peers_by_overlay, address, overlay_params);

	return at ? at->peer : NULL;
}

static int claim_address(struct sb_net *sn, struct sb_peer *peer, struct sb_overlay *at)
{
	at->peer = peer;
	return rhashtable_lookup_insert_fast(&sn->peers_by_overlay, &at->node, overlay_params);
}

static void release_address(struct sb_net *sn, struct sb_overlay *at)
{
	if (at->peer)
		rhashtable_remove_fast(&sn->peers_by_overlay, &at->node, overlay_params);
	at->peer = NULL;
}

static int claim_addresses(struct sb_net *sn, struct sb_peer *peer)
{
	int err = 0;

	if (peer->overlay4.s_addr) {
		ipv6_addr_set_v4mapped(peer->overlay4.s_addr, &peer->at[0].address);
		err = claim_address(sn, peer, &peer->at[0]);
		if (err)
			peer->at[0].peer = NULL;
	}
	if (!err && !ipv6_addr_any(&peer->overlay6)) {
		peer->at[1].address = peer->overlay6;
		err = claim_address(sn, peer, &peer->at[1]);
		if (err)
			peer->at[1].peer = NULL;
	}
	if (err)
		release_address(sn, &peer->at[0]);
	return err == -EEXIST ? -EADDRINUSE : err;
}

static void free_peer(struct sb_peer *peer)
{
	sb_hs_peer_wipe(&peer->hs);
	kfree(rcu_dereference_protected(peer->ports, true));
	kfree_sensitive(peer);
}

/* The packet path's short cuts to a peer that it cannot look up any more. */
static void forget(struct sb_peer *peer)
{
	int cpu;

	for_each_possible_cpu(cpu)
		cmpxchg(per_cpu_ptr(peer->sn->last_peer, cpu), peer, NULL);
}

/* After the grace period the packet path has let go; what it had asked for is still on the list. */
static void free_work(struct work_struct *work)
{
	struct sb_peer *peer = container_of(to_rcu_work(work), struct sb_peer, free_work);
	struct sb_net *sn = peer->sn;

	if (peer->forgotten) {
		free_peer(peer);
		return;
	}
	mutex_lock(&sn->lock);
	sb_bond_do_asked(sn);
	mutex_unlock(&sn->lock);
	/* Nobody finds it any more; whoever still had it as the last one is waited for. */
	forget(peer);
	peer->forgotten = true;
	queue_rcu_work(sb_wq, &peer->free_work);
}

static int insert(struct sb_net *sn, struct sb_peer *peer)
{
	int err;

	err = ida_alloc_min(&sn->reqids, 1, GFP_KERNEL);
	if (err < 0)
		return err;
	peer->reqid = err;
	err = rhashtable_insert_fast(&sn->peers_by_id, &peer->by_id, id_params);
	if (err)
		goto err_reqid;
	err = rhashtable_lookup_insert_fast(&sn->peers_by_key, &peer->by_key, key_params);
	if (err)
		goto err_id;
	err = claim_addresses(sn, peer);
	if (err)
		goto err_key;
	list_add_tail(&peer->node, &sn->peers);
	sn->peers_nr++;
	sn->peers_generation += 2;	/* odd: never 0 */
	return 0;

err_key:
	rhashtable_remove_fast(&sn->peers_by_key, &peer->by_key, key_params);
err_id:
	rhashtable_remove_fast(&sn->peers_by_id, &peer->by_id, id_params);
err_reqid:
	ida_free(&sn->reqids, peer->reqid);
	return err;
}

/* At the very end, also when that is in suspend: then it fires on resume. */
static enum hrtimer_restart end_lease(struct hrtimer *timer)
{
	struct sb_peer *peer = container_of(timer, struct sb_peer, lease_timer);

	WRITE_ONCE(peer->lease_live, false);
	return HRTIMER_NORESTART;
}

static void set_lease(struct sb_peer *peer, u64 lease_ms)
{
	u64 now = ktime_get_boottime_ns();
	u64 max_ms = div_u64(KTIME_MAX - now, NSEC_PER_MSEC);

	hrtimer_cancel(&peer->lease_timer);	/* an end under way must not end the new lease */
	peer->lease_end_ns = lease_ms ? now + min(lease_ms, max_ms) * NSEC_PER_MSEC : 0;
	WRITE_ONCE(peer->lease_live, lease_ms);
	if (lease_ms)
		hrtimer_start(&peer->lease_timer, ns_to_ktime(peer->lease_end_ns),
			      HRTIMER_MODE_ABS_SOFT);
}

/* What taken() has found nothing against. */
static int add(struct sb_net *sn, const struct sb_peer_spec *spec)
{
	struct sb_peer *peer;
	int err;

	peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	if (!peer)
		return -ENOMEM;
	peer->sn = sn;
	memcpy(peer->device_id, spec->device_id, sizeof(peer->device_id));
	memcpy(peer->key, spec->key, sizeof(peer->key));
	peer->overlay4 = spec->overlay4;
	peer->overlay6 = spec->overlay6;
	peer->endpoint = spec->endpoint;
	peer->flags = spec->flags;
	peer->hold_ms = spec->hold_ms;
	hrtimer_setup(&peer->lease_timer, end_lease, CLOCK_BOOTTIME, HRTIMER_MODE_ABS_SOFT);
	spin_lock_init(&peer->roam_lock);
	INIT_RCU_WORK(&peer->free_work, free_work);
	err = insert(sn, peer);
	/* An address that was claimed and given back may have led the packet path to it. */
	if (err)
		queue_rcu_work(sb_wq, &peer->free_work);
	else
		set_lease(peer, spec->lease_ms);
	return err;
}

static bool same_addresses(const struct sb_peer *peer, const struct sb_peer_spec *spec)
{
	return peer->overlay4.s_addr == spec->overlay4.s_addr &&
	       ipv6_addr_equal(&peer->overlay6, &spec->overlay6);
}

static bool is_anothers(struct sb_net *sn, const struct sb_peer *peer,
			const struct in6_addr *address)
{
	const struct sb_peer *owner;

	rcu_read_lock();
	owner = sb_peer_by_overlay(sn, address);
	rcu_read_unlock();
	return owner && owner != peer;
}

/* What speaks against the record, asked while the old one (@peer, or NULL) is still there. */
static int taken(struct sb_net *sn, const struct sb_peer *peer, const struct sb_peer_spec *spec,
		 const char **text)
{
	const struct sb_peer *owner = sb_peer_by_key(sn, spec->key);
	struct in6_addr mapped;

	if (!spec->overlay4.s_addr && ipv6_addr_any(&spec->overlay6)) {
		*text = "a peer needs an overlay address";
		return -EINVAL;
	}
	/* That is how the table has its IPv4 addresses: one entry for two. */
	if (ipv6_addr_v4mapped(&spec->overlay6)) {
		*text = "the IPv6 overlay address is an IPv4 one (::ffff:a.b.c.d): give it as that";
		return -EINVAL;
	}
	if (owner && owner != peer) {
		*text = "another peer has this key";
		return -EEXIST;
	}
	ipv6_addr_set_v4mapped(spec->overlay4.s_addr, &mapped);
	if ((spec->overlay4.s_addr && is_anothers(sn, peer, &mapped)) ||
	    is_anothers(sn, peer, &spec->overlay6)) {
		*text = "another peer has this overlay address";
		return -EADDRINUSE;
	}
	return 0;
}

/* The packet path reads a peer's addresses without a lock: another address is another record. */
static int replace(struct sb_net *sn, struct sb_peer *peer, const struct sb_peer_spec *spec,
		   const char **text)
{
	struct sb_peer_spec next = *spec;
	int err = taken(sn, peer, spec, text);

	if (err)
		return err;
	if (!next.endpoint.port)
		next.endpoint = peer->endpoint;
	sb_peer_del(sn, peer);
	return add(sn, &next);
}

/* @key in the table and in the record. -ENOMEM leaves the peer in no table of keys. */
static int put_key(struct sb_net *sn, struct sb_peer *peer, const u8 key[SB_KEY_LEN])
{
	memcpy(peer->key, key, SB_KEY_LEN);
	return rhashtable_lookup_insert_fast(&sn->peers_by_key, &peer->by_key, key_params);
}

/*
 * The same device with another bond key. Only handshakes look a peer up by its key, under sn->lock:
 * its place in that table can change while packets pass.
 */
static int rekey(struct sb_net *sn, struct sb_peer *peer, const struct sb_peer_spec *spec,
		 const char **text)
{
	u8 before[SB_KEY_LEN];
	int err = taken(sn, peer, spec, text);

	if (err)
		return err;
	memcpy(before, peer->key, sizeof(before));
	rhashtable_remove_fast(&sn->peers_by_key, &peer->by_key, key_params);
	err = put_key(sn, peer, spec->key);
	if (err) {
		/* A record that no key leads to would only keep an old bond alive. */
		if (put_key(sn, peer, before))
			sb_peer_del(sn, peer);
		return err;
	}
	sb_exchange_other_key(sn, peer);
	sb_bond_other_key(peer);
	return 0;
}

static bool same_key(const struct sb_peer *peer, const struct sb_peer_spec *spec)
{
	return !memcmp(peer->key, spec->key, sizeof(peer->key));
}

static int set(struct sb_net *sn, const struct sb_peer_spec *spec, const char **text)
{
	struct sb_peer *peer = sb_peer_by_id(sn, spec->device_id);
	int err;

	if (sn->configured && !memcmp(spec->device_id, sn->device_id, SB_ID_LEN)) {
		*text = "this is our own device id";
		return -EINVAL;
	}
	if (!peer)
		return taken(sn, NULL, spec, text) ?: add(sn, spec);
	if (!same_addresses(peer, spec))
		return replace(sn, peer, spec, text);
	err = same_key(peer, spec) ? 0 : rekey(sn, peer, spec, text);
	if (err)
		return err;
	if (spec->endpoint.port && !peer->bonded)
		peer->endpoint = spec->endpoint;
	WRITE_ONCE(peer->flags, spec->flags);
	peer->hold_ms = spec->hold_ms;
	set_lease(peer, spec->lease_ms);
	return 0;
}

/* Packets that pass meanwhile are judged by the old ones. */
static void put_ports(struct sb_net *sn, struct sb_peer *peer, struct sb_peer_ports *ports)
{
	ports = rcu_replace_pointer(peer->ports, ports, lockdep_is_held(&sn->lock));
	if (ports)
		kfree_rcu(ports, rcu);
}

int sb_peer_set(struct sb_net *sn, const struct sb_peer_spec *spec, const char **text)
{
	struct sb_peer_ports *ports = NULL;
	int err;

	if (spec->ports.n) {
		ports = kzalloc(sizeof(*ports), GFP_KERNEL);
		if (!ports)
			return -ENOMEM;
		ports->ports = spec->ports;
	}
	err = set(sn, spec, text);
	if (err)
		kfree(ports);
	else
		put_ports(sn, sb_peer_by_id(sn, spec->device_id), ports);
	return err;
}

void sb_peer_del(struct sb_net *sn, struct sb_peer *peer)
{
	sb_bond_end(sn, peer, SEALBOND_END_ASKED);
	set_lease(peer, 0);
	release_address(sn, &peer->at[0]);
	release_address(sn, &peer->at[1]);
	rhashtable_remove_fast(&sn->peers_by_key, &peer->by_key, key_params);
	rhashtable_remove_fast(&sn->peers_by_id, &peer->by_id, id_params);
	ida_free(&sn->reqids, peer->reqid);
	list_del(&peer->node);
	sn->peers_nr--;
	sn->peers_generation += 2;
	peer->dead = true;
	queue_rcu_work(sb_wq, &peer->free_work);
}

void sb_peer_flush(struct sb_net *sn)
{
	struct sb_peer *peer, *next;

	list_for_each_entry_safe(peer, next, &sn->peers, node)
		sb_peer_del(sn, peer);
}
