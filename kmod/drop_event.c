// SPDX-License-Identifier: GPL-2.0-only
#include "drop_event.h"

#include <linux/atomic.h>
#include <linux/cgroup.h>
#include <linux/ktime.h>
#include <net/inet_sock.h>
#include <net/sock.h>

#include "event.h"
#include "namespace.h"
#include "packet.h"
#include "stats.h"
#include "sealbond/limits.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* A token bucket, kept as the time at which it is full again (boot time, ns). */
static atomic64_t events_full_ns;

static bool event_due(void)
{
	s64 now = ktime_get_coarse_boottime_ns();
	s64 full = atomic64_read(&events_full_ns);

	do {
		if (full > now + (s64)SB_DROP_EVENTS_BURST_NS)
			return false;
	} while (!atomic64_try_cmpxchg(&events_full_ns, &full,
				       max(full, now) + (s64)(SB_NS_PER_S / SB_DROP_EVENTS_PER_S)));
	return true;
}

static void set_owner(struct sb_drop *drop, const struct sb_packet *p)
{
	struct sock *sk = skb_to_full_sk(p->skb);

	if (!sk || !sk_fullsock(sk))
		return;
	drop->has_socket = true;
	drop->uid = from_kuid_munged(&init_user_ns, sock_net_uid(p->sn->net, sk));
#ifdef CONFIG_SOCK_CGROUP_DATA
	drop->cgroup = cgroup_id(sock_cgroup_ptr(&sk->sk_cgrp_data));
#endif
}

static enum sealbond_dir dir_of(const struct sb_facts *f)
{
	if (f->hook == SB_HOOK_EGRESS)
		return SEALBOND_DIR_EGRESS;
	if (f->hook == SB_HOOK_PRE)
		return SEALBOND_DIR_IN;
	return f->forwarded ? SEALBOND_DIR_FORWARD : SEALBOND_DIR_OUT;
}

void sb_drop_report(const struct sb_packet *p, enum sealbond_reason reason, bool observed)
{
	bool event = event_due();
	struct sb_drop drop = {};

	sb_stats_drop(reason, observed);
	if (!event && !trace_sealbond_drop_enabled())
		return;
	sb_packet_flow(p, &drop.flow);
	drop.reason = reason;
	drop.dir = dir_of(&p->facts);
	drop.observed = observed;
	drop.len = p->skb->len - max(p->offset, 0);
	set_owner(&drop, p);
	trace_sealbond_drop(&drop);
	if (event)
		sb_event_drop(p->sn->net, &drop);
}
