/* SPDX-License-Identifier: GPL-2.0-only */
/* The one enforcement mode of the machine. */
#ifndef SB_MODE_H
#define SB_MODE_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <uapi/linux/sealbond.h>

extern u8 sb_mode_now;	/* written in mode.c only */

/* sb_mode() - one plain read; any context. */
static inline enum sealbond_mode sb_mode(void)
{
	return READ_ONCE(sb_mode_now);
}

/*
 * sb_mode_set() - from its return on no packet is judged by the old mode.
 * @confirm_ms: 0, or (within SB_CONFIRM_MIN_MS, SB_CONFIRM_MAX_MS) the time after which the last
 * confirmed mode returns unless sb_mode_confirm() comes first. Setting a mode without it
 * confirms. Process context. Returns 0, -EINVAL, -ERANGE, or -EPERM on a locked machine unless it
 * changes nothing.
 */
int sb_mode_set(enum sealbond_mode mode, u64 confirm_ms);

/* sb_mode_confirm() - keep the mode. 0, or -ENOENT when it is confirmed already. */
int sb_mode_confirm(void);

/*
 * sb_mode_may_lock() - 0 when the mode is enforce and confirmed; else -EINVAL or -EBUSY, and *text
 * says why. It then stays so for as long as the caller keeps sb_mode_set() out.
 */
int sb_mode_may_lock(const char **text);

/* sb_mode_revert_ms() - what is left until the mode reverts; 0: it does not. */
u64 sb_mode_revert_ms(void);

/* sb_mode_exit() - off for good; behind this nothing sets it. */
void sb_mode_exit(void);

#endif
