// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/log.h"
#include "device/ledger_internal.h"
#include "device/ledger_tx.h"
#include "owner/key.h"
#include "state/device.h"

#define ENROLMENT_LOOK_MS	5000	/* between two looks for enrollers' challenges that were not there */

/* What the configuration wants to have quoted, within what the ledger asks for and allows. */
static uint32_t pcrs_of(const struct sb_ledger *ledger, const struct sb_keys_answer *keys)
{
	const Sealbond__Parameters *parameters = ledger->parameters;
	uint32_t must = parameters->pcrs | 1U << parameters->cap_pcr;

	return (keys->pcrs & parameters->pcrs_allowed) | must;
}

/*
 * The word of the device's maker on its attestation key, where the ledger asks for one of a manufacturer. Its answer does
 * not change while this process lives, and is not asked for twice. False: the TPM has no time for it now.
 */
static bool find_iak(struct sb_ledger *ledger)
{
	sb_cleanup_free struct sb_iak_answer *iak = NULL;
	struct sb_error error = { "" };
	int result;

	if (ledger->iak_asked || !(ledger->parameters->enrolment & SB_ENROL_ROOTS))
		return true;
	iak = calloc(1, sizeof(*iak));
	if (!iak)
		abort();
	result = ledger->port->iak(ledger->port->context, iak, &error);
	if (result == -EBUSY || result == -ETIMEDOUT) {
		ledger_text(ledger, "the TPM's initial attestation key: %s", error.text);
		return false;
	}
	ledger->iak_asked = true;
	if (result == 0)
		ledger->iak = sb_take_ptr(iak);
	else if (result != -ENODATA)
		sb_warn("enrolling without an initial attestation key: %s", error.text);
	return true;
}

void ledger_enrol(struct sb_ledger *ledger, const struct sb_keys_answer *keys)
{
	const struct sb_ledger_settings *settings = &ledger->settings;
	const struct sb_identity_answer *identity = &ledger->identity;
	sb_cleanup_free uint8_t *body = NULL;
	uint32_t pcrs = pcrs_of(ledger, keys);
	uint8_t owner[32];
	size_t length;

	if (keys->cap_pcr != ledger->parameters->cap_pcr) {
		ledger_text(ledger, "cap_pcr is %u here and %u on the ledger: they have to be the same", keys->cap_pcr,
			    ledger->parameters->cap_pcr);
		ledger_failed(ledger);
		return;
	}
	if (settings->has_owner && sb_owner_key(settings->owner, settings->chain, identity->device_id, owner) < 0) {
		ledger_text(ledger, "owner in [ledger] is no public key");
		ledger_failed(ledger);
		return;
	}
	if (!find_iak(ledger)) {
		ledger_failed(ledger);
		return;
	}
	/* Certificates always go along: where the ledger asks for none, its enrollers may have roots of their own. */
	body = sb_body_enrol(identity, ledger->parameters->enrolment & SB_ENROL_ROOTS ? ledger->iak : NULL,
			     settings->has_owner ? owner : NULL, settings->box_public, pcrs, keys->assurance, &length);
	if (ledger_submit(ledger, keys, pcrs, body, length, "enrolment") == 0)
		ledger->act_ms = ledger_now(ledger) + ENROLMENT_LOOK_MS;
}

/* The secret of one enroller's credential. */
static int open_one(struct sb_ledger *ledger, const Sealbond__Commitment *from, struct sb_opened *opened)
{
	struct sb_error error = { "" };
	int result;

	if (from->enroller.len != 32)
		return -EBADMSG;
	memcpy(opened->enroller, from->enroller.data, 32);
	result = ledger->port->activate(ledger->port->context, from->credential_blob.data, from->credential_blob.len,
					from->encrypted_secret.data, from->encrypted_secret.len, opened->secret, &error);
	if (result < 0)
		ledger_text(ledger, "an enroller's challenge: %s", error.text);
	return result;
}

void ledger_activate(struct sb_ledger *ledger, const struct sb_keys_answer *keys)
{
	const Sealbond__Device *enrolment = ledger->enrolment;
	struct sb_opened opened[SB_SECRETS_MAX];
	sb_cleanup_free uint8_t *body = NULL;
	uint32_t needed = ledger->parameters->enrollers_needed;
	size_t count = 0, length;

	if (!needed)
		needed = 1;
	/* One that cannot be opened is not for this TPM: its enroller's fault, and no hindrance. */
	for (size_t i = 0; i < enrolment->n_commitments && count < SB_SECRETS_MAX && count < needed; i++)
		if (enrolment->n_commitments >= needed && open_one(ledger, enrolment->commitments[i], &opened[count]) == 0)
			count++;
	if (count < needed) {
		ledger->act_ms = ledger_now(ledger) + ENROLMENT_LOOK_MS;
		return;
	}
	body = sb_body_activate(ledger->identity.ak_name, opened, count, &length);
	explicit_bzero(opened, sizeof(opened));
	if (ledger_submit(ledger, keys, enrolment->pcrs, body, length, "activation") == 0)
		ledger->act_ms = 0;
}
