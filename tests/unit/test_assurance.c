// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <linux/sealbond.h>
#include <string.h>

#include "common/assurance.h"
#include "common/states.h"

static void words(void **state)
{
	static const uint32_t bench = SEALBOND_GAP_LATE_KEYS | SEALBOND_GAP_UNSIGNED_GRANTS | SEALBOND_GAP_VIRTUAL_TPM;

	assert_string_equal(sb_assurance_word(0), "full");
	for (uint32_t gaps = 1; gaps < 1U << SB_GAP_BITS; gaps++)
		assert_string_equal(sb_assurance_word(gaps), gaps & bench ? "bench" : "partial");
}

static void gaps_of_the_system(void **state)
{
	static const struct {
		const char *lockdown, *modules;
		int key;
		uint32_t gaps;
	} cases[] = {
		{ "none integrity [confidentiality]\n", "1\n", 0, 0 },
		{ "none [integrity] confidentiality\n", "1\n", 0, SEALBOND_GAP_LOCKDOWN },
		{ "[none] integrity confidentiality\n", "1\n", 0, SEALBOND_GAP_LOCKDOWN },
		{ "", "1\n", 0, SEALBOND_GAP_LOCKDOWN },
		{ NULL, "1\n", 0, SEALBOND_GAP_LOCKDOWN },
		{ "none integrity [confidentiality]\n", "0\n", 0, SEALBOND_GAP_MODULES_LOADABLE },
		{ "none integrity [confidentiality]\n", "", 0, SEALBOND_GAP_MODULES_LOADABLE },
		{ "none integrity [confidentiality]\n", NULL, 0, SEALBOND_GAP_MODULES_LOADABLE },
		{ "none integrity [confidentiality]\n", "1\n", 1, SEALBOND_GAP_SIGNING_KEY },
		{ NULL, NULL, 1, SEALBOND_GAP_LOCKDOWN | SEALBOND_GAP_MODULES_LOADABLE | SEALBOND_GAP_SIGNING_KEY },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct sb_assurance_system system = { cases[i].lockdown, cases[i].modules, cases[i].key };

		assert_int_equal(sb_assurance_gaps(&system), cases[i].gaps);
	}
}

static void dkms(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{ "", NULL },
		{ "# mok_signing_key=/a\n", NULL },
		{ "mok_signing_key=/a", "/a" },
		{ "x=y\n  mok_signing_key=/a/b.key # there\nz=1\n", "/a/b.key" },
		{ "mok_signing_key=\"/a b\"\n", "/a b" },
		{ "mok_signing_key='/a'\nmok_certificate=/c\n", "/a" },
		{ "mok_signing_key=/a\nmok_signing_key=/b\n", "/b" },
		{ "mok_signing_key=\n", NULL },
		{ "mok_signing_key=\"\"\n", NULL },
		{ "mok_signing_key=/longer-than-there-is-room-for", NULL },
		{ "not_mok_signing_key=/a\n", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char path[16] = "untouched";
		bool found = sb_assurance_dkms_key(cases[i].text, path, sizeof(path));

		assert_int_equal(found, cases[i].path != NULL);
		assert_string_equal(path, cases[i].path ? cases[i].path : "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(gaps_of_the_system),
		cmocka_unit_test(dkms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
