/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters per reason and CPU, of the machine. */
#ifndef SB_STATS_H
#define SB_STATS_H

#include <linux/types.h>
#include <uapi/linux/sealbond.h>

int sb_stats_init(void);
void sb_stats_exit(void);

/* sb_stats_drop() - count one; @observed: it was let pass, in mode observe. Any context. */
void sb_stats_drop(enum sealbond_reason reason, bool observed);

/* sb_stats_read() - sums over all CPUs since the module was loaded. */
void sb_stats_read(enum sealbond_reason reason, u64 *count, u64 *would);

#endif
