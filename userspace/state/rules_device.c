// SPDX-License-Identifier: Apache-2.0
/* What an owner says about its device. */
#include <string.h>

#include "state/boot.h"
#include "state/device.h"
#include "state/enrolment.h"
#include "state/overlay.h"

static bool is_text(const char *text)
{
	return strlen(text) <= SB_WHY_MAX;
}

/* A proven second enrolment of the device's EK, found by the bond key of its quote. */
struct second {
	const uint8_t *key;
	Sealbond__Device *found;
	bool damaged;
};

static int look(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct second *second = context;
	Sealbond__Device *enrolment = sb_message_read(&sealbond__device__descriptor, value, length);

	(void)key;
	(void)key_length;
	second->damaged = !enrolment;
	if (!second->damaged && enrolment->state == SEALBOND__DEVICE_STATE__AWAITING_APPROVAL && enrolment->cap &&
	    sb_bytes_are(enrolment->cap->current, second->key, 32)) {
		second->found = enrolment;
		return 1;
	}
	sb_message_free(enrolment);
	return second->damaged;
}

static void move_bytes(ProtobufCBinaryData *to, ProtobufCBinaryData from)
{
	sb_bytes_set(to, from.data, from.len);
}

/* The device goes on with the attestation key, the quote and the keys of its second enrolment. */
static void adopt(Sealbond__Device *device, Sealbond__Device *second)
{
	Sealbond__LastQuote *last = device->last;
	Sealbond__CapClaim *cap = device->cap;

	move_bytes(&device->ak_name, second->ak_name);
	move_bytes(&device->ak_public, second->ak_public);
	move_bytes(&device->box_key, second->box_key);
	move_bytes(&device->pcr_values, second->pcr_values);
	device->pcrs = second->pcrs;
	device->assurance = second->assurance;
	device->proven = second->proven;
	device->last = second->last;
	device->cap = second->cap;
	second->last = last;
	second->cap = cap;
}

/* What its owner has looked at is what the record has by now. */
static enum sb_tx_code check_boot(struct sb_run *run, const Sealbond__Approve *action, const Sealbond__Device *record)
{
	SB_AUTO_MESSAGE Sealbond__BootState *boot = NULL;
	uint8_t digest[32];

	if (!action->boot.len)
		return SB_TX_OK;
	if (action->boot.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "boot");
	boot = sb_boot_last(sb_run_parameters(run), record);
	if (boot)
		sb_boot_digest(boot, digest);
	return boot && sb_bytes_are(action->boot, digest, 32) ? SB_TX_OK :
	       sb_run_refuse(run, SB_TX_STATE, "its boot state is another one by now: look again");
}

static enum sb_tx_code approve_second(struct sb_run *run, const Sealbond__Approve *action, Sealbond__Device *device,
				      Sealbond__Device *second)
{
	enum sb_tx_code code = check_boot(run, action, second);

	if (code == SB_TX_OK)
		code = sb_enrolment_remove(run, action->device.data, second);
	if (code != SB_TX_OK)
		return code;
	adopt(device, second);
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__AWAITING_APPROVAL, NULL);
	code = sb_device_save(run, action->device.data, device);
	return code == SB_TX_OK ? sb_device_admit(run, action->device.data) : code;
}

/* The next key stays: it is in the device's files, and the boot after an approved one opens it with the candidate. */
static enum sb_tx_code approve_candidate(struct sb_run *run, const Sealbond__Approve *action, Sealbond__Device *device)
{
	enum sb_tx_code code = check_boot(run, action, device);

	if (code == SB_TX_OK)
		code = sb_device_take_key(run, action->device.data, action->current_key, false);
	if (code != SB_TX_OK)
		return code;
	move_bytes(&device->key, action->current_key);
	sb_bytes_set(&device->candidate, NULL, 0);
	sb_bytes_set(&device->waiting_key, NULL, 0);
	sb_boot_keep(run, device);
	return sb_device_save(run, action->device.data, device);
}

/* Its keys opened in another boot state than it was admitted in: after an update, for example. */
static enum sb_tx_code approve_boot(struct sb_run *run, const Sealbond__Approve *action, Sealbond__Device *device)
{
	enum sb_tx_code code = check_boot(run, action, device);

	if (code != SB_TX_OK)
		return code;
	sb_boot_keep(run, device);
	/* (one that was used before is refused where a heartbeat names it) */
	if (device->waiting_key.len == 32 && !sb_run_has(run, SB_RECORD_BOND_KEY, device->waiting_key.data, 32)) {
		code = sb_device_take_key(run, action->device.data, device->waiting_key, false);
		move_bytes(&device->next_key, device->waiting_key);
	}
	sb_bytes_set(&device->waiting_key, NULL, 0);
	return code == SB_TX_OK ? sb_device_save(run, action->device.data, device) : code;
}

/* Does its last quote name the key that is known, and show another boot state than the one that is kept? */
static bool boot_waits(struct sb_run *run, const Sealbond__Approve *action, const Sealbond__Device *device)
{
	SB_AUTO_MESSAGE Sealbond__BootState *boot = sb_boot_last(sb_run_parameters(run), device);

	return boot && sb_boot_differs(device->boot, boot) && !device->candidate.len &&
	       sb_bytes_are(device->key, action->current_key.data, 32) &&
	       (sb_bytes_are(device->cap->current, device->key.data, 32) ||
		sb_bytes_are(device->cap->next, device->key.data, 32));
}

/* Of a device that is admitted: what of it waits. */
static enum sb_tx_code approve_waiting(struct sb_run *run, const Sealbond__Approve *action, Sealbond__Device *device)
{
	struct second look_for = { .key = action->current_key.data };
	SB_AUTO_MESSAGE Sealbond__Device *second = NULL;

	if (sb_bytes_are(device->candidate, action->current_key.data, 32))
		return approve_candidate(run, action, device);
	sb_run_each(run, SB_RECORD_ENROLMENT, action->device.data, 32, look, &look_for);
	second = look_for.found;
	if (look_for.damaged)
		return SB_TX_INTERNAL;
	if (second)
		return approve_second(run, action, device, second);
	if (boot_waits(run, action, device))
		return approve_boot(run, action, device);
	return sb_run_refuse(run, SB_TX_KEY_UNKNOWN, "nothing with this key waits for approval");
}

SB_RULE(approve, Approve)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code = sb_device_owned(run, action->device, &device);

	if (code != SB_TX_OK)
		return code;
	if (action->current_key.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "current_key");
	if (sb_device_is_over(device) || device->state == SEALBOND__DEVICE_STATE__FROZEN_CLONE)
		return sb_run_refuse(run, SB_TX_STATE, NULL);
	if (device->state != SEALBOND__DEVICE_STATE__AWAITING_APPROVAL)
		return approve_waiting(run, action, device);
	/* By vote: the first time. A device that was admitted once is its owner's to approve again. */
	if (sb_run_parameters(run)->admission == SB_ADMIT_VOTE && !device->key.len)
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "members vote on new devices");
	if (!device->cap || !sb_bytes_are(device->cap->current, action->current_key.data, 32))
		return sb_run_refuse(run, SB_TX_KEY_UNKNOWN, "its kernel holds another key by now: look again");
	code = check_boot(run, action, device);
	return code == SB_TX_OK ? sb_device_admit(run, action->device.data) : code;
}

SB_RULE(suspend, Suspend)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code = sb_device_owned(run, action->device, &device);

	if (code != SB_TX_OK)
		return code;
	if (!is_text(action->why))
		return sb_run_refuse(run, SB_TX_FIELD, "why: at most %d bytes", SB_WHY_MAX);
	if (device->state != SEALBOND__DEVICE_STATE__LIVE && device->state != SEALBOND__DEVICE_STATE__QUARANTINED)
		return sb_run_refuse(run, SB_TX_STATE, "only a device that may have a lease can be suspended");
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__SUSPENDED, action->why);
	return sb_device_save(run, action->device.data, device);
}

SB_RULE(resume, Resume)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code = sb_device_owned(run, action->device, &device);

	if (code != SB_TX_OK)
		return code;
	if (device->state != SEALBOND__DEVICE_STATE__SUSPENDED)
		return sb_run_refuse(run, SB_TX_STATE, "it is not suspended");
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__LIVE, NULL);
	return sb_device_save(run, action->device.data, device);
}

SB_RULE(revoke, Revoke)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code = sb_device_owned(run, action->device, &device);

	if (code != SB_TX_OK)
		return code;
	if (!is_text(action->why))
		return sb_run_refuse(run, SB_TX_FIELD, "why: at most %d bytes", SB_WHY_MAX);
	return sb_device_revoke(run, action->device.data, action->why);
}

/* After that the EK may enrol again, for another owner. A frozen one has to be looked at first. */
SB_RULE(retire, Retire)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code = sb_device_owned(run, action->device, &device);

	if (code != SB_TX_OK)
		return code;
	if (sb_device_is_over(device) || device->state == SEALBOND__DEVICE_STATE__FROZEN_CLONE)
		return sb_run_refuse(run, SB_TX_STATE, NULL);
	code = sb_device_release(run, device);
	if (code != SB_TX_OK)
		return code;
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__RETIRED, NULL);
	return sb_device_save(run, action->device.data, device);
}

/* A device looks at each version once: the next one of both. */
static void move_profile(const Sealbond__Replace *action, Sealbond__Device *from, Sealbond__Device *to)
{
	uint32_t before = to->profile ? to->profile->version : 0;

	sb_message_free(to->profile);
	to->profile = from->profile;
	from->profile = NULL;
	to->profile_version = 0;
	if (!to->profile)
		return;
	to->profile->version = (before > to->profile->version ? before : to->profile->version) + 1;
	move_bytes(&to->profile->sealed, action->profile);
}

/* The new device comes with nothing of its own that matters to others: its own addresses go back. */
static enum sb_tx_code take_role(struct sb_run *run, const Sealbond__Replace *action, Sealbond__Device *from,
				 Sealbond__Device *to)
{
	enum sb_tx_code code = to->index ? sb_overlay_free(run, to) : SB_TX_OK;

	if (code != SB_TX_OK)
		return code;
	to->index = from->index;
	move_bytes(&to->overlay4, from->overlay4);
	move_bytes(&to->overlay6, from->overlay6);
	from->index = 0;
	sb_bytes_set(&from->overlay4, NULL, 0);
	sb_bytes_set(&from->overlay6, NULL, 0);
	sb_device_place(to, action->membership);
	sb_message_free(from->membership);
	from->membership = NULL;
	move_profile(action, from, to);
	sb_bytes_set(&to->offered, NULL, 0);
	return SB_TX_OK;
}

static enum sb_tx_code check_replace(struct sb_run *run, const Sealbond__Replace *action, const Sealbond__Device *from,
				     const Sealbond__Device *to)
{
	if (!to)
		return sb_run_refuse(run, SB_TX_UNKNOWN_DEVICE, "by");
	if (!sb_run_is_by(run, to->owner) && !sb_run_is_by(run, to->offered))
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "its owner has not offered it to this key");
	if (sb_device_is_over(from) || from->state == SEALBOND__DEVICE_STATE__AWAITING_APPROVAL ||
	    from->state == SEALBOND__DEVICE_STATE__FROZEN_CLONE)
		return sb_run_refuse(run, SB_TX_STATE, "the device that is replaced");
	if (to->state != SEALBOND__DEVICE_STATE__LIVE)
		return sb_run_refuse(run, SB_TX_STATE, "the device that replaces it is not admitted");
	/* Sealed anew for the other's box key, or it could not read them; and a tag has its device in it. */
	if (!from->membership != !action->membership ||
	    (from->membership && from->membership->n_tags != action->membership->n_tags))
		return sb_run_refuse(run, SB_TX_FIELD, "membership: the new device's own, of as many zones as the old one is in");
	if (!from->profile != !action->profile.len || action->profile.len > SB_SEALED_MAX)
		return sb_run_refuse(run, SB_TX_FIELD, "profile: sealed anew, where the old device has one");
	return action->membership ? sb_device_check_membership(run, action->membership) : SB_TX_OK;
}

SB_RULE(replace, Replace)
{
	SB_AUTO_MESSAGE Sealbond__Device *from = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *to = NULL;
	enum sb_tx_code code = sb_device_owned(run, action->device, &from);

	if (code != SB_TX_OK)
		return code;
	if (action->by.len != 32 || sb_bytes_are(action->by, action->device.data, 32))
		return sb_run_refuse(run, SB_TX_FIELD, "by");
	to = sb_device_load(run, action->by.data);
	code = check_replace(run, action, from, to);
	if (code == SB_TX_OK)
		code = take_role(run, action, from, to);
	/* It has no address any more that could be given back. */
	if (code == SB_TX_OK)
		code = sb_device_release(run, from);
	if (code != SB_TX_OK)
		return code;
	move_bytes(&from->replaced_by, action->by);
	sb_device_enter(run, from, SEALBOND__DEVICE_STATE__RETIRED, "replaced");
	code = sb_device_save(run, action->device.data, from);
	return code == SB_TX_OK ? sb_device_save(run, action->by.data, to) : code;
}

SB_RULE(resolve_incident, ResolveIncident)
{
	SB_AUTO_MESSAGE Sealbond__Incident *incident = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	enum sb_tx_code code;

	if (action->incident.len != 32 || !is_text(action->note))
		return sb_run_refuse(run, SB_TX_FIELD, "incident, or a note of more than %d bytes", SB_WHY_MAX);
	incident = sb_run_load(run, &sealbond__incident__descriptor, SB_RECORD_INCIDENT, action->incident.data, 32);
	if (!incident)
		return sb_run_refuse(run, SB_TX_UNKNOWN, "incident");
	code = sb_device_owned(run, incident->device, &device);
	return code == SB_TX_OK ? sb_incident_resolve(run, action->incident.data, action->keep_frozen, action->note) : code;
}
