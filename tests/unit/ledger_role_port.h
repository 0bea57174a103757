/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ledger role's logic runs on: everything that the port gives is the test's own, time included. Nodes sign
 * grants from the machine's records.
 */
#ifndef LEDGER_ROLE_PORT_H
#define LEDGER_ROLE_PORT_H

#include "device_world.h"

#include <endian.h>
#include <sodium.h>

#include "common/grant.h"
#include "device/ledger.h"
#include "device/ledger_internal.h"
#include "ledger/grant_terms.h"
#include "owner/authority.h"
#include "owner/envelope.h"
#include "owner/key.h"
#include "owner/private.h"

#define NODES	3
#define NODE_SILENT_MS	2500

struct node {
	EC_KEY *key;
	uint8_t point[SB_GRANT_POINT_LEN], id[SB_GRANT_KEY_ID_LEN];
	bool down, lies;	/* lies: adds a bad signature in the next node's name */
	int64_t clock;		/* against the last block's time */
	bool hurries;		/* names a time that nobody agrees to */
};

struct role_world {
	struct plant plant;
	struct device b, c, d;		/* c and d: where a test makes them */
	struct sb_ledger_port port;
	struct sb_ledger_settings settings;
	struct sb_ledger *role;
	uint64_t now;
	uint32_t random;
	bool stalled;			/* no blocks, no transactions */
	int64_t ahead;			/* blocks that are shown and have not come to the state yet */
	int successor;			/* what its successor says; once 0, it has the records, and is open */
	unsigned int moves;
	int reach;			/* what the light client says: 0, -EHOSTUNREACH, ... */
	bool rotated, cleared;		/* the kernel's keys */
	unsigned int grants, drops, submits, quotes, asked;
	bool deaf, locked;		/* the link role */
	unsigned int profiles;
	struct sb_profile_request profile;	/* the last one that it was told */
	bool in_conduit;		/* as the nodes see A and B */
	struct sb_tag_rules rules;	/* what the zone, then a conduit, is for */
	struct sb_tag_rules told_rules;	/* what its members are told that it is for */
	uint8_t dropped[32], admitted[32];
	struct sb_admit_request last;
	uint8_t nonce[16];
	struct sb_ledger_local local;
	unsigned int locals;		/* how often the link role was told that */
	struct node node[NODES];
	/* the zone's people */
	uint8_t secret[32], authority[32], zone_key[32], zone_id[16];
};

static struct role_world *world;

static uint64_t port_now(void *context)
{
	return world->now;
}

static uint32_t port_random(void *context)
{
	world->random = world->random * 1664525 + 1013904223;
	return world->random;
}

static int port_reach(struct sb_error *error)
{
	return world->reach ? sb_fail(error, world->reach, "no ledger") : 0;
}

static int port_sync(void *context, struct sb_head *head, struct sb_error *error)
{
	struct ledger *ledger = &world->plant.ledger;

	if (port_reach(error) < 0)
		return world->reach;
	*head = (struct sb_head){ .height = ledger->height + world->ahead, .seconds = ledger->time };
	block_hash_of(head->height, head->hash);
	block_hash_of(head->height - 1, head->parent);
	memcpy(head->app_hash, head->hash, 32);
	return 0;
}

static int port_read(void *context, const void *key, size_t length, struct sb_port_record *record,
		     struct sb_error *error)
{
	struct ledger *ledger = &world->plant.ledger;
	const uint8_t *value;
	size_t value_length;

	if (port_reach(error) < 0)
		return world->reach;
	*record = (struct sb_port_record){ .height = ledger->height, .seconds = ledger->time };
	if (ledger->world.records.get(&ledger->world, key, length, &value, &value_length) < 0)
		return 0;
	record->present = true;
	record->value = malloc(value_length + 1);
	memcpy(record->value, value, value_length);
	record->length = value_length;
	return 0;
}

static int port_submit(void *context, const uint8_t *tx, size_t length, struct sb_port_taken *taken,
		       struct sb_error *error)
{
	struct ledger *ledger = &world->plant.ledger;

	if (port_reach(error) < 0)
		return world->reach;
	if (world->stalled)
		return sb_fail(error, -ETIMEDOUT, "no block came");
	world->submits++;
	taken->code = ledger_send(ledger, tx, length);
	taken->height = ledger->height;
	snprintf(taken->log, sizeof(taken->log), "%s", ledger->last.log);
	return 0;
}

static int port_identity(void *context, struct sb_identity_answer *identity, struct sb_error *error)
{
	const struct device *a = &world->plant.a;

	memset(identity, 0, sizeof(*identity));
	memcpy(identity->device_id, a->id, 32);
	memcpy(identity->ak_name, a->ak_name, 34);
	identity->ek_length = (uint16_t)a->ek.area.length;
	memcpy(identity->ek_public, a->ek.area.data, a->ek.area.length);
	identity->ak_length = (uint16_t)a->ak.area.length;
	memcpy(identity->ak_public, a->ak.area.data, a->ak.area.length);
	return 0;
}

static int port_quote(void *context, const uint8_t extra[32], uint32_t pcrs, struct sb_quote_answer *quote,
		      struct sb_error *error)
{
	struct device *a = &world->plant.a;
	struct statement s = { .signs = &a->ak };
	struct bytes attest, signature;
	size_t at = 0;

	world->quotes++;
	assert_int_equal(pcrs, a->pcrs);
	fill_cap(a, &s);
	fill_said(a, &s);
	memcpy(s.said.extra, extra, 32);
	build_quote(&s.said, &attest);
	sign(&a->ak, attest.data, attest.length, &signature);
	memset(quote, 0, sizeof(*quote));
	quote->pcrs = pcrs;
	quote->attest_length = (uint16_t)attest.length;
	memcpy(quote->attest, attest.data, attest.length);
	quote->signature_length = (uint16_t)signature.length;
	memcpy(quote->signature, signature.data, signature.length);
	for (unsigned int pcr = 0; pcr < 24; pcr++)
		if (pcrs & 1U << pcr) {
			memcpy(quote->values[pcr], s.values.data + at, 32);
			at += 32;
		}
	return 0;
}

static int port_activate(void *context, const uint8_t *blob, size_t blob_length, const uint8_t *encrypted,
			 size_t encrypted_length, uint8_t secret[32], struct sb_error *error)
{
	secret_of(&world->plant.enroller[0], &world->plant.a, secret);
	return 0;
}

static int port_keys(void *context, struct sb_keys_answer *keys, struct sb_error *error)
{
	const struct device *a = &world->plant.a;

	memset(keys, 0, sizeof(*keys));
	keys->has_current = keys->has_next = 1;
	memcpy(keys->current, a->current, 32);
	memcpy(keys->next, a->next, 32);
	if (world->rotated) {
		keys->has_old = 1;
		keys->has_next = 0;
		memcpy(keys->old, a->current, 32);
		memcpy(keys->current, a->next, 32);
	}
	keys->has_prior = 1;
	keys->cap_pcr = CAP;
	keys->pcrs = PCRS & ~(1U << CAP);
	keys->assurance = 3;
	return 0;
}

static void port_local(void *context, const struct sb_ledger_local *local)
{
	world->local = *local;
	world->locals++;
}

static int port_nonce(void *context, const uint8_t device[32], uint8_t nonce[16], struct sb_error *error)
{
	world->nonce[0]++;
	world->nonce[15] = 1;
	memcpy(nonce, world->nonce, 16);
	return 0;
}

static int port_admit(void *context, const struct sb_admit_request *request, struct sb_error *error)
{
	world->grants++;
	memcpy(world->admitted, request->device_id, 32);
	world->last = *request;
	return 0;
}

static int port_profile(void *context, const struct sb_profile_request *profile, struct sb_profile_answer *answer,
			struct sb_error *error)
{
	(void)context;
	if (world->deaf)
		return sb_fail(error, -ETIMEDOUT, "the link role does not answer");
	world->profiles++;
	world->profile = *profile;
	*answer = (struct sb_profile_answer){ .version = profile->version, .mode_taken = profile->mode && !world->locked,
					      .exceptions_taken = profile->has_exceptions && !world->locked };
	if (world->locked)
		snprintf(answer->text, sizeof(answer->text), "mode: locked in enforce until the reboot");
	return 0;
}

static int port_drop(void *context, const uint8_t device[32], struct sb_error *error)
{
	world->drops++;
	memcpy(world->dropped, device, 32);
	return 0;
}

static unsigned int port_endpoints(void *context)
{
	return NODES;
}

static int port_members(void *context, const uint8_t *record, size_t length, int64_t height, struct sb_error *error)
{
	assert_true(length > 0);
	return 0;
}

static int port_succeed(void *context, const uint8_t *record, size_t length, struct sb_error *error)
{
	SB_AUTO_MESSAGE Sealbond__Succession *succession =
		sb_message_read(&sealbond__succession__descriptor, record, length);
	struct ledger *ledger = &world->plant.ledger;
	uint8_t key[SB_RECORD_KEY_MAX];

	assert_non_null(succession);
	assert_string_equal(succession->chain, "plant-2");
	world->moves++;
	if (world->successor)
		return sb_fail(error, world->successor, "not yet");
	length = sb_record_key(SB_RECORD_SUCCESSION, NULL, 0, key);
	return ledger->world.records.remove(&ledger->world, key, length);
}

static size_t port_addresses(void *context, char (*address)[72], size_t room)
{
	strcpy(address[0], "192.0.2.7:7454");
	return 1;
}

static void node_sign(const struct node *node, const struct sb_grant_file *grant, uint8_t rs[64])
{
	uint8_t message[SB_GRANT_MESSAGE_LEN], digest[32];
	ECDSA_SIG *signature;
	BIGNUM *half, *s = BN_new();
	const BIGNUM *n = EC_GROUP_get0_order(EC_KEY_get0_group(node->key));

	SHA256(message, sb_grant_file_message(grant, message), digest);
	signature = ECDSA_do_sign(digest, 32, node->key);
	half = BN_dup(n);
	BN_rshift1(half, half);
	BN_copy(s, ECDSA_SIG_get0_s(signature));
	if (BN_cmp(s, half) > 0)
		BN_sub(s, n, s);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), rs, 32);
	BN_bn2binpad(s, rs + 32, 32);
	BN_free(half);
	BN_free(s);
	ECDSA_SIG_free(signature);
}

/* From the committed state, as a node does it. */
static int port_ask(void *context, unsigned int endpoint, const char *path, const void *data, size_t length,
		    uint8_t **answer, size_t *answer_length, struct sb_error *error)
{
	SB_AUTO_MESSAGE Sealbond__GrantRequest *request =
		sb_message_read(&sealbond__grant_request__descriptor, data, length);
	Sealbond__GrantAnswer out = SEALBOND__GRANT_ANSWER__INIT;
	SB_AUTO_MESSAGE Sealbond__Device *device = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *holder = NULL;
	SB_AUTO_MESSAGE Sealbond__Parameters *parameters = NULL;
	struct node *node = &world->node[endpoint];
	int64_t now = world->plant.ledger.time + node->clock;
	struct sb_grant_terms terms;
	struct sb_grant_file grant;
	uint8_t rs[64], file[SB_GRANT_MAX];
	char why[SB_TX_LOG_MAX];

	/* So long is waited for one of several. */
	if (node->down)
		world->now += NODE_SILENT_MS;
	if (world->reach || node->down)
		return sb_fail(error, -EHOSTUNREACH, "node %u does not answer", endpoint);
	assert_string_equal(path, "/grant");
	assert_non_null(request);
	device = record_of(&world->plant.ledger, &sealbond__device__descriptor, SB_RECORD_DEVICE, request->device.data, 32);
	holder = record_of(&world->plant.ledger, &sealbond__device__descriptor, SB_RECORD_DEVICE, request->holder.data, 32);
	parameters = record_of(&world->plant.ledger, &sealbond__parameters__descriptor, SB_RECORD_PARAMETERS, NULL, 0);
	if (node->hurries && !request->as_of)
		request->as_of = now + SB_GRANT_AHEAD_MOST;
	world->asked++;
	if (sb_grant_terms(parameters, holder, device, !world->in_conduit, now, request->as_of, request->hold, &terms, why))
		return sb_fail(error, -EREMOTEIO, "%s", why);
	sb_grant_file_init(&grant);
	grant.body.duration_ms = htobe64(terms.duration_ms);
	grant.body.hold_s = htobe32(terms.hold_s);
	assert_int_equal(sb_grant_file_set_rules(&grant, request->rules.data, request->rules.len / 8), 0);
	out.as_of = terms.as_of;
	memcpy(grant.body.nonce, request->nonce.data, 16);
	SHA256((const uint8_t *)CHAIN, strlen(CHAIN), grant.body.chain_id);
	memcpy(grant.body.holder, request->holder.data, 32);
	memcpy(grant.body.device_id, request->device.data, 32);
	memcpy(grant.body.key, device->key.data, 32);
	memcpy(grant.body.overlay4, device->overlay4.data, 4);
	node_sign(&world->node[endpoint], &grant, rs);
	assert_int_equal(sb_grant_file_add(&grant, world->node[endpoint].id, rs), 0);
	if (world->node[endpoint].lies)
		assert_int_equal(sb_grant_file_add(&grant, world->node[(endpoint + 1) % NODES].id, rs), 0);
	out.grant.data = file;
	out.grant.len = sb_grant_file_encode(&grant, file);
	*answer = sb_message_pack(&out, answer_length);
	return 0;
}

static void make_nodes(void)
{
	for (int i = 0; i < NODES; i++) {
		struct node *node = &world->node[i];
		uint8_t encoded[65];

		node->key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
		assert_true(EC_KEY_generate_key(node->key));
		EC_POINT_point2oct(EC_KEY_get0_group(node->key), EC_KEY_get0_public_key(node->key),
				   POINT_CONVERSION_UNCOMPRESSED, encoded, 65, NULL);
		memcpy(node->point, encoded + 1, 64);
		sb_grant_key_id(node->point, node->id);
		memcpy(world->settings.keys[i], node->point, 64);
	}
	world->settings.keys_count = NODES;
	world->settings.threshold = 2;
}

#endif
