// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "device/ledger_internal.h"
#include "device/ledger_tx.h"

static bool is_key(ProtobufCBinaryData field, const uint8_t key[32])
{
	return field.len == 32 && memcmp(field.data, key, 32) == 0;
}

static bool same_clock(const Sealbond__LastQuote *last, const struct sb_quote_clock *clock)
{
	return last && last->clock == clock->clock && last->reset_count == clock->reset_count &&
	       last->restart_count == clock->restart_count;
}

/*
 * The record's last quote is the one that was sent last: then what is left of the lease counts from when it left.
 * A lease of before this process is estimated from the latest block; the next heartbeat is due soon then.
 */
void ledger_take_lease(struct sb_ledger *ledger)
{
	const Sealbond__Device *self = ledger->self;
	struct sb_lease_facts *facts = &ledger->facts;
	uint64_t deadline;

	if (!self || (self->state != SEALBOND__DEVICE_STATE__LIVE && self->state != SEALBOND__DEVICE_STATE__QUARANTINED)) {
		facts->has_deadline = false;
		return;
	}
	if (ledger->has_sent && same_clock(self->last, &ledger->sent_clock))
		deadline = sb_lease_deadline(ledger->sent_ms, self->lease_end, self->last->time);
	else if (facts->has_deadline)
		return;
	else
		deadline = sb_lease_deadline(ledger_now(ledger), self->lease_end, ledger->head.seconds);
	facts->has_deadline = deadline != 0;
	facts->deadline_ms = deadline;
}

static bool rotate(struct sb_ledger *ledger, const struct sb_keys_answer *keys)
{
	const Sealbond__Device *self = ledger->self;
	sb_cleanup_free uint8_t *body = NULL;
	size_t length;

	/* Only after the kernel: until the ledger knows it, peers go on with the key that still answers. */
	if (!keys->has_current || !keys->has_old || !is_key(self->next_key, keys->current) || is_key(self->key, keys->current))
		return false;
	body = sb_body_rotate(keys->current, &length);
	if (ledger_submit(ledger, keys, self->pcrs, body, length, "the bond key's rotation") == 0)
		ledger->act_ms = 0;
	return true;
}

static void beat(struct sb_ledger *ledger, const struct sb_keys_answer *keys)
{
	const Sealbond__Device *self = ledger->self;
	const struct sb_beat said = {
		.endpoints = ledger->told_length ? ledger->told : NULL, .endpoints_length = ledger->told_length,
		.box_key = is_key(self->box_key, ledger->settings.box_public) ? NULL : ledger->settings.box_public,
		.profile_version = ledger->profile_version, .assurance = keys->assurance,
	};
	size_t length;
	sb_cleanup_free uint8_t *body = sb_body_heartbeat(&said, &length);

	ledger->beat_wanted = false;
	if (ledger_submit(ledger, keys, self->pcrs, body, length, "heartbeat") < 0)
		return;
	ledger->beats++;
	ledger->act_ms = ledger_now(ledger) +
			 sb_beat_after(ledger->parameters->lease * 1000ULL, ledger_random(ledger));
}

void ledger_live(struct sb_ledger *ledger, const struct sb_keys_answer *keys, bool due)
{
	if (rotate(ledger, keys) || !due)
		return;
	if (!ledger->cleared)
		beat(ledger, keys);
	if (ledger->cleared) {
		ledger_enrol(ledger, keys);
		ledger->cleared = false;
	}
}
