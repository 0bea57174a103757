/* SPDX-License-Identifier: GPL-2.0-only */
/* Bonds: pairs of SAs with a peer, their policies, their epochs and their end. */
#ifndef SB_BOND_H
#define SB_BOND_H

#include <linux/types.h>
#include <linux/workqueue.h>
#include <uapi/linux/sealbond.h>
#include "message.h"

struct sb_net;
struct sb_peer;
struct sb_sa;
struct sb_hs_keys;
struct xfrm_policy;

/* Hard limits end a bond in the kernel, soft ones ask the helper for a rotation. */
struct sb_limits {
	u64 hard_ns;		/* age */
	u64 overlap_ns;		/* an old inbound SA's life beside the new one */
	u64 hard_bytes, soft_bytes;		/* one direction */
	u64 hard_sequence, soft_sequence;	/* outbound */
	u64 key_overlap_ns;	/* an old bond key's life beside the new one; 0: not set yet */
};

struct sb_traffic {
	u64 bytes_in, bytes_out, packets_in, packets_out;
};

struct sb_epoch {
	struct sb_sa *in, *out;
	u64 made_ns;		/* boot time */
	u64 retire_ns;		/* prev only: when its inbound SA goes */
	u32 number;
	u8 algorithm;
	bool encap;
	struct sb_addr remote;	/* outer address and port of the peer */
};

/*
 * current carries traffic; pending is answered and not confirmed; prev still takes what was
 * under way. All under sn->lock; the packet path sees SAs only.
 */
struct sb_bond {
	struct sb_epoch current_epoch, pending, prev;
	struct xfrm_policy *policy[2][2];	/* [family: 0 v4, 1 v6][0 in, 1 out] */
	u32 last_number;
	bool rotate_asked;	/* ROTATE_WANTED was sent for this epoch */
	u64 handshakes;
	u64 last_handshake_ns;
	struct sb_traffic retired;	/* by SAs that are gone */
};

/*
 * sb_bond_install() - SAs of a finished handshake. As initiator they carry traffic at once and a
 * first packet confirms them; as responder they are pending until a packet comes through.
 * @local, @remote are the outer addresses and ports. sn->lock held. Returns 0 or -errno, and
 * then the old epoch goes on.
 */
int sb_bond_install(struct sb_net *sn, struct sb_peer *peer, const struct sb_hs_keys *keys,
		    const struct sb_addr *local, const struct sb_addr *remote);

/* sb_bond_confirm() - from the packet path: a packet came through a pending inbound SA. */
void sb_bond_confirm(struct sb_sa *sa);

/* sb_bond_roam() - from the packet path: packets of @sa now come from elsewhere. Atomic. */
void sb_bond_roam(struct sb_sa *sa, const struct sb_addr *to);

/*
 * sb_bond_tampered() - somebody changed an SA of ours, or sent one of its numbers again. Nothing
 * passes by it from here on, and its bond ends at once. Under RCU, any context.
 */
void sb_bond_tampered(struct sb_sa *sa);

/* sb_bond_do_asked() - confirmations, roaming and ends that wait. sn->lock held. */
void sb_bond_do_asked(struct sb_net *sn);

/* sb_bond_work() - what the packet path asked for; a work item of the namespace. */
void sb_bond_work(struct work_struct *work);

/*
 * sb_bond_other_key() - the peer has another bond key. A live bond goes on as it is, with what is
 * pending; without one, what the old key has begun is dropped. sn->lock held.
 */
void sb_bond_other_key(struct sb_peer *peer);

/* sb_bond_end() - all SAs and policies of the bond go at once. sn->lock held. */
void sb_bond_end(struct sb_net *sn, struct sb_peer *peer, enum sealbond_end why);

/* sb_bond_sweep() - limits, leases, overlap ends. sn->lock held, now in boot time. */
void sb_bond_sweep(struct sb_net *sn, struct sb_peer *peer, u64 now);

/* sb_bond_mtu() - the largest inner packet that fits the path of the bond, in bytes; 0 if unknown. */
u32 sb_bond_mtu(struct sb_net *sn, struct sb_peer *peer);

/* sb_bond_traffic() - what the bond has carried since the peer was made. sn->lock held. */
void sb_bond_traffic(const struct sb_peer *peer, struct sb_traffic *traffic);

enum sealbond_bond_state sb_bond_state(const struct sb_peer *peer, u64 now);

#endif
