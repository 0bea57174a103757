/* SPDX-License-Identifier: Apache-2.0 */
/* What rules do with devices: load and keep them, change their state, give them keys and overlay addresses. */
#ifndef SB_STATE_DEVICE_H
#define SB_STATE_DEVICE_H

#include "state/run.h"

#define SB_WHY_MAX		200	/* bytes of a reason or note */
#define SB_SEALED_MAX		4096	/* bytes of what is sealed to a device */
#define SB_ASSURANCE_BENCH	1
#define SB_ASSURANCE_FULL	3

enum {	/* Device.proven */
	SB_PROVEN_IAK = 1 << 0, SB_PROVEN_ACTIVATION = 1 << 1, SB_PROVEN_INVENTORY = 1 << 2, SB_PROVEN_EK = 1 << 3,
};

enum {	/* Parameters.enrolment */
	SB_ENROL_ROOTS = 1 << 0, SB_ENROL_ACTIVATION = 1 << 1,
};

enum {	/* Parameters.admission */
	SB_ADMIT_OPEN, SB_ADMIT_OWNER, SB_ADMIT_VOTE,
};

enum {	/* Incident.kind */
	SB_INCIDENT_CLONE = 1, SB_INCIDENT_SECOND_ENROLMENT = 2, SB_INCIDENT_EQUIVOCATION = 3, SB_INCIDENT_FORK = 4,
};

/* To be freed with SB_AUTO_MESSAGE; NULL where there is none. */
Sealbond__Device *sb_device_load(struct sb_run *run, const uint8_t id[32]);
enum sb_tx_code sb_device_save(struct sb_run *run, const uint8_t id[32], const Sealbond__Device *device);

/* The device that an owner's action names, if the signer owns it. *device is freed by the caller in any case. */
enum sb_tx_code sb_device_owned(struct sb_run *run, ProtobufCBinaryData id, Sealbond__Device **device);

/* Of a device that is over: nothing can be done with it any more. */
static inline bool sb_device_is_over(const Sealbond__Device *device)
{
	return device->state == SEALBOND__DEVICE_STATE__REVOKED || device->state == SEALBOND__DEVICE_STATE__RETIRED;
}

/* Any other state than one with a lease ends the lease. why: NULL for none. */
void sb_device_enter(struct sb_run *run, Sealbond__Device *device, Sealbond__DeviceState state, const char *why);

/*
 * sb_device_take_key() - a bond key that this device has from now on: SB_TX_KEY_USED if another device, or this
 * one earlier, ever had it. @again: this device may have named it already.
 */
enum sb_tx_code sb_device_take_key(struct sb_run *run, const uint8_t id[32], ProtobufCBinaryData key, bool again);

/*
 * sb_device_admit() - the keys and the boot state of its last quote become its own, it gets its overlay addresses,
 * and is live: of a device that awaits approval; SB_TX_STATE for any other. The next heartbeat brings the lease.
 */
enum sb_tx_code sb_device_admit(struct sb_run *run, const uint8_t id[32]);

/* For good; its overlay addresses are free again. SB_TX_UNKNOWN_DEVICE, SB_TX_STATE. */
enum sb_tx_code sb_device_revoke(struct sb_run *run, const uint8_t id[32], const char *why);

/* Gives its addresses, and its place among the devices that count, back. Saves nothing of the device itself. */
enum sb_tx_code sb_device_release(struct sb_run *run, Sealbond__Device *device);

/* Of an action: tags that can be, and something sealed. Its device is in these zones from then on; NULL: in none. */
enum sb_tx_code sb_device_check_membership(struct sb_run *run, const Sealbond__Membership *membership);
void sb_device_place(Sealbond__Device *device, const Sealbond__Membership *membership);

/* Makes an incident of this transaction about a device, and writes it into the device's record. */
enum sb_tx_code sb_incident_raise(struct sb_run *run, uint32_t kind, const uint8_t id[32], Sealbond__Device *device,
				  const char *text, ProtobufCBinaryData evidence);

/*
 * sb_incident_resolve() - a frozen device is live again with its next heartbeat, which begins a new history of its
 * TPM; @keep_frozen: only the note is kept, and the incident is closed.
 */
enum sb_tx_code sb_incident_resolve(struct sb_run *run, const uint8_t incident[32], bool keep_frozen, const char *note);

#endif
