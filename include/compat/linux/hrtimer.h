/* SPDX-License-Identifier: GPL-2.0-only */
/* hrtimer_setup() took hrtimer_init()'s place; the test is in Kbuild. */
#ifndef SB_COMPAT_LINUX_HRTIMER_H
#define SB_COMPAT_LINUX_HRTIMER_H

#include_next <linux/hrtimer.h>

#ifndef SB_HAVE_HRTIMER_SETUP
static inline void hrtimer_setup(struct hrtimer *timer,
				 enum hrtimer_restart (*function)(struct hrtimer *),
				 clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

#endif
