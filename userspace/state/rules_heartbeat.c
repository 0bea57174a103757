// SPDX-License-Identifier: Apache-2.0
/* What a device says of itself: that it lives, in which boot state, with which bond keys. */
#include <string.h>

#include "sealbond/blob.h"
#include "state/attest.h"
#include "state/boot.h"
#include "state/device.h"
#include "state/reference.h"

#define ENDPOINTS_MAX	512

static bool is_key(ProtobufCBinaryData field, ProtobufCBinaryData key)
{
	return field.len == 32 && sb_bytes_are(key, field.data, 32);
}

/* Whose was this bond key, ever? */
static bool was_of(struct sb_run *run, ProtobufCBinaryData key, const uint8_t id[32])
{
	SB_AUTO_MESSAGE Sealbond__KnownKey *by =
		sb_run_load(run, &sealbond__known_key__descriptor, SB_RECORD_BOND_KEY, key.data, 32);

	return by && sb_bytes_are(by->enroller, id, 32);
}

/*
 * The ledger was restored, and may have forgotten the keys that this device rotated to since the backup. In a boot
 * state that the ledger demands by value it goes on with what its kernel holds; else its owner looks at it.
 */
static bool is_forgotten(struct sb_run *run, const Sealbond__Device *device)
{
	return sb_run_lost_since(run, device->last ? device->last->committed : 0);
}

enum held {
	HELD_KNOWN,	/* the kernel holds the key that the ledger knows */
	HELD_NEXT,	/* rebooted after a rotation of which the ledger has not heard */
	HELD_OTHER,	/* a key that waits for approval */
};

/*
 * What the cap says the kernel holds, against what the ledger knows. After a rotation the cap still names, until
 * the next boot, the key that was rotated away as the current one, and as the next one what is current by now.
 */
static enum sb_tx_code compare_keys(struct sb_run *run, const Sealbond__Device *device, enum held *held)
{
	const Sealbond__CapClaim *cap = run->device_auth->cap;

	*held = HELD_KNOWN;
	if (cap->outcome == SB_CAP_NONE || cap->current.len != 32)
		return sb_run_refuse(run, SB_TX_KEY_UNKNOWN, "its kernel holds no bond key");
	if (is_key(cap->current, device->key) || (is_key(cap->next, device->key) && was_of(run, cap->current, run->signer)))
		return SB_TX_OK;
	*held = HELD_NEXT;
	if (is_key(cap->current, device->next_key))
		return SB_TX_OK;
	*held = HELD_OTHER;
	if (sb_run_has(run, SB_RECORD_BOND_KEY, cap->current.data, 32))
		return sb_run_refuse(run, SB_TX_KEY_USED, NULL);
	if (cap->outcome == SB_CAP_CANDIDATE || cap->outcome == SB_CAP_MADE)
		return SB_TX_OK;
	/* Rotated to while it waited, and rebooted: its owner has to look now, and need not go there. */
	if (is_key(cap->current, device->waiting_key))
		return SB_TX_OK;
	if (!is_forgotten(run, device))
		return sb_run_refuse(run, SB_TX_KEY_UNKNOWN, NULL);
	if (!sb_run_parameters(run)->match_references || !sb_boot_is_admitted(run, device))
		return SB_TX_OK;
	*held = HELD_NEXT;
	return sb_device_take_key(run, run->signer, cap->current, false);
}

/*
 * The next key that the kernel has ready is this device's from now on: where the quote speaks of the kernel's cap. In
 * another boot state it may be root's own (state/boot.h). The lease goes on, and the key waits for the owner.
 */
static enum sb_tx_code note_next(struct sb_run *run, Sealbond__Device *device)
{
	const Sealbond__CapClaim *cap = run->device_auth->cap;
	enum sb_tx_code code;

	sb_bytes_set(&device->waiting_key, NULL, 0);
	/* One without a next key has the one of before in its files, for its next boot. */
	if (!cap->next.len || is_key(cap->next, device->key) || is_key(cap->next, device->next_key))
		return SB_TX_OK;
	if (!sb_boot_is_admitted(run, device)) {
		sb_bytes_set(&device->waiting_key, cap->next.data, cap->next.len);
		return SB_TX_OK;
	}
	code = sb_device_take_key(run, run->signer, cap->next, false);
	if (code == SB_TX_OK)
		sb_bytes_set(&device->next_key, cap->next.data, cap->next.len);
	return code;
}

static enum sb_tx_code note_keys(struct sb_run *run, Sealbond__Device *device, enum held *held)
{
	const Sealbond__CapClaim *cap = run->device_auth->cap;
	enum sb_tx_code code = compare_keys(run, device, held);

	if (code != SB_TX_OK)
		return code;
	if (*held == HELD_OTHER) {
		sb_bytes_set(&device->candidate, cap->current.data, cap->current.len);
		return SB_TX_OK;
	}
	if (*held == HELD_NEXT) {
		sb_bytes_set(&device->key, cap->current.data, cap->current.len);
		sb_bytes_set(&device->next_key, NULL, 0);
	}
	sb_bytes_set(&device->candidate, NULL, 0);
	return note_next(run, device);
}

static enum sb_tx_code check_fields(struct sb_run *run, const Sealbond__Heartbeat *action)
{
	if (action->endpoints.len > ENDPOINTS_MAX)
		return sb_run_refuse(run, SB_TX_FIELD, "endpoints: at most %d bytes", ENDPOINTS_MAX);
	if (action->box_key.len && action->box_key.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "box_key");
	if (action->assurance < SB_ASSURANCE_BENCH || action->assurance > SB_ASSURANCE_FULL)
		return sb_run_refuse(run, SB_TX_FIELD, "assurance");
	if (action->assurance == SB_ASSURANCE_BENCH && !sb_run_parameters(run)->allow_bench)
		return sb_run_refuse(run, SB_TX_BENCH, NULL);
	return SB_TX_OK;
}

/* A device that has rebooted, or has no lease, need not wait: people do, for it. */
static bool is_too_soon(struct sb_run *run, const Sealbond__Device *device)
{
	const Sealbond__LastQuote *last = device->last;

	return last && device->lease_end > run->time &&
	       run->time - last->time < (int64_t)sb_run_parameters(run)->heartbeat_least &&
	       last->reset_count == run->quote->clock.reset_count && last->restart_count == run->quote->clock.restart_count;
}

static bool has_lease(const Sealbond__Device *device)
{
	return device->state == SEALBOND__DEVICE_STATE__LIVE || device->state == SEALBOND__DEVICE_STATE__QUARANTINED;
}

static bool fits_reference(struct sb_run *run, const Sealbond__Device *device)
{
	const Sealbond__DeviceAuth *auth = run->device_auth;
	SB_AUTO_MESSAGE Sealbond__BootState *boot =
		sb_boot_of(sb_run_parameters(run), device->pcrs, auth->pcr_values, auth->cap);

	return boot && sb_reference_fits(run, boot, 0);
}

/* The lease, and in which of the two states it is. */
static enum sb_tx_code renew(struct sb_run *run, Sealbond__Device *device)
{
	const Sealbond__Parameters *parameters = sb_run_parameters(run);
	bool fits = !parameters->match_references || fits_reference(run, device);
	Sealbond__DeviceState state = fits ? SEALBOND__DEVICE_STATE__LIVE : SEALBOND__DEVICE_STATE__QUARANTINED;

	if (!fits && !parameters->quarantine)
		return sb_run_refuse(run, SB_TX_REFERENCE, NULL);
	if (device->state != state)
		sb_device_enter(run, device, state, fits ? NULL : "its boot state is not among the reference values");
	device->lease_end = run->time + parameters->lease;
	return SB_TX_OK;
}

SB_RULE(heartbeat, Heartbeat)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = sb_device_load(run, run->signer);
	enum sb_tx_code code = check_fields(run, action);
	enum held held = HELD_KNOWN;

	if (code != SB_TX_OK)
		return code;
	if (!device || sb_device_is_over(device) || device->state == SEALBOND__DEVICE_STATE__FROZEN_CLONE)
		return sb_run_refuse(run, SB_TX_STATE, NULL);
	if (is_too_soon(run, device))
		return sb_run_refuse(run, SB_TX_TOO_SOON, NULL);
	/* Before it is admitted no key of it is known: its owner will see the one of its last quote. */
	if (device->state != SEALBOND__DEVICE_STATE__AWAITING_APPROVAL)
		code = note_keys(run, device, &held);
	if (code == SB_TX_OK && has_lease(device) && held != HELD_OTHER)
		code = renew(run, device);
	if (code != SB_TX_OK)
		return code;
	sb_attest_note(run, device);
	sb_bytes_set(&device->endpoints, action->endpoints.data, action->endpoints.len);
	if (action->box_key.len)
		sb_bytes_set(&device->box_key, action->box_key.data, action->box_key.len);
	device->profile_version = action->profile_version;
	device->assurance = action->assurance;
	return sb_device_save(run, run->signer, device);
}

SB_RULE(rotate_key, RotateKey)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = sb_device_load(run, run->signer);
	const Sealbond__CapClaim *cap = run->device_auth->cap;

	if (!device || !has_lease(device))
		return sb_run_refuse(run, SB_TX_STATE, NULL);
	if (action->key.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "key");
	if (is_key(action->key, device->key))
		return sb_run_refuse(run, SB_TX_EXISTS, "this is the bond key already");
	/* The kernel has it, as its cap says, and the ledger has taken it before, in a boot state that was admitted. */
	if (!is_key(action->key, device->next_key) || !is_key(cap->next, action->key) || !is_key(cap->current, device->key))
		return sb_run_refuse(run, SB_TX_KEY_UNKNOWN, "not the next key that a heartbeat has named");
	sb_bytes_set(&device->key, action->key.data, action->key.len);
	sb_bytes_set(&device->next_key, NULL, 0);
	/* What another boot has shown does not wait any more. */
	sb_bytes_set(&device->candidate, NULL, 0);
	sb_bytes_set(&device->waiting_key, NULL, 0);
	sb_attest_note(run, device);
	return sb_device_save(run, run->signer, device);
}

enum sb_tx_code sb_freeze_clone(struct sb_run *run)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = sb_device_load(run, run->signer);
	enum sb_tx_code code;

	if (!device || sb_device_is_over(device) || device->state == SEALBOND__DEVICE_STATE__FROZEN_CLONE)
		return sb_run_refuse(run, SB_TX_STATE, NULL);
	code = sb_incident_raise(run, SB_INCIDENT_CLONE, run->signer, device,
				 "a quote orders below one that was committed before it was made: two TPM states speak for "
				 "this device", run->device_auth->quote);
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__FROZEN_CLONE, "two TPM states speak for it");
	return code == SB_TX_OK ? sb_device_save(run, run->signer, device) : code;
}
