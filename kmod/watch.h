/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes around the filter or changes under the keys, and the end of all bonds while it does:
 * enum sealbond_alarm. docs/enforcement.md, "Alarms".
 */
#ifndef SB_WATCH_H
#define SB_WATCH_H

#include <linux/atomic.h>
#include <linux/compiler.h>
#include <linux/types.h>
#include <uapi/linux/sealbond.h>

#include "mode.h"

struct net;
struct nf_hook_ops;
struct sb_net;

/* These stay until the machine reboots; the others go with what they name. */
#define SB_ALARMS_STICKY	(SEALBOND_ALARM_PCR | SEALBOND_ALARM_RESET)

/* The packet path reads them, as it does the mode. Written in watch.c only. */
extern u32 sb_alarms_now;
extern atomic_t sb_alarms_saw;	/* of what may be gone again; the next look takes them */

/* sb_alarms() - bits of enum sealbond_alarm, as they are told; any context. */
static inline u32 sb_alarms(void)
{
	return READ_ONCE(sb_alarms_now);
}

/* In sb_alarms_saw alone: something was made, and the next look has to find out what. */
#define SB_WATCH_DOUBT		0x40000000U

/*
 * sb_alarmed() - no bond may live or be made: from the moment that something is seen, whenever it
 * is told and the bonds are ended. sb_watch_shut() - and no packet passes by one; this also for
 * as long as there is a doubt. Any context.
 */
static inline bool sb_alarmed(void)
{
	return (sb_alarms() | (atomic_read(&sb_alarms_saw) & ~SB_WATCH_DOUBT)) &&
	       sb_mode() == SEALBOND_MODE_ENFORCE;
}

static __always_inline bool sb_watch_shut(void)
{
	return unlikely(sb_alarms() | atomic_read(&sb_alarms_saw)) &&
	       sb_mode() == SEALBOND_MODE_ENFORCE;
}

/*
 * sb_watch_round() - goes up when bonds are to end. What sn->alarms_swept says was acted on: read
 * it before sb_alarmed(). An alarm stays at least until every namespace has.
 */
u32 sb_watch_round(void);

/* sb_watch_changed_pcrs() - with SEALBOND_ALARM_PCR: which. */
u32 sb_watch_changed_pcrs(void);

/* sb_watch_look() - look at everything now and not at the period's end. Any context. */
void sb_watch_look(void);

/*
 * sb_watch_saw() - alarms of what was there just now, and may be gone again, or SB_WATCH_DOUBT.
 * Any context.
 */
void sb_watch_saw(u32 alarms);

/*
 * sb_watch_tell() - alarms of @which are as in @now from here on (sticky ones are only ever
 * added); @pcrs are added to the changed ones. Ends bonds, sends events. Process context, with
 * none of RTNL and sn->lock held.
 */
void sb_watch_tell(u32 which, u32 now, u32 pcrs);

/* Behind the namespaces and the hooks, and before they go. 0 or -errno. */
int sb_watch_init(void);
void sb_watch_exit(void);

/* For watch.c: one file a watcher. Each says whether it has found something in a namespace. */
bool sb_watch_xdp(struct net *net);			/* RTNL held */
bool sb_watch_xsk(struct sb_net *sn);
bool sb_watch_tc_programs(struct net *net);		/* RTNL held */
bool sb_watch_nft(struct sb_net *sn);			/* RTNL held */
/* *found is untouched on failure. 0 or -errno. */
int sb_watch_tc_actions(struct sb_net *sn, bool *found);

/* sb_watch_nft_hook() - would this one be something to find, where it is registered? Under RCU. */
bool sb_watch_nft_hook(struct sb_net *sn, const struct nf_hook_ops *ops);

/*
 * Calls that nobody tells of, seen as they happen where the kernel has return probes.
 * sb_watch_probe_start() - from here on; not before there is a bond to end, since before 6.2 the
 * kernel takes 10 ms to find each, and early boot has none to spare. Process context, again at will.
 */
void sb_watch_probe_start(void);
void sb_watch_probe_exit(void);

/* Hears of changes to tc in a namespace, from its start to its end. 0 or -errno. */
int sb_watch_tc_net_init(struct sb_net *sn);
void sb_watch_tc_net_exit(struct sb_net *sn);

#endif
