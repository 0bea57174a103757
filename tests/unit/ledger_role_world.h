/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger role's logic against a real state machine: everything that the port gives is the test's own, time
 * included. Nodes sign grants from the machine's records.
 */
#ifndef LEDGER_ROLE_WORLD_H
#define LEDGER_ROLE_WORLD_H

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

static void put_record(enum sb_record_kind kind, const void *id, size_t id_length, const void *message)
{
	struct ledger *ledger = &world->plant.ledger;
	uint8_t key[SB_RECORD_KEY_MAX], *value;
	size_t length, key_length = sb_record_key(kind, id, id_length, key);

	value = sb_message_pack(message, &length);
	assert_int_equal(ledger->world.records.put(&ledger->world, key, key_length, value, length), 0);
	free(value);
	ledger_wait(ledger, 1);
}

/* On the record of one that is there; nothing of it is for others to open. */
static void put_tag(const struct device *device, uint8_t tag[32])
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&world->plant.ledger, device);
	Sealbond__Membership membership = SEALBOND__MEMBERSHIP__INIT;
	ProtobufCBinaryData tags = { 32, tag };

	if (!record)
		return;
	membership.n_tags = 1;
	membership.tags = &tags;
	membership.sealed = (ProtobufCBinaryData){ 1, tag };
	sb_message_free(record->membership);
	record->membership = tag ? &membership : NULL;
	put_record(SB_RECORD_DEVICE, device->id, 32, record);
	record->membership = NULL;
}

/* The zone's record with these devices in it, and the tags of the others. */
static void write_zone(const struct device *const *devices, size_t count)
{
	SealbondPrivate__ZoneContent content = SEALBOND_PRIVATE__ZONE_CONTENT__INIT;
	SealbondPrivate__ZoneDevice one[4], *list[4];
	Sealbond__Zone zone = SEALBOND__ZONE__INIT;
	const struct sb_about about = { SB_PURPOSE_ZONE, CHAIN, world->zone_id, 16 };
	SealbondPrivate__Allowed allowed = SEALBOND_PRIVATE__ALLOWED__INIT, *allows[] = { &allowed };
	uint8_t proof[4][64], tag[32], *text, *sealed;
	size_t length;

	content.name = (char *)"pumps";
	for (size_t i = 0; i < count; i++) {
		sealbond_private__zone_device__init(&one[i]);
		assert_int_equal(sb_tag_prove_for(world->secret, CHAIN, devices[i]->id, &world->rules, tag, proof[i]), 0);
		if (devices[i] != &world->plant.a)
			put_tag(devices[i], tag);
		one[i].device = span32(devices[i]->id);
		one[i].name = (char *)(devices[i] == &world->b ? "b" : "a");
		one[i].proof = (ProtobufCBinaryData){ 64, proof[i] };
		list[i] = &one[i];
		for (size_t j = i; j && memcmp(list[j]->device.data, list[j - 1]->device.data, 32) < 0; j--) {
			SealbondPrivate__ZoneDevice *lower = list[j];

			list[j] = list[j - 1];
			list[j - 1] = lower;
		}
	}
	content.n_devices = count;
	content.devices = list;
	/* One rule for TCP is enough here. */
	if (world->told_rules.length) {
		allowed.protocol = world->told_rules.bytes[0];
		allowed.port = (uint32_t)world->told_rules.bytes[2] << 8 | world->told_rules.bytes[3];
		content.n_allowed = 1;
		content.allowed = allows;
	}
	text = sb_private_pack(&content, &length);
	assert_int_equal(sb_envelope_seal(world->zone_key, &about, text, length, &sealed, &zone.sealed.len), 0);
	zone.sealed.data = sealed;
	zone.key = span32(world->authority);
	zone.version = 1;
	zone.conduit = world->in_conduit;
	put_record(SB_RECORD_ZONE, world->zone_id, 16, &zone);
	free(text);
	free(sealed);
}

/* A's membership of the zone, sealed to its box key. */
static void join_zone(void)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&world->plant.ledger, &world->plant.a);
	SealbondPrivate__MembershipContent content = SEALBOND_PRIVATE__MEMBERSHIP_CONTENT__INIT;
	SealbondPrivate__Belonging belonging = SEALBOND_PRIVATE__BELONGING__INIT, *list[] = { &belonging };
	Sealbond__Membership membership = SEALBOND__MEMBERSHIP__INIT;
	uint8_t tag[32], proof[64], *text, *sealed;
	ProtobufCBinaryData tags = { 32, tag };
	size_t length;

	assert_int_equal(sb_tag_prove_for(world->secret, CHAIN, world->plant.a.id, &world->rules, tag, proof), 0);
	content.chain = (char *)CHAIN;
	content.device = span32(world->plant.a.id);
	belonging.zone = (ProtobufCBinaryData){ 16, world->zone_id };
	belonging.key = span32(world->zone_key);
	belonging.authority = span32(world->authority);
	belonging.proof = (ProtobufCBinaryData){ 64, proof };
	belonging.rules = (ProtobufCBinaryData){ world->rules.length, world->rules.bytes };
	content.n_belongings = 1;
	content.belongings = list;
	text = sb_private_pack(&content, &length);
	assert_int_equal(sb_sealed_box_make(record->box_key.data, text, length, &sealed, &membership.sealed.len), 0);
	membership.sealed.data = sealed;
	membership.n_tags = 1;
	membership.tags = &tags;
	sb_message_free(record->membership);
	record->membership = &membership;
	put_record(SB_RECORD_DEVICE, world->plant.a.id, 32, record);
	record->membership = NULL;
	free(text);
	free(sealed);
}

/* One step, and the time until the next; blocks go on meanwhile. */
static void step(void)
{
	uint64_t wait = sb_ledger_step(world->role), before = world->now / 1000;

	world->now += wait ? wait : 1;
	if (world->now / 1000 > before && !world->reach && !world->stalled)
		ledger_wait(&world->plant.ledger, (int64_t)(world->now / 1000 - before));
}

static void steps(unsigned int count)
{
	while (count--)
		step();
}

static enum sb_ledger_state state_now(void)
{
	struct sb_ledger_reply reply;

	sb_ledger_report(world->role, &reply);
	return reply.state;
}

static void start_role(void)
{
	sb_ledger_free(world->role);
	world->role = sb_ledger_new(&world->port, &world->settings);
	assert_non_null(world->role);
}

/* An owner whose master key the configuration has: the key of this device follows. */
static void own(struct device *device)
{
	uint8_t master[32] = { 7 }, public[32], secret[32];
	secp256k1_xonly_pubkey point;

	assert_int_equal(sb_person_key(master, public), 0);
	world->settings.has_owner = true;
	memcpy(world->settings.owner, public, 32);
	assert_int_equal(sb_owner_secret(master, CHAIN, device->id, secret), 0);
	assert_true(secp256k1_keypair_create(person_context(), &device->owner.pair, secret));
	assert_true(secp256k1_keypair_xonly_pub(person_context(), &point, NULL, &device->owner.pair));
	secp256k1_xonly_pubkey_serialize(person_context(), device->owner.key, &point);
	device->owner.sequence = 1;
}

static int open_world(Sealbond__Parameters *parameters)
{
	assert_true(sodium_init() >= 0);
	world = calloc(1, sizeof(*world));
	plant_open(&world->plant, parameters, NULL);
	make_device(&world->plant.a);
	make_device(&world->b);
	own(&world->plant.a);
	make_nodes();
	world->now = 5000;
	world->random = 1;
	world->zone_id[0] = 9;
	world->zone_key[0] = 3;
	sb_zone_authority_new(world->secret, world->authority);
	strcpy(world->settings.chain, CHAIN);
	world->settings.enrol = true;
	crypto_box_keypair(world->settings.box_public, world->settings.box_secret);
	world->port = (struct sb_ledger_port){
		.now_ms = port_now, .random = port_random, .sync = port_sync, .read = port_read, .submit = port_submit,
		.ask = port_ask, .endpoints = port_endpoints, .members = port_members, .succeed = port_succeed, .identity = port_identity,
		.quote = port_quote, .activate = port_activate, .keys = port_keys, .local = port_local,
		.nonce = port_nonce, .admit = port_admit, .drop = port_drop, .profile = port_profile, .addresses = port_addresses,
	};
	start_role();
	return 0;
}

static int set_up(void **state)
{
	Sealbond__Parameters parameters;

	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ACTIVATION;
	parameters.pcrs = PCRS;
	parameters.heartbeat_least = 60;
	parameters.hold = 3 * 86400;
	return open_world(&parameters);
}

static int tear_down(void **state)
{
	sb_ledger_free(world->role);
	for (int i = 0; i < NODES; i++)
		EC_KEY_free(world->node[i].key);
	ledger_close(&world->plant.ledger);
	free_device(&world->plant.a);
	free_device(&world->b);
	free_device(&world->c);
	free_device(&world->d);
	free(world);
	return 0;
}

/* From nothing to a live lease: it enrols, an enroller answers, its owner approves. */
static inline void go_live(void)
{
	struct plant *plant = &world->plant;

	step();
	assert_int_equal(state_now(), SB_LEDGER_NOT_ENROLLED);
	step();
	assert_int_equal(state_now(), SB_LEDGER_ENROLLING);
	assert_int_equal(challenges(&plant->ledger, &plant->enroller[0], &plant->a), SB_TX_OK);
	steps(8);
	assert_int_equal(state_now(), SB_LEDGER_AWAITING_APPROVAL);
	assert_int_equal(approves(&plant->ledger, &plant->a.owner, &plant->a, plant->a.current), SB_TX_OK);
	steps(3);
	assert_int_equal(state_now(), SB_LEDGER_LIVE);
}

static inline void b_live(void)
{
	bring_live(&world->plant, &world->b, 1);
}

static inline void with_zone(void)
{
	const struct device *both[] = { &world->plant.a, &world->b };

	go_live();
	b_live();
	write_zone(both, 2);
	join_zone();
	steps(4);
}

static inline void later(uint64_t ms)
{
	world->now += ms;
	if (!world->reach && !world->stalled)
		ledger_wait(&world->plant.ledger, (int64_t)(ms / 1000));
	step();
}

#endif
