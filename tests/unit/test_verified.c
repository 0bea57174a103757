// SPDX-License-Identifier: Apache-2.0
/*
 * Signatures that are remembered: what is so much like a known one that it could be taken for it, and is not; and
 * threads that share work.
 */
#include "device_world.h"

#include "ledger/workers.h"

static int open_plant(void **state)
{
	ledger_verified = sb_verified_new();
	assert_non_null(ledger_verified);
	return plant_with_a(state);
}

static int close_plant(void **state)
{
	plant_close(state);
	sb_verified_free(sb_take_ptr(ledger_verified));
	return 0;
}

static uint32_t at_door(struct plant *plant, const uint8_t *tx, size_t length)
{
	struct ledger *ledger = &plant->ledger;
	struct sb_tx_result result;

	assert_int_equal(sb_machine_check(&ledger->world.records, CHAIN, ledger->height + 1, ledger->time + BLOCK_S, tx,
					  length, &result), 0);
	return result.code;
}

/* The bytes of a signature that stands at the end of a transaction. */
static void people(void **state)
{
	struct plant *plant = *state;
	BODY(SUSPEND, suspend, Suspend, suspend);
	size_t length, other_length;
	uint8_t *tx, *other;

	suspend.device = span32(plant->a.id);
	tx = sign_body(&plant->a.owner, &body, &length);
	assert_int_equal(at_door(plant, tx, length), SB_TX_OK);
	tx[length - 1] ^= 1;
	assert_int_equal(at_door(plant, tx, length), SB_TX_SIGNATURE);
	tx[length - 1] ^= 1;
	/* The known signature under the next sequence, which nobody has signed. */
	other = sign_body(&plant->a.owner, &body, &other_length);
	assert_int_equal(other_length, length);
	memcpy(other + length - 64, tx + length - 64, 64);
	assert_int_equal(at_door(plant, other, length), SB_TX_SIGNATURE);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_OK);
	assert_int_equal(ledger_send(&plant->ledger, other, length), SB_TX_SIGNATURE);
	free(tx);
	free(other);
}

static struct bytes known;

static void keep_signature(struct device *device, struct statement *s)
{
	known.length = 0;
	put(&known, s->auth.signature.data, s->auth.signature.len);
}

static void put_signature(struct device *device, struct statement *s)
{
	s->auth.signature = pb(&known);
}

static void devices(void **state)
{
	struct plant *plant = *state;
	struct device *a = &plant->a;
	size_t length;
	uint8_t *tx;

	a->after = keep_signature;
	tx = heartbeat_tx(&plant->ledger, a, &length);
	assert_int_equal(at_door(plant, tx, length), SB_TX_OK);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_OK);
	free(tx);
	a->after = put_signature;
	assert_int_equal(beats(&plant->ledger, a), SB_TX_QUOTE_SIGNATURE);
	/* Quotes are compared by their place before they are believed: what is known already is only stale. */
	assert_int_equal(beats(&plant->ledger, a), SB_TX_OK);
}

static void number_id(uint32_t number, uint8_t id[32])
{
	SHA256((const uint8_t *)&number, sizeof(number), id);
}

static void forgets(void **state)
{
	struct sb_verified *verified = sb_verified_new();
	unsigned int kept = 0;
	uint8_t id[32];

	assert_non_null(verified);
	for (uint32_t i = 0; i < 3 * SB_VERIFIED_KEPT; i++) {
		number_id(i, id);
		assert_false(sb_verified_has(verified, id));
		sb_verified_add(verified, id);
		sb_verified_add(verified, id);
		assert_true(sb_verified_has(verified, id));
	}
	for (uint32_t i = 0; i < 3 * SB_VERIFIED_KEPT; i++) {
		number_id(i, id);
		kept += sb_verified_has(verified, id);
	}
	assert_in_range(kept, SB_VERIFIED_KEPT * 9 / 10, SB_VERIFIED_KEPT);
	number_id(0, id);
	assert_false(sb_verified_has(verified, id));
	assert_false(sb_verified_has(NULL, id));
	sb_verified_free(verified);
}

#define PIECES	10000

static void count_piece(void *context, size_t index)
{
	unsigned int *times = context;

	times[index]++;
}

static void workers_share(void **state)
{
	static unsigned int times[PIECES];
	struct sb_workers *workers = sb_workers_new();

	assert_non_null(workers);
	for (unsigned int round = 1; round <= 100; round++) {
		sb_workers_run(workers, PIECES, count_piece, times);
		for (size_t i = 0; i < PIECES; i++)
			assert_int_equal(times[i], round);
	}
	sb_workers_run(workers, 0, count_piece, NULL);
	sb_workers_free(workers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(people, open_plant, close_plant),
		cmocka_unit_test_setup_teardown(devices, open_plant, close_plant),
		cmocka_unit_test(forgets), cmocka_unit_test(workers_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
