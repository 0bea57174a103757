// SPDX-License-Identifier: Apache-2.0
/* A device's life on the ledger: its lease, its bond keys, its boot states. */
#include "device_world.h"

#define KEYS(device, current_key, next_length) do {							\
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(ledger, device);			\
													\
	assert_memory_equal(record->key.data, current_key, 32);						\
	assert_int_equal(record->next_key.len, next_length);						\
} while (0)

static uint32_t rotates(struct ledger *ledger, struct device *device, const uint8_t key[32])
{
	BODY(ROTATE_KEY, rotate_key, RotateKey, rotate_key);

	rotate_key.key = span32(key);
	return attests(ledger, device, &body);
}

/* ---- leases */

static void lease(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	assert_int_equal(lease_of(ledger, a), 86400);
	ledger_wait(ledger, 80000);
	assert_int_equal(lease_of(ledger, a), 6400);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	ledger_wait(ledger, 200000);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	assert_int_equal(beats(ledger, &plant->b), SB_TX_UNKNOWN_DEVICE);
}

static void seldom(Sealbond__Parameters *parameters)
{
	parameters->heartbeat_least = 60;
}

static int seldom_set(void **state)
{
	return plant_with(state, seldom, NULL);
}

static void too_soon(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	bring_live(plant, a, 1);
	assert_int_equal(beats(ledger, a), SB_TX_TOO_SOON);
	ledger_wait(ledger, 55 - BLOCK_S);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_TOO_SOON);
	/* Who has rebooted, or has no lease, need not wait. */
	reboot(a);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(suspends(ledger, &a->owner, a), SB_TX_OK);
	assert_int_equal(resumes(ledger, &a->owner, a), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
}

static void heartbeat_fields(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	uint8_t endpoints[513] = { 1 };
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;

	heartbeat_of(a, &heartbeat);
	heartbeat.endpoints = (ProtobufCBinaryData){ 513, endpoints };
	assert_int_equal(attests(ledger, a, &body), SB_TX_FIELD);
	heartbeat.endpoints.len = 512;
	heartbeat.box_key = (ProtobufCBinaryData){ 31, endpoints };
	assert_int_equal(attests(ledger, a, &body), SB_TX_FIELD);
	heartbeat.box_key.len = 32;
	heartbeat.assurance = 0;
	assert_int_equal(attests(ledger, a, &body), SB_TX_FIELD);
	heartbeat.assurance = SB_ASSURANCE_BENCH;
	assert_int_equal(attests(ledger, a, &body), SB_TX_BENCH);
	heartbeat.assurance = 2;
	heartbeat.profile_version = 9;
	assert_int_equal(attests(ledger, a, &body), SB_TX_OK);
	record = device_record(ledger, a);
	assert_int_equal(record->endpoints.len, 512);
	assert_memory_equal(record->box_key.data, endpoints, 32);
	assert_int_equal(record->profile_version, 9);
	assert_int_equal(record->assurance, 2);
}

/* ---- keys */

static void rotation(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	uint8_t old[32], new[32];

	memcpy(old, a->current, 32);
	memcpy(new, a->next, 32);
	KEYS(a, old, 32);
	assert_int_equal(rotates(ledger, a, a->box_key), SB_TX_KEY_UNKNOWN);
	assert_int_equal(rotates(ledger, a, old), SB_TX_EXISTS);
	assert_int_equal(rotates(ledger, a, new), SB_TX_OK);
	KEYS(a, new, 0);
	assert_int_equal(rotates(ledger, a, new), SB_TX_EXISTS);
	assert_int_equal(suspends(ledger, &a->owner, a), SB_TX_OK);
	assert_int_equal(rotates(ledger, a, new), SB_TX_STATE);
	assert_int_equal(resumes(ledger, &a->owner, a), SB_TX_OK);
	/* The cap says until the next boot what was current at this one. */
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	KEYS(a, new, 0);
	reboot(a);
	memcpy(a->current, new, 32);
	fresh_key(a->next);
	a->outcome = SB_CAP_NEXT_MADE;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	KEYS(a, new, 32);
	assert_int_equal(rotates(ledger, a, a->next), SB_TX_OK);
	KEYS(a, a->next, 0);
	/* The old key again, from a blob that somebody has kept. */
	reboot(a);
	memcpy(a->current, old, 32);
	fresh_key(a->next);
	assert_int_equal(beats(ledger, a), SB_TX_KEY_USED);
}

/* It has rotated, and the ledger did not hear of it before the reboot. */
static void rotation_unheard(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	reboot(a);
	memcpy(a->current, a->next, 32);
	fresh_key(a->next);
	a->outcome = SB_CAP_NEXT_MADE;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	KEYS(a, a->current, 32);
	assert_int_equal(lease_of(ledger, a), 86400);
}

/* A changed boot cannot unseal: the owner has to approve its candidate; going back is always possible. */
static void candidate(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, before = *a;
	int64_t end;

	reboot(a);
	fresh_key(a->current);
	memset(a->next, 0, 32);
	a->outcome = SB_CAP_CANDIDATE;
	end = lease_of(ledger, a) + ledger->time;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a) + ledger->time, end);
	KEYS(a, before.current, 32);
	assert_int_equal(approves(ledger, &a->owner, a, before.next), SB_TX_KEY_UNKNOWN);
	/* Back to the old boot: the old keys are good, nothing waits any more. */
	reboot(&before);
	before.clock = a->clock;
	reboot(&before);
	assert_int_equal(beats(ledger, &before), SB_TX_OK);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_KEY_UNKNOWN);
	/* And forth. */
	a->clock = before.clock;
	reboot(a);
	a->outcome = SB_CAP_CANDIDATE;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	KEYS(a, a->current, 32);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	/* What it had before is over. */
	before.clock = a->clock;
	reboot(&before);
	assert_int_equal(beats(ledger, &before), SB_TX_KEY_USED);
}

static void keys_unknown(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	uint8_t good[32];

	memcpy(good, a->current, 32);
	bring_live(plant, &plant->b, 1);
	reboot(a);
	fresh_key(a->current);
	assert_int_equal(beats(ledger, a), SB_TX_KEY_UNKNOWN);		/* "unsealed", and never seen */
	a->outcome = SB_CAP_NONE;
	assert_int_equal(beats(ledger, a), SB_TX_KEY_UNKNOWN);
	memset(a->current, 0, 32);
	a->outcome = SB_CAP_UNSEALED;
	assert_int_equal(beats(ledger, a), SB_TX_KEY_UNKNOWN);
	memcpy(a->current, plant->b.current, 32);
	a->outcome = SB_CAP_CANDIDATE;
	assert_int_equal(beats(ledger, a), SB_TX_KEY_USED);		/* another device's */
	memcpy(a->current, good, 32);
	memcpy(a->next, plant->b.next, 32);
	a->outcome = SB_CAP_NEXT_MADE;
	assert_int_equal(beats(ledger, a), SB_TX_KEY_USED);
	fresh_key(a->next);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
}

/* ---- the ledger was restored from a backup */

#define LOST	5000	/* blocks */

/* A block above those that were lost; people learn their next number from their accounts. */
static void restore(struct plant *plant)
{
	struct ledger *ledger = &plant->ledger;
	struct person *people[] = { &plant->member, &plant->enroller[0], &plant->a.owner };
	int64_t last = ledger->height;

	ledger->height += LOST;
	ledger->time += 3600;
	ledger_begin(ledger);
	assert_int_equal(sb_machine_recover(ledger->machine, last), 0);
	ledger_finish(ledger);
	for (size_t i = 0; i < sizeof(people) / sizeof(people[0]); i++) {
		SB_AUTO_MESSAGE Sealbond__Account *account =
			record_of(ledger, &sealbond__account__descriptor, SB_RECORD_ACCOUNT, people[i]->key, 32);

		assert_int_equal(account->next, people[i]->sequence + (LOST + 1ULL) * SB_TX_PER_KEY_BLOCK);
		people[i]->sequence = account->next;
	}
}

/* Two rotations and two boots of which the ledger has forgotten: its kernel holds what the ledger never saw. */
static void go_far(struct device *a)
{
	for (int i = 0; i < 2; i++) {
		reboot(a);
		memcpy(a->current, a->next, 32);
		fresh_key(a->next);
	}
	a->outcome = SB_CAP_UNSEALED;
}

static void restored_heartbeats(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	/* counters far ahead, a rotation that was lost: nobody is frozen or refused */
	reboot(a);
	reboot(a);
	a->clock.clock += 1000000000;
	memcpy(a->current, a->next, 32);
	fresh_key(a->next);
	a->outcome = SB_CAP_NEXT_MADE;
	restore(plant);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(lease_of(ledger, a), 86400);
	KEYS(a, a->current, 32);
}

static void restored_keys(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	go_far(a);
	assert_int_equal(beats(ledger, a), SB_TX_KEY_UNKNOWN);
	restore(plant);
	/* its owner looks at it, as at a changed boot; nobody has to go there */
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	/* it has been heard: from now on everything is as ever */
	go_far(a);
	assert_int_equal(beats(ledger, a), SB_TX_KEY_UNKNOWN);
}

/* What was lost cannot be said again by somebody who kept it. */
static void restored_numbers(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	BODY(SUSPEND, suspend, Suspend, suspend);
	size_t length;
	uint8_t *said;

	suspend.device = span32(a->id);
	said = sign_body(&a->owner, &body, &length);
	a->owner.sequence--;
	restore(plant);
	assert_int_equal(ledger_send(ledger, said, length), SB_TX_SEQUENCE);
	assert_int_equal(suspends(ledger, &a->owner, a), SB_TX_OK);
	free(said);
}

/* ---- boot states */

static void references(Sealbond__Parameters *parameters)
{
	parameters->match_references = true;
}

static void quarantine(Sealbond__Parameters *parameters)
{
	parameters->match_references = true;
	parameters->quarantine = true;
}

static int references_set(void **state)
{
	return plant_with(state, references, NULL);
}

static int quarantine_set(void **state)
{
	return plant_with(state, quarantine, NULL);
}

/* As a vote of the members would. */
static void add_reference(struct ledger *ledger, uint32_t pcrs, const uint8_t value4, const uint8_t value7)
{
	Sealbond__Reference reference = SEALBOND__REFERENCE__INIT;
	uint8_t id[1] = { 1 }, four[32], seven[32], key[SB_RECORD_KEY_MAX], *packed;
	ProtobufCBinaryData values[2] = { span32(four), span32(seven) };
	size_t length;

	memset(four, value4, 32);
	memset(seven, value7, 32);
	reference.id = (ProtobufCBinaryData){ 1, id };
	reference.pcrs = pcrs;
	reference.n_values = (size_t)__builtin_popcount(pcrs);
	reference.values = values;
	packed = sb_message_pack(&reference, &length);
	world_put(&ledger->world, key, sb_record_key(SB_RECORD_REFERENCE, id, 1, key), packed, length);
	free(packed);
}

static void admit(struct plant *plant, struct device *a)
{
	struct ledger *ledger = &plant->ledger;

	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, plant->enroller, 1), SB_TX_OK);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
}

static void reference_values(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	admit(plant, a);
	assert_int_equal(beats(ledger, a), SB_TX_REFERENCE);
	memset(a->pcr[4], 4, 32);
	memset(a->pcr[7], 7, 32);
	add_reference(ledger, 1U << 4, 4, 0);				/* says nothing of PCR 7 */
	assert_int_equal(beats(ledger, a), SB_TX_REFERENCE);
	add_reference(ledger, 1U << 4 | 1U << 7, 4, 8);
	assert_int_equal(beats(ledger, a), SB_TX_REFERENCE);
	add_reference(ledger, 1U << 4 | 1U << 7, 4, 7);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	a->pcr[4][31] ^= 1;
	assert_int_equal(beats(ledger, a), SB_TX_REFERENCE);
}

/* In a boot state that the ledger demands by value it goes on by itself. */
static void restored_references(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	admit(plant, a);
	memset(a->pcr[4], 4, 32);
	memset(a->pcr[7], 7, 32);
	add_reference(ledger, 1U << 4 | 1U << 7, 4, 7);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	go_far(a);
	restore(plant);
	a->pcr[4][31] ^= 1;
	assert_int_equal(beats(ledger, a), SB_TX_OK);			/* a candidate: no lease by it */
	assert_int_not_equal(lease_of(ledger, a), 86400);
	a->pcr[4][31] ^= 1;
	restore(plant);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	KEYS(a, a->current, 32);
}

static void quarantined(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	admit(plant, a);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__QUARANTINED);
	assert_int_equal(lease_of(ledger, a), 86400);
	memset(a->pcr[4], 4, 32);
	memset(a->pcr[7], 7, 32);
	add_reference(ledger, 1U << 4 | 1U << 7, 4, 7);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	a->pcr[7][0] ^= 1;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__QUARANTINED);
}

static uint64_t firmwares[] = { 3, 1 };

static void known_firmware(Sealbond__Parameters *parameters)
{
	parameters->n_firmware = 2;
	parameters->firmware = firmwares;
}

static int firmware_set(void **state)
{
	return plant_with(state, known_firmware, NULL);
}

static void old_firmware(struct device *d, struct statement *s)
{
	s->said.firmware = 2;
}

static void firmware(void **state)
{
	struct plant *plant = *state;
	struct device *a = &plant->a;

	bring_live(plant, a, 1);
	a->before = old_firmware;
	assert_int_equal(beats(&plant->ledger, a), SB_TX_QUOTE_FIRMWARE);
}

int main(void)
{
#define WITH_A(test) cmocka_unit_test_setup_teardown(test, plant_with_a, plant_close)
#define TEST(test, setup) cmocka_unit_test_setup_teardown(test, setup, plant_close)
	const struct CMUnitTest tests[] = {
		WITH_A(lease), TEST(too_soon, seldom_set), WITH_A(heartbeat_fields), WITH_A(rotation),
		WITH_A(rotation_unheard), WITH_A(candidate), WITH_A(keys_unknown), WITH_A(restored_heartbeats), WITH_A(restored_keys),
		WITH_A(restored_numbers), TEST(restored_references, references_set), TEST(reference_values, references_set),
		TEST(quarantined, quarantine_set), TEST(firmware, firmware_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
