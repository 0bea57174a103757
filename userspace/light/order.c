// SPDX-License-Identifier: Apache-2.0
#include "light/order.h"

#include <stdbool.h>

void sb_standing_good(struct sb_standing *standing, uint64_t us, int64_t now)
{
	uint32_t sample = us > UINT32_MAX ? UINT32_MAX : us ? (uint32_t)us : 1;

	standing->latency_us = standing->latency_us ?
		(uint32_t)(((uint64_t)standing->latency_us * 7 + sample) / 8) : sample;
	if (!standing->latency_us)
		standing->latency_us = 1;
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

/* Lower is better. */
static unsigned int rank(const struct sb_standing *standing, int64_t now)
{
	if (standing->again <= now)
		return 0;
	return sb_fault_is_lie(standing->fault) ? 2 : 1;
}

static bool before(const struct sb_standing *a, const struct sb_standing *b, int64_t now)
{
	unsigned int left = rank(a, now), right = rank(b, now);

	if (left != right)
		return left < right;
	if (left)
		return a->again < b->again;
	return a->latency_us < b->latency_us;
}

void sb_order(const struct sb_standing *standing, size_t count, int64_t now, size_t *order)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = i;

		/* Stable: among equals the configuration's order holds. */
		for (; at && before(&standing[i], &standing[order[at - 1]], now); at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}
