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

#define SB_ENDPOINTS_MAX	8
#define SB_BACKOFF_LEAST	1000		/* ms after the first failure; doubles with each */
#define SB_BACKOFF_MOST		300000		/* ms */
#define SB_BACKOFF_LIE		3600000		/* ms: what lied may have been mended by then */

struct sb_standing {
	uint32_t latency_us;	/* moving average, an eighth each; 0: never measured */
	unsigned int failures;	/* one after the other */
	enum sb_fault fault;	/* of the last call, or a lie that is not forgotten */
	int64_t again;		/* when it is asked again without need, ms */
};

/* It answered after @us microseconds what could be used. A lie is not forgiven before its time. */
void sb_standing_good(struct sb_standing *standing, uint64_t us, int64_t now);

/* It did not. @random: any number, so that many devices do not come back at once. */
void sb_standing_bad(struct sb_standing *standing, enum sb_fault fault, int64_t now, uint32_t random);

/*
 * sb_order() - fills @order with all of @count numbers, the best first: those that answer, by
 * latency (those never asked first, so that they get measured), then those that failed, the one
 * that is due first before; those that lied come last. All are there: where only a bad endpoint
 * can be reached, it is asked, since nothing is believed unproven.
 */
void sb_order(const struct sb_standing *standing, size_t count, int64_t now, size_t *order);

#endif
