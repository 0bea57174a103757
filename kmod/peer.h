/* SPDX-License-Identifier: GPL-2.0-only */
/* Peers: who may be bonded, until when, and under which inner addresses. */
#ifndef SB_PEER_H
#define SB_PEER_H

#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/llist.h>
#include <linux/rhashtable.h>
#include <linux/spinlock.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>
#include <net/ipv6.h>
#include "bond.h"
#include "handshake.h"
#include "ports.h"

struct sb_net;

struct sb_peer_ports {
	struct rcu_head rcu;
	struct sb_ports ports;		/* n is not 0 */
};

/* An inner address as a table's key; IPv4 as ::ffff:a.b.c.d. */
struct sb_overlay {
	struct rhash_head node;
	struct in6_addr address;
	struct sb_peer *peer;
};

/* What the packet path may ask for; SB_ASKED_QUEUED: the peer is on sn->todo. */
#define SB_ASKED_CONFIRM	0
#define SB_ASKED_ROAM		1
#define SB_ASKED_QUEUED		2
#define SB_ASKED_TAMPERED	3

struct sb_peer {
	/* The packet path reads these, under RCU. */
	bool lease_live;		/* READ_ONCE; lease_timer ends it */
	struct in_addr overlay4;	/* 0: none; fixed while the peer lives */
	struct in6_addr overlay6;	/* ::: none; fixed while the peer lives */
	u32 flags;			/* SEALBOND_PEER_F_*; READ_ONCE */
	bool bonded;			/* has a current epoch; READ_ONCE */
	struct sb_peer_ports __rcu *ports;	/* NULL: everything may pass */
	struct sb_net *sn;

	/* sn->lock. */
	u64 lease_end_ns;		/* boot time; with the hold */
	u64 hold_ms;			/* of it, at its end: what GET_PEER shows, nothing else */
	struct hrtimer lease_timer;	/* boot time runs on in suspend, and so does a lease */
	struct sb_bond bond;
	u8 device_id[SB_ID_LEN];
	u8 key[SB_KEY_LEN];
	struct sb_addr endpoint;	/* port 0: none */
	bool hs_ready;			/* hs was set up for the key that we hold */
	struct sb_hs_peer hs;
	u32 index;			/* sender index in use, 0: none */
	u32 reqid;			/* not 0 */
	struct list_head node;
	struct rhash_head by_id, by_key;
	struct sb_overlay at[2];
	bool dead;			/* left the tables; waits for its last readers */
	bool forgotten;			/* in sn->last_peer on no processor */
	struct rcu_work free_work;

	/* Asked by the packet path; done by sn->bond_work. */
	struct llist_node todo;
	unsigned long asked;		/* bits SB_ASKED_* */
	spinlock_t roam_lock;		/* roam_to */
	struct sb_addr roam_to;
};

/* sb_lease_live() - for who holds sn->lock; @now in boot time. The packet path has lease_live. */
static inline bool sb_lease_live(const struct sb_peer *peer, u64 now)
{
	return peer->lease_end_ns > now;
}

/* What SET_PEER says; addresses of zero are absent. */
struct sb_peer_spec {
	u8 device_id[SEALBOND_ID_LEN];
	u8 key[SEALBOND_KEY_LEN];
	u64 lease_ms;			/* with the hold */
	u64 hold_ms;			/* of it, at its end */
	struct in_addr overlay4;
	struct in6_addr overlay6;
	struct sb_addr endpoint;	/* port 0: leave as it is */
	u32 flags;
	struct sb_ports ports;		/* n 0: everything */
};

int sb_peers_init(struct sb_net *sn);
void sb_peers_exit(struct sb_net *sn);

/*
 * All below with sn->lock held, but for the last. sb_peer_set() returns 0, -EADDRINUSE (another
 * peer has the overlay address), -EEXIST (another peer has the key), -EINVAL (a key of low order,
 * no overlay address, a mapped one, our own id) or -ENOMEM; *text says which for the extended ack.
 */
int sb_peer_set(struct sb_net *sn, const struct sb_peer_spec *spec, const char **text);
void sb_peer_del(struct sb_net *sn, struct sb_peer *peer);
void sb_peer_flush(struct sb_net *sn);
struct sb_peer *sb_peer_by_id(struct sb_net *sn, const u8 id[SEALBOND_ID_LEN]);
struct sb_peer *sb_peer_by_key(struct sb_net *sn, const u8 key[SEALBOND_KEY_LEN]);
struct sb_peer *sb_peer_by_index(struct sb_net *sn, u32 index);

/* Packet path, under RCU: the peer that owns an inner address, or NULL. */
struct sb_peer *sb_peer_by_overlay(struct sb_net *sn, const struct in6_addr *address);

#endif
