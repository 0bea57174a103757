/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger role's logic against a real state machine: its zone, its people, its steps. */
#ifndef LEDGER_ROLE_WORLD_H
#define LEDGER_ROLE_WORLD_H

#include "ledger_role_port.h"

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

/* The last one that the link role was given. */
static inline void last_grant(struct sb_grant_file *grant)
{
	assert_int_equal(sb_grant_file_decode(world->last.grant, world->last.length, grant), 0);
}

#endif
