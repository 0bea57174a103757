/* SPDX-License-Identifier: GPL-2.0-only */
/* LOCK: what cannot be changed any more until the machine reboots. */
#ifndef SB_LOCK_H
#define SB_LOCK_H

#include <linux/types.h>

struct sb_net;

#define SB_LOCKED_TEXT	"locked until reboot: "

/*
 * sb_lock() - freeze the mode, the exceptions and the grant keys, and pin the module. When it
 * returns, no change is under way. Under no lock. Returns 0 (also when it is locked already), or
 * with *text -EINVAL (another mode than enforce), -EBUSY (a mode waits for its confirmation, or
 * several namespaces are set up) or -ENODEV (the module is being unloaded).
 */
int sb_lock(const char **text);

bool sb_lock_is_set(void);

/*
 * Around every change of what a lock freezes, from the question to the change: LOCK waits
 * meanwhile. sb_lock_hold() says whether the machine is locked. In process context, inside of
 * sn->lock, which must not be taken while it is held.
 */
bool sb_lock_hold(void);
void sb_lock_release(void);

/*
 * sb_lock_may_set_up() - may this namespace have this device id and chain? -EPERM with *text when
 * locked and another is set up, or another identity is frozen. To be held, as above.
 * sb_lock_set_up() - it has them now. To be held, and sn->lock.
 * sb_lock_forget() - the namespace goes away.
 */
int sb_lock_may_set_up(const struct sb_net *sn, const u8 *device_id, const u8 *chain_id,
		       const char **text);
void sb_lock_set_up(struct sb_net *sn);
void sb_lock_forget(struct sb_net *sn);

/*
 * sb_lock_stay() - first in the module's exit: does not return on a locked machine. A forced
 * removal (rmmod -f) asks nobody; it then hangs, and everything goes on as before.
 */
void sb_lock_stay(void);

#endif
