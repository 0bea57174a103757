/* SPDX-License-Identifier: GPL-2.0-only */
/* What Sealbond keeps for one network namespace. */
#ifndef SB_NAMESPACE_H
#define SB_NAMESPACE_H

#include <linux/idr.h>
#include <linux/llist.h>
#include <linux/mutex.h>
#include <linux/rhashtable.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include "handshake.h"
#include "bond.h"

struct sb_keyring;
struct sb_exceptions;
struct sb_grant_requests;
struct sb_ledger_socket;

#define SB_LEDGER_SOCKETS	16	/* that the helper may have open at once */

struct sb_net {
	struct net *net;
	struct mutex lock;		/* everything below that the packet path does not read */

	/* Packet path: read under RCU. */
	int sb0_ifindex;		/* 0: not set up; other namespaces have no bonds */
	__be16 port_be;			/* of the bond socket, 0 without one */
	struct sock __rcu *sk[2];	/* the bond sockets, IPv4 and IPv6, to compare with only */
	struct sb_exceptions __rcu *exceptions;
	struct rhashtable peers_by_overlay;	/* by inner address, both families */
	struct sb_peer * __percpu *last_peer;	/* see sb_peer_forget() */
	struct nf_hook_ops *hooks;	/* this namespace's copies of the IP hooks */
	/* Registered sockets, written under lock, the oldest first. */
	struct sb_ledger_socket __rcu *ledger_sockets[SB_LEDGER_SOCKETS];

	/* Under lock. */
	bool configured;		/* SET_LOCAL was done */
	bool closing;			/* the namespace or the module goes away */
	u32 if_id;
	u8 encap;			/* enum sealbond_encap */
	struct in_addr overlay4;	/* 0: none */
	struct in6_addr overlay6;	/* ::: none */
	struct socket *sock[2];
	struct sb_limits limits;
	struct sb_hs_local *hs;		/* NULL until there are keys and SET_LOCAL was done */
	u8 device_id[SB_ID_LEN];
	u8 chain_id[SB_ID_LEN];
	u8 algorithms[2];		/* enum sealbond_algorithm, best first, 0: no more */
	u16 port;
	struct sb_keyring *keyring;	/* keys, blobs, the TPM's answers */
	struct rhashtable peers_by_id;
	struct rhashtable peers_by_key;
	struct idr peers_by_index;	/* by the sender index of a handshake */
	struct ida reqids;
	struct sb_grant_requests *requests;	/* NULL: none yet */
	u64 handshake_reasons[SB_HS_REASON_COUNT];
	struct list_head peers;
	unsigned int peers_nr;
	unsigned int peers_generation;	/* changes with the list; never 0 */
	struct list_head set_up;	/* for lock.c */
	struct work_struct rx_work;	/* drains the bond sockets */
	struct llist_head todo;		/* peers for bond_work; any context */
	struct work_struct bond_work;	/* confirmations and roaming */
	struct socket *tc_ear;		/* watch_tc.c */
	u32 alarms_swept;		/* sb_watch_round() of the last sweep; WRITE_ONCE */
	struct delayed_work sweep;	/* leases, hard limits, retries: once a second */
};

/* sb_net_of() - the state of @net; valid from the namespace's start to its end. */
struct sb_net *sb_net_of(const struct net *net);

/* sb_net_sweep_now() - look at all bonds at once, not at the next second. Any context. */
void sb_net_sweep_now(struct sb_net *sn);

/*
 * sb_net_each() - @act for each namespace that there is, in process context and under no lock;
 * one that is made meanwhile may be left out. Returns 0 or -ENOMEM, before the first call.
 */
int sb_net_each(void (*act)(struct sb_net *sn));

/* The module's own queue: handshakes, sweeps, confirmations. TPM commands have another. */
extern struct workqueue_struct *sb_wq;

int sb_namespace_init(void);
void sb_namespace_exit(void);

#endif
