// SPDX-License-Identifier: Apache-2.0
/* Devices whose TPM was cleared come back, and what they said before comes with them. */
#include "device_world.h"

/* TPM2_Clear sets the counters back. That is no clone, if the device says so: its owner approves it again. */
static void cleared(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	size_t length;
	uint8_t *old;

	bring_live(plant, a, 2);
	{
		BODY(ENROL, enrol, Enrol, enrol);

		enrol_of(a, &enrol);
		old = quote_body(a, ledger->height, &body, &length);
	}
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	/* One from before the last heartbeat was committed may only have been late. */
	assert_int_equal(ledger_send(ledger, old, length), SB_TX_QUOTE_STALE);
	free(old);
	assert_int_equal(enrols(ledger, a), SB_TX_EXISTS);
	a->clock = (struct sb_quote_clock){ 100, 0, 0, true };
	fresh_key(a->current);
	fresh_key(a->next);
	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	record = device_record(ledger, a);
	assert_int_equal(record->state, SEALBOND__DEVICE_STATE__AWAITING_APPROVAL);
	assert_true(record->lease_end <= ledger->time);
	assert_string_equal(record->why, "its TPM was cleared");
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_true(lease_of(ledger, a) <= 0);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
}

/*
 * What the device said before its TPM was cleared orders above all that it says now, and anybody may send it again, the
 * other half of its signature's s in it where a mempool remembers the first. It is no news, and freezes nobody.
 */
static void cleared_and_repeated(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	size_t length, lost_length;
	uint8_t *said, *lost;

	bring_live(plant, a, 2);
	said = heartbeat_tx(ledger, a, &length);
	assert_int_equal(ledger_send(ledger, said, length), SB_TX_OK);
	lost = heartbeat_tx(ledger, a, &lost_length);
	a->clock = (struct sb_quote_clock){ 100, 0, 0, true };
	fresh_key(a->current);
	fresh_key(a->next);
	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ledger_send(ledger, said, length), SB_TX_QUOTE_STALE);
		assert_int_equal(ledger_send(ledger, lost, lost_length), SB_TX_QUOTE_STALE);
		/* Before it is approved, approved, and live. */
		if (i == 0)
			assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
		else
			assert_int_equal(beats(ledger, a), SB_TX_OK);
	}
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	free(said);
	free(lost);
}

/* So it is where it was retired, cleared, and enrols anew: that is a record of its own. */
static void retired_and_repeated(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	size_t length;
	uint8_t *said;

	bring_live(plant, a, 2);
	said = heartbeat_tx(ledger, a, &length);
	assert_int_equal(ledger_send(ledger, said, length), SB_TX_OK);
	assert_int_equal(retires(ledger, &a->owner, a), SB_TX_OK);
	a->clock = (struct sb_quote_clock){ 100, 0, 0, true };
	fresh_key(a->current);
	fresh_key(a->next);
	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(challenges(ledger, &plant->enroller[i], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_OK);
	assert_int_equal(ledger_send(ledger, said, length), SB_TX_QUOTE_STALE);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	assert_int_equal(ledger_send(ledger, said, length), SB_TX_QUOTE_STALE);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	free(said);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, two_enrollers, plant_close)
	const struct CMUnitTest tests[] = {
		TEST(cleared), TEST(cleared_and_repeated), TEST(retired_and_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
