// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "sealbond: " fmt

#include "watch.h"

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/rtnetlink.h>
#include <linux/workqueue.h>

#include "event.h"
#include "namespace.h"

#include "sealbond/limits.h"

u32 sb_alarms_now __read_mostly;
atomic_t sb_alarms_saw __read_mostly = ATOMIC_INIT(0);

static void look(struct work_struct *work);

static DEFINE_MUTEX(lock);	/* everything below, and writes of sb_alarms_now */
static u32 changed_pcrs;
static u32 found;		/* by the look that is under way */
static u32 unknown;		/* could not be looked at this time */
static bool acted;		/* the bonds of this alarm were to end */
static bool unswept;		/* but some have not yet */
static u32 sweeps;		/* how often they were to; read without the lock */

static bool running;		/* all namespaces have what we look at */
static unsigned long asked;	/* bit 0: something happened, look at all of it */
static unsigned int round;	/* of the work alone */
static DECLARE_DELAYED_WORK(look_work, look);

u32 sb_watch_changed_pcrs(void)
{
	return READ_ONCE(changed_pcrs);
}

static void tell_namespace(struct sb_net *sn)
{
	/* The initial one hears of it in any case: who watches the machine listens there. */
	if (READ_ONCE(sn->sb0_ifindex) || net_eq(sn->net, &init_net))
		sb_event_alarm(sn->net, sb_alarms_now, changed_pcrs);
}

u32 sb_watch_round(void)
{
	return smp_load_acquire(&sweeps);
}

/* Bonds end in the sweep, which asks sb_alarmed(); so does whatever would make one. */
static void act(void)
{
	bool alarmed = sb_alarmed();

	if (alarmed && !acted) {
		smp_store_release(&sweeps, sweeps + 1);
		if (sb_net_each(sb_net_sweep_now))
			return;		/* no memory: the sweep of each second does it */
	}
	acted = alarmed;
}

static void await_sweep(struct sb_net *sn)
{
	if (READ_ONCE(sn->alarms_swept) != sweeps)
		unswept = true;
}

/*
 * Root can hold a sweep up, by what its lock is held for or by the processor's time. One that came
 * when the alarm is gone again would end nothing.
 */
static bool bonds_may_live(void)
{
	if (!sb_alarms_now)
		return false;
	unswept = false;
	return sb_net_each(await_sweep) || unswept;
}

static void tell(u32 which, u32 now, u32 pcrs)
{
	u32 alarms = (sb_alarms_now & (~which | SB_ALARMS_STICKY)) | (now & which);

	if (alarms == sb_alarms_now && !(pcrs & ~changed_pcrs))
		return;
	if (alarms & ~sb_alarms_now)
		acted = false;
	WRITE_ONCE(changed_pcrs, changed_pcrs | pcrs);
	WRITE_ONCE(sb_alarms_now, alarms);
	act();
	if (sb_net_each(tell_namespace))
		sb_event_alarm(&init_net, alarms, changed_pcrs);
	pr_warn_ratelimited("alarms: %#x, changed PCRs: %#x\n", alarms, changed_pcrs);
}

void sb_watch_tell(u32 which, u32 now, u32 pcrs)
{
	mutex_lock(&lock);
	tell(which, now, pcrs);
	mutex_unlock(&lock);
}

static void look_at_devices(struct sb_net *sn)
{
	rtnl_lock();
	if (!(found & SEALBOND_ALARM_XDP) && sb_watch_xdp(sn->net))
		found |= SEALBOND_ALARM_XDP;
	if (!(found & SEALBOND_ALARM_TC) && sb_watch_tc_programs(sn->net))
		found |= SEALBOND_ALARM_TC;
	if (!(found & SEALBOND_ALARM_NFT) && sb_watch_nft(sn))
		found |= SEALBOND_ALARM_NFT;
	rtnl_unlock();
	if (!(found & SEALBOND_ALARM_XSK) && sb_watch_xsk(sn))
		found |= SEALBOND_ALARM_XSK;
}

static void look_at_all(struct sb_net *sn)
{
	bool redirects = false;

	look_at_devices(sn);
	if (found & SEALBOND_ALARM_TC)
		return;
	if (sb_watch_tc_actions(sn, &redirects))
		unknown |= SEALBOND_ALARM_TC;
	else if (redirects)
		found |= SEALBOND_ALARM_TC;
}

/*
 * The kernel tells of each tc action that is made, so they are listed when it has told, and now
 * and then; programs and sockets come and go without a word.
 */
static void look(struct work_struct *work)
{
	u32 which = SEALBOND_ALARM_XDP | SEALBOND_ALARM_XSK | SEALBOND_ALARM_TC | SEALBOND_ALARM_NFT;
	bool all = test_and_clear_bit(0, &asked) || round++ % SB_WATCH_ALL_ROUNDS == 0;
	u32 saw = atomic_read(&sb_alarms_saw);
	unsigned int wait;

	mutex_lock(&lock);
	found = 0;
	unknown = 0;
	/* What is not listed this time is as it was. */
	if (!all)
		found = sb_alarms_now & SEALBOND_ALARM_TC;
	if (sb_net_each(all ? look_at_all : look_at_devices))
		unknown = which;
	/* In doubt until it was looked at. */
	if (!all || unknown & SEALBOND_ALARM_TC)
		saw &= ~SB_WATCH_DOUBT;
	if (bonds_may_live())
		unknown = which;
	found |= saw & ~SB_WATCH_DOUBT;
	tell(which & ~(unknown & ~found), found, 0);
	atomic_andnot(saw, &sb_alarms_saw);	/* told: nobody has missed it meanwhile */
	act();
	mutex_unlock(&lock);
	wait = sb_mode() == SEALBOND_MODE_ENFORCE ? SB_WATCH_MS : SB_WATCH_IDLE_MS;
	if (READ_ONCE(running))
		queue_delayed_work(sb_wq, &look_work, msecs_to_jiffies(wait));
}

/* Whoever asks is in a read section: behind the grace period in exit nobody asks any more. */
void sb_watch_look(void)
{
	rcu_read_lock();
	if (READ_ONCE(running)) {
		set_bit(0, &asked);
		mod_delayed_work(sb_wq, &look_work, 0);
	}
	rcu_read_unlock();
}

void sb_watch_saw(u32 alarms)
{
	atomic_or(alarms, &sb_alarms_saw);
	sb_watch_look();
}

/* Attaching a program by netlink is told as a change of its device; a moved device is another's. */
static int on_device(struct notifier_block *nb, unsigned long event, void *ptr)
{
	switch (event) {
	case NETDEV_REGISTER:
	case NETDEV_UP:
	case NETDEV_CHANGE:
	case NETDEV_FEAT_CHANGE:
		sb_watch_look();
	}
	return NOTIFY_DONE;
}

static struct notifier_block device_notifier = {
	.notifier_call = on_device,
};

int sb_watch_init(void)
{
	int err;

	WRITE_ONCE(running, true);
	err = register_netdevice_notifier(&device_notifier);
	if (err) {
		WRITE_ONCE(running, false);
		return err;
	}
	sb_watch_look();
	return 0;
}

void sb_watch_exit(void)
{
	sb_watch_probe_exit();
	unregister_netdevice_notifier(&device_notifier);
	WRITE_ONCE(running, false);
	synchronize_rcu();
	cancel_delayed_work_sync(&look_work);
}
