// SPDX-License-Identifier: Apache-2.0
/* What quotes stand for: each part of the transaction counts, the kernel's own cap, and the clone rule's cases. */
#include "cmocka_all.h"

#include <openssl/sha.h>
#include <string.h>

#include "common/cleanup.h"
#include "sealbond/blob.h"
#include "state/heartbeat.h"

static const uint8_t device[32] = { 7 };

static void extra_of(const char *chain, uint64_t height, uint8_t hash, uint8_t id, const char *body, uint8_t out[32])
{
	struct sb_beacon beacon = { .height = height, .hash = { hash } };
	uint8_t device_id[32] = { id };

	sb_quote_extra(chain, &beacon, device_id, (const uint8_t *)body, strlen(body), out);
}

static void each_part_counts(void **state)
{
	uint8_t all[8][32];

	extra_of("plant", 5, 1, 2, "body", all[0]);
	extra_of("plan", 5, 1, 2, "body", all[1]);
	extra_of("plant", 6, 1, 2, "body", all[2]);
	extra_of("plant", 5, 2, 2, "body", all[3]);
	extra_of("plant", 5, 1, 3, "body", all[4]);
	extra_of("plant", 5, 1, 2, "bodz", all[5]);
	extra_of("plant", 5ULL << 32, 1, 2, "body", all[6]);
	extra_of("plant", 5, 1, 2, "", all[7]);
	for (size_t i = 0; i < SB_ARRAY_SIZE(all); i++)
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(all[i], all[j], 32);
}

/* By hand, as the header writes it. */
static void extra_written_out(void **state)
{
	const struct sb_beacon beacon = { .height = 0x0102, .hash = { 0xbe } };
	uint8_t text[256], got[32], want[32];
	size_t at = 0;

	memcpy(text, "sealbond quote v1\0\5plant\0\0\0\0\0\0\1\2", 18 + 1 + 5 + 8);
	at = 18 + 1 + 5 + 8;
	memcpy(text + at, beacon.hash, 32);
	memcpy(text + at + 32, device, 32);
	SHA256((const uint8_t *)"body", 4, text + at + 64);
	SHA256(text, at + 96, want);
	sb_quote_extra("plant", &beacon, device, (const uint8_t *)"body", 4, got);
	assert_memory_equal(got, want, 32);
}

/* The module's arithmetic, once more: SHA-256(SHA-256(prior || config) || cap digest). */
static void cap(void **state)
{
	struct sb_cap_claim claim = { .current = { 1 }, .next = { 2 }, .outcome = SB_CAP_UNSEALED };
	uint8_t zero[32] = { 0 }, text[sizeof(SB_CAP_TAG) + 65], pair[64], want[32], got[32];

	memcpy(text, SB_CAP_TAG, sizeof(SB_CAP_TAG));
	memcpy(text + sizeof(SB_CAP_TAG), claim.current, 32);
	memcpy(text + sizeof(SB_CAP_TAG) + 32, claim.next, 32);
	text[sizeof(text) - 1] = SB_CAP_UNSEALED;
	memset(pair, 0, 32);
	SHA256(text, sizeof(text), pair + 32);
	SHA256(pair, sizeof(pair), want);
	sb_cap_value(zero, &claim, got);
	assert_memory_equal(got, want, 32);
	claim.has_config = true;
	claim.config[31] = 9;
	memset(pair, 0, 32);
	memcpy(pair + 32, claim.config, 32);
	SHA256(pair, sizeof(pair), pair);
	SHA256(text, sizeof(text), pair + 32);
	SHA256(pair, sizeof(pair), want);
	sb_cap_value(zero, &claim, got);
	assert_memory_equal(got, want, 32);
	/* In place. */
	sb_cap_value(zero, &claim, zero);
	assert_memory_equal(zero, want, 32);
}

static enum sb_order_verdict place(struct sb_quote_clock clock, uint64_t beacon)
{
	const struct sb_last_quote last = { true, { 1000, 5, 2, true }, 100, 90 };

	return sb_quote_place(&last, &clock, &(struct sb_beacon){ .height = beacon });
}

static void places(void **state)
{
	const struct sb_last_quote none = { .there = false };
	const struct sb_quote_clock first = { 0, 0, 0, false };

	assert_int_equal(sb_quote_place(&none, &first, &(struct sb_beacon){ .height = 1 }), SB_ORDER_NEWER);
	/* Its own later quotes: the clock goes on, a suspend, a power cut after which the clock stands lower. */
	assert_int_equal(place((struct sb_quote_clock){ 1001, 5, 2, true }, 100), SB_ORDER_NEWER);
	assert_int_equal(place((struct sb_quote_clock){ 10, 5, 3, true }, 100), SB_ORDER_NEWER);
	assert_int_equal(place((struct sb_quote_clock){ 10, 6, 0, false }, 100), SB_ORDER_NEWER);
	/* Held back or sent twice by an endpoint: made before the last one was committed. */
	assert_int_equal(place((struct sb_quote_clock){ 999, 5, 2, true }, 99), SB_ORDER_STALE);
	assert_int_equal(place((struct sb_quote_clock){ 1000, 5, 2, true }, 99), SB_ORDER_STALE);
	assert_int_equal(place((struct sb_quote_clock){ 5000, 4, 9, true }, 3), SB_ORDER_STALE);
	/* Made after it, and ordering below it: another TPM state speaks. */
	assert_int_equal(place((struct sb_quote_clock){ 999, 5, 2, true }, 100), SB_ORDER_CLONE);
	assert_int_equal(place((struct sb_quote_clock){ 1000, 5, 2, true }, 101), SB_ORDER_CLONE);
	assert_int_equal(place((struct sb_quote_clock){ 90000, 4, 0, true }, 200), SB_ORDER_CLONE);
	/* From before its history began anew: whatever it says. */
	assert_int_equal(place((struct sb_quote_clock){ 90000, 9, 0, true }, 90), SB_ORDER_NEWER);
	assert_int_equal(place((struct sb_quote_clock){ 90000, 9, 0, true }, 89), SB_ORDER_STALE);
	assert_int_equal(place((struct sb_quote_clock){ 90000, 4, 0, true }, 89), SB_ORDER_STALE);
}

/*
 * A device with power cuts, whose endpoints lose, delay, repeat and reorder its heartbeats, is never taken for a
 * clone; a copy of its TPM that speaks beside it is, as soon as both have spoken after the copy was made.
 */
struct tpm {
	struct sb_quote_clock clock;
};

struct heartbeat {
	struct sb_quote_clock clock;
	uint64_t beacon;
};

static uint32_t random_below(uint32_t *seed, uint32_t bound)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % bound;
}

static struct heartbeat beat(struct tpm *tpm, uint64_t height, uint32_t *seed)
{
	uint32_t what = random_below(seed, 10);

	tpm->clock.clock += 1 + random_below(seed, 1000);
	if (what == 0) {
		tpm->clock.reset_count++;
		tpm->clock.restart_count = 0;
		tpm->clock.clock -= random_below(seed, 500) % (uint32_t)tpm->clock.clock;
	} else if (what == 1) {
		tpm->clock.restart_count++;
	}
	return (struct heartbeat){ tpm->clock, height };
}

static enum sb_order_verdict commit(struct sb_last_quote *last, const struct heartbeat *heartbeat, uint64_t height)
{
	enum sb_order_verdict verdict = sb_quote_place(last, &heartbeat->clock, &(struct sb_beacon){ .height = heartbeat->beacon });

	if (verdict == SB_ORDER_NEWER)
		*last = (struct sb_last_quote){ true, heartbeat->clock, height, last->begun };
	return verdict;
}

static void histories(void **state)
{
	for (uint32_t run = 1; run <= 200; run++) {
		struct sb_last_quote last = { .there = false };
		struct tpm tpm = { .clock = { 1000, 1, 0, true } }, copy;
		struct heartbeat sent[64];
		uint32_t seed = run, count = 0;
		uint64_t height = 1;
		bool seen = false;

		for (int i = 0; i < 300; i++, height += random_below(&seed, 3)) {
			if (count < SB_ARRAY_SIZE(sent))
				sent[count++] = beat(&tpm, height, &seed);
			/* The chain goes on before what was sent arrives, in any order; some of it never or twice. */
			if (count && random_below(&seed, 3)) {
				uint32_t which = random_below(&seed, count);

				assert_int_not_equal(commit(&last, &sent[which], height + 1), SB_ORDER_CLONE);
				if (random_below(&seed, 2))
					sent[which] = sent[--count];
			}
		}
		copy = tpm;
		for (int i = 0; i < 40 && !seen; i++, height += 2) {
			struct heartbeat of = beat(i % 2 ? &copy : &tpm, height, &seed);

			seen = commit(&last, &of, height + 1) == SB_ORDER_CLONE;
		}
		assert_true(seen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_part_counts), cmocka_unit_test(extra_written_out), cmocka_unit_test(cap),
		cmocka_unit_test(places), cmocka_unit_test(histories),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
