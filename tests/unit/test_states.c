// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <linux/sealbond.h>

#include "common/cleanup.h"
#include "common/states.h"

/* The stable ones, as docs/cli.md has them. */
static const struct {
	unsigned int state;
	const char *name;
	int code;
} contract[] = {
	{ SEALBOND_STATE_NO_KEY, "no-key", 24 }, { SEALBOND_STATE_KEY_PENDING, "key-pending", 24 },
	{ SEALBOND_STATE_KEYS_READY, "keys-ready", 0 }, { SEALBOND_STATE_NO_TPM, "no-tpm", 10 },
	{ SEALBOND_STATE_TPM_CLEARED, "tpm-cleared", 11 }, { SEALBOND_STATE_TPM_LOCKOUT, "tpm-lockout", 12 },
	{ SEALBOND_STATE_TPM_BUSY, "tpm-busy", 13 }, { SEALBOND_STATE_TPM_OWNER_AUTH, "tpm-owner-auth", 14 },
	{ SEALBOND_STATE_SEALED_ELSEWHERE, "sealed-elsewhere", 15 }, { SEALBOND_STATE_BOOT_CHANGED, "boot-changed", 16 },
	{ SEALBOND_STATE_CAPPED, "capped", 18 }, { SEALBOND_STATE_NOT_APPROVED, "not-approved", 19 },
	{ SEALBOND_STATE_TPM_ERROR, "tpm-error", 20 }, { SEALBOND_STATE_BLOB_INVALID, "blob-invalid", 21 },
	{ SEALBOND_STATE_APPROVAL_INVALID, "approval-invalid", 22 }, { SEALBOND_STATE_TPM_VIRTUAL, "tpm-virtual", 23 },
	{ SEALBOND_STATE_TAMPERED, "tampered", 27 }, { SEALBOND_STATE_BYPASS, "bypass", 28 },
	{ SEALBOND_STATE_EARLY_CLOSED, "early-closed", 42 },
};

static const struct {
	unsigned int state;
	const char *name;
	int code;
} ledger_contract[] = {
	{ SB_LEDGER_STARTING, "ledger-starting", 41 }, { SB_LEDGER_NOT_ENROLLED, "not-enrolled", 29 },
	{ SB_LEDGER_ENROLLING, "enrolling", 30 }, { SB_LEDGER_AWAITING_APPROVAL, "awaiting-approval", 31 },
	{ SB_LEDGER_LIVE, "lease-live", 0 }, { SB_LEDGER_HELD, "lease-held", 32 }, { SB_LEDGER_ENDED, "lease-ended", 25 },
	{ SB_LEDGER_SUSPENDED, "suspended", 33 }, { SB_LEDGER_FROZEN_CLONE, "frozen-clone", 34 },
	{ SB_LEDGER_QUARANTINED, "quarantined", 35 }, { SB_LEDGER_REVOKED, "revoked", 36 },
	{ SB_LEDGER_RETIRED, "retired", 37 }, { SB_LEDGER_UNREACHABLE, "ledger-unreachable", 38 },
	{ SB_LEDGER_FORK, "ledger-fork", 39 }, { SB_LEDGER_TRUST_EXPIRED, "trust-expired", 40 },
};

static void codes(void **state)
{
	assert_int_equal(SB_ARRAY_SIZE(contract), __SEALBOND_STATE_MAX);
	for (size_t i = 0; i < SB_ARRAY_SIZE(contract); i++) {
		const struct sb_state_text *text = sb_state_text(contract[i].state);

		assert_string_equal(text->name, contract[i].name);
		assert_int_equal(text->exit_code, contract[i].code);
	}
	assert_int_equal(SB_ARRAY_SIZE(ledger_contract), SB_LEDGER_STATES);
	for (size_t i = 0; i < SB_ARRAY_SIZE(ledger_contract); i++) {
		const struct sb_state_text *text = sb_ledger_state_text(ledger_contract[i].state);

		assert_string_equal(text->name, ledger_contract[i].name);
		assert_int_equal(text->exit_code, ledger_contract[i].code);
	}
	assert_string_equal(sb_peer_problem_text(25)->name, "lease-ended");
	assert_string_equal(sb_peer_problem_text(26)->name, "no-bond");
	assert_null(sb_peer_problem_text(0));
}

static int is_sentence(const char *text)
{
	size_t length = strlen(text);

	return length > 10 && text[0] >= 'A' && text[0] <= 'Z' && text[length - 1] == '.';
}

/* Nobody is left without a sentence, nor, in trouble, without a way out. */
static void sentences(void **state)
{
	for (unsigned int i = 0; i < __SEALBOND_STATE_MAX; i++) {
		const struct sb_state_text *text = sb_state_text(i);

		assert_true(is_sentence(text->sentence));
		assert_true(text->remedy[0] || i == SEALBOND_STATE_KEYS_READY);
	}
	for (unsigned int i = 0; i < SB_LEDGER_STATES; i++) {
		const struct sb_state_text *text = sb_ledger_state_text(i);

		assert_true(is_sentence(text->sentence));
		assert_true(text->remedy[0] || i == SB_LEDGER_LIVE);
	}
	for (unsigned int i = 1; i < __SEALBOND_REASON_MAX; i++) {
		const struct sb_text *text = sb_reason_text(i);

		assert_string_not_equal(text->name, "unknown");
		assert_true(is_sentence(text->sentence));
		assert_true(text->remedy[0]);
		for (unsigned int j = 0; j < i; j++)
			assert_string_not_equal(text->name, sb_reason_text(j)->name);
	}
	for (unsigned int bit = 0; bit < SB_GAP_BITS; bit++)
		assert_true(is_sentence(sb_gap_text(bit)->sentence) && sb_gap_text(bit)->remedy[0]);
	assert_int_equal(1 << (SB_GAP_BITS - 1), SEALBOND_GAP_SIGNING_KEY);
	for (unsigned int bit = 0; bit < SB_ALARM_BITS; bit++)
		assert_true(is_sentence(sb_alarm_text(bit)->sentence) && sb_alarm_text(bit)->remedy[0]);
	assert_int_equal(1 << (SB_ALARM_BITS - 1), SEALBOND_ALARM_NFT);
}

static void unknown(void **state)
{
	assert_string_equal(sb_state_text(__SEALBOND_STATE_MAX)->name, "unknown");
	assert_int_not_equal(sb_state_text(0xffffffff)->exit_code, 0);
	assert_string_equal(sb_reason_text(0xffffffff)->name, "unknown");
	assert_string_equal(sb_gap_text(31)->name, "unknown");
	assert_string_equal(sb_alarm_text(31)->name, "unknown");
	assert_string_equal(sb_mode_word(99), "unknown");
	assert_string_equal(sb_algorithm_word(99), "unknown");
	assert_string_equal(sb_bond_word(99), "unknown");
	assert_string_equal(sb_end_word(99), "unknown");
	assert_string_equal(sb_dir_word(99), "unknown");
}

/* After any other failure the cap is extended: asking again would hide the state. */
static void retries(void **state)
{
	for (unsigned int i = 0; i < __SEALBOND_STATE_MAX; i++)
		assert_int_equal(sb_state_text(i)->retry, i == SEALBOND_STATE_NO_KEY || i == SEALBOND_STATE_NO_TPM ||
				 i == SEALBOND_STATE_TPM_BUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes), cmocka_unit_test(sentences), cmocka_unit_test(unknown), cmocka_unit_test(retries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
