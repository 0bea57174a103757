// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include "../../kmod/watch_judge.h"
#include <uapi/linux/sealbond.h>

static struct sb_tpm_seen was = { .pcrs = 1 << 7 | 1 << 14, .reset_count = 5 };

static void setup(struct sb_tpm_seen *is)
{
	memset(was.value[7], 0x77, SB_DIGEST_LEN);
	memset(was.value[14], 0xee, SB_DIGEST_LEN);
	*is = was;
}

static void the_same(void **state)
{
	struct sb_tpm_seen is;
	u32 changed = 99;

	(void)state;
	setup(&is);
	assert_int_equal(sb_watch_drift(&was, &is, &changed), 0);
	assert_int_equal(changed, 0);
}

static void one_bit_of_a_pcr(void **state)
{
	struct sb_tpm_seen is;
	u32 changed;

	(void)state;
	setup(&is);
	is.value[14][31] ^= 1;
	assert_int_equal(sb_watch_drift(&was, &is, &changed), SEALBOND_ALARM_PCR);
	assert_int_equal(changed, 1 << 14);
}

static void what_is_not_watched(void **state)
{
	struct sb_tpm_seen is;
	u32 changed;

	(void)state;
	setup(&is);
	is.pcrs |= 1 << 10;
	memset(is.value[10], 0x10, SB_DIGEST_LEN);	/* IMA's */
	assert_int_equal(sb_watch_drift(&was, &is, &changed), 0);
}

static void a_pcr_that_is_gone(void **state)
{
	struct sb_tpm_seen is;
	u32 changed;

	(void)state;
	setup(&is);
	is.pcrs = 1 << 14;
	assert_int_equal(sb_watch_drift(&was, &is, &changed), SEALBOND_ALARM_PCR);
	assert_int_equal(changed, 1 << 7);
}

static void a_reset(void **state)
{
	struct sb_tpm_seen is;
	u32 changed;

	(void)state;
	setup(&is);
	is.reset_count++;
	assert_int_equal(sb_watch_drift(&was, &is, &changed), SEALBOND_ALARM_RESET);
	memset(is.value, 0, sizeof(is.value));
	assert_int_equal(sb_watch_drift(&was, &is, &changed), SEALBOND_ALARM_RESET | SEALBOND_ALARM_PCR);
	assert_int_equal(changed, was.pcrs);
}

static void agreed(void **state)
{
	struct sb_tpm_seen is;

	(void)state;
	setup(&is);
	assert_int_equal(sb_watch_agreed(&was, &is), was.pcrs);
	is.value[7][0] ^= 0x80;
	assert_int_equal(sb_watch_agreed(&was, &is), 1 << 14);
	is.pcrs = 1 << 7 | 1 << 10;
	assert_int_equal(sb_watch_agreed(&was, &is), 0);
}

static void answers(void **state)
{
	static const int busy[] = { 0x922, 0x908, 0x909, 0x90a, 0x921, 0x902, 0x184, 0x120 };

	(void)state;
	assert_int_equal(sb_watch_answer(0), SB_WATCH_GOOD);
	for (unsigned int i = 0; i < sizeof(busy) / sizeof(busy[0]); i++)
		assert_int_equal(sb_watch_answer(busy[i]), SB_WATCH_ALIVE);
	assert_int_equal(sb_watch_answer(-ENOMEM), SB_WATCH_ALIVE);
	assert_int_equal(sb_watch_answer(0x101), SB_WATCH_SILENT);
	assert_int_equal(sb_watch_answer(-EIO), SB_WATCH_SILENT);
	assert_int_equal(sb_watch_answer(-ENODEV), SB_WATCH_SILENT);
	assert_int_equal(sb_watch_answer(0x100), SB_WATCH_WAS_RESET);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same),
		cmocka_unit_test(one_bit_of_a_pcr),
		cmocka_unit_test(what_is_not_watched),
		cmocka_unit_test(a_pcr_that_is_gone),
		cmocka_unit_test(a_reset),
		cmocka_unit_test(agreed),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
