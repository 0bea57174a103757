// SPDX-License-Identifier: Apache-2.0
#include "state/device.h"

#include <string.h>

#include "state/boot.h"
#include "state/overlay.h"

Sealbond__Device *sb_device_load(struct sb_run *run, const uint8_t id[32])
{
	return sb_run_load(run, &sealbond__device__descriptor, SB_RECORD_DEVICE, id, 32);
}

enum sb_tx_code sb_device_save(struct sb_run *run, const uint8_t id[32], const Sealbond__Device *device)
{
	return sb_run_save(run, SB_RECORD_DEVICE, id, 32, device);
}

enum sb_tx_code sb_device_owned(struct sb_run *run, ProtobufCBinaryData id, Sealbond__Device **device)
{
	*device = NULL;
	if (id.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "device");
	*device = sb_device_load(run, id.data);
	if (!*device)
		return sb_run_refuse(run, SB_TX_UNKNOWN_DEVICE, NULL);
	if (!sb_run_is_by(run, (*device)->owner))
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "only the device's owner may");
	return SB_TX_OK;
}

void sb_device_enter(struct sb_run *run, Sealbond__Device *device, Sealbond__DeviceState state, const char *why)
{
	bool has_lease = state == SEALBOND__DEVICE_STATE__LIVE || state == SEALBOND__DEVICE_STATE__QUARANTINED;

	if (!has_lease && device->lease_end > run->time)
		device->lease_end = run->time;
	device->state = state;
	device->since = run->time;
	sb_text_set(&device->why, why ? why : "");
}

enum sb_tx_code sb_device_take_key(struct sb_run *run, const uint8_t id[32], ProtobufCBinaryData key, bool again)
{
	Sealbond__KnownKey by = SEALBOND__KNOWN_KEY__INIT;
	SB_AUTO_MESSAGE Sealbond__KnownKey *before = NULL;

	if (key.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "a bond key has 32 bytes");
	before = sb_run_load(run, &sealbond__known_key__descriptor, SB_RECORD_BOND_KEY, key.data, 32);
	if (before && again && sb_bytes_are(before->enroller, id, 32))
		return SB_TX_OK;
	if (before)
		return sb_run_refuse(run, SB_TX_KEY_USED, NULL);
	by.enroller = (ProtobufCBinaryData){ 32, (uint8_t *)id };
	return sb_run_save(run, SB_RECORD_BOND_KEY, key.data, 32, &by);
}

/* What the kernel holds, as the last quote says, becomes what the ledger knows. */
static enum sb_tx_code take_keys(struct sb_run *run, const uint8_t id[32], Sealbond__Device *device)
{
	const Sealbond__CapClaim *cap = device->cap;
	enum sb_tx_code code;

	if (!cap || cap->current.len != 32)
		return sb_run_refuse(run, SB_TX_KEY_UNKNOWN, "its kernel holds no bond key");
	/* A device that enrols again, after TPM2_Clear for example, may still have the key that it had. */
	code = sb_device_take_key(run, id, cap->current, sb_bytes_are(device->key, cap->current.data, 32) ||
				  sb_bytes_are(device->next_key, cap->current.data, 32));
	if (code == SB_TX_OK && cap->next.len)
		code = sb_device_take_key(run, id, cap->next, sb_bytes_are(device->next_key, cap->next.data, 32));
	if (code != SB_TX_OK)
		return code;
	sb_bytes_set(&device->key, cap->current.data, cap->current.len);
	sb_bytes_set(&device->next_key, cap->next.data, cap->next.len);
	sb_bytes_set(&device->candidate, NULL, 0);
	sb_bytes_set(&device->waiting_key, NULL, 0);
	sb_boot_keep(run, device);
	return SB_TX_OK;
}

enum sb_tx_code sb_device_admit(struct sb_run *run, const uint8_t id[32])
{
	SB_AUTO_MESSAGE Sealbond__Device *device = sb_device_load(run, id);
	enum sb_tx_code code;

	if (!device)
		return sb_run_refuse(run, SB_TX_UNKNOWN_DEVICE, NULL);
	if (device->state != SEALBOND__DEVICE_STATE__AWAITING_APPROVAL)
		return sb_run_refuse(run, SB_TX_STATE, "it does not await approval");
	code = take_keys(run, id, device);
	if (code == SB_TX_OK && !device->index)
		code = sb_overlay_assign(run, device);
	if (code != SB_TX_OK)
		return code;
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__LIVE, NULL);
	return sb_device_save(run, id, device);
}

enum sb_tx_code sb_device_release(struct sb_run *run, Sealbond__Device *device)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	enum sb_tx_code code = SB_TX_OK;

	if (device->index)
		code = sb_overlay_free(run, device);
	if (code != SB_TX_OK)
		return code;
	if (counters->devices)
		counters->devices--;
	return sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
}

enum sb_tx_code sb_device_revoke(struct sb_run *run, const uint8_t id[32], const char *why)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = sb_device_load(run, id);
	enum sb_tx_code code;

	if (!device)
		return sb_run_refuse(run, SB_TX_UNKNOWN_DEVICE, NULL);
	if (sb_device_is_over(device))
		return sb_run_refuse(run, SB_TX_STATE, "it is over already");
	code = sb_device_release(run, device);
	if (code != SB_TX_OK)
		return code;
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__REVOKED, why);
	return sb_device_save(run, id, device);
}

enum sb_tx_code sb_incident_raise(struct sb_run *run, uint32_t kind, const uint8_t id[32], Sealbond__Device *device,
				  const char *text, ProtobufCBinaryData evidence)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	Sealbond__Incident incident = SEALBOND__INCIDENT__INIT;
	enum sb_tx_code code;

	incident.kind = kind;
	incident.device = (ProtobufCBinaryData){ 32, (uint8_t *)id };
	incident.time = run->time;
	incident.height = (uint64_t)run->height;
	incident.text = (char *)text;
	incident.evidence = evidence;
	sb_bytes_set(&device->incident, run->id, sizeof(run->id));
	counters->incidents++;
	code = sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_INCIDENT, run->id, sizeof(run->id), &incident) : code;
}

/* The next quote begins a new history; those before this block tell nothing any more. */
static void forget_quotes(struct sb_run *run, Sealbond__Device *device)
{
	Sealbond__LastQuote *last = sb_message_new(&sealbond__last_quote__descriptor);

	last->committed = (uint64_t)run->height;
	last->begun = (uint64_t)run->height;
	if (device->last)
		last->time = device->last->time;
	sb_message_free(device->last);
	device->last = last;
}

enum sb_tx_code sb_incident_resolve(struct sb_run *run, const uint8_t id[32], bool keep_frozen, const char *note)
{
	SB_AUTO_MESSAGE Sealbond__Incident *incident =
		sb_run_load(run, &sealbond__incident__descriptor, SB_RECORD_INCIDENT, id, 32);
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code;

	if (!incident)
		return sb_run_refuse(run, SB_TX_UNKNOWN, "incident");
	if (incident->resolved)
		return sb_run_refuse(run, SB_TX_STATE, "it is resolved already");
	incident->resolved = true;
	sb_text_set(&incident->note, note);
	code = sb_run_save(run, SB_RECORD_INCIDENT, id, 32, incident);
	if (code != SB_TX_OK || incident->device.len != 32)
		return code;
	device = sb_device_load(run, incident->device.data);
	if (!device || device->state != SEALBOND__DEVICE_STATE__FROZEN_CLONE || !sb_bytes_are(device->incident, id, 32) ||
	    keep_frozen)
		return SB_TX_OK;
	forget_quotes(run, device);
	sb_bytes_set(&device->incident, NULL, 0);
	/* Frozen before it was admitted: it is not admitted by this. */
	sb_device_enter(run, device, device->key.len ? SEALBOND__DEVICE_STATE__LIVE :
			SEALBOND__DEVICE_STATE__AWAITING_APPROVAL, NULL);
	return sb_device_save(run, incident->device.data, device);
}
