// SPDX-License-Identifier: Apache-2.0
/*
 * An owner and its devices: membership and profile that nobody else reads, transfer to another owner, and that two
 * devices of one owner in one zone share nothing on the ledger that would tell so.
 */
#include "device_world.h"

#include <sodium.h>

#include "owner/belong.h"
#include "owner/transaction.h"

static uint32_t offers(struct plant *plant, struct person *owner, const struct device *device, const uint8_t *to)
{
	BODY(OFFER_DEVICE, offer_device, OfferDevice, offer);

	offer.device = span32(device->id);
	if (to)
		offer.to = span32(to);
	return says(&plant->ledger, owner, &body);
}

static uint32_t accepts(struct plant *plant, struct person *owner, const struct device *device)
{
	BODY(ACCEPT_DEVICE, accept_device, AcceptDevice, accept);

	accept.device = span32(device->id);
	return says(&plant->ledger, owner, &body);
}

static uint32_t sets_membership(struct plant *plant, struct person *owner, const struct device *device,
				Sealbond__Membership *membership)
{
	BODY(SET_MEMBERSHIP, set_membership, SetMembership, set);

	set.device = span32(device->id);
	set.membership = membership;
	return says(&plant->ledger, owner, &body);
}

static uint32_t sets_profile(struct plant *plant, struct person *owner, const struct device *device, uint32_t version,
			     size_t length)
{
	static uint8_t sealed[4097];
	BODY(SET_PROFILE, set_profile, SetProfile, set);

	set.device = span32(device->id);
	set.version = version;
	set.sealed = (ProtobufCBinaryData){ length, sealed };
	return says(&plant->ledger, owner, &body);
}

static void a_device_changes_hands(void **state)
{
	struct plant *plant = *state;
	struct person *old = &plant->a.owner, new, third;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	uint8_t bad[32];

	make_person(&new, 500);
	make_person(&third, 501);
	memset(bad, 0xff, sizeof(bad));
	assert_int_equal(accepts(plant, &plant->member, &plant->a), SB_TX_NOT_ALLOWED);
	assert_int_equal(offers(plant, &plant->member, &plant->a, new.key), SB_TX_NOT_ALLOWED);
	assert_int_equal(offers(plant, old, &plant->b, new.key), SB_TX_UNKNOWN_DEVICE);
	assert_int_equal(offers(plant, old, &plant->a, bad), SB_TX_FIELD);
	assert_int_equal(offers(plant, old, &plant->a, old->key), SB_TX_EXISTS);
	assert_int_equal(offers(plant, old, &plant->a, NULL), SB_TX_UNKNOWN);
	assert_int_equal(accepts(plant, &new, &plant->a), SB_TX_NO_ACCOUNT);
	assert_int_equal(sets_profile(plant, old, &plant->a, 1, 100), SB_TX_OK);

	assert_int_equal(offers(plant, old, &plant->a, new.key), SB_TX_OK);
	assert_int_equal(accepts(plant, &plant->member, &plant->a), SB_TX_NOT_ALLOWED);
	/* taken back, and offered to somebody else */
	assert_int_equal(offers(plant, old, &plant->a, NULL), SB_TX_OK);
	assert_int_equal(accepts(plant, &new, &plant->a), SB_TX_NOT_ALLOWED);
	assert_int_equal(offers(plant, old, &plant->a, third.key), SB_TX_OK);
	assert_int_equal(offers(plant, old, &plant->a, new.key), SB_TX_OK);
	assert_int_equal(accepts(plant, &third, &plant->a), SB_TX_NOT_ALLOWED);
	assert_int_equal(accepts(plant, &new, &plant->b), SB_TX_UNKNOWN_DEVICE);
	assert_int_equal(accepts(plant, &new, &plant->a), SB_TX_OK);
	record = device_record(&plant->ledger, &plant->a);
	assert_true(sb_bytes_are(record->owner, new.key, 32));
	assert_int_equal(record->offered.len, 0);
	assert_null(record->profile);
	assert_int_equal(record->state, SEALBOND__DEVICE_STATE__LIVE);
	/* the device obeys the new one only, and never the manufacturer's or a member's word */
	assert_int_equal(suspends(&plant->ledger, old, &plant->a), SB_TX_NOT_ALLOWED);
	assert_int_equal(accepts(plant, &new, &plant->a), SB_TX_NOT_ALLOWED);
	assert_int_equal(suspends(&plant->ledger, &new, &plant->a), SB_TX_OK);
	assert_int_equal(revokes(&plant->ledger, &new, &plant->a), SB_TX_OK);
	assert_int_equal(offers(plant, &new, &plant->a, old->key), SB_TX_STATE);
}

static void profiles_go_forward(void **state)
{
	struct plant *plant = *state;
	struct person *owner = &plant->a.owner;

	assert_int_equal(sets_profile(plant, owner, &plant->a, 2, 10), SB_TX_VERSION);
	assert_int_equal(sets_profile(plant, owner, &plant->a, 1, 0), SB_TX_FIELD);
	assert_int_equal(sets_profile(plant, owner, &plant->a, 1, 4097), SB_TX_FIELD);
	assert_int_equal(sets_profile(plant, owner, &plant->a, 1, 4096), SB_TX_OK);
	assert_int_equal(sets_profile(plant, owner, &plant->a, 1, 10), SB_TX_VERSION);
	assert_int_equal(sets_profile(plant, &plant->member, &plant->a, 2, 10), SB_TX_NOT_ALLOWED);
	assert_int_equal(sets_profile(plant, owner, &plant->a, 2, 10), SB_TX_OK);
}

static void memberships(void **state)
{
	struct plant *plant = *state;
	struct person *owner = &plant->a.owner;
	struct sb_key_file zones[9];
	SB_AUTO_MESSAGE Sealbond__Membership *membership = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	SealbondPrivate__MembershipContent *content;
	uint8_t proof[64], secret[32], other_secret[32], other[32];

	for (int i = 0; i < 9; i++)
		assert_int_equal(sb_key_file_new(&zones[i], SB_KEY_ZONE, "z"), 0);
	crypto_box_keypair(plant->a.box_key, secret);
	crypto_box_keypair(other, other_secret);
	assert_int_equal(sb_belong_make(zones, 9, CHAIN, plant->a.id, plant->a.box_key, &membership, proof), -EINVAL);
	assert_int_equal(sb_belong_make(zones, 8, CHAIN, plant->a.id, plant->a.box_key, &membership, proof), 0);
	assert_int_equal(sets_membership(plant, &plant->member, &plant->a, membership), SB_TX_NOT_ALLOWED);
	assert_int_equal(sets_membership(plant, owner, &plant->a, membership), SB_TX_OK);

	record = device_record(&plant->ledger, &plant->a);
	assert_int_equal(sb_belong_open(plant->a.box_key, secret, CHAIN, plant->a.id, record->membership, &content), 0);
	assert_int_equal(content->n_belongings, 8);
	assert_memory_equal(content->belongings[3]->key.data, zones[3].zone_key, 32);
	sb_private_free(content);
	/* not by another, not for another device, not with another's tags */
	assert_int_equal(sb_belong_open(other, other_secret, CHAIN, plant->a.id, record->membership, &content), -EBADMSG);
	assert_int_equal(sb_belong_open(plant->a.box_key, secret, CHAIN, plant->b.id, record->membership, &content), -EBADMSG);
	memcpy(record->membership->tags[2].data, record->membership->tags[1].data, 32);
	assert_int_equal(sb_belong_open(plant->a.box_key, secret, CHAIN, plant->a.id, record->membership, &content), -EBADMSG);

	/* the ledger takes points only, each once, and no more than eight */
	assert_int_equal(sets_membership(plant, owner, &plant->a, record->membership), SB_TX_FIELD);
	memset(membership->tags[7].data, 0, 32);
	assert_int_equal(sets_membership(plant, owner, &plant->a, membership), SB_TX_FIELD);
	membership->tags[7].len = 31;
	assert_int_equal(sets_membership(plant, owner, &plant->a, membership), SB_TX_FIELD);
	membership->tags[7].len = 32;
	membership->n_tags = 0;
	assert_int_equal(sets_membership(plant, owner, &plant->a, membership), SB_TX_FIELD);
	membership->n_tags = 8;
	assert_int_equal(sets_membership(plant, owner, &plant->a, NULL), SB_TX_OK);
	sb_message_free(record);
	record = device_record(&plant->ledger, &plant->a);
	assert_null(record->membership);
}

static void a_roster(void **state)
{
	SealbondPrivate__ZoneContent *content = sb_zone_content_new("cell 4"), *again = NULL;
	uint8_t zone[16] = { 1 }, key[32] = { 2 }, device[32] = { 0 }, proof[64] = { 9 }, *sealed;
	size_t length;

	for (int i = 0; i < 300; i++) {
		device[0] = (uint8_t)(i * 7);
		device[1] = (uint8_t)(i >> 8);
		sb_zone_content_put(content, device, "pump", proof);
	}
	assert_int_equal(content->n_devices, 300);
	device[0] = device[1] = 0;
	sb_zone_content_put(content, device, "valve", proof);
	assert_int_equal(content->n_devices, 300);
	assert_string_equal(sb_zone_content_find(content, device)->name, "valve");
	assert_int_equal(sb_zone_seal(zone, key, CHAIN, content, &sealed, &length), 0);
	assert_int_equal(sb_zone_open(zone, key, CHAIN, (ProtobufCBinaryData){ length, sealed }, &again), 0);
	assert_int_equal(again->n_devices, 300);
	assert_true(sb_zone_content_remove(again, device));
	assert_false(sb_zone_content_remove(again, device));
	assert_int_equal(again->n_devices, 299);
	zone[0] = 3;
	sb_private_free(again);
	assert_int_equal(sb_zone_open(zone, key, CHAIN, (ProtobufCBinaryData){ length, sealed }, &again), -EBADMSG);
	free(sealed);
	sb_private_free(content);
}

/* ---- privacy */

struct value {
	uint8_t hash[32];
	size_t length;
	char name[48];
};
struct values {
	struct value value[2000];
	size_t count;
};

static void collect(struct values *values, const ProtobufCMessage *message);

static void collect_one(struct values *values, const ProtobufCFieldDescriptor *field, const void *at)
{
	const ProtobufCBinaryData *bytes = at;
	struct value *value;

	if (field->type == PROTOBUF_C_TYPE_MESSAGE && *(ProtobufCMessage *const *)at)
		collect(values, *(ProtobufCMessage *const *)at);
	if (field->type != PROTOBUF_C_TYPE_BYTES || bytes->len < 8)
		return;
	assert_true(values->count < 2000);
	value = &values->value[values->count++];
	SHA256(bytes->data, bytes->len, value->hash);
	value->length = bytes->len;
	snprintf(value->name, sizeof(value->name), "%s", field->name);
}

/* Every bytes field of eight and more, at any depth; a transaction's body is looked into. */
static void collect(struct values *values, const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const uint8_t *base = (const uint8_t *)message;

	for (unsigned int i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];
		size_t size = field->type == PROTOBUF_C_TYPE_MESSAGE ? sizeof(void *) : sizeof(ProtobufCBinaryData);

		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			const uint8_t *array = *(uint8_t *const *)(base + field->offset);

			for (size_t n = *(const size_t *)(base + field->quantifier_offset); n; n--)
				collect_one(values, field, array + (n - 1) * size);
		} else if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
			   *(const uint32_t *)(base + field->quantifier_offset) == field->id) {
			collect_one(values, field, base + field->offset);
		}
	}
}

static void collect_tx(struct values *values, const uint8_t *tx, size_t length)
{
	SB_AUTO_MESSAGE Sealbond__SignedTx *signed_tx = sb_message_read(&sealbond__signed_tx__descriptor, tx, length);
	SB_AUTO_MESSAGE Sealbond__Body *body = NULL;

	assert_non_null(signed_tx);
	body = sb_message_read(&sealbond__body__descriptor, signed_tx->body.data, signed_tx->body.len);
	assert_non_null(body);
	collect(values, &signed_tx->base);
	collect(values, &body->base);
}

/* An owner with its library, not the tests' people: derived keys, real membership, real profile. */
struct owned {
	struct device *device;
	uint8_t secret[32], box_secret[32];
	uint64_t sequence;
	struct values values;
};

static void owner_sends(struct plant *plant, struct owned *owned, const Sealbond__Body *body)
{
	uint8_t *tx;
	size_t length;

	assert_int_equal(sb_transaction_make(owned->secret, CHAIN, owned->sequence++, body, &tx, &length), 0);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_OK);
	collect_tx(&owned->values, tx, length);
	free(tx);
}

static void device_sends(struct plant *plant, struct owned *owned, const Sealbond__Body *body)
{
	size_t length;
	uint8_t *tx = quote_body(owned->device, plant->ledger.height, body, &length);

	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_OK);
	collect_tx(&owned->values, tx, length);
	free(tx);
}

static void heartbeat_with_endpoints(struct plant *plant, struct owned *owned, const struct sb_key_file *zone)
{
	const struct sb_about about = { SB_PURPOSE_ENDPOINTS, CHAIN, owned->device->id, 32 };
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);
	uint8_t *sealed;
	size_t length;

	/* the same words of both: behind one NAT */
	assert_int_equal(sb_envelope_seal(zone->zone_key, &about, (const uint8_t *)"192.0.2.1:51820", 15, &sealed, &length), 0);
	heartbeat_of(owned->device, &heartbeat);
	heartbeat.endpoints = (ProtobufCBinaryData){ length, sealed };
	device_sends(plant, owned, &body);
	free(sealed);
}

static void owner_assigns(struct plant *plant, struct owned *owned, const struct sb_key_file *zone)
{
	SealbondPrivate__ProfileContent profile = SEALBOND_PRIVATE__PROFILE_CONTENT__INIT;
	SB_AUTO_MESSAGE Sealbond__Membership *membership = NULL;
	Sealbond__SetMembership set = SEALBOND__SET_MEMBERSHIP__INIT;
	Sealbond__SetProfile set_profile = SEALBOND__SET_PROFILE__INIT;
	Sealbond__Approve approve = SEALBOND__APPROVE__INIT;
	Sealbond__Body body = SEALBOND__BODY__INIT;
	uint8_t proof[64], *sealed;
	size_t length;

	body.action_case = SEALBOND__BODY__ACTION_APPROVE;
	body.approve = &approve;
	approve.device = span32(owned->device->id);
	approve.current_key = span32(owned->device->current);
	owner_sends(plant, owned, &body);
	assert_int_equal(sb_belong_make(zone, 1, CHAIN, owned->device->id, owned->device->box_key, &membership, proof), 0);
	body.action_case = SEALBOND__BODY__ACTION_SET_MEMBERSHIP;
	body.set_membership = &set;
	set.device = span32(owned->device->id);
	set.membership = membership;
	owner_sends(plant, owned, &body);
	profile.mode = (char *)"enforce";
	assert_int_equal(sb_profile_seal(zone->zone_key, CHAIN, owned->device->id, &profile, &sealed, &length), 0);
	body.action_case = SEALBOND__BODY__ACTION_SET_PROFILE;
	body.set_profile = &set_profile;
	set_profile.device = span32(owned->device->id);
	set_profile.version = 1;
	set_profile.sealed = (ProtobufCBinaryData){ length, sealed };
	owner_sends(plant, owned, &body);
	free(sealed);
}

static void live_with_owner(struct plant *plant, struct owned *owned, struct device *device,
			    const uint8_t master[32], const struct sb_key_file *zone)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	BODY(ENROL, enrol, Enrol, enrol);
	uint8_t key[32], derived[32], master_public[32];

	owned->device = device;
	owned->sequence = 1;
	make_device(device);
	crypto_box_keypair(device->box_key, owned->box_secret);
	/*
	 * One image, one boot: the same measured values but for the cap. (Where early boot has measured a security
	 * configuration, its hash is on the ledger, too, and devices with the same one can be told: it says how they
	 * are configured, docs/ledger-people.md.)
	 */
	memset(device->pcr[4], 4, 32);
	memset(device->pcr[7], 7, 32);
	/* (as the device does it, who has the public part only) */
	assert_int_equal(sb_person_key(master, master_public), 0);
	assert_int_equal(sb_owner_key(master_public, CHAIN, device->id, key), 0);
	assert_int_equal(sb_owner_secret(master, CHAIN, device->id, owned->secret), 0);
	assert_int_equal(sb_person_key(owned->secret, derived), 0);
	assert_memory_equal(key, derived, 32);
	enrol_of(device, &enrol);
	enrol.owner = span32(key);
	device_sends(plant, owned, &body);
	assert_int_equal(challenges(&plant->ledger, &plant->enroller[0], device), SB_TX_OK);
	assert_int_equal(activates(&plant->ledger, device, plant->enroller, 1), SB_TX_OK);
	owner_assigns(plant, owned, zone);
	heartbeat_with_endpoints(plant, owned, zone);
	record = device_record(&plant->ledger, device);
	assert_int_equal(record->state, SEALBOND__DEVICE_STATE__LIVE);
	collect(&owned->values, &record->base);
}

static void two_devices_of_one_owner_share_nothing(void **state)
{
	static struct owned one, two;
	struct plant *plant = calloc(1, sizeof(*plant));
	Sealbond__Parameters parameters;
	struct sb_key_file zone;
	uint8_t master[32], master_public[32];
	struct values public = { .count = 0 };

	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ACTIVATION;
	parameters.pcrs = PCRS;
	plant_open(plant, &parameters, NULL);
	assert_int_equal(sb_person_key_new(master, master_public), 0);
	assert_int_equal(sb_key_file_new(&zone, SB_KEY_ZONE, "cell 4"), 0);
	live_with_owner(plant, &one, &plant->a, master, &zone);
	live_with_owner(plant, &two, &plant->b, master, &zone);
	/* What belongs to the ledger and not to an owner: the enroller that vouched. */
	SHA256(plant->enroller[0].key, 32, public.value[0].hash);
	assert_true(one.values.count > 30 && two.values.count > 30);
	for (size_t i = 0; i < one.values.count; i++)
		for (size_t j = 0; j < two.values.count; j++) {
			const struct value *a = &one.values.value[i], *b = &two.values.value[j];

			if (a->length == b->length && memcmp(a->hash, b->hash, 32) == 0 &&
			    memcmp(a->hash, public.value[0].hash, 32) != 0)
				fail_msg("both have the same %s (%s), %zu bytes", a->name, b->name, a->length);
		}
	ledger_close(&plant->ledger);
	free_device(&plant->a);
	free_device(&plant->b);
	free(plant);
}

static int setup(void **state)
{
	return sodium_init() < 0;
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, plant_with_a, plant_close)
	const struct CMUnitTest tests[] = {
		WITH(a_device_changes_hands), WITH(profiles_go_forward), WITH(memberships), cmocka_unit_test(a_roster),
		cmocka_unit_test(two_devices_of_one_owner_share_nothing),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
