// SPDX-License-Identifier: Apache-2.0
/*
 * The send-side window against a model that remembers every number: at each edge of a word, of
 * the window, of the ring and of the numbers themselves, and on long random runs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "nonce.h"

/* What was used, from a base on; the model is of that stretch only. */
#define STRETCH		(8u * SB_NONCE_RING)

static struct model {
	u32 base, top;
	bool used[STRETCH];
} model;
static struct sb_nonce nonce;

static void begin(u32 base)
{
	memset(&model, 0, sizeof(model));
	memset(&nonce, 0, sizeof(nonce));
	model.base = base;
}

/* In 64 bits, so that nothing wraps. */
static enum sb_nonce_answer expect(u64 first, u64 count)
{
	u64 last = first + count - 1, top = model.top, n;

	if (last > top)
		top = last;
	if (!first || !count || last > U32_MAX || top - first >= SB_NONCE_WINDOW)
		return SB_NONCE_OLD;
	for (n = first; n <= last; n++)
		if (n >= model.base && model.used[n - model.base])
			return SB_NONCE_REPEATED;
	for (n = first; n <= last; n++)
		model.used[n - model.base] = true;
	model.top = top;
	return SB_NONCE_FRESH;
}

static void take(u32 first, u32 count)
{
	enum sb_nonce_answer want = expect(first, count), got;
	struct sb_nonce before = nonce;

	got = sb_nonce_take(&nonce, first, count);
	if (got != want || nonce.top != model.top)
		fail_msg("base %u: %u numbers from %u: %d, not %d; top %u, not %u", model.base, count, first,
			 got, want, nonce.top, model.top);
	if (got != SB_NONCE_FRESH && memcmp(&before, &nonce, sizeof(nonce)))
		fail_msg("%u numbers from %u: refused, and something changed", count, first);
}

static void test_in_order(void **state)
{
	begin(0);
	for (u32 n = 1; n < STRETCH; n++)
		take(n, 1);
	for (u32 n = STRETCH - 1; n; n--)
		take(n, 1);
}

/* Around every edge that there is, at several places of the ring. */
static void test_edges(void **state)
{
	static const u32 tops[] = { 1, 63, 64, 65, 127, 128, SB_NONCE_WINDOW - 1, SB_NONCE_WINDOW,
		SB_NONCE_WINDOW + 1, SB_NONCE_RING - 1, SB_NONCE_RING, SB_NONCE_RING + 1,
		2 * SB_NONCE_RING - 1, 2 * SB_NONCE_RING, 2 * SB_NONCE_RING + 63 };
	static const u32 counts[] = { 0, 1, 2, 63, 64, 65, 127, 128, 129, SB_NONCE_WINDOW - 1, SB_NONCE_WINDOW,
		SB_NONCE_WINDOW + 1, SB_NONCE_RING, U32_MAX };
	static const int away[] = { 0, 1, 62, 63, 64, 65, 128, SB_NONCE_WINDOW - 2, SB_NONCE_WINDOW - 1,
		SB_NONCE_WINDOW, SB_NONCE_WINDOW + 1, SB_NONCE_RING - 1, SB_NONCE_RING, SB_NONCE_RING + 1 };

	for (size_t t = 0; t < ARRAY_SIZE(tops); t++)
	for (size_t a = 0; a < ARRAY_SIZE(away); a++)
	for (int sign = -1; sign <= 1; sign += 2)
	for (size_t c = 0; c < ARRAY_SIZE(counts); c++) {
		long first = (long)tops[t] + sign * away[a];

		if (first < 0)
			continue;
		begin(0);
		take(tops[t], 1);
		take((u32)first, counts[c]);
		/* and what surrounds it, once more each */
		for (int near = -2; near <= 2; near++) {
			if (first + near >= 0)
				take((u32)(first + near), 1);
			if (counts[c] < SB_NONCE_RING && first + (long)counts[c] + near >= 0)
				take((u32)(first + (long)counts[c] + near), 1);
			take(tops[t] + near + 2, 1);
		}
	}
}

/* Every distance within two rings behind the top, when all of them were used and when none was. */
static void test_behind(void **state)
{
	u32 top = 3 * SB_NONCE_RING + 17;

	for (u32 back = 0; back < 2 * SB_NONCE_RING; back++) {
		begin(0);
		take(top, 1);
		take(top - back, 1);
		take(top - back, 1);
	}
	begin(0);
	for (u32 n = 1; n <= top; n += 64)
		take(n, 64);
	for (u32 back = 0; back < 2 * SB_NONCE_RING; back++)
		take(model.top - back, 1);
}

/* Numbers do not wrap: what would come behind the last one is never sent. */
static void test_last_numbers(void **state)
{
	begin(U32_MAX - 1000);
	take(U32_MAX - 1000, 1);
	take(U32_MAX - 63, 64);
	take(U32_MAX, 1);
	take(U32_MAX, 2);
	take(U32_MAX - 10, 20);
	take(0, 1);
	take(1, 1);
	take(U32_MAX - 64, 1);
	begin(U32_MAX - 1000);
	take(U32_MAX - 1, 1);
	take(U32_MAX, 1);
	take(0, 1);
}

static u64 seed;

static u32 below(u32 n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % n;
}

/* Reordered, lost, segmented, repeated; now and then far ahead. */
static void test_random(void **state)
{
	for (u32 run = 0; run < 200; run++) {
		u32 next = 1;

		seed = run;
		begin(0);
		while (next < STRETCH - 2 * SB_NONCE_RING) {
			u32 count = below(3) ? 1 : 1 + below(below(50) ? 100 : SB_NONCE_WINDOW + 10);
			u32 back = below(4) ? 0 : below(below(10) ? 200 : 2 * SB_NONCE_RING);

			take(back < next ? next - back : next, count);
			if (!below(1000))
				next += below(SB_NONCE_RING);
			next = model.top + 1 + below(3) / 2;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_edges),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_last_numbers),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
