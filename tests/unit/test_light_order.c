// SPDX-License-Identifier: Apache-2.0
/* Which endpoint is asked first, and how many devices come to each. */
#include "cmocka_all.h"

#include "light/order.h"

static void order(void **state)
{
	struct sb_standing standing[4] = { { 0 } };
	size_t at[4];

	sb_order(standing, 4, 0, at);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(at[i], i);
	sb_standing_good(&standing[0], 9000, 0);
	sb_standing_good(&standing[1], 3000, 0);
	sb_standing_good(&standing[2], 6000, 0);
	sb_order(standing, 4, 0, at);
	assert_int_equal(at[0], 1);
	assert_int_equal(at[2], 0);
	assert_int_equal(at[3], 3);	/* never asked: it is measured by a probe */
	assert_int_equal(sb_order_probe(standing, 4, 0), 3);
	sb_standing_good(&standing[3], 20000, 0);
	assert_int_equal(sb_order_probe(standing, 4, 0), 4);

	/* fails: the last but those that lied; more and more seconds, with jitter, up to a bound */
	sb_standing_bad(&standing[1], SB_FAULT_TIMEOUT, 1000, 0);
	assert_int_equal(standing[1].again, 2000);
	sb_standing_bad(&standing[2], SB_FAULT_PROOF, 1000, 0);
	sb_order(standing, 4, 1500, at);
	assert_int_equal(at[0], 0);
	assert_int_equal(at[1], 3);
	assert_int_equal(at[2], 1);
	assert_int_equal(at[3], 2);
	for (unsigned int i = 0; i < 40; i++)
		sb_standing_bad(&standing[1], SB_FAULT_TIMEOUT, 1000, 123456789);
	assert_in_range(standing[1].again, 1000 + SB_BACKOFF_MOST * 3 / 4, 1000 + SB_BACKOFF_MOST);
	/* it is due: not in use before a probe has shown that it is back */
	sb_order(standing, 4, 1000 + SB_BACKOFF_MOST, at);
	assert_int_equal(at[2], 1);
	assert_int_equal(sb_order_probe(standing, 4, 1000 + SB_BACKOFF_MOST), 1);
	/* a good answer clears a failure, but no lie before its time */
	sb_standing_good(&standing[1], 3000, 2000);
	assert_int_equal(standing[1].fault, SB_FAULT_NONE);
	sb_standing_good(&standing[2], 3000, 2000);
	assert_int_equal(standing[2].fault, SB_FAULT_PROOF);
	sb_standing_good(&standing[2], 3000, 1000 + SB_BACKOFF_LIE);
	assert_int_equal(standing[2].fault, SB_FAULT_NONE);
}

/* A thousand devices, each with tickets of its own: how many ask each of the endpoints first. */
static void share(const uint32_t *latency, size_t count, unsigned int got[])
{
	uint32_t random = 1;

	memset(got, 0, count * sizeof(*got));
	for (unsigned int device = 0; device < 1000; device++) {
		struct sb_standing standing[8] = { { 0 } };
		size_t at[8];

		for (size_t i = 0; i < count; i++) {
			random = random * 1664525 + 1013904223;
			standing[i].ticket = random / 4295 + 1;
			sb_standing_good(&standing[i], latency[i], 0);
		}
		sb_order(standing, count, 0, at);
		got[at[0]]++;
	}
}

static void load_is_spread(void **state)
{
	static const uint32_t alike[4] = { 20000, 20000, 20000, 20000 };
	static const uint32_t places[5] = { 20000, 30000, 44000, 90000, 200000 };
	unsigned int got[5];

	share(alike, 4, got);
	for (size_t i = 0; i < 4; i++)
		assert_in_range(got[i], 200, 300);
	/* the nearest has most; those twice as far and more, nobody */
	share(places, 5, got);
	assert_in_range(got[0], 400, 650);
	assert_in_range(got[1], 200, 400);
	assert_in_range(got[2], 80, 250);
	assert_int_equal(got[3] + got[4], 0);
}

/* One that answers late under its load loses devices, one that does not answer all of them. */
static void load_moves_on(void **state)
{
	struct sb_standing standing[2] = { { .ticket = 100 }, { .ticket = 110 } };
	size_t at[2];

	for (size_t i = 0; i < 2; i++)
		sb_standing_good(&standing[i], 20000, 0);
	sb_order(standing, 2, 0, at);
	assert_int_equal(at[0], 0);
	for (unsigned int i = 0; i < 4; i++)
		sb_standing_good(&standing[0], 28000, 0);
	sb_order(standing, 2, 0, at);
	assert_int_equal(at[0], 1);
	sb_standing_bad(&standing[1], SB_FAULT_TIMEOUT, 0, 0);
	sb_order(standing, 2, 0, at);
	assert_int_equal(at[0], 0);
	assert_int_equal(sb_order_probe(standing, 2, 999), 2);
	assert_int_equal(sb_order_probe(standing, 2, 1000), 1);
	sb_standing_good(&standing[1], 20000, 1000);
	sb_order(standing, 2, 1000, at);
	assert_int_equal(at[0], 1);
	/* what was measured long ago is measured again, the oldest first */
	sb_standing_good(&standing[0], 20000, 5000);
	assert_int_equal(sb_order_probe(standing, 2, SB_MEASURE_MS + 999), 2);
	assert_int_equal(sb_order_probe(standing, 2, SB_MEASURE_MS + 6000), 1);
	/* patience: many times what is usual, within bounds */
	assert_int_equal(sb_standing_patience(&standing[0], 10000), 3000);
	standing[0].latency_us = 200000;
	assert_int_equal(sb_standing_patience(&standing[0], 10000), 6400);
	assert_int_equal(sb_standing_patience(&standing[0], 5000), 5000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(order), cmocka_unit_test(load_is_spread), cmocka_unit_test(load_moves_on),
	};

	return cmocka_run_group_tests_name("light order", tests, NULL, NULL);
}
