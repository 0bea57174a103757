/* SPDX-License-Identifier: GPL-2.0-only */
/* What becomes of a packet: one pure function from a few facts to a verdict and its reason. */
#ifndef SB_VERDICT_H
#define SB_VERDICT_H

#include "pure.h"
#include "uapi/linux/sealbond.h"

enum sb_hook {
	SB_HOOK_PRE,		/* PRE_ROUTING, behind defragmentation */
	SB_HOOK_POST,		/* POST_ROUTING, last */
	SB_HOOK_EGRESS,		/* on the device, before its queue */
	SB_HOOKS
};

/* What the device of the hook is to its namespace. */
enum sb_device {
	SB_DEVICE_OTHER,	/* of a namespace without bonds */
	SB_DEVICE_INSIDE,	/* a veth of a namespace without bonds */
	SB_DEVICE_PROTECTED,	/* of a namespace with bonds, neither loopback nor sb0 */
	SB_DEVICE_SB0,
	SB_DEVICE_LOOPBACK,
	SB_DEVICES
};

/* What the packet is by its outermost headers. */
enum sb_shape {
	SB_SHAPE_CLEAR,		/* IP, none of the following */
	SB_SHAPE_SEALED,	/* ESP, or the bond port and a first word that is an SPI */
	SB_SHAPE_HANDSHAKE,	/* the bond port and a first word of zero (RFC 3948) */
	SB_SHAPE_DUMMY,		/* inner packet without content: protocol 59 */
	SB_SHAPE_ARP,
	SB_SHAPE_FRAGMENT,	/* IP, not the first fragment: nothing says whose it is */
	SB_SHAPE_OUR_FRAGMENT,	/* continues a fragment that egress has just let pass */
	SB_SHAPE_UNKNOWN,	/* neither IP nor ARP */
	SB_SHAPE_MALFORMED,
	SB_SHAPES
};

/*
 * The SA at issue: what the packet came through (PRE), what it is about to go through
 * (POST, transforming), or what the SPI on it names (SEALED). OURS includes the right
 * namespace and direction.
 */
enum sb_association {
	SB_SA_NONE,
	SB_SA_FOREIGN,
	SB_SA_OURS,
	SB_ASSOCIATIONS
};

enum sb_excuse {
	SB_EXCUSE_UNASKED,	/* the exceptions were not looked at yet */
	SB_EXCUSE_NONE,
	SB_EXCUSE_PASSES,
	SB_EXCUSE_SPENT,	/* there is one, and its budget is used up */
	SB_EXCUSES
};

/*
 * All zero is the worst case. A fact that the verdict does not use at a hook is left zero;
 * the comments say where one is used. The port is that of the own side.
 */
struct sb_facts {
	u8 hook;		/* enum sb_hook */
	u8 device;		/* enum sb_device */
	u8 shape;		/* enum sb_shape */
	u8 sa;			/* enum sb_association */
	u8 excuse;		/* enum sb_excuse */
	bool lease_live;	/* of the peer behind the SA; POST on sb0: by inner destination */
	bool quarantined;	/* that peer */
	bool source_ok;		/* PRE on sb0: the inner source is the peer's */
	bool peer;		/* POST on sb0: the inner destination is a peer's */
	bool bonded;		/* POST on sb0: and there is a bond */
	bool transforming;	/* POST: an SA comes next */
	bool transformed;	/* POST: an SA came before */
	bool own_socket;	/* POST, EGRESS: from the bond socket itself */
	bool our_port;		/* POST, EGRESS: UDP from the bond port */
	bool packet_socket;	/* EGRESS: from a packet socket */
	bool forwarded;		/* POST, EGRESS: was received, not made here */
};

enum sb_outcome {
	SB_DROP,
	SB_ACCEPT,
	SB_CONSUME,		/* has done what it was for: dropped, and not counted */
};

struct sb_verdict {
	u8 outcome;		/* enum sb_outcome */
	u8 reason;		/* enum sealbond_reason, NONE unless it is dropped */
	bool ask;		/* an exception may excuse it: find out, and judge again */
};

/*
 * sb_verdict() - judge a packet in a mode other than off.
 *
 * With facts->excuse UNASKED the exceptions are not consulted: the usual packet passes without
 * them, and only one that is to be dropped and may be excused comes back with ask set.
 */
struct sb_verdict sb_verdict(const struct sb_facts *facts);

#endif
