// SPDX-License-Identifier: Apache-2.0
#include "ledger/grant_terms.h"

#include <stdio.h>

#include "sealbond/grant.h"

#define MS_PER_S	1000ULL

static bool may_talk(const Sealbond__Device *device, int64_t now)
{
	return (device->state == SEALBOND__DEVICE_STATE__LIVE || device->state == SEALBOND__DEVICE_STATE__QUARANTINED) &&
	       device->lease_end > now && device->key.len == 32;
}

static int64_t chosen(const Sealbond__Parameters *parameters, int64_t now, int64_t end)
{
	int64_t ahead = parameters->lease / 32;

	if (ahead > SB_GRANT_AHEAD)
		ahead = SB_GRANT_AHEAD;
	if (ahead < 1)
		ahead = 1;
	/* In its last moments a lease is granted to its end; the others will hardly agree to that. */
	return now + ahead < end ? now + ahead : now;
}

static void set_duration(uint64_t lease_s, uint64_t hold_s, struct sb_grant_terms *terms)
{
	const uint64_t most = SB_GRANT_MAX_MS / MS_PER_S;

	if (lease_s > most)
		lease_s = most;
	if (hold_s > most - lease_s)
		hold_s = most - lease_s;
	terms->hold_s = (uint32_t)hold_s;
	terms->duration_ms = (lease_s + hold_s) * MS_PER_S;
}

enum sb_tx_code sb_grant_terms(const Sealbond__Parameters *parameters, const Sealbond__Device *holder,
			       const Sealbond__Device *device, bool inside, int64_t now, int64_t as_of, uint32_t hold,
			       struct sb_grant_terms *terms, char *why)
{
	int64_t end = holder->lease_end < device->lease_end ? holder->lease_end : device->lease_end;

	if (!may_talk(holder, now) || !may_talk(device, now)) {
		snprintf(why, SB_TX_LOG_MAX, "the %s has no lease", may_talk(holder, now) ? "device" : "holder");
		return SB_TX_STATE;
	}
	if (!as_of)
		as_of = chosen(parameters, now, end);
	if (as_of < now || as_of > now + SB_GRANT_AHEAD_MOST) {
		snprintf(why, SB_TX_LOG_MAX, "as_of: %lld, and here it is %lld; from then to %d s later", (long long)as_of,
			 (long long)now, SB_GRANT_AHEAD_MOST);
		return SB_TX_FIELD;
	}
	if (end <= as_of) {
		snprintf(why, SB_TX_LOG_MAX, "a lease ends at %lld, no later than as_of", (long long)end);
		return SB_TX_STATE;
	}
	terms->as_of = as_of;
	terms->quarantine = holder->state == SEALBOND__DEVICE_STATE__QUARANTINED ||
			    device->state == SEALBOND__DEVICE_STATE__QUARANTINED;
	if (hold > parameters->hold)
		hold = parameters->hold;
	set_duration((uint64_t)(end - as_of), inside && !terms->quarantine ? hold : 0, terms);
	return SB_TX_OK;
}
