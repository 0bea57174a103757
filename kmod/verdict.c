// SPDX-License-Identifier: GPL-2.0-only
#include "verdict.h"

static struct sb_verdict drop(enum sealbond_reason reason)
{
	return (struct sb_verdict){ .outcome = SB_DROP, .reason = reason };
}

static struct sb_verdict accept(void)
{
	return (struct sb_verdict){ .outcome = SB_ACCEPT };
}

static struct sb_verdict unless_excused(const struct sb_facts *f, enum sealbond_reason reason)
{
	switch (f->excuse) {
	case SB_EXCUSE_UNASKED:
		return (struct sb_verdict){ .outcome = SB_DROP, .reason = reason, .ask = true };
	case SB_EXCUSE_PASSES:
		return accept();
	case SB_EXCUSE_SPENT:
		return drop(SEALBOND_REASON_OVER_BUDGET);
	default:
		return drop(reason);
	}
}

/* The peer behind an SA of ours, or behind an address on sb0, may talk. */
static struct sb_verdict by_lease(const struct sb_facts *f)
{
	if (!f->lease_live)
		return drop(SEALBOND_REASON_LEASE_ENDED);
	if (f->quarantined)
		return drop(SEALBOND_REASON_QUARANTINED);
	return accept();
}

/* What a packet without a bond can still be excused for: whole, and the device's own. */
static bool excusable(const struct sb_facts *f)
{
	return (f->shape == SB_SHAPE_CLEAR || f->shape == SB_SHAPE_ARP) && !f->forwarded;
}

static struct sb_verdict protected_in(const struct sb_facts *f)
{
	switch (f->shape) {
	case SB_SHAPE_SEALED:
		return f->sa == SB_SA_OURS ? accept() : drop(SEALBOND_REASON_UNKNOWN_SPI);
	case SB_SHAPE_HANDSHAKE:
		return accept();
	case SB_SHAPE_MALFORMED:
		return drop(SEALBOND_REASON_MALFORMED);
	}
	/* It came out of an SA, and not onto sb0. */
	if (f->sa == SB_SA_FOREIGN)
		return drop(SEALBOND_REASON_FOREIGN_SA);
	if (!excusable(f))
		return drop(SEALBOND_REASON_CLEAR_IN);
	return unless_excused(f, SEALBOND_REASON_CLEAR_IN);
}

/* Clear on its way out, from no socket of ours: the same at both hooks. */
static struct sb_verdict clear_out(const struct sb_facts *f)
{
	if (f->shape == SB_SHAPE_MALFORMED)
		return drop(SEALBOND_REASON_MALFORMED);
	if (f->shape == SB_SHAPE_UNKNOWN)
		return drop(SEALBOND_REASON_UNKNOWN_FRAME);
	if (f->forwarded)
		return drop(SEALBOND_REASON_FORWARDED);
	if (f->our_port)
		return drop(SEALBOND_REASON_FOREIGN_SOCKET);
	if (f->shape == SB_SHAPE_SEALED)
		return drop(SEALBOND_REASON_UNKNOWN_SPI);
	if (!excusable(f))
		return drop(SEALBOND_REASON_CLEAR_OUT);
	return unless_excused(f, SEALBOND_REASON_CLEAR_OUT);
}

static struct sb_verdict protected_out(const struct sb_facts *f)
{
	if (f->transforming)
		return f->sa == SB_SA_OURS ? by_lease(f) : drop(SEALBOND_REASON_FOREIGN_SA);
	/* Its lease was judged when it was about to be transformed, and is once more at egress. */
	if (f->transformed)
		return f->shape == SB_SHAPE_SEALED && f->sa == SB_SA_OURS ?
			accept() : drop(SEALBOND_REASON_FOREIGN_SA);
	if (f->own_socket)
		return accept();
	return clear_out(f);
}

static struct sb_verdict protected_egress(const struct sb_facts *f)
{
	if (f->packet_socket)
		return f->shape == SB_SHAPE_CLEAR && !f->forwarded ?
			unless_excused(f, SEALBOND_REASON_RAW_FRAME) :
			drop(SEALBOND_REASON_RAW_FRAME);
	if (f->own_socket || f->shape == SB_SHAPE_OUR_FRAGMENT)
		return accept();
	if (f->shape == SB_SHAPE_SEALED && f->sa == SB_SA_OURS && !f->forwarded)
		return by_lease(f);
	return clear_out(f);
}

static struct sb_verdict on_sb0(const struct sb_facts *f)
{
	struct sb_verdict verdict;

	switch (f->hook) {
	case SB_HOOK_PRE:
		if (f->sa == SB_SA_NONE)
			return drop(SEALBOND_REASON_NOT_SEALED);
		if (f->sa == SB_SA_FOREIGN)
			return drop(SEALBOND_REASON_FOREIGN_SA);
		verdict = by_lease(f);
		if (verdict.outcome != SB_ACCEPT)
			return verdict;
		if (!f->source_ok)
			return drop(SEALBOND_REASON_WRONG_SOURCE);
		if (f->shape == SB_SHAPE_DUMMY)
			return (struct sb_verdict){ .outcome = SB_CONSUME };
		return accept();
	case SB_HOOK_POST:
		if (f->forwarded)
			return drop(SEALBOND_REASON_FORWARDED);
		if (!f->peer)
			return drop(SEALBOND_REASON_NO_BOND);
		verdict = by_lease(f);
		if (verdict.outcome != SB_ACCEPT)
			return verdict;
		return f->bonded ? accept() : drop(SEALBOND_REASON_NO_BOND);
	default:
		/* Egress hooks are on the devices below; a device that calls itself sb0 is not. */
		return drop(SEALBOND_REASON_NOT_SEALED);
	}
}

static struct sb_verdict on_other(const struct sb_facts *f)
{
	bool may = excusable(f) && !f->transforming && !f->transformed;

	return may ? unless_excused(f, SEALBOND_REASON_OTHER_NETNS) :
		     drop(SEALBOND_REASON_OTHER_NETNS);
}

struct sb_verdict sb_verdict(const struct sb_facts *f)
{
	switch (f->device) {
	case SB_DEVICE_PROTECTED:
		if (f->hook == SB_HOOK_PRE)
			return protected_in(f);
		return f->hook == SB_HOOK_POST ? protected_out(f) : protected_egress(f);
	case SB_DEVICE_SB0:
		return on_sb0(f);
	case SB_DEVICE_LOOPBACK:
	case SB_DEVICE_INSIDE:
		return accept();
	default:
		return on_other(f);
	}
}
