// SPDX-License-Identifier: Apache-2.0
/* What explains a cap PCR: as the kernel extends it, and as it tells of it. */
#include "cmocka_all.h"

#include <errno.h>
#include <string.h>

#include "device/ledger_claim.h"
#include "sealbond/blob.h"
#include "state/crypto.h"

static void extend(uint8_t pcr[32], const uint8_t digest[32])
{
	const struct sb_span parts[] = { { pcr, 32 }, { digest, 32 } };
	uint8_t next[32];

	sb_hash(SB_TPM_ALG_SHA256, parts, 2, next);
	memcpy(pcr, next, sizeof(next));
}

/* The kernel (kmod/seal.c): the configuration first, then it reads the PCR, then comes the cap. */
static void boot(struct sb_keys_answer *keys, const uint8_t before[32], bool with_config, uint8_t pcr[32])
{
	struct sb_cap_claim cap = { .outcome = SB_CAP_UNSEALED };

	*keys = (struct sb_keys_answer){ .has_current = 1, .has_next = 1, .has_prior = 1, .has_config = with_config,
					 .cap_pcr = 14 };
	memset(keys->current, 1, 32);
	memset(keys->next, 2, 32);
	memset(keys->config, with_config ? 3 : 0, 32);
	memcpy(pcr, before, 32);
	if (with_config)
		extend(pcr, keys->config);
	memcpy(keys->prior, pcr, 32);
	memcpy(cap.current, keys->current, 32);
	memcpy(cap.next, keys->next, 32);
	sb_cap_value(keys->prior, &cap, pcr);
}

static void is_explained(const struct sb_claim *claim, const uint8_t pcr[32])
{
	uint8_t value[32];

	sb_cap_value(claim->prior, &claim->cap, value);
	assert_memory_equal(value, pcr, 32);
	assert_int_equal(claim->cap.outcome, SB_CAP_UNSEALED);
}

static void test_late(void **state)
{
	static const uint8_t zero[32], shim[32] = { 9 };
	struct sb_keys_answer keys;
	struct sb_claim claim;
	uint8_t pcr[32];

	boot(&keys, zero, false, pcr);
	assert_int_equal(sb_claim_find(&keys, NULL, pcr, &claim), 0);
	is_explained(&claim, pcr);
	boot(&keys, shim, false, pcr);
	assert_int_equal(sb_claim_find(&keys, NULL, pcr, &claim), 0);
	is_explained(&claim, pcr);
	assert_memory_equal(claim.prior, shim, 32);
	pcr[0] ^= 1;
	assert_int_equal(sb_claim_find(&keys, NULL, pcr, &claim), -ENOENT);
}

static void test_early(void **state)
{
	static const uint8_t zero[32];
	struct sb_keys_answer keys;
	struct sb_claim claim;
	uint8_t pcr[32];

	boot(&keys, zero, true, pcr);
	assert_int_equal(sb_claim_find(&keys, NULL, pcr, &claim), 0);
	is_explained(&claim, pcr);
	/* The ledger hears which configuration it is. */
	assert_true(claim.cap.has_config);
	assert_memory_equal(claim.cap.config, keys.config, 32);
	assert_memory_equal(claim.prior, zero, 32);
}

static void test_early_behind_a_shim(void **state)
{
	static const uint8_t shim[32] = { 9 };
	struct sb_keys_answer keys;
	struct sb_claim claim;
	uint8_t pcr[32];

	boot(&keys, shim, true, pcr);
	assert_int_equal(sb_claim_find(&keys, NULL, pcr, &claim), 0);
	is_explained(&claim, pcr);
	assert_false(claim.cap.has_config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late), cmocka_unit_test(test_early), cmocka_unit_test(test_early_behind_a_shim),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
