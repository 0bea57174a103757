// SPDX-License-Identifier: GPL-2.0-only
#define pr_fmt(fmt) "sealbond: " fmt

#include "lock.h"

#include <linux/list.h>
#include <linux/module.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/spinlock.h>

#include "event.h"
#include "mode.h"
#include "namespace.h"

/* Read: a change of what a lock freezes. Write: LOCK. Inside of sn->lock, outside of the mode's. */
static DECLARE_RWSEM(changes);
static bool locked;

/* Namespaces for which SET_LOCAL was done, and the identity that is frozen. */
static DEFINE_SPINLOCK(set_up_lock);
static LIST_HEAD(set_up);
static bool identity_frozen;
static u8 device_id[SB_ID_LEN], chain_id[SB_ID_LEN];

static void freeze_identity(const struct sb_net *sn)
{
	memcpy(device_id, sn->device_id, sizeof(device_id));
	memcpy(chain_id, sn->chain_id, sizeof(chain_id));
	identity_frozen = true;
}

/* SET_LOCAL, which writes the ids, is kept out by the semaphore. */
static int freeze_the_one(const char **text)
{
	int err = 0;

	spin_lock(&set_up_lock);
	if (list_is_singular(&set_up)) {
		freeze_identity(list_first_entry(&set_up, struct sb_net, set_up));
	} else if (!list_empty(&set_up)) {
		*text = "several namespaces are set up, and a lock is for one: delete the others";
		err = -EBUSY;
	}
	spin_unlock(&set_up_lock);
	return err;
}

static int lock_now(const char **text)
{
	int err = sb_mode_may_lock(text);

	if (err)
		return err;
	/* Fails where the module is on its way out already; the reference is never given back. */
	if (!try_module_get(THIS_MODULE)) {
		*text = "the module is being unloaded";
		return -ENODEV;
	}
	err = freeze_the_one(text);
	if (err) {
		module_put(THIS_MODULE);
		return err;
	}
	WRITE_ONCE(locked, true);
	return 0;
}

int sb_lock(const char **text)
{
	bool was;
	int err = 0;

	down_write(&changes);
	was = locked;
	if (!was)
		err = lock_now(text);
	up_write(&changes);
	if (!err && !was) {
		pr_info("locked until reboot: mode, exceptions, grant keys\n");
		sb_event_locked();
	}
	return err;
}

bool sb_lock_is_set(void)
{
	return READ_ONCE(locked);
}

bool sb_lock_hold(void)
{
	down_read(&changes);
	return locked;
}

void sb_lock_release(void)
{
	up_read(&changes);
}

int sb_lock_may_set_up(const struct sb_net *sn, const u8 *id, const u8 *chain, const char **text)
{
	const struct sb_net *other;
	int err = 0;

	if (!locked)
		return 0;
	spin_lock(&set_up_lock);
	list_for_each_entry(other, &set_up, set_up) {
		if (other != sn) {
			*text = SB_LOCKED_TEXT "another namespace is set up";
			err = -EPERM;
		}
	}
	if (!err && identity_frozen && (memcmp(id, device_id, sizeof(device_id)) ||
					memcmp(chain, chain_id, sizeof(chain_id)))) {
		*text = SB_LOCKED_TEXT "the device id and the chain stay";
		err = -EPERM;
	}
	spin_unlock(&set_up_lock);
	return err;
}

void sb_lock_set_up(struct sb_net *sn)
{
	spin_lock(&set_up_lock);
	if (list_empty(&sn->set_up))
		list_add(&sn->set_up, &set_up);
	if (locked)
		freeze_identity(sn);
	spin_unlock(&set_up_lock);
}

void sb_lock_forget(struct sb_net *sn)
{
	spin_lock(&set_up_lock);
	list_del_init(&sn->set_up);
	spin_unlock(&set_up_lock);
}

void sb_lock_stay(void)
{
	if (!sb_lock_is_set())
		return;
	pr_err("a forced removal on a locked machine: the module stays\n");
	/* To the kernel it is on its way out, which answers no dump over netlink: it is not. */
	WRITE_ONCE(THIS_MODULE->state, MODULE_STATE_LIVE);
	for (;;)
		schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
}
