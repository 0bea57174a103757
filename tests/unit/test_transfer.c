// SPDX-License-Identifier: Apache-2.0
/* An owner and its devices: membership and profile that nobody else reads, transfer to another owner; zones. */
#include "device_world.h"

#include <sodium.h>

#include "owner/belong.h"

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
	size_t records;

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
	records = plant->ledger.world.count;

	assert_int_equal(offers(plant, old, &plant->a, new.key), SB_TX_OK);
	assert_int_equal(accepts(plant, &plant->member, &plant->a), SB_TX_NOT_ALLOWED);
	/* taken back, and offered to somebody else */
	assert_int_equal(offers(plant, old, &plant->a, NULL), SB_TX_OK);
	assert_int_equal(accepts(plant, &new, &plant->a), SB_TX_NO_ACCOUNT);
	assert_int_equal(offers(plant, old, &plant->a, third.key), SB_TX_OK);
	assert_int_equal(offers(plant, old, &plant->a, new.key), SB_TX_OK);
	/* an offer lets its key say nothing but that it accepts, and leaves nothing behind */
	assert_int_equal(plant->ledger.world.count, records);
	assert_int_equal(accepts(plant, &third, &plant->a), SB_TX_NO_ACCOUNT);
	assert_int_equal(approves(&plant->ledger, &new, &plant->a, plant->a.current), SB_TX_NO_ACCOUNT);
	assert_int_equal(accepts(plant, &new, &plant->b), SB_TX_NO_ACCOUNT);
	assert_int_equal(accepts(plant, &new, &plant->a), SB_TX_OK);
	assert_int_equal(plant->ledger.world.count, records + 1);
	assert_int_equal(accepts(plant, &new, &plant->b), SB_TX_UNKNOWN_DEVICE);
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
	/* How many fit: with names of 32 bytes. One more is said so, not cut off. */
	content = sb_zone_content_new("cell 4");
	while (sb_zone_seal(zone, key, CHAIN, content, &sealed, &length) == 0) {
		free(sealed);
		randombytes_buf(device, sizeof(device));
		sb_zone_content_put(content, device, "pump 17, hall 4, north of gate 2", proof);
	}
	assert_int_equal(content->n_devices, 438);
	assert_int_equal(sb_zone_seal(zone, key, CHAIN, content, &sealed, &length), -EMSGSIZE);
	/* Taking one out always works, and is remembered until there is a new key. */
	sb_zone_content_remove(content, device);
	for (int i = 0; i < 100; i++) {
		memcpy(device, content->devices[0]->device.data, 32);
		assert_true(sb_zone_content_remove(content, device));
		assert_int_equal(sb_zone_seal(zone, key, CHAIN, content, &sealed, &length), 0);
		free(sealed);
	}
	assert_int_equal(content->n_left, SB_ZONE_LEFT_MAX);
	assert_memory_equal(content->left[SB_ZONE_LEFT_MAX - 1].data, device, 32);
	sb_zone_content_put(content, device, "back", proof);
	assert_int_equal(content->n_left, SB_ZONE_LEFT_MAX - 1);
	sb_zone_content_settle(content);
	assert_int_equal(content->n_left, 0);
	sb_private_free(content);
}

static void the_next_key(void **state)
{
	struct sb_key_file file;
	uint8_t next[32], again[32], first[32];

	assert_int_equal(sb_key_file_new(&file, SB_KEY_ZONE, "z"), 0);
	memcpy(first, file.zone_key, 32);
	sb_zone_key_next(&file, next);
	sb_zone_key_next(&file, again);
	assert_memory_equal(next, again, 32);
	assert_memory_not_equal(next, first, 32);
	memcpy(file.zone_key, next, 32);
	sb_zone_key_next(&file, again);
	assert_memory_not_equal(again, next, 32);
	/* It follows from what devices do not know, too. */
	memcpy(file.zone_key, first, 32);
	file.secret[0] ^= 1;
	sb_zone_key_next(&file, again);
	assert_memory_not_equal(again, next, 32);
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
		cmocka_unit_test(the_next_key),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
