// SPDX-License-Identifier: Apache-2.0
/* The Noise layer's refusals; its agreement is tested by noise_vectors. */
#include "hs_world.h"

static const u8 psk[SB_KEY_LEN] = { 7 };

struct pair {
	struct sb_noise i, r;
	u8 s_i[SB_KEY_LEN], s_r[SB_KEY_LEN], e_i[SB_KEY_LEN], e_r[SB_KEY_LEN];
	u8 pub_i[SB_KEY_LEN], pub_r[SB_KEY_LEN], ss[SB_KEY_LEN];
	u8 m1[SB_NOISE_MSG1_EXTRA + 5], m2[SB_NOISE_MSG2_EXTRA + 3];
};

static void pair_init(struct pair *p, enum sb_noise_pattern pattern)
{
	sb_shim_random = NULL;
	memset(p, 0, sizeof(*p));
	fill_key(p->s_i, 1);
	fill_key(p->s_r, 2);
	fill_key(p->e_i, 3);
	fill_key(p->e_r, 4);
	assert_int_equal(sb_x25519_base(p->pub_i, p->s_i), 0);
	assert_int_equal(sb_x25519_base(p->pub_r, p->s_r), 0);
	assert_int_equal(sb_x25519(p->ss, p->s_i, p->pub_r), 0);
	sb_noise_init(&p->i, pattern, "pro", 3, p->pub_r);
	sb_noise_init(&p->r, pattern, "pro", 3, p->pub_r);
	assert_int_equal(sb_noise_write1(&p->i, p->m1, p->e_i, p->pub_i, p->pub_r, p->ss,
					 "hello", 5), 0);
}

static int read1(struct pair *p, u8 out[5])
{
	u8 peer[SB_KEY_LEN];
	int ret = sb_noise_read1_static(&p->r, peer, p->s_r, p->m1);

	if (ret)
		return ret;
	assert_memory_equal(peer, p->pub_i, SB_KEY_LEN);
	return sb_noise_read1_payload(&p->r, out, p->ss, p->m1 + 80, sizeof(p->m1) - 80);
}

static void test_both_patterns(void **state)
{
	enum sb_noise_pattern pattern;

	for (pattern = SB_NOISE_IK; pattern <= SB_NOISE_IKPSK2; pattern++) {
		u8 out[8], k[4][SB_KEY_LEN];
		struct pair p;

		pair_init(&p, pattern);
		assert_int_equal(read1(&p, out), 0);
		assert_memory_equal(out, "hello", 5);
		assert_int_equal(sb_noise_write2(&p.r, p.m2, p.e_r, p.pub_i, psk, "yes", 3), 0);
		assert_int_equal(sb_noise_read2(&p.i, out, p.s_i, psk, p.m2, sizeof(p.m2)), 0);
		assert_memory_equal(out, "yes", 3);
		assert_memory_equal(p.i.h, p.r.h, SB_HASH_LEN);
		sb_noise_split(&p.i, k[0], k[1]);
		sb_noise_split(&p.r, k[2], k[3]);
		assert_memory_equal(k[0], k[2], SB_KEY_LEN);
		assert_memory_equal(k[1], k[3], SB_KEY_LEN);
		assert_memory_not_equal(k[0], k[1], SB_KEY_LEN);
		sb_noise_wipe(&p.i);
		assert_null(memchr_inv(&p.i, 0, sizeof(p.i)));
	}
}

static void test_tampering(void **state)
{
	u8 out[8];
	struct pair p;
	size_t at;

	for (at = 0; at < sizeof(p.m1); at++) {
		pair_init(&p, SB_NOISE_IKPSK2);
		p.m1[at] ^= 4;
		assert_int_equal(read1(&p, out), -EBADMSG);
	}
	for (at = 0; at < sizeof(p.m2); at++) {
		pair_init(&p, SB_NOISE_IKPSK2);
		assert_int_equal(read1(&p, out), 0);
		assert_int_equal(sb_noise_write2(&p.r, p.m2, p.e_r, p.pub_i, psk, "yes", 3), 0);
		p.m2[at] ^= 4;
		assert_int_equal(sb_noise_read2(&p.i, out, p.s_i, psk, p.m2, sizeof(p.m2)),
				 -EBADMSG);
	}
	for (at = 0; at < SB_NOISE_MSG2_EXTRA; at++) {
		pair_init(&p, SB_NOISE_IKPSK2);
		assert_int_equal(sb_noise_read2(&p.i, out, p.s_i, psk, p.m2, at), -EBADMSG);
	}
}

static void test_prologue_and_psk_are_bound(void **state)
{
	static const u8 other_psk[SB_KEY_LEN];
	u8 out[8];
	struct pair p;

	pair_init(&p, SB_NOISE_IKPSK2);
	sb_noise_init(&p.r, SB_NOISE_IKPSK2, "prO", 3, p.pub_r);
	assert_int_equal(read1(&p, out), -EBADMSG);

	pair_init(&p, SB_NOISE_IKPSK2);
	sb_noise_init(&p.r, SB_NOISE_IK, "pro", 3, p.pub_r);
	assert_int_equal(read1(&p, out), -EBADMSG);

	pair_init(&p, SB_NOISE_IKPSK2);
	assert_int_equal(read1(&p, out), 0);
	assert_int_equal(sb_noise_write2(&p.r, p.m2, p.e_r, p.pub_i, psk, "yes", 3), 0);
	assert_int_equal(sb_noise_read2(&p.i, out, p.s_i, other_psk, p.m2, sizeof(p.m2)),
			 -EBADMSG);
}

static void test_low_order(void **state)
{
	static const u8 zero[SB_KEY_LEN];
	u8 out[8];
	struct pair p;

	pair_init(&p, SB_NOISE_IKPSK2);
	assert_int_equal(sb_noise_write1(&p.i, p.m1, p.e_i, p.pub_i, zero, p.ss, "hello", 5),
			 -EINVAL);
	memset(p.m1, 0, SB_KEY_LEN);
	assert_int_equal(read1(&p, out), -EINVAL);
	pair_init(&p, SB_NOISE_IKPSK2);
	assert_int_equal(sb_noise_read2(&p.i, out, p.s_i, psk, p.m2, sizeof(p.m2)), -EINVAL);
	assert_int_equal(read1(&p, out), 0);
	assert_int_equal(sb_noise_write2(&p.r, p.m2, p.e_r, zero, psk, "yes", 3), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_patterns), cmocka_unit_test(test_tampering),
		cmocka_unit_test(test_prologue_and_psk_are_bound),
		cmocka_unit_test(test_low_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
