/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time it is, as far as a device can say. A clock is believed when the kernel says that something
 * keeps it in step (NTP), or the configuration does. Without one there is a lower bound: the latest
 * proven header's time and what went by on the boot clock since it came, and the time at which
 * this program was built.
 */
#ifndef SB_LIGHT_NOW_H
#define SB_LIGHT_NOW_H

#include "light/verify.h"

enum sb_clock_belief {
	SB_CLOCK_ASK,		/* the kernel: adjtimex */
	SB_CLOCK_YES,
	SB_CLOCK_NO,
};

/* What is known; sb_now_of() judges. */
struct sb_now_facts {
	bool believed;			/* the clock, by configuration or by the kernel */
	struct sb_chain_time clock;	/* CLOCK_REALTIME */
	int64_t floor;			/* seconds: it is not earlier than this */
	bool has_proven;
	struct sb_chain_time proven;	/* time of a verified header */
	uint64_t elapsed_ms;		/* since it was received, at least */
};

/* sb_now_of() - pure. A clock that is behind what is proven is not believed. */
struct sb_light_now sb_now_of(const struct sb_now_facts *facts);

/* sb_clock_synchronized() - does the kernel say so? False where the question is refused. */
bool sb_clock_synchronized(void);

/* CLOCK_BOOTTIME in ms, and the boot it counts from; zeros where that cannot be read. */
uint64_t sb_boot_ms(void);
void sb_boot_id(uint8_t id[16]);

/* Seconds of 1970 at which this was built (SOURCE_DATE_EPOCH, else the sources' last commit), or 0. */
int64_t sb_build_time(void);

#endif
