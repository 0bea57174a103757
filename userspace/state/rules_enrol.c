// SPDX-License-Identifier: Apache-2.0
/* How a device comes onto the ledger: it asks, enrollers challenge its TPM, it answers. */
#include <stdlib.h>
#include <string.h>

#include "state/attest.h"
#include "state/crypto.h"
#include "state/device.h"
#include "state/endorse.h"
#include "state/enrolment.h"
#include "state/person.h"

#define CHALLENGE_TAG	"sealbond challenge v1"

#define EXPIRE_PER_BLOCK	256
#define IMPORT_MAX		1000	/* devices of one transaction */
#define KNOWN_KEYS_MAX		4000000	/* of a ledger */
#define NONCE_LEN		16
#define CREDENTIAL_MAX		256	/* TPM2B_ID_OBJECT: 2 + 2 + 32 + 2 + 32 with SHA-256 */
#define ENCRYPTED_MAX		514	/* TPM2B_ENCRYPTED_SECRET of RSA-4096 */

static bool is(ProtobufCBinaryData field, size_t length)
{
	return field.len == length;
}

static enum sb_tx_code check_fields(struct sb_run *run, const Sealbond__Enrol *enrol)
{
	if (!is(enrol->box_key, 32))
		return sb_run_refuse(run, SB_TX_FIELD, "box_key");
	if (enrol->owner.len && (!is(enrol->owner, 32) || !sb_person_key_is_valid(enrol->owner.data)))
		return sb_run_refuse(run, SB_TX_FIELD, "owner");
	if (enrol->assurance < SB_ASSURANCE_BENCH || enrol->assurance > SB_ASSURANCE_FULL)
		return sb_run_refuse(run, SB_TX_FIELD, "assurance");
	if (enrol->assurance == SB_ASSURANCE_BENCH && !sb_run_parameters(run)->allow_bench)
		return sb_run_refuse(run, SB_TX_BENCH, NULL);
	if (!run->device_auth->cap->outcome || !is(run->device_auth->cap->current, 32))
		return sb_run_refuse(run, SB_TX_KEY_UNKNOWN, "its kernel holds no bond key");
	return SB_TX_OK;
}

/* What the ledger's way of enrolment asks for, besides secrets that are opened. */
static enum sb_tx_code check_way(struct sb_run *run, uint32_t proven)
{
	const Sealbond__Parameters *parameters = sb_run_parameters(run);
	/* (a certificate of the EK counts where there is an activation, too: sb_endorse) */
	const uint32_t enough = SB_PROVEN_IAK | SB_PROVEN_EK;

	if (parameters->enrolment & SB_ENROL_ROOTS && !(proven & enough))
		return sb_run_refuse(run, SB_TX_NO_ENDORSEMENT, NULL);
	if (parameters->need_known_key && !(proven & SB_PROVEN_INVENTORY))
		return sb_run_refuse(run, SB_TX_NOT_KNOWN_KEY, NULL);
	return SB_TX_OK;
}

/*
 * The AK that is known speaks again. Its TPM was cleared, if its counters have gone back after its last quote:
 * then its owner approves it anew, with its new keys. Else there is nothing to enrol.
 */
static enum sb_tx_code enrol_again(struct sb_run *run, const Sealbond__Enrol *enrol, Sealbond__Device *device)
{
	switch (sb_attest_place(run, device->last)) {
	case SB_ORDER_NEWER:
		return sb_run_refuse(run, SB_TX_EXISTS, "it is enrolled: a heartbeat is enough");
	case SB_ORDER_STALE:
		return sb_run_refuse(run, SB_TX_QUOTE_STALE, NULL);
	default:
		break;
	}
	if (device->state == SEALBOND__DEVICE_STATE__SUSPENDED)
		return sb_run_refuse(run, SB_TX_STATE, "it is suspended");
	sb_bytes_set(&device->box_key, enrol->box_key.data, enrol->box_key.len);
	device->pcrs = enrol->pcrs;
	device->assurance = enrol->assurance;
	sb_attest_note(run, device);
	/* The counters have gone back: what was said before would order above all that comes. */
	device->last->begun = (uint64_t)run->height;
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__AWAITING_APPROVAL, "its TPM was cleared");
	return sb_device_save(run, run->signer, device);
}

/* First of all, or again after it was retired: it counts, and its owner may speak. */
static enum sb_tx_code make_device(struct sb_run *run, Sealbond__Device *device)
{
	const Sealbond__Parameters *parameters = sb_run_parameters(run);
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	enum sb_tx_code code;

	if (counters->devices >= parameters->devices_most)
		return sb_run_refuse(run, SB_TX_LIMIT, "%u devices", counters->devices);
	counters->devices++;
	code = sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
	if (code == SB_TX_OK && device->owner.len)
		code = sb_run_account(run, device->owner.data);
	for (size_t i = 0; i < device->n_commitments; i++)
		sb_message_free(device->commitments[i]);
	device->n_commitments = 0;
	device->due = 0;
	sb_enrolment_keep(device, 0, NULL);
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__AWAITING_APPROVAL, NULL);
	if (code == SB_TX_OK)
		code = sb_device_save(run, run->signer, device);
	if (code == SB_TX_OK && parameters->admission == SB_ADMIT_OPEN)
		code = sb_device_admit(run, run->signer);
	return code;
}

/* The EK has shown that it has another AK beside the one that is known: somebody has to look. */
static enum sb_tx_code freeze_both(struct sb_run *run, Sealbond__Device *device, Sealbond__Device *second)
{
	enum sb_tx_code code;

	sb_enrolment_keep(second, 0, NULL);
	sb_device_enter(run, second, SEALBOND__DEVICE_STATE__AWAITING_APPROVAL, "a second enrolment of this EK");
	code = sb_enrolment_save(run, run->signer, second);
	if (code == SB_TX_OK)
		code = sb_incident_raise(run, SB_INCIDENT_SECOND_ENROLMENT, run->signer, device,
					 "this EK was proven a second time, with another attestation key", second->ak_name);
	sb_device_enter(run, device, SEALBOND__DEVICE_STATE__FROZEN_CLONE, "a second enrolment of its EK is proven");
	return code == SB_TX_OK ? sb_device_save(run, run->signer, device) : code;
}

static Sealbond__Device *read_enrolment(struct sb_run *run, const Sealbond__Enrol *enrol,
					const struct sb_tpm_public *ek, ProtobufCBinaryData ak_name, uint32_t proven)
{
	Sealbond__Device *device = sb_message_new(&sealbond__device__descriptor);
	uint8_t ek_name[SB_TPM_NAME_MAX];

	device->state = SEALBOND__DEVICE_STATE__ENROLLING;
	device->since = run->time;
	sb_bytes_set(&device->ek_name, ek_name, sb_tpm_name(ek, ek_name));
	sb_bytes_set(&device->ak_name, ak_name.data, ak_name.len);
	sb_bytes_set(&device->ek_public, enrol->ek_public.data, enrol->ek_public.len);
	sb_bytes_set(&device->ak_public, enrol->ak_public.data, enrol->ak_public.len);
	sb_bytes_set(&device->owner, enrol->owner.data, enrol->owner.len);
	sb_bytes_set(&device->box_key, enrol->box_key.data, enrol->box_key.len);
	device->pcrs = enrol->pcrs;
	device->assurance = enrol->assurance;
	device->proven = proven;
	if (sb_run_parameters(run)->enrolment & SB_ENROL_ACTIVATION)
		sb_enrolment_keep(device, enrol->n_ek_certificates, enrol->ek_certificates);
	sb_attest_note(run, device);
	return device;
}

/* The same device asks once more, with a newer quote: what enrollers have answered so far still stands. */
static enum sb_tx_code ask_again(struct sb_run *run, Sealbond__Device *before, Sealbond__Device *now)
{
	if (before->state != SEALBOND__DEVICE_STATE__ENROLLING)
		return sb_run_refuse(run, SB_TX_EXISTS, "it is proven: it waits for its owner");
	if (sb_attest_place(run, before->last) != SB_ORDER_NEWER)
		return sb_run_refuse(run, SB_TX_QUOTE_STALE, NULL);
	now->n_commitments = before->n_commitments;
	now->commitments = before->commitments;
	before->n_commitments = 0;
	before->commitments = NULL;
	now->due = before->due;
	return sb_enrolment_save(run, run->signer, now);
}

static enum sb_tx_code ask(struct sb_run *run, Sealbond__Device *enrolment, const Sealbond__Device *device)
{
	SB_AUTO_MESSAGE Sealbond__Device *before = sb_enrolment_load(run, run->signer, enrolment->ak_name);

	if (before)
		return ask_again(run, before, enrolment);
	if (sb_run_parameters(run)->enrolment & SB_ENROL_ACTIVATION)
		return sb_enrolment_add(run, run->signer, enrolment);
	/* An IAK speaks for the AK, not for the EK: who only claims an EK takes nothing away from who has it. */
	if (device && device->state != SEALBOND__DEVICE_STATE__RETIRED)
		return sb_run_refuse(run, SB_TX_EXISTS, "this EK is enrolled, with another attestation key");
	return make_device(run, enrolment);
}

SB_RULE(enrol, Enrol)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = sb_device_load(run, run->signer);
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
	struct sb_tpm_public ek, ak;
	uint8_t name[SB_TPM_NAME_MAX];
	ProtobufCBinaryData ak_name = { 0, name };
	enum sb_tx_code code = check_fields(run, action);
	uint32_t proven;

	if (code != SB_TX_OK)
		return code;
	/* Both were read once before, with their quote. */
	if (sb_tpm_public_parse(action->ek_public.data, action->ek_public.len, &ek) < 0 || !sb_ek_is_one(&ek) ||
	    sb_tpm_public_parse(action->ak_public.data, action->ak_public.len, &ak) < 0)
		return sb_run_refuse(run, SB_TX_EK_NAME, NULL);
	ak_name.len = sb_tpm_name(&ak, name);
	if (!is(ak_name, SB_AK_NAME_LEN))
		return sb_run_refuse(run, SB_TX_FIELD, "ak_public: its Name must be by SHA-256");
	if (device && (device->state == SEALBOND__DEVICE_STATE__REVOKED ||
		       device->state == SEALBOND__DEVICE_STATE__FROZEN_CLONE))
		return sb_run_refuse(run, SB_TX_STATE, "it is revoked or frozen");
	if (device && device->state != SEALBOND__DEVICE_STATE__RETIRED && sb_bytes_are(device->ak_name, name, ak_name.len))
		return enrol_again(run, action, device);
	code = sb_endorse(run, action, run->signer, &ek, &ak, &proven);
	if (code == SB_TX_OK)
		code = check_way(run, proven);
	if (code != SB_TX_OK)
		return code;
	enrolment = read_enrolment(run, action, &ek, ak_name, proven);
	sb_run_answer(run, run->signer, sizeof(run->signer));
	return ask(run, enrolment, device);
}

static void commitment_of(const struct sb_run *run, const Sealbond__Commitment *commitment, ProtobufCBinaryData ak_name,
			  ProtobufCBinaryData secret, uint8_t out[32])
{
	static const uint8_t tag[] = CHALLENGE_TAG;
	uint8_t chain_length = (uint8_t)strlen(run->chain);
	const struct sb_span parts[] = {
		{ tag, sizeof(tag) }, { &chain_length, 1 }, { (const uint8_t *)run->chain, chain_length },
		{ run->signer, 32 }, { ak_name.data, ak_name.len }, { commitment->enroller.data, commitment->enroller.len },
		{ commitment->nonce.data, commitment->nonce.len }, { secret.data, secret.len },
	};

	sb_hash(SB_TPM_ALG_SHA256, parts, sizeof(parts) / sizeof(parts[0]), out);
}

static const Sealbond__Commitment *find_commitment(const Sealbond__Device *enrolment, ProtobufCBinaryData enroller)
{
	for (size_t i = 0; i < enrolment->n_commitments; i++)
		if (sb_bytes_are(enrolment->commitments[i]->enroller, enroller.data, enroller.len))
			return enrolment->commitments[i];
	return NULL;
}

/* Each secret by another enroller, of those that are enrollers now. */
static enum sb_tx_code check_secrets(struct sb_run *run, const Sealbond__Activate *action,
				     const Sealbond__Device *enrolment)
{
	for (size_t i = 0; i < action->n_secrets; i++) {
		const Sealbond__OpenedSecret *opened = action->secrets[i];
		const Sealbond__Commitment *commitment;
		uint8_t expected[32];

		if (!is(opened->enroller, 32) || !is(opened->secret, 32) ||
		    (i && memcmp(action->secrets[i - 1]->enroller.data, opened->enroller.data, 32) >= 0))
			return sb_run_refuse(run, SB_TX_FIELD, "secrets: ascending by enroller, 32 bytes each");
		commitment = find_commitment(enrolment, opened->enroller);
		if (!commitment || !sb_run_has(run, SB_RECORD_ENROLLER, opened->enroller.data, 32))
			return sb_run_refuse(run, SB_TX_UNKNOWN, "no enroller of this ledger has sent such a challenge");
		commitment_of(run, commitment, enrolment->ak_name, opened->secret, expected);
		if (!sb_bytes_are(commitment->commitment, expected, sizeof(expected)))
			return sb_run_refuse(run, SB_TX_SECRET, NULL);
	}
	if (!action->n_secrets || action->n_secrets < sb_run_parameters(run)->enrollers_needed)
		return sb_run_refuse(run, SB_TX_NOT_ENOUGH_ENROLLERS, "%zu of %u", action->n_secrets,
				     sb_run_parameters(run)->enrollers_needed);
	return SB_TX_OK;
}

SB_RULE(activate, Activate)
{
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = sb_enrolment_load(run, run->signer, action->ak_name);
	SB_AUTO_MESSAGE Sealbond__Device *device = sb_device_load(run, run->signer);
	enum sb_tx_code code;

	if (!enrolment)
		return sb_run_refuse(run, SB_TX_UNKNOWN_DEVICE, NULL);
	if (enrolment->state != SEALBOND__DEVICE_STATE__ENROLLING ||
	    (device && (device->state == SEALBOND__DEVICE_STATE__REVOKED ||
			device->state == SEALBOND__DEVICE_STATE__FROZEN_CLONE)))
		return sb_run_refuse(run, SB_TX_STATE, NULL);
	code = check_secrets(run, action, enrolment);
	if (code == SB_TX_OK)
		code = check_way(run, enrolment->proven);
	if (code != SB_TX_OK)
		return code;
	enrolment->proven |= SB_PROVEN_ACTIVATION;
	sb_attest_note(run, enrolment);
	sb_run_answer(run, run->signer, sizeof(run->signer));
	if (device && device->state != SEALBOND__DEVICE_STATE__RETIRED)
		return freeze_both(run, device, enrolment);
	code = sb_enrolment_remove(run, run->signer, enrolment);
	return code == SB_TX_OK ? make_device(run, enrolment) : code;
}

static enum sb_tx_code check_challenge(struct sb_run *run, const Sealbond__Challenge *action)
{
	if (!is(action->device, 32) || !is(action->ak_name, SB_AK_NAME_LEN) || !is(action->nonce, NONCE_LEN) ||
	    !is(action->commitment, 32))
		return sb_run_refuse(run, SB_TX_FIELD, "device, ak_name, nonce and commitment have 32, 34, 16 and 32 bytes");
	if (!action->credential_blob.len || action->credential_blob.len > CREDENTIAL_MAX ||
	    !action->encrypted_secret.len || action->encrypted_secret.len > ENCRYPTED_MAX)
		return sb_run_refuse(run, SB_TX_FIELD, "credential_blob or encrypted_secret");
	if (!sb_run_has(run, SB_RECORD_ENROLLER, run->signer, sizeof(run->signer)))
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "only enrollers may");
	return SB_TX_OK;
}

/* An enroller's newer challenge takes the place of its older one. */
static Sealbond__Commitment *place_for(struct sb_run *run, Sealbond__Device *enrolment)
{
	const ProtobufCBinaryData signer = { sizeof(run->signer), run->signer };
	Sealbond__Commitment *commitment = (Sealbond__Commitment *)find_commitment(enrolment, signer), **longer;

	if (commitment || enrolment->n_commitments == SB_COMMITMENTS_MAX)
		return commitment;
	longer = realloc(enrolment->commitments, (enrolment->n_commitments + 1) * sizeof(*longer));
	if (!longer)
		abort();
	enrolment->commitments = longer;
	commitment = sb_message_new(&sealbond__commitment__descriptor);
	longer[enrolment->n_commitments++] = commitment;
	return commitment;
}

SB_RULE(challenge, Challenge)
{
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
	Sealbond__Commitment *commitment;
	enum sb_tx_code code = check_challenge(run, action);

	if (code != SB_TX_OK)
		return code;
	enrolment = sb_enrolment_load(run, action->device.data, action->ak_name);
	if (!enrolment)
		return sb_run_refuse(run, SB_TX_UNKNOWN_DEVICE, "no such enrolment waits");
	if (enrolment->state != SEALBOND__DEVICE_STATE__ENROLLING)
		return sb_run_refuse(run, SB_TX_STATE, "it is proven already");
	if (!enrolment->n_commitments)
		code = sb_enrolment_answer(run, action->device.data, enrolment);
	if (code != SB_TX_OK)
		return code;
	commitment = place_for(run, enrolment);
	if (!commitment)
		return sb_run_refuse(run, SB_TX_LIMIT, "%d challenges of one enrolment", SB_COMMITMENTS_MAX);
	sb_bytes_set(&commitment->enroller, run->signer, sizeof(run->signer));
	sb_bytes_set(&commitment->nonce, action->nonce.data, action->nonce.len);
	sb_bytes_set(&commitment->commitment, action->commitment.data, action->commitment.len);
	sb_bytes_set(&commitment->credential_blob, action->credential_blob.data, action->credential_blob.len);
	sb_bytes_set(&commitment->encrypted_secret, action->encrypted_secret.data, action->encrypted_secret.len);
	return sb_enrolment_save(run, action->device.data, enrolment);
}

/* Importing what is there, and removing what is not, changes nothing: a list can be sent again after a failure. */
static enum sb_tx_code import_one(struct sb_run *run, const Sealbond__ImportKeys *action, ProtobufCBinaryData device,
				  Sealbond__Counters *counters)
{
	Sealbond__KnownKey known = SEALBOND__KNOWN_KEY__INIT;
	uint8_t id[SB_KNOWN_KEY_ID_LEN];
	bool is_there;

	if (!is(device, 32))
		return sb_run_refuse(run, SB_TX_FIELD, "devices: ids have 32 bytes");
	sb_known_key_id(device.data, run->signer, id);
	is_there = sb_run_has(run, SB_RECORD_KNOWN_KEY, id, sizeof(id));
	if (action->remove) {
		counters->known_keys -= is_there && counters->known_keys;
		return is_there ? sb_run_remove(run, SB_RECORD_KNOWN_KEY, id, sizeof(id)) : SB_TX_OK;
	}
	if (!is_there && counters->known_keys >= KNOWN_KEYS_MAX)
		return sb_run_refuse(run, SB_TX_LIMIT, "%d known keys", KNOWN_KEYS_MAX);
	counters->known_keys += !is_there;
	known.enroller = (ProtobufCBinaryData){ sizeof(run->signer), run->signer };
	known.list = action->list;
	return sb_run_save(run, SB_RECORD_KNOWN_KEY, id, sizeof(id), &known);
}

SB_RULE(import_keys, ImportKeys)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	enum sb_tx_code code = SB_TX_OK;

	if (!is(action->list, 16) || !action->n_devices || action->n_devices > IMPORT_MAX)
		return sb_run_refuse(run, SB_TX_FIELD, "list has 16 bytes, devices are 1 to %d", IMPORT_MAX);
	/* Who was an enroller may still take back what it vouched for. */
	if (!action->remove && !sb_run_has(run, SB_RECORD_ENROLLER, run->signer, sizeof(run->signer)))
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "only enrollers may");
	for (size_t i = 0; i < action->n_devices && code == SB_TX_OK; i++)
		code = import_one(run, action, action->devices[i], counters);
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters) : code;
}

enum sb_tx_code sb_begin_devices(struct sb_run *run)
{
	return sb_enrolments_expire(run, EXPIRE_PER_BLOCK);
}
