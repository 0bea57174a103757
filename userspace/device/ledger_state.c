// SPDX-License-Identifier: Apache-2.0
#include "device/ledger_state.h"

#include "state/ledger.pb-c.h"

#define RETRY_FIRST_MS	2000ULL
#define RETRY_MOST_MS	900000ULL

/* What the ledger's record alone decides; SB_LEDGER_STARTING: nothing. */
static enum sb_ledger_state by_record(uint32_t device)
{
	switch (device) {
	case SEALBOND__DEVICE_STATE__AWAITING_APPROVAL:
		return SB_LEDGER_AWAITING_APPROVAL;
	case SEALBOND__DEVICE_STATE__SUSPENDED:
		return SB_LEDGER_SUSPENDED;
	case SEALBOND__DEVICE_STATE__FROZEN_CLONE:
		return SB_LEDGER_FROZEN_CLONE;
	case SEALBOND__DEVICE_STATE__REVOKED:
		return SB_LEDGER_REVOKED;
	case SEALBOND__DEVICE_STATE__RETIRED:
		return SB_LEDGER_RETIRED;
	default:
		return SB_LEDGER_STARTING;
	}
}

static bool has_lease(uint32_t device)
{
	return device == SEALBOND__DEVICE_STATE__LIVE || device == SEALBOND__DEVICE_STATE__QUARANTINED;
}

bool sb_ledger_lost(const struct sb_lease_facts *facts, uint64_t now_ms)
{
	return facts->trouble != SB_TROUBLE_NONE || facts->stalled || now_ms < facts->back_ms;
}

static bool is_held(const struct sb_lease_facts *facts, uint64_t now_ms)
{
	return sb_ledger_lost(facts, now_ms) && facts->has_deadline && facts->hold_ms &&
	       now_ms >= facts->deadline_ms && now_ms - facts->deadline_ms < facts->hold_ms;
}

static enum sb_ledger_state of_lease(const struct sb_lease_facts *facts, uint64_t now_ms)
{
	if (facts->has_deadline && now_ms < facts->deadline_ms)
		return facts->device == SEALBOND__DEVICE_STATE__QUARANTINED ? SB_LEDGER_QUARANTINED : SB_LEDGER_LIVE;
	if (is_held(facts, now_ms))
		return SB_LEDGER_HELD;
	return facts->trouble == SB_TROUBLE_EXPIRED ? SB_LEDGER_TRUST_EXPIRED : SB_LEDGER_ENDED;
}

enum sb_ledger_state sb_ledger_state(const struct sb_lease_facts *facts, uint64_t now_ms)
{
	enum sb_ledger_state fixed = by_record(facts->device);

	/* A fork is for people to see, whatever else is. */
	if (facts->trouble == SB_TROUBLE_FORK)
		return SB_LEDGER_FORK;
	if (fixed != SB_LEDGER_STARTING)
		return fixed;
	if (has_lease(facts->device))
		return of_lease(facts, now_ms);
	if (facts->trouble == SB_TROUBLE_EXPIRED)
		return SB_LEDGER_TRUST_EXPIRED;
	if (facts->trouble == SB_TROUBLE_UNREACHABLE)
		return SB_LEDGER_UNREACHABLE;
	if (!facts->asked)
		return SB_LEDGER_STARTING;
	return facts->enrolling ? SB_LEDGER_ENROLLING : SB_LEDGER_NOT_ENROLLED;
}

bool sb_ledger_may_talk(const struct sb_lease_facts *facts, uint64_t now_ms)
{
	if (!has_lease(facts->device) || !facts->has_deadline)
		return false;
	return now_ms < facts->deadline_ms || is_held(facts, now_ms);
}

uint64_t sb_lease_deadline(uint64_t sent_ms, int64_t lease_end, int64_t block_seconds)
{
	/* Times of blocks are of this millennium: a lease of more than a year is none that anybody sells. */
	if (lease_end <= block_seconds || lease_end - block_seconds > 366LL * 86400)
		return 0;
	return sent_ms + (uint64_t)(lease_end - block_seconds) * 1000;
}

/* From base - width to base + width. */
static uint64_t spread(uint64_t base, uint64_t width, uint32_t random)
{
	return base - width + (2 * width + 1) * (uint64_t)random / ((uint64_t)UINT32_MAX + 1);
}

uint64_t sb_beat_after(uint64_t lease_ms, uint32_t random)
{
	uint64_t base = lease_ms / 6;

	return spread(base, base / 5, random);
}

uint64_t sb_retry_after(unsigned int failures, uint64_t lease_ms, uint32_t random)
{
	uint64_t most = lease_ms ? lease_ms / 24 : RETRY_MOST_MS, wait = RETRY_FIRST_MS;

	if (most > RETRY_MOST_MS)
		most = RETRY_MOST_MS;
	if (most < RETRY_FIRST_MS)
		most = RETRY_FIRST_MS;
	while (failures-- > 1 && wait < most)
		wait *= 2;
	if (wait > most)
		wait = most;
	return spread(wait, wait / 2, random);
}
