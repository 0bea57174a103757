// SPDX-License-Identifier: GPL-2.0-only
#include "mode.h"

#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>

#include "event.h"
#include "lock.h"
#include "namespace.h"
#include "watch.h"
#include "sealbond/limits.h"

u8 sb_mode_now __read_mostly = SEALBOND_MODE_OFF;

static void revert(struct work_struct *work);

static DEFINE_MUTEX(lock);	/* everything below, and writes of sb_mode_now */
static u8 confirmed = SEALBOND_MODE_OFF;
static u64 revert_at_ns;	/* boot time; 0: the mode is confirmed */
static DECLARE_DELAYED_WORK(revert_work, revert);

static void change(enum sealbond_mode mode)
{
	enum sealbond_mode old = sb_mode_now;

	WRITE_ONCE(sb_mode_now, mode);
	/* Packets that were being judged by the old mode. */
	synchronize_rcu();
	if (mode != old)
		sb_event_mode(mode);
	/* What was only told of before may end bonds now. */
	sb_watch_look();
}

static void revert(struct work_struct *work)
{
	u64 now = ktime_get_boottime_ns();

	mutex_lock(&lock);
	/* Set anew or confirmed while this waited for the lock? Then there is a later time or none. */
	if (revert_at_ns && revert_at_ns <= now) {
		revert_at_ns = 0;
		change(confirmed);
	} else if (revert_at_ns) {
		mod_delayed_work(sb_wq, &revert_work,
				 nsecs_to_jiffies(revert_at_ns - now) + 1);
	}
	mutex_unlock(&lock);
}

static void set(enum sealbond_mode mode, u64 confirm_ms)
{
	mutex_lock(&lock);
	if (confirm_ms) {
		revert_at_ns = ktime_get_boottime_ns() + confirm_ms * NSEC_PER_MSEC;
		mod_delayed_work(sb_wq, &revert_work, msecs_to_jiffies(confirm_ms) + 1);
	} else {
		revert_at_ns = 0;
		confirmed = mode;
		cancel_delayed_work(&revert_work);
	}
	change(mode);
	mutex_unlock(&lock);
}

int sb_mode_set(enum sealbond_mode mode, u64 confirm_ms)
{
	int err = 0;

	if (mode >= __SEALBOND_MODE_MAX)
		return -EINVAL;
	if (confirm_ms && (confirm_ms < SB_CONFIRM_MIN_MS || confirm_ms > SB_CONFIRM_MAX_MS))
		return -ERANGE;
	/* On a locked machine the mode is confirmed, and nothing is left to set. */
	if (!sb_lock_hold())
		set(mode, confirm_ms);
	else if (mode != sb_mode_now || confirm_ms)
		err = -EPERM;
	sb_lock_release();
	return err;
}

int sb_mode_may_lock(const char **text)
{
	int err = 0;

	mutex_lock(&lock);
	if (revert_at_ns) {
		*text = "the mode waits for its confirmation (CONFIRM_MODE)";
		err = -EBUSY;
	} else if (sb_mode_now != SEALBOND_MODE_ENFORCE) {
		*text = "a lock is for mode enforce: set it first (SET_MODE)";
		err = -EINVAL;
	}
	mutex_unlock(&lock);
	return err;
}

int sb_mode_confirm(void)
{
	int err = -ENOENT;

	mutex_lock(&lock);
	if (revert_at_ns) {
		revert_at_ns = 0;
		confirmed = sb_mode_now;
		cancel_delayed_work(&revert_work);
		err = 0;
	}
	mutex_unlock(&lock);
	return err;
}

u64 sb_mode_revert_ms(void)
{
	u64 now = ktime_get_boottime_ns(), left = 0;

	mutex_lock(&lock);
	if (revert_at_ns)
		left = revert_at_ns > now ? div_u64(revert_at_ns - now, NSEC_PER_MSEC) : 0;
	/* A revert that is due and waits for the lock is still one. */
	if (revert_at_ns && !left)
		left = 1;
	mutex_unlock(&lock);
	return left;
}

void sb_mode_exit(void)
{
	mutex_lock(&lock);
	revert_at_ns = 0;
	WRITE_ONCE(sb_mode_now, SEALBOND_MODE_OFF);
	mutex_unlock(&lock);
	cancel_delayed_work_sync(&revert_work);
}
