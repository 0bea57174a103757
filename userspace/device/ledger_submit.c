// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "device/ledger_internal.h"
#include "device/ledger_tx.h"

void ledger_failed(struct sb_ledger *ledger)
{
	uint64_t lease = ledger->parameters ? ledger->parameters->lease * 1000ULL : 0;

	ledger->failures++;
	ledger->act_ms = ledger_now(ledger) + sb_retry_after(ledger->failures, lease, ledger_random(ledger));
}

/* The claim that the ledger has taken before. */
static const struct sb_claim *known_claim(const struct sb_ledger *ledger, struct sb_claim *claim)
{
	const Sealbond__CapClaim *from = ledger->self ? ledger->self->cap : NULL;

	if (!from)
		return NULL;
	memset(claim, 0, sizeof(*claim));
	claim->cap.has_config = from->config.len == 32;
	if (from->config.len == 32)
		memcpy(claim->cap.config, from->config.data, 32);
	if (from->current.len == 32)
		memcpy(claim->cap.current, from->current.data, 32);
	if (from->next.len == 32)
		memcpy(claim->cap.next, from->next.data, 32);
	if (from->prior.len == 32)
		memcpy(claim->prior, from->prior.data, 32);
	claim->cap.outcome = (uint8_t)from->outcome;
	return claim;
}

static bool is_key(ProtobufCBinaryData field, const uint8_t key[32])
{
	return field.len == 32 && memcmp(field.data, key, 32) == 0;
}

/*
 * The TPM counts from zero again, and the kernel has keys that the ledger never heard of: it was cleared. A
 * heartbeat would look like a clone's; enrolling anew is what its owner can approve. A copied TPM with copied
 * files still has the keys that are known, and gets no such way out.
 */
static bool was_cleared(const struct sb_ledger *ledger, const struct sb_keys_answer *keys,
			const struct sb_quote_clock *clock)
{
	const Sealbond__Device *self = ledger->self;
	const uint8_t *current = keys->has_current ? keys->current : keys->has_candidate ? keys->candidate : NULL;

	if (!self || !self->last || !current || is_key(self->key, current) || is_key(self->next_key, current) ||
	    is_key(self->candidate, current))
		return false;
	if (self->cap && (is_key(self->cap->current, current) || is_key(self->cap->next, current)))
		return false;
	return clock->reset_count < self->last->reset_count && clock->clock < self->last->clock;
}

/*
 * The parent of the newest block: whoever shows a header has its parent's state, while that of its own block may
 * still be on its way, behind CometBFT or at another endpoint. The newest itself where its parent may be too old, since
 * blocks are rare, or were not looked at: then it is the older news for everybody.
 */
static struct sb_beacon beacon_of(const struct sb_ledger *ledger)
{
	const struct sb_head *head = &ledger->head;
	bool parent = head->height > 1 && ledger->parent_least &&
		      head->seconds - ledger->parent_least <= ledger->parameters->beacon_age / 2;
	struct sb_beacon beacon = { .height = (uint64_t)head->height - parent };

	memcpy(beacon.hash, parent ? head->parent : head->hash, 32);
	return beacon;
}

/* A quote of this TPM, now, over this body; and the claim that explains its cap PCR. */
static int attest(struct sb_ledger *ledger, const struct sb_keys_answer *keys, uint32_t pcrs, const uint8_t *body,
		  size_t length, struct sb_beacon *beacon, struct sb_quote_answer *quote, struct sb_claim *claim)
{
	const struct sb_ledger_port *port = ledger->port;
	struct sb_claim known;
	struct sb_quote read;
	struct sb_error error = { "" };
	uint8_t extra[32];
	int result;

	*beacon = beacon_of(ledger);
	sb_quote_extra(ledger->settings.chain, beacon, ledger->identity.device_id, body, length, extra);
	result = port->quote(port->context, extra, pcrs, quote, &error);
	if (result < 0) {
		ledger_text(ledger, "quote: %s", error.text);
		return result;
	}
	if (sb_quote_parse(quote->attest, quote->attest_length, &read) != SB_QUOTE_OK || quote->pcrs != pcrs) {
		ledger_text(ledger, "the TPM's quote cannot be read");
		return -EBADMSG;
	}
	if (sb_claim_find(keys, known_claim(ledger, &known), quote->values[ledger->parameters->cap_pcr], claim) < 0) {
		ledger_text(ledger, "PCR %u is not what the kernel's keys would have made of it: was cap_pcr changed, or has a "
			    "program extended it?", ledger->parameters->cap_pcr);
		return -ENOENT;
	}
	if (!ledger->cleared && was_cleared(ledger, keys, &read.clock)) {
		ledger->cleared = true;
		sb_warn("the TPM was cleared: this device enrols anew, and its owner has to approve it");
		return -ESTALE;
	}
	ledger->sent_clock = read.clock;
	ledger->has_sent = true;
	return 0;
}

/* A refusal, and when another try makes sense. */
static void refused(struct sb_ledger *ledger, const struct sb_port_taken *taken, const char *what)
{
	bool is_beacon = taken->code == SB_TX_BEACON_STALE || taken->code == SB_TX_BEACON_UNKNOWN;

	ledger->refused++;
	ledger->parameters_ms = 0;
	ledger_text(ledger, "%s refused: %s: %s", what, sb_tx_name(taken->code),
		    taken->log[0] ? taken->log : sb_tx_sentence(taken->code));
	ledger_failed(ledger);
	/* It does not want this device as it is: nothing is held any more. */
	if (!is_beacon && taken->code != SB_TX_TOO_SOON && taken->code != SB_TX_LIMIT && taken->code != SB_TX_CLOSED &&
	    taken->code != SB_TX_SUCCEEDED)
		ledger->facts.back_ms = 0;
	/* The beacon aged on the way, or an endpoint is behind: that is mended by another one. */
	if (is_beacon && ledger->failures < 3)
		ledger->act_ms = 0;
	if (taken->code == SB_TX_TOO_SOON)
		ledger->act_ms = ledger_now(ledger) + sb_beat_after(ledger->parameters->heartbeat_least * 6000ULL,
								   ledger_random(ledger));
}

int ledger_submit(struct sb_ledger *ledger, const struct sb_keys_answer *keys, uint32_t pcrs, const uint8_t *body,
		size_t length, const char *what)
{
	const struct sb_ledger_port *port = ledger->port;
	struct sb_port_taken taken = { 0 };
	struct sb_error error = { "" };
	struct sb_quote_answer quote;
	struct sb_beacon beacon;
	struct sb_claim claim;
	sb_cleanup_free uint8_t *tx = NULL;
	size_t tx_length;
	/* Before the quote: what is left of the lease is counted from here. */
	uint64_t sent = ledger_now(ledger);
	int result = attest(ledger, keys, pcrs, body, length, &beacon, &quote, &claim);

	if (result < 0) {
		ledger_failed(ledger);
		return result;
	}
	ledger->sent_ms = sent;
	tx = sb_device_tx(ledger->identity.device_id, &beacon, &quote, &claim, body, length, &tx_length);
	result = port->submit(port->context, tx, tx_length, &taken, &error);
	ledger->last_code = result == 0 ? taken.code : ledger->last_code;
	if (ledger_note(ledger, result, &error) < 0) {
		/* It may come into a block yet: the record will show its quote. */
		ledger_failed(ledger);
		return result;
	}
	if (taken.code != SB_TX_OK) {
		refused(ledger, &taken, what);
		return -EPERM;
	}
	ledger->failures = 0;
	ledger_text(ledger, "%s", "");
	sb_info("%s: taken by block %lld", what, (long long)taken.height);
	/* The record is read anew with the next look. */
	ledger->read_any = false;
	return 0;
}
