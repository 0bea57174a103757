// SPDX-License-Identifier: Apache-2.0
/*
 * New bond keys on the ledger: taken from a quote of the boot state that was admitted, and from no other. Root after the
 * boot extends the cap PCR once more, and explains the value that it gets by keys of its own.
 */
#include "device_world.h"

#include <errno.h>

#include "state/boot.h"
#include "state/reference.h"

static void expect_keys(struct ledger *ledger, const struct device *device, const uint8_t *key, const uint8_t *next)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(ledger, device);

	assert_memory_equal(record->key.data, key, 32);
	assert_int_equal(record->next_key.len, next ? 32 : 0);
	if (next)
		assert_memory_equal(record->next_key.data, next, 32);
}

static void expect_waiting(struct ledger *ledger, const struct device *device, const uint8_t *key)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(ledger, device);

	assert_int_equal(record->waiting_key.len, key ? 32 : 0);
	if (key)
		assert_memory_equal(record->waiting_key.data, key, 32);
}

static uint32_t rotates(struct ledger *ledger, struct device *device, const uint8_t key[32])
{
	BODY(ROTATE_KEY, rotate_key, RotateKey, rotate_key);

	rotate_key.key = span32(key);
	return attests(ledger, device, &body);
}

/* The cap PCR as the kernel's cap has left it. */
static void capped(const struct device *device, uint8_t value[32])
{
	struct sb_cap_claim claim = { .has_config = !is_zero(device->config), .outcome = device->outcome };

	memcpy(claim.config, device->config, 32);
	memcpy(claim.current, device->current, 32);
	memcpy(claim.next, device->next, 32);
	sb_cap_value(device->pcr[CAP], &claim, value);
}

/* What root makes of a device after its boot: the same TPM, another cap behind the kernel's, with a key that it knows. */
static struct device rooted(const struct device *device)
{
	struct device root = *device;

	capped(device, root.pcr[CAP]);
	memset(root.config, 0, 32);
	fresh_key(root.next);
	root.outcome = SB_CAP_UNSEALED;
	return root;
}

/* The whole of it: a heartbeat with a next key of root's own, and the rotation to it. */
static void forged_next(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, root = rooted(a);

	ledger_wait(ledger, 80000);
	/* (the heartbeat itself is taken: the key that is known is the kernel's, and the device stays on the network) */
	assert_int_equal(beats(ledger, &root), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	expect_keys(ledger, a, a->current, a->next);
	expect_waiting(ledger, a, root.next);
	assert_int_equal(rotates(ledger, &root, root.next), SB_TX_KEY_UNKNOWN);
	expect_keys(ledger, a, a->current, a->next);
	/* The kernel's own goes on, and its rotation is taken. */
	a->clock = root.clock;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	expect_waiting(ledger, a, NULL);
	assert_int_equal(rotates(ledger, a, a->next), SB_TX_OK);
	expect_keys(ledger, a, a->next, NULL);
}

/* The value that root names as the one before stays there at the next boot: no heartbeat makes it the admitted one. */
static void forged_again(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, root = rooted(a);

	assert_int_equal(beats(ledger, &root), SB_TX_OK);
	reboot(&root);
	fresh_key(root.next);
	assert_int_equal(beats(ledger, &root), SB_TX_OK);
	assert_int_equal(rotates(ledger, &root, root.next), SB_TX_KEY_UNKNOWN);
	expect_keys(ledger, a, a->current, a->next);
}

/* The kernel's next key as the current one is known, and what root names behind it is not. */
static void forged_behind_next(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, root = rooted(a);

	memcpy(root.current, a->next, 32);
	assert_int_equal(beats(ledger, &root), SB_TX_OK);
	expect_keys(ledger, a, a->next, NULL);
	assert_int_equal(rotates(ledger, &root, root.next), SB_TX_KEY_UNKNOWN);
}

/* The configuration's hash belongs to what was before: with it, without it, and with a claim that has it in its prior. */
static void with_configuration(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	const struct sb_cap_claim claim = { .has_config = true, .config = { 0xc0 } };
	uint8_t zero[32] = { 0 };

	/* Early boot came later: it is another boot state. */
	a->config[0] = 0xc0;
	reboot(a);
	fresh_key(a->next);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	expect_waiting(ledger, a, a->next);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	expect_keys(ledger, a, a->current, a->next);
	expect_waiting(ledger, a, NULL);
	/* The same value, told in the other way. */
	reboot(a);
	memset(a->config, 0, 32);
	sb_cap_before(zero, &claim, a->pcr[CAP]);
	fresh_key(a->next);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	expect_keys(ledger, a, a->current, a->next);
	expect_waiting(ledger, a, NULL);
}

/* Another system, booted on the same machine: its keys are not the device's, whatever it extends. */
static void other_system(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, other = *a;

	reboot(&other);
	other.pcr[4][0] ^= 1;
	fresh_key(other.next);
	assert_int_equal(beats(ledger, &other), SB_TX_OK);
	assert_int_equal(rotates(ledger, &other, other.next), SB_TX_KEY_UNKNOWN);
	expect_keys(ledger, a, a->current, a->next);
	expect_waiting(ledger, a, other.next);
}

/* An update: the keys open, since the release key approved it. Rotation goes on when the owner has approved it, too. */
static void updated(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	uint8_t first[32];

	memcpy(first, a->next, 32);
	reboot(a);
	a->pcr[4][0] ^= 1;
	/* The next key that is known is no new one: it may be rotated to. */
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	expect_waiting(ledger, a, NULL);
	assert_int_equal(approves(ledger, &plant->member, a, a->current), SB_TX_NOT_ALLOWED);
	assert_int_equal(rotates(ledger, a, first), SB_TX_OK);
	reboot(a);
	memcpy(a->current, first, 32);
	fresh_key(a->next);
	a->outcome = SB_CAP_NEXT_MADE;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	expect_keys(ledger, a, first, NULL);
	expect_waiting(ledger, a, a->next);
	assert_int_equal(approves(ledger, &a->owner, a, a->next), SB_TX_KEY_UNKNOWN);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	expect_keys(ledger, a, first, a->next);
	/* There is nothing to approve any more. */
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_KEY_UNKNOWN);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(rotates(ledger, a, a->next), SB_TX_OK);
	expect_keys(ledger, a, a->next, NULL);
}

/* Rotated to while it waited, by hand: the owner can approve it, from where the owner is. */
static void rotated_while_waiting(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	reboot(a);
	a->pcr[4][0] ^= 1;
	fresh_key(a->next);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	reboot(a);
	memcpy(a->current, a->next, 32);
	fresh_key(a->next);
	a->outcome = SB_CAP_NEXT_MADE;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	expect_keys(ledger, a, a->current, a->next);
}

/* What is approved is what was looked at: a quote that comes before the approval does not take its place. */
static uint32_t approves_boot(struct ledger *ledger, struct device *a, const Sealbond__Device *seen)
{
	const Sealbond__Parameters parameters = { .cap_pcr = CAP };
	SB_AUTO_MESSAGE Sealbond__BootState *boot = sb_boot_last(&parameters, seen);
	BODY(APPROVE, approve, Approve, approve);
	uint8_t digest[32];

	assert_non_null(boot);
	sb_boot_digest(boot, digest);
	approve.device = span32(a->id);
	approve.current_key = span32(a->current);
	approve.boot = span32(digest);
	return says(ledger, &a->owner, &body);
}

static void looked_at(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, root;
	SB_AUTO_MESSAGE Sealbond__Device *seen = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *anew = NULL;
	BODY(APPROVE, approve, Approve, approve);

	reboot(a);
	a->pcr[4][0] ^= 1;
	fresh_key(a->next);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	seen = device_record(ledger, a);
	root = rooted(a);
	assert_int_equal(beats(ledger, &root), SB_TX_OK);
	assert_int_equal(approves_boot(ledger, a, seen), SB_TX_STATE);
	expect_keys(ledger, a, a->current, seen->next_key.data);
	a->clock = root.clock;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	anew = device_record(ledger, a);
	approve.device = span32(a->id);
	approve.current_key = span32(a->current);
	approve.boot = (ProtobufCBinaryData){ 31, a->box_key };
	assert_int_equal(says(ledger, &a->owner, &body), SB_TX_FIELD);
	assert_int_equal(approves_boot(ledger, a, anew), SB_TX_OK);
	expect_keys(ledger, a, a->current, a->next);
}

/* Of a device that is not admitted yet, and of a candidate, it is the same. */
static void looked_at_before(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *b = &plant->b, root;
	SB_AUTO_MESSAGE Sealbond__Device *first = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *candidate = NULL;

	assert_int_equal(enrols(ledger, b), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], b), SB_TX_OK);
	assert_int_equal(activates(ledger, b, plant->enroller, 1), SB_TX_OK);
	first = device_record(ledger, b);
	root = rooted(b);
	assert_int_equal(beats(ledger, &root), SB_TX_OK);
	assert_int_equal(approves_boot(ledger, b, first), SB_TX_STATE);
	b->clock = root.clock;
	assert_int_equal(beats(ledger, b), SB_TX_OK);
	assert_int_equal(approves_boot(ledger, b, first), SB_TX_OK);
	expect_keys(ledger, b, b->current, b->next);
	/* A boot that is not approved. */
	reboot(b);
	b->pcr[7][0] ^= 1;
	fresh_key(b->current);
	memset(b->next, 0, 32);
	b->outcome = SB_CAP_CANDIDATE;
	assert_int_equal(beats(ledger, b), SB_TX_OK);
	assert_int_equal(approves_boot(ledger, b, first), SB_TX_STATE);
	candidate = device_record(ledger, b);
	assert_int_equal(approves_boot(ledger, b, candidate), SB_TX_OK);
}

/* The next key of a device whose candidate was admitted is the one in its files, which the approved boot opens. */
static void after_candidate(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	uint8_t next[32];

	memcpy(next, a->next, 32);
	reboot(a);
	a->pcr[4][0] ^= 1;
	fresh_key(a->current);
	memset(a->next, 0, 32);
	a->outcome = SB_CAP_CANDIDATE;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	/* Its boot is approved; the candidate opens as the current key, beside the next one of before. */
	reboot(a);
	memcpy(a->next, next, 32);
	a->outcome = SB_CAP_UNSEALED;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	expect_keys(ledger, a, a->current, next);
	/* In the boot state that the candidate was admitted in, a new one is taken. */
	assert_int_equal(rotates(ledger, a, next), SB_TX_OK);
	reboot(a);
	memcpy(a->current, next, 32);
	fresh_key(a->next);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	expect_keys(ledger, a, next, a->next);
}

/* ---- references */

static void add_reference(struct ledger *ledger, const struct device *like, uint32_t pcrs, const uint8_t before[32])
{
	Sealbond__Reference reference = SEALBOND__REFERENCE__INIT;
	uint8_t id[1] = { 1 }, key[SB_RECORD_KEY_MAX], *packed;
	ProtobufCBinaryData values[SB_QUOTE_PCRS];
	size_t length;

	reference.id = (ProtobufCBinaryData){ 1, id };
	reference.pcrs = pcrs;
	reference.values = values;
	for (unsigned int pcr = 0; pcr < SB_QUOTE_PCRS; pcr++)
		if (pcrs & 1U << pcr)
			values[reference.n_values++] = span32(pcr == CAP ? before : like->pcr[pcr]);
	packed = sb_message_pack(&reference, &length);
	world_put(&ledger->world, key, sb_record_key(SB_RECORD_REFERENCE, id, 1, key), packed, length);
	free(packed);
}

/* A reference for an update stands in for the owner's word, for what the PCRs that it names have. */
static void reference_for_update(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, root;

	reboot(a);
	memset(a->pcr[4], 4, 32);
	fresh_key(a->next);
	add_reference(ledger, a, 1U << 4 | 1U << 7, NULL);
	/* It says nothing of the cap PCR: root's cap is none of the kernel's in this boot state either. */
	root = rooted(a);
	assert_int_equal(beats(ledger, &root), SB_TX_OK);
	expect_waiting(ledger, a, root.next);
	a->clock = root.clock;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	expect_waiting(ledger, a, NULL);
	expect_keys(ledger, a, a->current, a->next);
}

/* One that names the cap PCR is for boots with another configuration, too. */
static void reference_for_cap(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, root;
	const struct sb_cap_claim claim = { .has_config = true, .config = { 0xc0 } };
	uint8_t before[32] = { 0 };

	reboot(a);
	memset(a->pcr[4], 4, 32);
	a->config[0] = 0xc0;
	fresh_key(a->next);
	sb_cap_before(before, &claim, before);
	add_reference(ledger, a, 1U << 4 | 1U << 7 | 1U << CAP, before);
	root = rooted(a);
	assert_int_equal(beats(ledger, &root), SB_TX_OK);
	expect_waiting(ledger, a, root.next);
	a->clock = root.clock;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	expect_keys(ledger, a, a->current, a->next);
}

/* What a reference does not name is as it was: one of the firmware does not let another system's keys in. */
static void reference_for_a_part(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *b = &plant->b;
	uint8_t next[32];

	b->pcrs |= 1U << 9;
	bring_live(plant, b, 1);
	memcpy(next, b->next, 32);
	add_reference(ledger, b, 1U << 4 | 1U << 7, NULL);
	reboot(b);
	b->pcr[9][0] ^= 1;
	fresh_key(b->next);
	assert_int_equal(beats(ledger, b), SB_TX_OK);
	expect_keys(ledger, b, b->current, next);
	expect_waiting(ledger, b, b->next);
	add_reference(ledger, b, 1U << 4 | 1U << 7 | 1U << 9, NULL);
	assert_int_equal(beats(ledger, b), SB_TX_OK);
	expect_keys(ledger, b, b->current, b->next);
}

/* One of a PCR that this device does not quote says nothing of it. One that cannot be read stops the node. */
static void reference_of_others(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	uint8_t id[1] = { 1 }, key[SB_RECORD_KEY_MAX];
	size_t length = sb_record_key(SB_RECORD_REFERENCE, id, 1, key), tx_length;
	uint8_t *tx;

	reboot(a);
	a->pcr[4][0] ^= 1;
	fresh_key(a->next);
	add_reference(ledger, a, 1U << 4 | 1U << 7 | 1U << 9, NULL);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	expect_waiting(ledger, a, a->next);
	world_put(&ledger->world, key, length, (const uint8_t *)"\xff", 1);
	tx = heartbeat_tx(ledger, a, &tx_length);
	ledger_begin(ledger);
	assert_int_equal(sb_machine_deliver(ledger->machine, tx, tx_length, &ledger->last), -EUCLEAN);
	ledger_finish(ledger);
	free(tx);
}

static void reference_form(void **state)
{
	static uint8_t bytes[33];
	ProtobufCBinaryData values[] = { span32(bytes), span32(bytes) };
	const Sealbond__Reference good = { .base = PROTOBUF_C_MESSAGE_INIT(&sealbond__reference__descriptor),
					   .id = { 32, bytes }, .pcrs = 1U << 7 | 1U << CAP, .n_values = 2, .values = values };
	Sealbond__Reference bad[6];

	for (size_t i = 0; i < SB_ARRAY_SIZE(bad); i++)
		bad[i] = good;
	assert_true(sb_reference_is_valid(&good));
	bad[0].id.len = 0;
	bad[1].id.len = 33;
	bad[2].pcrs = 0;
	bad[2].n_values = 0;
	bad[3].pcrs = 1U << 7 | 1U << 24;
	bad[4].pcrs = 1U << 7 | 1U << 16;
	bad[5].n_values = 1;
	for (size_t i = 0; i < SB_ARRAY_SIZE(bad); i++)
		assert_false(sb_reference_is_valid(&bad[i]));
	values[1].len = 31;
	assert_false(sb_reference_is_valid(&good));
}

static void references(Sealbond__Parameters *parameters)
{
	parameters->match_references = true;
}

static int references_set(void **state)
{
	return plant_with(state, references, NULL);
}

/* Where boot states must be references, one with the cap PCR's value keeps root's cap from the lease. */
static void reference_demanded(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, root;
	uint8_t zero[32] = { 0 };

	add_reference(ledger, a, PCRS, zero);
	bring_live(plant, a, 1);
	root = rooted(a);
	assert_int_equal(beats(ledger, &root), SB_TX_REFERENCE);
	a->clock = root.clock;
	assert_int_equal(beats(ledger, a), SB_TX_OK);
}

/* ---- the ledger was restored from a backup */

static void restored(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, root;
	int64_t last;
	uint8_t zero[32] = { 0 };

	add_reference(ledger, a, 1U << 4 | 1U << 7, zero);
	bring_live(plant, a, 1);
	last = ledger->height;
	ledger->height += 5000;
	ledger->time += 3600;
	ledger_begin(ledger);
	assert_int_equal(sb_machine_recover(ledger->machine, last), 0);
	ledger_finish(ledger);
	/* A current key that the ledger never saw, by root's cap: for the owner, and no lease by it. */
	root = rooted(a);
	fresh_key(root.current);
	assert_int_equal(beats(ledger, &root), SB_TX_OK);
	expect_keys(ledger, a, a->current, a->next);
	assert_true(lease_of(ledger, a) < 86400);
}

/* ---- records that no rule makes: nothing is read from them, and nothing is the same as they are */

static void odd_records(void **state)
{
	const Sealbond__Parameters parameters = { .cap_pcr = CAP }, none = { .cap_pcr = 32 }, other = { .cap_pcr = 4 };
	Sealbond__CapClaim cap = SEALBOND__CAP_CLAIM__INIT;
	Sealbond__BootState bad = SEALBOND__BOOT_STATE__INIT;
	uint8_t *values = calloc(2, 32);
	ProtobufCBinaryData two = { 64, values }, one = { 32, values }, odd = { 63, values };
	SB_AUTO_MESSAGE Sealbond__BootState *good = NULL;
	const uint32_t pcrs = 1U << 7 | 1U << CAP;

	assert_non_null(values);
	good = sb_boot_of(&parameters, pcrs, two, &cap);
	assert_non_null(good);
	assert_null(sb_boot_of(&parameters, pcrs, two, NULL));
	assert_null(sb_boot_of(&parameters, pcrs, one, &cap));
	assert_null(sb_boot_of(&parameters, pcrs, odd, &cap));
	assert_null(sb_boot_of(&parameters, 1U << CAP | 1U << 24, two, &cap));
	assert_null(sb_boot_of(&none, pcrs, two, &cap));
	assert_null(sb_boot_of(&other, pcrs, two, &cap));
	assert_int_equal(sb_boot_differs(good, good), 0);
	assert_int_equal(sb_boot_differs(good, NULL), pcrs);
	assert_int_equal(sb_boot_differs(NULL, good), pcrs);
	bad.pcrs = pcrs;
	bad.values = one;
	assert_int_equal(sb_boot_differs(good, &bad), pcrs);
	assert_int_equal(sb_boot_differs(&bad, good), pcrs);
	/* One PCR more on either side is another boot state. */
	bad.pcrs = 1U << CAP;
	assert_int_equal(sb_boot_differs(good, &bad), 1U << 7);
	assert_int_equal(sb_boot_differs(&bad, good), 1U << 7);
	free(values);
}

int main(void)
{
#define WITH_A(test) cmocka_unit_test_setup_teardown(test, plant_with_a, plant_close)
#define TEST(test, setup) cmocka_unit_test_setup_teardown(test, setup, plant_close)
	const struct CMUnitTest tests[] = {
		WITH_A(forged_next), WITH_A(forged_again), WITH_A(forged_behind_next), WITH_A(with_configuration),
		WITH_A(other_system), WITH_A(updated), WITH_A(rotated_while_waiting), WITH_A(looked_at),
		WITH_A(looked_at_before), WITH_A(after_candidate), WITH_A(reference_for_update), WITH_A(reference_for_cap),
		WITH_A(reference_for_a_part), WITH_A(reference_of_others), cmocka_unit_test(reference_form),
		TEST(reference_demanded, references_set), TEST(restored, references_set), cmocka_unit_test(odd_records),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
