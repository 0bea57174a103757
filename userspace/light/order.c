// SPDX-License-Identifier: Apache-2.0
#include "light/order.h"

#include <stdbool.h>

#define PATIENCE_LEAST	3000	/* ms: a block that is being committed may be before our question */
#define PATIENCE_TIMES	32

void sb_standing_good(struct sb_standing *standing, uint64_t us, int64_t now)
{
	uint32_t sample = us > UINT32_MAX ? UINT32_MAX : us ? (uint32_t)us : 1;

	standing->latency_us = standing->latency_us ?
		(uint32_t)(((uint64_t)standing->latency_us * 7 + sample) / 8) : sample;
	if (!standing->latency_us)
		standing->latency_us = 1;
	standing->measured = now;
	if (sb_fault_is_lie(standing->fault) && standing->again > now)
		return;
	standing->failures = 0;
	standing->fault = SB_FAULT_NONE;
	standing->again = 0;
}

void sb_standing_bad(struct sb_standing *standing, enum sb_fault fault, int64_t now, uint32_t random)
{
	int64_t wait = SB_BACKOFF_LEAST;

	standing->failures++;
	standing->fault = fault;
	for (unsigned int i = 1; i < standing->failures && wait < SB_BACKOFF_MOST; i++)
		wait *= 2;
	if (wait > SB_BACKOFF_MOST)
		wait = SB_BACKOFF_MOST;
	if (sb_fault_is_lie(fault))
		wait = SB_BACKOFF_LIE;
	/* From three quarters of it to all of it. */
	standing->again = now + wait - (int64_t)(random % (uint32_t)(wait / 4));
}

enum rank { NEAR, UNKNOWN, FAR, DUE, WAITS, LIED };

/* The least latency of those that answer, or UINT32_MAX. */
static uint32_t least_latency(const struct sb_standing *standing, size_t count)
{
	uint32_t least = UINT32_MAX;

	for (size_t i = 0; i < count; i++)
		if (!standing[i].failures && standing[i].latency_us && standing[i].latency_us < least)
			least = standing[i].latency_us;
	return least;
}

static enum rank rank(const struct sb_standing *standing, uint32_t least, int64_t now)
{
	if (sb_fault_is_lie(standing->fault) && standing->again > now)
		return LIED;
	if (standing->again > now)
		return WAITS;
	if (standing->failures)
		return DUE;
	if (!standing->latency_us)
		return UNKNOWN;
	return standing->latency_us <= (uint64_t)least * SB_NEAR_FACTOR + SB_NEAR_SLACK ? NEAR : FAR;
}

/* Among those of one rank: lower is better. */
static uint64_t key(const struct sb_standing *standing, enum rank rank)
{
	switch (rank) {
	case NEAR:
		return standing->ticket ? (uint64_t)standing->ticket * standing->latency_us : standing->latency_us;
	case UNKNOWN:
		return standing->ticket;
	case FAR:
		return standing->latency_us;
	default:
		return (uint64_t)standing->again;
	}
}

void sb_order(const struct sb_standing *standing, size_t count, int64_t now, size_t *order)
{
	uint32_t least = least_latency(standing, count);

	for (size_t i = 0; i < count; i++) {
		enum rank own = rank(&standing[i], least, now);
		size_t at = i;

		/* Stable: among equals the configuration's order holds. */
		for (; at; at--) {
			const struct sb_standing *other = &standing[order[at - 1]];
			enum rank others = rank(other, least, now);

			if (own > others || (own == others && key(&standing[i], own) >= key(other, others)))
				break;
			order[at] = order[at - 1];
		}
		order[at] = i;
	}
}

size_t sb_order_probe(const struct sb_standing *standing, size_t count, int64_t now)
{
	size_t found = count;
	enum rank best = WAITS;

	for (size_t i = 0; i < count; i++) {
		enum rank own = rank(&standing[i], 0, now);

		/* Those that failed first: they were good once. A far one counts when its measure is old. */
		if (own == DUE && (best != DUE || standing[i].again < standing[found].again)) {
			best = DUE;
			found = i;
		} else if (best != DUE && own == UNKNOWN &&
			   (best != UNKNOWN || standing[i].ticket < standing[found].ticket)) {
			best = UNKNOWN;
			found = i;
		} else if ((own == NEAR || own == FAR) && (best == WAITS || best == FAR) &&
			   standing[i].measured + SB_MEASURE_MS <= now &&
			   (best == WAITS || standing[i].measured < standing[found].measured)) {
			best = FAR;
			found = i;
		}
	}
	return found;
}

uint32_t sb_standing_patience(const struct sb_standing *standing, uint32_t most)
{
	uint64_t usual = (uint64_t)standing->latency_us * PATIENCE_TIMES / 1000;

	if (!standing->latency_us || usual >= most)
		return most;
	return usual > PATIENCE_LEAST ? (uint32_t)usual : PATIENCE_LEAST < most ? PATIENCE_LEAST : most;
}
