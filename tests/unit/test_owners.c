// SPDX-License-Identifier: Apache-2.0
/* What owners say of their devices, the addresses that these get, and the clone rule's cases. */
#include "device_world.h"

#include "state/membership.h"
#include "state/overlay.h"

/* ---- owners */

static void suspend_and_revoke(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	assert_int_equal(suspends(ledger, &plant->member, a), SB_TX_NOT_ALLOWED);
	assert_int_equal(resumes(ledger, &a->owner, a), SB_TX_STATE);
	assert_int_equal(suspends(ledger, &a->owner, a), SB_TX_OK);
	assert_int_equal(suspends(ledger, &a->owner, a), SB_TX_STATE);
	assert_true(lease_of(ledger, a) <= 0);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_true(lease_of(ledger, a) <= 0);
	assert_int_equal(resumes(ledger, &a->owner, a), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	assert_int_equal(revokes(ledger, &plant->member, a), SB_TX_NOT_ALLOWED);
	assert_int_equal(revokes(ledger, &a->owner, a), SB_TX_OK);
	assert_true(lease_of(ledger, a) <= 0);
	assert_int_equal(beats(ledger, a), SB_TX_STATE);
	assert_int_equal(revokes(ledger, &a->owner, a), SB_TX_STATE);
	assert_int_equal(resumes(ledger, &a->owner, a), SB_TX_STATE);
	assert_int_equal(retires(ledger, &a->owner, a), SB_TX_STATE);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_STATE);
	assert_int_equal(enrols(ledger, a), SB_TX_STATE);
}

static void long_why(void **state)
{
	struct plant *plant = *state;
	char why[SB_WHY_MAX + 2];
	BODY(SUSPEND, suspend, Suspend, suspend);

	memset(why, 'x', sizeof(why));
	why[SB_WHY_MAX + 1] = 0;
	suspend.device = span32(plant->a.id);
	suspend.why = why;
	assert_int_equal(says(&plant->ledger, &plant->a.owner, &body), SB_TX_FIELD);
	why[SB_WHY_MAX] = 0;
	assert_int_equal(says(&plant->ledger, &plant->a.owner, &body), SB_TX_OK);
	suspend.device.len = 31;
	assert_int_equal(says(&plant->ledger, &plant->a.owner, &body), SB_TX_FIELD);
}

/* A retired device may come back, for another owner. */
static void retired(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	struct person seller;

	assert_int_equal(retires(ledger, &a->owner, a), SB_TX_OK);
	seller = a->owner;
	assert_int_equal(beats(ledger, a), SB_TX_STATE);
	make_person(&a->owner, 77);
	fresh_key(a->current);
	fresh_key(a->next);
	bring_live(plant, a, 1);
	assert_int_equal(suspends(ledger, &seller, a), SB_TX_NOT_ALLOWED);
}

/* The membership that is said: with tags of the new device, or (NULL) none. */
static uint32_t replaces(struct ledger *ledger, struct person *owner, const struct device *from, const struct device *to,
			 const Sealbond__Membership *membership, const char *profile)
{
	BODY(REPLACE, replace, Replace, replace);

	replace.device = span32(from->id);
	replace.by = span32(to->id);
	replace.membership = (Sealbond__Membership *)membership;
	replace.profile = (ProtobufCBinaryData){ strlen(profile), (uint8_t *)profile };
	return says(ledger, owner, &body);
}

/* As the rules of owners keep it; how it gets there is theirs. */
static void change_record(struct ledger *ledger, const struct device *device, void (*change)(Sealbond__Device *record, const uint8_t *with),
			  const uint8_t *with)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(ledger, device);
	uint8_t key[SB_RECORD_KEY_MAX], *packed;
	size_t length;

	change(record, with);
	packed = sb_message_pack(record, &length);
	world_put(&ledger->world, key, sb_record_key(SB_RECORD_DEVICE, device->id, 32, key), packed, length);
	free(packed);
}

static void give_membership(Sealbond__Device *record, const uint8_t *with)
{
	record->membership = sb_message_new(&sealbond__membership__descriptor);
	record->membership->tags = malloc(sizeof(ProtobufCBinaryData));
	assert_non_null(record->membership->tags);
	record->membership->n_tags = 1;
	record->membership->tags[0] = (ProtobufCBinaryData){ 0, NULL };
	sb_bytes_set(&record->membership->tags[0], with, 32);
	sb_bytes_set(&record->membership->sealed, "sealed to a", 11);
}

static void give_profile(Sealbond__Device *record, const uint8_t *with)
{
	record->profile = sb_message_new(&sealbond__profile__descriptor);
	record->profile->version = record->profile_version = with[0];
	sb_bytes_set(&record->profile->sealed, "mode", 4);
	sb_bytes_set(&record->endpoints, "where", 5);
}

static void offer(Sealbond__Device *record, const uint8_t *with)
{
	sb_bytes_set(&record->offered, with, 32);
}

/* A tag has its device in it: the old one's would be nothing on the new device, for it and for the nodes. */
static void replacement(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, *b = &plant->b;
	Sealbond__Membership membership = SEALBOND__MEMBERSHIP__INIT;
	uint8_t old_tag[SB_TAG_LEN], tag[2][SB_TAG_LEN];
	ProtobufCBinaryData tags[] = { { SB_TAG_LEN, tag[0] }, { SB_TAG_LEN, tag[1] } };
	SB_AUTO_MESSAGE Sealbond__Device *before = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *from = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *to = NULL;

	sb_tag_point(CHAIN, a->id, old_tag);
	sb_tag_point(CHAIN, b->id, tag[0]);
	sb_tag_point("another", b->id, tag[1]);
	membership.n_tags = 1;
	membership.tags = tags;
	membership.sealed = (ProtobufCBinaryData){ 5, (uint8_t *)"boxed" };
	assert_int_equal(replaces(ledger, &a->owner, a, b, NULL, ""), SB_TX_UNKNOWN_DEVICE);
	bring_live(plant, b, 1);
	change_record(ledger, a, give_membership, old_tag);
	change_record(ledger, a, give_profile, (uint8_t[]){ 2 });
	change_record(ledger, b, give_profile, (uint8_t[]){ 7 });
	before = device_record(ledger, a);
	assert_int_equal(replaces(ledger, &a->owner, a, a, &membership, "anew"), SB_TX_FIELD);
	assert_int_equal(replaces(ledger, &a->owner, a, b, &membership, "anew"), SB_TX_NOT_ALLOWED);
	assert_int_equal(replaces(ledger, &b->owner, a, b, &membership, "anew"), SB_TX_NOT_ALLOWED);
	change_record(ledger, b, offer, a->owner.key);
	assert_int_equal(replaces(ledger, &a->owner, a, b, NULL, "anew"), SB_TX_FIELD);
	assert_int_equal(replaces(ledger, &a->owner, a, b, &membership, ""), SB_TX_FIELD);
	for (membership.n_tags = 0; membership.n_tags <= 2; membership.n_tags += 2)
		assert_int_equal(replaces(ledger, &a->owner, a, b, &membership, "anew"), SB_TX_FIELD);
	membership.n_tags = 1;
	tags[0].len--;
	assert_int_equal(replaces(ledger, &a->owner, a, b, &membership, "anew"), SB_TX_FIELD);
	tags[0].len++;
	assert_int_equal(suspends(ledger, &b->owner, b), SB_TX_OK);
	assert_int_equal(replaces(ledger, &a->owner, a, b, &membership, "anew"), SB_TX_STATE);
	assert_int_equal(resumes(ledger, &b->owner, b), SB_TX_OK);
	assert_int_equal(replaces(ledger, &a->owner, a, b, &membership, "anew"), SB_TX_OK);
	from = device_record(ledger, a);
	to = device_record(ledger, b);
	assert_int_equal(from->state, SEALBOND__DEVICE_STATE__RETIRED);
	assert_memory_equal(from->replaced_by.data, b->id, 32);
	assert_int_equal(from->overlay4.len, 0);
	assert_null(from->membership);
	assert_null(from->profile);
	assert_memory_equal(to->overlay4.data, before->overlay4.data, 4);
	assert_memory_equal(to->overlay6.data, before->overlay6.data, 16);
	assert_int_equal(to->membership->n_tags, 1);
	assert_memory_equal(to->membership->tags[0].data, tag[0], SB_TAG_LEN);
	assert_memory_equal(to->membership->sealed.data, "boxed", 5);
	/* newer than both, so that the device looks at it; and none is in force there */
	assert_int_equal(to->profile->version, 8);
	assert_memory_equal(to->profile->sealed.data, "anew", 4);
	assert_int_equal(to->profile_version, 0);
	/* sealed to a zone that it is in no more */
	assert_int_equal(to->endpoints.len, 0);
	assert_int_equal(to->offered.len, 0);
	assert_int_equal(beats(ledger, b), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_STATE);
	change_record(ledger, b, offer, a->owner.key);
	assert_int_equal(replaces(ledger, &a->owner, a, b, NULL, ""), SB_TX_STATE);
}

/* Of one that is in no zone there is nothing to be in, either. */
static void replacement_of_one_without_a_zone(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, *b = &plant->b;
	Sealbond__Membership membership = SEALBOND__MEMBERSHIP__INIT;
	uint8_t tag[SB_TAG_LEN];
	ProtobufCBinaryData tags = { SB_TAG_LEN, tag };
	SB_AUTO_MESSAGE Sealbond__Device *to = NULL;

	sb_tag_point(CHAIN, b->id, tag);
	membership.n_tags = 1;
	membership.tags = &tags;
	membership.sealed = (ProtobufCBinaryData){ 5, (uint8_t *)"boxed" };
	bring_live(plant, b, 1);
	change_record(ledger, b, give_membership, tag);
	change_record(ledger, b, offer, a->owner.key);
	assert_int_equal(replaces(ledger, &a->owner, a, b, &membership, ""), SB_TX_FIELD);
	assert_int_equal(replaces(ledger, &a->owner, a, b, NULL, "anew"), SB_TX_FIELD);
	assert_int_equal(replaces(ledger, &a->owner, a, b, NULL, ""), SB_TX_OK);
	to = device_record(ledger, b);
	assert_null(to->membership);
	assert_null(to->profile);
}

/* ---- overlay addresses */

static void four_addresses(Sealbond__Parameters *parameters)
{
	static uint8_t prefix[5] = { 192, 0, 2, 240, 30 };

	parameters->overlay4 = (ProtobufCBinaryData){ sizeof(prefix), prefix };
}

static int four_addresses_set(void **state)
{
	return plant_with(state, four_addresses, NULL);
}

static void overlay(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, *b = &plant->b, c;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;

	/* /30: two of the four are for devices. */
	make_device(&c);
	bring_live(plant, a, 1);
	bring_live(plant, b, 1);
	assert_int_equal(enrols(ledger, &c), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], &c), SB_TX_OK);
	assert_int_equal(activates(ledger, &c, plant->enroller, 1), SB_TX_OK);
	assert_int_equal(approves(ledger, &c.owner, &c, c.current), SB_TX_LIMIT);
	assert_int_equal(revokes(ledger, &a->owner, a), SB_TX_OK);
	assert_int_equal(approves(ledger, &c.owner, &c, c.current), SB_TX_OK);
	record = device_record(ledger, &c);
	assert_memory_equal(record->overlay4.data, "\xc0\0\2\xf1", 4);
	free_device(&c);
}

static void prefixes(void **state)
{
	static uint8_t bytes[17] = { 10, 0, 0, 0, 24 };
	uint8_t address[16];

	assert_true(sb_overlay_prefix((ProtobufCBinaryData){ 0, NULL }, 4));
	assert_true(sb_overlay_prefix((ProtobufCBinaryData){ 5, bytes }, 4));
	assert_false(sb_overlay_prefix((ProtobufCBinaryData){ 4, bytes }, 4));
	bytes[4] = 31;
	assert_false(sb_overlay_prefix((ProtobufCBinaryData){ 5, bytes }, 4));
	bytes[4] = 7;
	assert_true(sb_overlay_prefix((ProtobufCBinaryData){ 5, bytes }, 4));
	bytes[4] = 6;
	assert_false(sb_overlay_prefix((ProtobufCBinaryData){ 5, bytes }, 4));
	bytes[4] = 24;
	assert_true(sb_overlay_address((ProtobufCBinaryData){ 5, bytes }, 4, 254, address));
	assert_memory_equal(address, "\x0a\0\0\xfe", 4);
	assert_false(sb_overlay_address((ProtobufCBinaryData){ 5, bytes }, 4, 255, address));
	assert_false(sb_overlay_address((ProtobufCBinaryData){ 5, bytes }, 4, 0, address));
	bytes[4] = 0;
	bytes[16] = 64;
	assert_true(sb_overlay_address((ProtobufCBinaryData){ 17, bytes }, 16, 0x01020304, address));
	assert_memory_equal(address + 12, "\1\2\3\4", 4);
}

/* ---- clones */

/* Power is cut 20 times, each time before the clock was saved, and the ledger hears of every boot, or of some. */
static void power_cuts(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	for (int i = 0; i < 20; i++) {
		a->clock.clock += 3000000;
		if (i % 3)
			assert_int_equal(beats(ledger, a), SB_TX_OK);
		reboot(a);
		a->clock.clock = a->clock.clock / 4194304 * 4194304;
		if (i % 4)
			assert_int_equal(beats(ledger, a), SB_TX_OK);
	}
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(lease_of(ledger, a), 86400);
}

/* Endpoints that hold heartbeats back, and send them later in any order, with reboots between them. */
static void withheld(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	uint8_t *held[30];
	size_t length[30];
	unsigned int seed = 7, taken = 0;

	for (int i = 0; i < 30; i++) {
		held[i] = heartbeat_tx(ledger, a, &length[i]);
		if (i % 7 == 6)
			reboot(a);
		ledger_wait(ledger, BLOCK_S);
	}
	for (int i = 0; i < 300; i++) {
		uint32_t code;

		seed = seed * 1103515245 + 12345;
		code = ledger_send(ledger, held[seed / 65536 % 30], length[seed / 65536 % 30]);
		assert_true(code == SB_TX_OK || code == SB_TX_QUOTE_STALE || code == SB_TX_BEACON_STALE);
		taken += code == SB_TX_OK;
		assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	}
	assert_true(taken > 1);
	for (int i = 0; i < 30; i++)
		free(held[i]);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
}

/* Two machines speak with one TPM state: each new quote has a fresh beacon, and one of them orders below. */
static void cloned(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, copy = *a;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	SB_AUTO_MESSAGE Sealbond__Incident *incident = NULL;
	SB_AUTO_MESSAGE Sealbond__Incident *resolved = NULL;

	for (int i = 0; i < 3; i++)
		assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(beats(ledger, &copy), SB_TX_QUOTE_CLONE);
	record = device_record(ledger, a);
	assert_int_equal(record->state, SEALBOND__DEVICE_STATE__FROZEN_CLONE);
	assert_true(record->lease_end <= ledger->time);
	incident = record_of(ledger, &sealbond__incident__descriptor, SB_RECORD_INCIDENT, record->incident.data, 32);
	assert_int_equal(incident->kind, SB_INCIDENT_CLONE);
	assert_memory_equal(incident->device.data, a->id, 32);
	assert_true(incident->evidence.len > 64);
	assert_int_equal(beats(ledger, a), SB_TX_STATE);
	assert_int_equal(beats(ledger, &copy), SB_TX_STATE);
	assert_int_equal(retires(ledger, &a->owner, a), SB_TX_STATE);
	assert_int_equal(suspends(ledger, &a->owner, a), SB_TX_STATE);
	/* The owner has looked, and switched the copy off. */
	assert_int_equal(resolves(ledger, &a->owner, a->id, false), SB_TX_UNKNOWN);
	assert_int_equal(resolves(ledger, &plant->member, record->incident.data, false), SB_TX_NOT_ALLOWED);
	assert_int_equal(resolves(ledger, &a->owner, record->incident.data, false), SB_TX_OK);
	assert_int_equal(resolves(ledger, &a->owner, record->incident.data, false), SB_TX_STATE);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	resolved = record_of(ledger, &sealbond__incident__descriptor, SB_RECORD_INCIDENT, record->incident.data, 32);
	assert_true(resolved->resolved);
	assert_string_equal(resolved->note, "looked at");
	/* Not switched off after all. */
	assert_int_equal(beats(ledger, &copy), SB_TX_QUOTE_CLONE);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__FROZEN_CLONE);
}

/* The copy is switched off, and what it said last is sent again by somebody: it tells nothing any more. */
static void resolved_and_repeated(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, copy = *a;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	size_t length;
	uint8_t *said;

	reboot(&copy);
	said = heartbeat_tx(ledger, &copy, &length);
	assert_int_equal(ledger_send(ledger, said, length), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_QUOTE_CLONE);
	record = device_record(ledger, a);
	assert_int_equal(resolves(ledger, &a->owner, record->incident.data, false), SB_TX_OK);
	assert_int_equal(ledger_send(ledger, said, length), SB_TX_QUOTE_STALE);
	assert_true(lease_of(ledger, a) <= 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(beats(ledger, a), SB_TX_OK);
		assert_int_equal(ledger_send(ledger, said, length), SB_TX_QUOTE_STALE);
	}
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(lease_of(ledger, a), 86400 - BLOCK_S);
	free(said);
}

/* The copy boots: its counter is higher, and the original is the one that orders below from then on. */
static void clone_boots(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, copy = *a;

	reboot(&copy);
	assert_int_equal(beats(ledger, &copy), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_QUOTE_CLONE);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__FROZEN_CLONE);
}

static void stays_frozen(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, copy = *a;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;

	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(beats(ledger, &copy), SB_TX_QUOTE_CLONE);
	record = device_record(ledger, a);
	assert_int_equal(resolves(ledger, &a->owner, record->incident.data, true), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_STATE);
	assert_int_equal(revokes(ledger, &a->owner, a), SB_TX_OK);
}

/* A bad quote is nobody's word: it freezes nothing, however it orders. */
static void forged_clone(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, copy = *a;

	assert_int_equal(beats(ledger, a), SB_TX_OK);
	copy.ak = plant->b.ak;
	assert_int_equal(beats(ledger, &copy), SB_TX_QUOTE_SIGNER);
	copy = *a;
	copy.clock.clock -= 500000;
	copy.pcr[4][0] ^= 1;
	memcpy(copy.current, copy.box_key, 32);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
}

int main(void)
{
#define WITH_A(test) cmocka_unit_test_setup_teardown(test, plant_with_a, plant_close)
#define TEST(test, setup) cmocka_unit_test_setup_teardown(test, setup, plant_close)
	const struct CMUnitTest tests[] = {
		WITH_A(suspend_and_revoke), WITH_A(long_why), WITH_A(retired), WITH_A(replacement),
		WITH_A(replacement_of_one_without_a_zone),
		TEST(overlay, four_addresses_set), cmocka_unit_test(prefixes), WITH_A(power_cuts), WITH_A(withheld),
		WITH_A(cloned), WITH_A(resolved_and_repeated), WITH_A(clone_boots), WITH_A(stays_frozen), WITH_A(forged_clone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
