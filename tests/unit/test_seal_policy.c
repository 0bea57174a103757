// SPDX-License-Identifier: Apache-2.0
/*
 * Policy digests against tpm2-tools 5.4 on swtpm 0.7.1: trial sessions with tpm2_policypcr
 * and tpm2_policyauthorize; the release key by tpm2_loadexternal -C o -G ecc:ecdsa-sha256
 * -a "userwithauth|sign". PCR n holds SHA-256("pcr n").
 */
#include "../../kmod/pure.h"
#include <uapi/linux/sealbond.h>

#include "../../kmod/crypto.h"
#include "../../kmod/seal_policy.h"
#include "hex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define RELEASE_X	"41912100bc51c331dcd0e90138e167decfd49cb13a9f638190d26f8022d28565"
#define RELEASE_Y	"0cd847293cb179d8a2e0f285498a7d0e120f7b6c7163feb145c6b3f031847f40"
#define RELEASE_NAME	"000b7bd2a168ffa70dc8c356c50379c0bed359522a270f191e8afadc388dc7b93109"
#define POLICY_REF	"5eb2ce291c7d227dd684ec83f9ddc05776e2fe9a0c4e62927b4592383e66fb28"
#define AUTH_POLICY	"0147f4cf37f6d12e6f910235e194e4068e08746b6f04e34db6514bdee6a0e749"

#define CAP	14

static u8 values[SB_PCRS][SB_DIGEST_LEN];

static int setup(void **state)
{
	char text[16];
	int i, n;

	for (i = 0; i < SB_PCRS; i++) {
		n = snprintf(text, sizeof(text), "pcr %d", i);
		sb_sha256(values[i], text, n);
	}
	return 0;
}

static void assert_hex(const u8 *got, const char *want)
{
	u8 bytes[64];

	assert_memory_equal(got, bytes, unhex(bytes, want));
}

static void test_policy_pcr(void **state)
{
	static const struct {
		u32 mask;
		const char *digest;
	} table[] = {
		{ 0x000001, "54517a6eee4b52564be7a18e3896afb3ab0f0269034afa0bb9ee4f2c8d5e6a94" },
		{ 0x005a90, "249177841d8ee752648336720bcdbf2912ff5cb338add75e6e8616c8430827e2" },
		{ 0x004381, "587e1b6bf4d54d6d864d996d7c588fe65386f1ade845f91183b5fdf7f9e48497" },
		{ 0x800000, "f1bd1f82b90210ef96c2b9d5ed770eb63214e84d532a03e3139eb02dbda5b177" },
	};
	u8 digest[SB_DIGEST_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		sb_policy_pcr(digest, table[i].mask, values);
		assert_hex(digest, table[i].digest);
	}
}

static void test_release_name(void **state)
{
	u8 x[32], y[32], name[SB_TPM_NAME_LEN];

	unhex(x, RELEASE_X);
	unhex(y, RELEASE_Y);
	sb_release_name(name, x, y);
	assert_hex(name, RELEASE_NAME);
}

static void test_policy_authorize(void **state)
{
	u8 name[SB_TPM_NAME_LEN], ref[32], digest[SB_DIGEST_LEN];

	unhex(name, RELEASE_NAME);
	unhex(ref, POLICY_REF);
	sb_policy_authorize(digest, name, ref);
	assert_hex(digest, AUTH_POLICY);
}

/* The cap as docs/keys.md spells it, byte for byte. */
static void test_cap(void **state)
{
	u8 text[16 + 32 + 32 + 1] = "sealbond cap v1", got[SB_DIGEST_LEN], want[SB_DIGEST_LEN];

	memset(text + 16, 1, 32);
	memset(text + 48, 2, 32);
	text[80] = SB_CAP_UNSEALED;
	sb_sha256(want, text, sizeof(text));
	sb_cap_digest(got, text + 16, text + 48, SB_CAP_UNSEALED);
	assert_memory_equal(got, want, sizeof(want));
	sb_cap_digest(got, text + 48, text + 16, SB_CAP_UNSEALED);
	assert_memory_not_equal(got, want, sizeof(want));
	sb_cap_digest(got, text + 16, text + 48, SB_CAP_NONE);
	assert_memory_not_equal(got, want, sizeof(want));
}

static void approval_for(struct sb_approval *a, u32 mask)
{
	memset(a, 0, sizeof(*a));
	a->pcr_mask = mask;
	a->cap_pcr = CAP;
	unhex(a->release_x, RELEASE_X);
	unhex(a->release_y, RELEASE_Y);
	unhex(a->policy_ref, POLICY_REF);
	memcpy(a->value, values, sizeof(values));
}

static void test_usable(void **state)
{
	u8 x[32], y[32], ref[32], other[32] = {};
	struct sb_approval a;

	unhex(x, RELEASE_X);
	unhex(y, RELEASE_Y);
	unhex(ref, POLICY_REF);
	approval_for(&a, 0x5a90);
	assert_true(sb_approval_usable(&a, x, y, ref, CAP, 0x5a90));
	assert_true(sb_approval_usable(&a, x, y, ref, CAP, 0x4a90));
	assert_false(sb_approval_usable(&a, x, y, ref, CAP, 0x5a91));
	assert_false(sb_approval_usable(&a, x, y, ref, CAP - 1, 0x5a90));
	assert_false(sb_approval_usable(&a, other, y, ref, CAP, 0x5a90));
	assert_false(sb_approval_usable(&a, x, other, ref, CAP, 0x5a90));
	assert_false(sb_approval_usable(&a, x, y, other, CAP, 0x5a90));
}

static void test_differs(void **state)
{
	u8 now[SB_PCRS][SB_DIGEST_LEN];
	struct sb_approval a;
	unsigned int i;

	approval_for(&a, 0x5a90);
	memcpy(now, values, sizeof(now));
	assert_int_equal(sb_approval_differs(&a, SB_PCR_MASK_ALL, now), 0);
	for (i = 0; i < SB_PCRS; i++) {
		now[i][31] ^= 1;
		assert_int_equal(sb_approval_differs(&a, SB_PCR_MASK_ALL, now),
				 0x5a90 & (1U << i));
		now[i][31] ^= 1;
	}
	/* What was not read cannot fit. */
	assert_int_equal(sb_approval_differs(&a, 0x5a90 & ~0x80U, now), 0x80);
	assert_int_equal(sb_approval_differs(&a, 0, now), 0x5a90);
}

static void test_nearest(void **state)
{
	const u32 cap = 1U << CAP;

	assert_int_equal(sb_nearest(0x280, 0x200, CAP), 0x200);
	assert_int_equal(sb_nearest(0x200, 0x280, CAP), 0x200);
	assert_int_equal(sb_nearest(0x200, cap, CAP), cap);
	assert_int_equal(sb_nearest(cap | 0x200, 0x280, CAP), cap | 0x200);
	assert_int_equal(sb_nearest(SB_PCR_MASK_ALL, cap | 0x200, CAP), cap | 0x200);
}

static void test_states(void **state)
{
	static const struct {
		int rc;
		u8 state;
	} table[] = {
		{ -ENODEV, SEALBOND_STATE_NO_TPM },
		{ -EIO, SEALBOND_STATE_TPM_ERROR },
		{ -EBADMSG, SEALBOND_STATE_TPM_ERROR },
		{ -ETIME, SEALBOND_STATE_TPM_ERROR },
		{ 0, SEALBOND_STATE_TPM_ERROR },
		{ 0x9a2, SEALBOND_STATE_TPM_OWNER_AUTH },
		{ 0x98e, SEALBOND_STATE_TPM_OWNER_AUTH },
		{ 0x921, SEALBOND_STATE_TPM_LOCKOUT },
		{ 0x902, SEALBOND_STATE_TPM_BUSY },
		{ 0x903, SEALBOND_STATE_TPM_BUSY },
		{ 0x908, SEALBOND_STATE_TPM_BUSY },
		{ 0x909, SEALBOND_STATE_TPM_BUSY },
		{ 0x922, SEALBOND_STATE_TPM_BUSY },
		{ 0x2db, SEALBOND_STATE_APPROVAL_INVALID },
		{ 0x1df, SEALBOND_STATE_BLOB_INVALID },
		{ 0x101, SEALBOND_STATE_TPM_ERROR },
		{ 0x99d, SEALBOND_STATE_TPM_ERROR },
		{ 0x128, SEALBOND_STATE_TPM_ERROR },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		assert_int_equal(sb_seal_state(table[i].rc), table[i].state);
	for (i = 0; i < 0x1000; i++)
		assert_int_not_equal(sb_seal_state(i), SEALBOND_STATE_KEYS_READY);
}

static void test_rc(void **state)
{
	assert_int_equal(sb_tpm_rc(0x1df), SB_RC_INTEGRITY);
	assert_int_equal(sb_tpm_rc(0x18b), SB_RC_HANDLE);
	assert_int_equal(sb_tpm_rc(0x9a2), SB_RC_BAD_AUTH);
	assert_int_equal(sb_tpm_rc(0x1c4), SB_RC_VALUE);
	assert_int_equal(sb_tpm_rc(0x921), SB_RC_LOCKOUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_pcr),
		cmocka_unit_test(test_release_name),
		cmocka_unit_test(test_policy_authorize),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_usable),
		cmocka_unit_test(test_differs),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_rc),
	};

	return cmocka_run_group_tests_name("seal_policy", tests, setup, NULL);
}
