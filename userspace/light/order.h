/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which endpoint is asked next, from how they have answered so far. Pure: the caller says what time
 * it is, in milliseconds of a clock that does not jump.
 */
#ifndef SB_LIGHT_ORDER_H
#define SB_LIGHT_ORDER_H

#include <stddef.h>
#include <stdint.h>

#include "light/fault.h"

#define SB_ENDPOINTS_CONFIGURED	8		/* by whoever set the device up */
#define SB_ENDPOINTS_LEARNED	64		/* by the ledger, besides */
#define SB_ENDPOINTS_MAX	(SB_ENDPOINTS_CONFIGURED + SB_ENDPOINTS_LEARNED)
#define SB_NEAR_FACTOR	2			/* near: within so many times the least latency, ... */
#define SB_NEAR_SLACK	5000			/* ... and so many us, since a LAN's latencies are noise */
#define SB_BACKOFF_LEAST	1000		/* ms after the first failure; doubles with each */
#define SB_BACKOFF_MOST		300000		/* ms */
#define SB_BACKOFF_LIE		3600000		/* ms: what lied may have been mended by then */

struct sb_standing {
	uint32_t latency_us;	/* moving average, an eighth each (RFC 6298's SRTT); 0: never measured */
	uint32_t ticket;	/* drawn by the device; 0: it does not spread its load */
	unsigned int failures;	/* one after the other */
	enum sb_fault fault;	/* of the last call, or a lie that is not forgotten */
	int64_t again;		/* when it is asked again without need, ms */
	int64_t measured;	/* when it answered last, ms */
};

/* It answered after @us microseconds what could be used. A lie is not forgiven before its time. */
void sb_standing_good(struct sb_standing *standing, uint64_t us, int64_t now);

/* It did not. @random: any number, so that many devices do not come back at once. */
void sb_standing_bad(struct sb_standing *standing, enum sb_fault fault, int64_t now, uint32_t random);

/*
 * sb_order() - fills @order with all of @count numbers, the best first:
 * - those that answer and are near. Among them the lowest product of ticket and latency is first: with each device's
 *   own tickets one that is half as far has about three quarters of the devices, not all, and one that becomes slow
 *   under its load loses some of them. Without tickets the nearest is first.
 * - those that were never asked; by ticket, else in the order of @standing
 * - those that answer and are far, by latency
 * - those that failed and are due again; then those that are not, the one that is due first before
 * - those that lied.
 * All are there: where only a bad endpoint can be reached, it is asked, since nothing is believed unproven.
 */
void sb_order(const struct sb_standing *standing, size_t count, int64_t now, size_t *order);

/*
 * sb_order_probe() - whom to ask only to measure it: one that failed and is due, one that was never asked, one that
 * was measured longer than SB_MEASURE_MS ago. Returns @count where nobody is.
 */
#define SB_MEASURE_MS	600000
size_t sb_order_probe(const struct sb_standing *standing, size_t count, int64_t now);

/* How long to wait for this one when others could be asked, ms: many times what it takes usually, at most @most. */
uint32_t sb_standing_patience(const struct sb_standing *standing, uint32_t most);

#endif
