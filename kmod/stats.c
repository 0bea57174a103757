// SPDX-License-Identifier: GPL-2.0-only
#include "stats.h"

#include <linux/errno.h>
#include <linux/percpu.h>

struct stats {
	u64 dropped[__SEALBOND_REASON_MAX];
	u64 observed[__SEALBOND_REASON_MAX];
};

static struct stats __percpu *stats;

int sb_stats_init(void)
{
	stats = alloc_percpu(struct stats);
	return stats ? 0 : -ENOMEM;
}

void sb_stats_exit(void)
{
	free_percpu(stats);
}

void sb_stats_drop(enum sealbond_reason reason, bool observed)
{
	if (observed)
		this_cpu_inc(stats->observed[reason]);
	else
		this_cpu_inc(stats->dropped[reason]);
}

void sb_stats_read(enum sealbond_reason reason, u64 *count, u64 *would)
{
	u64 dropped = 0, observed = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct stats *s = per_cpu_ptr(stats, cpu);

		dropped += READ_ONCE(s->dropped[reason]);
		observed += READ_ONCE(s->observed[reason]);
	}
	*count = dropped;
	*would = observed;
}
