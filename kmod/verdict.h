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
	SB_EXCUSE_LEDGER,	/* there is one for the helper's socket, and this is another */
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
	bool lease_live;	/* of the peer behind the SA; POST on sb0: if it has no bond */
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
	bool repeated;		/* POST transformed, EGRESS of ours: its sequence number was used */
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
 * Inline, so that at each hook the compiler leaves out what that hook never asks. Nothing but
 * sb_verdict() is for others.
 */
static __always_inline struct sb_verdict sb_verdict_drop(enum sealbond_reason reason)
{
	return (struct sb_verdict){ .outcome = SB_DROP, .reason = reason };
}

static __always_inline struct sb_verdict sb_verdict_accept(void)
{
	return (struct sb_verdict){ .outcome = SB_ACCEPT };
}

static __always_inline struct sb_verdict sb_verdict_unless_excused(const struct sb_facts *f, enum sealbond_reason reason)
{
	switch (f->excuse) {
	case SB_EXCUSE_UNASKED:
		return (struct sb_verdict){ .outcome = SB_DROP, .reason = reason, .ask = true };
	case SB_EXCUSE_PASSES:
		return sb_verdict_accept();
	case SB_EXCUSE_SPENT:
		return sb_verdict_drop(SEALBOND_REASON_OVER_BUDGET);
	case SB_EXCUSE_LEDGER:
		return sb_verdict_drop(SEALBOND_REASON_LEDGER_SOCKET);
	default:
		return sb_verdict_drop(reason);
	}
}

/* The peer behind an SA of ours, or behind an address on sb0, may talk. */
static __always_inline struct sb_verdict sb_verdict_by_lease(const struct sb_facts *f)
{
	if (!f->lease_live)
		return sb_verdict_drop(SEALBOND_REASON_LEASE_ENDED);
	if (f->quarantined)
		return sb_verdict_drop(SEALBOND_REASON_QUARANTINED);
	return sb_verdict_accept();
}

/* What a packet without a bond can still be excused for: whole, and the device's own. */
static __always_inline bool sb_verdict_excusable(const struct sb_facts *f)
{
	return (f->shape == SB_SHAPE_CLEAR || f->shape == SB_SHAPE_ARP) && !f->forwarded;
}

static __always_inline struct sb_verdict sb_verdict_protected_in(const struct sb_facts *f)
{
	switch (f->shape) {
	case SB_SHAPE_SEALED:
		return f->sa == SB_SA_OURS ? sb_verdict_accept() : sb_verdict_drop(SEALBOND_REASON_UNKNOWN_SPI);
	case SB_SHAPE_HANDSHAKE:
		return sb_verdict_accept();
	case SB_SHAPE_MALFORMED:
		return sb_verdict_drop(SEALBOND_REASON_MALFORMED);
	}
	/* It came out of an SA, and not onto sb0. */
	if (f->sa == SB_SA_FOREIGN)
		return sb_verdict_drop(SEALBOND_REASON_FOREIGN_SA);
	if (!sb_verdict_excusable(f))
		return sb_verdict_drop(SEALBOND_REASON_CLEAR_IN);
	return sb_verdict_unless_excused(f, SEALBOND_REASON_CLEAR_IN);
}

/* Clear on its way out, from no socket of ours: the same at both hooks. */
static __always_inline struct sb_verdict sb_verdict_clear_out(const struct sb_facts *f)
{
	if (f->shape == SB_SHAPE_MALFORMED)
		return sb_verdict_drop(SEALBOND_REASON_MALFORMED);
	if (f->shape == SB_SHAPE_UNKNOWN)
		return sb_verdict_drop(SEALBOND_REASON_UNKNOWN_FRAME);
	if (f->forwarded)
		return sb_verdict_drop(SEALBOND_REASON_FORWARDED);
	if (f->our_port)
		return sb_verdict_drop(SEALBOND_REASON_FOREIGN_SOCKET);
	if (f->shape == SB_SHAPE_SEALED)
		return sb_verdict_drop(SEALBOND_REASON_UNKNOWN_SPI);
	if (!sb_verdict_excusable(f))
		return sb_verdict_drop(SEALBOND_REASON_CLEAR_OUT);
	return sb_verdict_unless_excused(f, SEALBOND_REASON_CLEAR_OUT);
}

static __always_inline struct sb_verdict sb_verdict_protected_out(const struct sb_facts *f)
{
	if (f->transforming)
		return f->sa == SB_SA_OURS ? sb_verdict_by_lease(f) : sb_verdict_drop(SEALBOND_REASON_FOREIGN_SA);
	/*
	 * Its SA and lease were judged just before; what it has become is judged at egress. Headers
	 * that cannot be read have no sequence number that could be looked at.
	 */
	if (f->transformed && f->shape == SB_SHAPE_MALFORMED)
		return sb_verdict_drop(SEALBOND_REASON_MALFORMED);
	if (f->transformed)
		return f->repeated ? sb_verdict_drop(SEALBOND_REASON_REPEATED) : sb_verdict_accept();
	if (f->own_socket)
		return sb_verdict_accept();
	return sb_verdict_clear_out(f);
}

static __always_inline struct sb_verdict sb_verdict_protected_egress(const struct sb_facts *f)
{
	if (f->packet_socket)
		return f->shape == SB_SHAPE_CLEAR && !f->forwarded ?
			sb_verdict_unless_excused(f, SEALBOND_REASON_RAW_FRAME) :
			sb_verdict_drop(SEALBOND_REASON_RAW_FRAME);
	if (f->own_socket || f->shape == SB_SHAPE_OUR_FRAGMENT)
		return sb_verdict_accept();
	if (f->shape == SB_SHAPE_SEALED && f->sa == SB_SA_OURS && !f->forwarded) {
		struct sb_verdict verdict = sb_verdict_by_lease(f);

		if (verdict.outcome == SB_ACCEPT && f->repeated)
			return sb_verdict_drop(SEALBOND_REASON_REPEATED);
		return verdict;
	}
	return sb_verdict_clear_out(f);
}

static __always_inline struct sb_verdict sb_verdict_on_sb0(const struct sb_facts *f)
{
	struct sb_verdict verdict;

	switch (f->hook) {
	case SB_HOOK_PRE:
		if (f->sa == SB_SA_NONE)
			return sb_verdict_drop(SEALBOND_REASON_NOT_SEALED);
		if (f->sa == SB_SA_FOREIGN)
			return sb_verdict_drop(SEALBOND_REASON_FOREIGN_SA);
		verdict = sb_verdict_by_lease(f);
		if (verdict.outcome != SB_ACCEPT)
			return verdict;
		if (!f->source_ok)
			return sb_verdict_drop(SEALBOND_REASON_WRONG_SOURCE);
		if (f->shape == SB_SHAPE_DUMMY)
			return (struct sb_verdict){ .outcome = SB_CONSUME };
		return sb_verdict_accept();
	case SB_HOOK_POST:
		if (f->forwarded)
			return sb_verdict_drop(SEALBOND_REASON_FORWARDED);
		if (!f->peer)
			return sb_verdict_drop(SEALBOND_REASON_NO_BOND);
		if (f->bonded)
			return sb_verdict_accept();	/* its SA and lease are judged next */
		verdict = sb_verdict_by_lease(f);
		return verdict.outcome == SB_ACCEPT ? sb_verdict_drop(SEALBOND_REASON_NO_BOND) :
						      verdict;
	default:
		/* Egress hooks are on the devices below; a device that calls itself sb0 is not. */
		return sb_verdict_drop(SEALBOND_REASON_NOT_SEALED);
	}
}

static __always_inline struct sb_verdict sb_verdict_on_other(const struct sb_facts *f)
{
	bool may = sb_verdict_excusable(f) && !f->transforming && !f->transformed;

	return may ? sb_verdict_unless_excused(f, SEALBOND_REASON_OTHER_NETNS) :
		     sb_verdict_drop(SEALBOND_REASON_OTHER_NETNS);
}

/*
 * sb_verdict() - judge a packet in a mode other than off.
 *
 * With f->excuse UNASKED the exceptions are not consulted: the usual packet passes without
 * them, and only one that is to be dropped and may be excused comes back with ask set.
 */
static __always_inline struct sb_verdict sb_verdict(const struct sb_facts *f)
{
	switch (f->device) {
	case SB_DEVICE_PROTECTED:
		if (f->hook == SB_HOOK_PRE)
			return sb_verdict_protected_in(f);
		return f->hook == SB_HOOK_POST ? sb_verdict_protected_out(f) : sb_verdict_protected_egress(f);
	case SB_DEVICE_SB0:
		return sb_verdict_on_sb0(f);
	case SB_DEVICE_LOOPBACK:
	case SB_DEVICE_INSIDE:
		return sb_verdict_accept();
	default:
		return sb_verdict_on_other(f);
	}
}

#endif
