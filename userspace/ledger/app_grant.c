// SPDX-License-Identifier: Apache-2.0
/* Grants: what the ledger says about two devices, signed for the kernel of one of them. */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/grant.h"
#include "common/sha256.h"
#include "ledger/grant_terms.h"
#include "ledger/ledger_app_internal.h"
#include "state/membership.h"

static int refuse(struct sb_app_answer *answer, uint32_t code, const char *why)
{
	answer->code = code;
	snprintf(answer->log, sizeof(answer->log), "%s", why ? why : sb_tx_sentence(code));
	return 0;
}

static void *load(struct sb_view *view, const ProtobufCMessageDescriptor *type, enum sb_record_kind kind, const void *id,
		  size_t id_length, int *error)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length, key_length = sb_record_key(kind, id, id_length, key);
	const uint8_t *value;
	void *message = NULL;
	int rc = sb_view_get(view, key, key_length, &value, &length);

	if (!rc) {
		message = sb_message_read(type, value, length);
		rc = message ? 0 : -EUCLEAN;
	}
	*error = rc == -ENOENT ? 0 : rc;
	return message;
}

/* A grant answers a request of just now: a nonce of zeros would make it good at any time. */
static bool is_request(const Sealbond__GrantRequest *request)
{
	static const uint8_t zero[SB_GRANT_NONCE_LEN];

	return request && request->holder.len == 32 && request->device.len == 32 &&
	       request->nonce.len == SB_GRANT_NONCE_LEN && !sb_bytes_are(request->nonce, zero, sizeof(zero)) &&
	       request->zone.len == SB_TAG_LEN && request->holder_proof.len == SB_TAG_PROOF_LEN &&
	       request->device_proof.len == SB_TAG_PROOF_LEN && request->rules.len <= SB_TAG_RULES_MAX &&
	       request->rules.len % sizeof(struct sb_grant_rule) == 0 && !sb_bytes_are(request->holder, request->device.data, 32);
}

/* Which of its tags is of this zone, or conduit; the first is its zone's. -1: none. */
static int membership_of(const char *chain, ProtobufCBinaryData id, const Sealbond__Device *device,
			 const Sealbond__GrantRequest *request, ProtobufCBinaryData proof)
{
	const Sealbond__Membership *membership = device->membership;
	struct sb_tag_rules rules = { .length = request->rules.len };

	if (rules.length)
		memcpy(rules.bytes, request->rules.data, rules.length);
	for (size_t i = 0; membership && i < membership->n_tags && i < SB_TAGS_MAX; i++)
		if (membership->tags[i].len == SB_TAG_LEN &&
		    sb_tag_verify_for(chain, id.data, &rules, membership->tags[i].data, request->zone.data,
				      proof.data) == 0)
			return (int)i;
	return -1;
}

/*
 * A chain that stands still has an old time, and the leases of its state must not grow by that: the node's own
 * clock can shorten a grant, and never lengthens one.
 */
static int64_t now_of(const struct sb_app_time *time_of_block)
{
	int64_t now = (int64_t)time(NULL);

	return now > time_of_block->seconds ? now : time_of_block->seconds;
}

static void fill_body(const struct sb_ledger_app *app, const Sealbond__GrantRequest *request,
		      const Sealbond__Device *device, const struct sb_grant_terms *terms, struct sb_grant_file *grant)
{
	sb_grant_file_init(grant);
	if (terms->quarantine)
		grant->body.flags |= SB_GRANT_F_QUARANTINE;
	grant->body.hold_s = htobe32(terms->hold_s);
	grant->body.duration_ms = htobe64(terms->duration_ms);
	memcpy(grant->body.nonce, request->nonce.data, sizeof(grant->body.nonce));
	sb_digest_of(app->ledger, strlen(app->ledger), grant->body.chain_id);
	memcpy(grant->body.holder, request->holder.data, 32);
	memcpy(grant->body.device_id, request->device.data, 32);
	memcpy(grant->body.key, device->key.data, 32);
	if (device->overlay4.len == sizeof(grant->body.overlay4))
		memcpy(grant->body.overlay4, device->overlay4.data, sizeof(grant->body.overlay4));
	if (device->overlay6.len == sizeof(grant->body.overlay6))
		memcpy(grant->body.overlay6, device->overlay6.data, sizeof(grant->body.overlay6));
}

/* Kernels would count no signature of a key that the members have not named. */
static bool is_named(const Sealbond__GrantKeys *keys, const struct sb_p256_key *key)
{
	for (size_t i = 0; keys && i < keys->n_keys; i++)
		if (sb_bytes_are(keys->keys[i], sb_p256_key_point(key), SB_GRANT_POINT_LEN))
			return true;
	return false;
}

static int sign(const struct sb_ledger_app *app, struct sb_grant_file *grant, const struct sb_app_time *time,
		int64_t as_of, struct sb_app_answer *answer)
{
	Sealbond__GrantAnswer signed_one = SEALBOND__GRANT_ANSWER__INIT;
	uint8_t message[SB_GRANT_MESSAGE_LEN], signature[64], id[SB_GRANT_KEY_ID_LEN], file[SB_GRANT_MAX];
	size_t length;

	length = sb_grant_file_message(grant, message);
	sb_grant_key_id(sb_p256_key_point(app->grant_key), id);
	if (sb_p256_key_sign(app->grant_key, message, length, signature) < 0 ||
	    sb_grant_file_add(grant, id, signature) < 0)
		return refuse(answer, SB_TX_INTERNAL, "libcrypto could not sign");
	signed_one.grant = (ProtobufCBinaryData){ sb_grant_file_encode(grant, file), file };
	signed_one.height = time->height;
	signed_one.time = time->seconds;
	signed_one.as_of = as_of;
	sb_app_answer_message(answer, &signed_one);
	return 0;
}

static int answer_for(struct sb_ledger_app *app, const Sealbond__GrantRequest *request,
		      const Sealbond__Parameters *parameters, const Sealbond__Device *holder,
		      const Sealbond__Device *device, const struct sb_app_time *time, struct sb_app_answer *answer)
{
	int holder_place, device_place;
	struct sb_grant_terms terms;
	struct sb_grant_file grant;

	if (!holder || !device)
		return refuse(answer, SB_TX_UNKNOWN_DEVICE, holder ? "device" : "holder");
	holder_place = membership_of(app->ledger, request->holder, holder, request, request->holder_proof);
	if (holder_place < 0)
		return refuse(answer, SB_TX_NOT_ALLOWED, "the holder is not shown to be of this zone");
	device_place = membership_of(app->ledger, request->device, device, request, request->device_proof);
	if (device_place < 0)
		return refuse(answer, SB_TX_NOT_ALLOWED, "the device is not shown to be of this zone");
	answer->code = sb_grant_terms(parameters, holder, device, !holder_place && !device_place, now_of(time),
				      request->as_of, request->hold, &terms, answer->log);
	if (answer->code)
		return 0;
	fill_body(app, request, device, &terms, &grant);
	if (sb_grant_file_set_rules(&grant, request->rules.data, request->rules.len / sizeof(struct sb_grant_rule)) < 0)
		return refuse(answer, SB_TX_MALFORMED, "rules: one of them cannot be");
	return sign(app, &grant, time, terms.as_of, answer);
}

int sb_app_grant(struct sb_ledger_app *app, struct sb_view *view, const uint8_t *data, size_t length,
		 struct sb_app_answer *answer)
{
	SB_AUTO_MESSAGE Sealbond__GrantRequest *request =
		sb_message_read(&sealbond__grant_request__descriptor, data, length);
	SB_AUTO_MESSAGE Sealbond__GrantKeys *keys = NULL;
	SB_AUTO_MESSAGE Sealbond__Parameters *parameters = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *holder = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	struct sb_app_time time;
	int rc = 0;

	if (!is_request(request))
		return refuse(answer, SB_TX_MALFORMED, "data: not a GrantRequest, or one without a nonce");
	if (!app->grant_key)
		return refuse(answer, SB_TX_NOT_ALLOWED, "this node has no grant key");
	keys = load(view, &sealbond__grant_keys__descriptor, SB_RECORD_GRANT_KEYS, NULL, 0, &rc);
	if (!rc && !is_named(keys, app->grant_key))
		return refuse(answer, SB_TX_NOT_ALLOWED, "this node's grant key is not among the ledger's");
	if (!rc)
		parameters = load(view, &sealbond__parameters__descriptor, SB_RECORD_PARAMETERS, NULL, 0, &rc);
	if (!rc)
		holder = load(view, &sealbond__device__descriptor, SB_RECORD_DEVICE, request->holder.data, 32, &rc);
	if (!rc)
		device = load(view, &sealbond__device__descriptor, SB_RECORD_DEVICE, request->device.data, 32, &rc);
	if (!rc)
		rc = sb_app_read_time(view, &time);
	if (!rc && !parameters)
		rc = -EUCLEAN;
	return rc ? rc : answer_for(app, request, parameters, holder, device, &time, answer);
}
