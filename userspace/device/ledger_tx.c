// SPDX-License-Identifier: Apache-2.0
#include "device/ledger_tx.h"

#include <stdlib.h>
#include <string.h>

#include "state/ledger.pb-c.h"

static ProtobufCBinaryData bytes(const void *data, size_t length)
{
	/* protobuf-c's messages are not const, and are only read here. */
	return (ProtobufCBinaryData){ data ? length : 0, (uint8_t *)(uintptr_t)data };
}

/* Zeros stand for nothing, which is not encoded. */
static ProtobufCBinaryData unless_zero(const uint8_t data[32])
{
	static const uint8_t zero[32];

	return bytes(memcmp(data, zero, 32) ? data : NULL, 32);
}

static uint8_t *pack(const ProtobufCMessage *message, size_t *length)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = malloc(size ? size : 1);

	if (!data)
		abort();
	*length = protobuf_c_message_pack(message, data);
	return data;
}

static void cut(const struct sb_certificates_answer *certificates, ProtobufCBinaryData *out)
{
	const uint8_t *data = certificates->data;

	for (size_t i = 0; i < certificates->count; data += certificates->length[i++])
		out[i] = bytes(data, certificates->length[i]);
}

uint8_t *sb_body_enrol(const struct sb_identity_answer *identity, const struct sb_iak_answer *iak, const uint8_t *owner,
		       const uint8_t box_key[32], uint32_t pcrs, uint32_t assurance, size_t *length)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__Enrol enrol = SEALBOND__ENROL__INIT;
	ProtobufCBinaryData certificate[SB_IDENTITY_CERTIFICATES], of_iak[SB_IDENTITY_CERTIFICATES];

	cut(&identity->certificates, certificate);
	enrol.ek_public = bytes(identity->ek_public, identity->ek_length);
	enrol.ak_public = bytes(identity->ak_public, identity->ak_length);
	enrol.n_ek_certificates = identity->certificates.count;
	enrol.ek_certificates = certificate;
	if (iak) {
		cut(&iak->certificates, of_iak);
		enrol.iak_public = bytes(iak->public, iak->public_length);
		enrol.n_iak_certificates = iak->certificates.count;
		enrol.iak_certificates = of_iak;
		enrol.certify_info = bytes(iak->info, iak->info_length);
		enrol.certify_signature = bytes(iak->signature, iak->signature_length);
	}
	enrol.owner = bytes(owner, 32);
	enrol.box_key = bytes(box_key, 32);
	enrol.pcrs = pcrs;
	enrol.assurance = assurance;
	body.action_case = SEALBOND__BODY__ACTION_ENROL;
	body.enrol = &enrol;
	return pack(&body.base, length);
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

uint8_t *sb_body_activate(const uint8_t ak_name[34], struct sb_opened *opened, size_t count, size_t *length)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__Activate activate = SEALBOND__ACTIVATE__INIT;
	Sealbond__OpenedSecret secret[SB_SECRETS_MAX], *list[SB_SECRETS_MAX];

	if (count > SB_SECRETS_MAX)
		abort();
	qsort(opened, count, sizeof(*opened), compare);
	for (size_t i = 0; i < count; i++) {
		sealbond__opened_secret__init(&secret[i]);
		secret[i].enroller = bytes(opened[i].enroller, 32);
		secret[i].secret = bytes(opened[i].secret, 32);
		list[i] = &secret[i];
	}
	activate.n_secrets = count;
	activate.secrets = list;
	activate.ak_name = bytes(ak_name, 34);
	body.action_case = SEALBOND__BODY__ACTION_ACTIVATE;
	body.activate = &activate;
	return pack(&body.base, length);
}

uint8_t *sb_body_heartbeat(const struct sb_beat *beat, size_t *length)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__Heartbeat heartbeat = SEALBOND__HEARTBEAT__INIT;

	heartbeat.endpoints = bytes(beat->endpoints, beat->endpoints_length);
	heartbeat.box_key = bytes(beat->box_key, 32);
	heartbeat.profile_version = beat->profile_version;
	heartbeat.assurance = beat->assurance;
	body.action_case = SEALBOND__BODY__ACTION_HEARTBEAT;
	body.heartbeat = &heartbeat;
	return pack(&body.base, length);
}

uint8_t *sb_body_rotate(const uint8_t key[32], size_t *length)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__RotateKey rotate = SEALBOND__ROTATE_KEY__INIT;

	rotate.key = bytes(key, 32);
	body.action_case = SEALBOND__BODY__ACTION_ROTATE_KEY;
	body.rotate_key = &rotate;
	return pack(&body.base, length);
}

uint8_t *sb_device_tx(const uint8_t device[32], const struct sb_beacon *beacon, const struct sb_quote_answer *quote,
		      const struct sb_claim *claim, const uint8_t *body, size_t body_length, size_t *length)
{
	Sealbond__SignedTx tx = SEALBOND__SIGNED_TX__INIT;
	Sealbond__DeviceAuth auth = SEALBOND__DEVICE_AUTH__INIT;
	Sealbond__CapClaim cap = SEALBOND__CAP_CLAIM__INIT;
	uint8_t values[24 * 32];
	size_t used = 0;

	for (unsigned int pcr = 0; pcr < 24; pcr++)
		if (quote->pcrs & 1U << pcr) {
			memcpy(values + used, quote->values[pcr], 32);
			used += 32;
		}
	cap.config = bytes(claim->cap.has_config ? claim->cap.config : NULL, 32);
	cap.current = unless_zero(claim->cap.current);
	cap.next = unless_zero(claim->cap.next);
	cap.outcome = claim->cap.outcome;
	cap.prior = unless_zero(claim->prior);
	auth.device = bytes(device, 32);
	auth.beacon_height = beacon->height;
	auth.beacon_hash = bytes(beacon->hash, 32);
	auth.quote = bytes(quote->attest, quote->attest_length);
	auth.signature = bytes(quote->signature, quote->signature_length);
	auth.pcr_values = bytes(values, used);
	auth.cap = &cap;
	tx.body = bytes(body, body_length);
	tx.auth_case = SEALBOND__SIGNED_TX__AUTH_DEVICE;
	tx.device = &auth;
	return pack(&tx.base, length);
}
