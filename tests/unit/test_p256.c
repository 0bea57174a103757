// SPDX-License-Identifier: Apache-2.0
/*
 * ECDSA as the kernel verifies it, against OpenSSL: what every implementation has been caught at
 * once (the cases of Project Wycheproof's ecdsa_secp256r1_sha256 tests).
 */
#include "cmocka_all.h"

#include "grant_files.h"
#include "hex.h"
#include "p256.h"

#define N	"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
#define N_1	"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"
#define N_P1	"ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632552"
#define HALF	"7fffffff800000007fffffffffffffffde737d56d38bcf4279dce5617e3192a8"
#define P	"ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"
#define ZERO	"0000000000000000000000000000000000000000000000000000000000000000"
#define ONE	"0000000000000000000000000000000000000000000000000000000000000001"
#define MAX	"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define GX	"6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
#define GY	"4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"

/* RFC 6979 A.2.5, P-256 with SHA-256, message "sample"; its s is the high form: n - s here. */
static const char rfc_key[] =
	"60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
	"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char rfc_r[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716";
static const char rfc_s[] = "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";
static const char rfc_low[] = "0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9";

static struct signer signer;
static u8 digest[32], r[32], s[32];

static int set_up(void **state)
{
	make_signer(&signer, 1);
	sb_sha256(digest, "message", 7);
	sign_digest(&signer, digest, r, s, false);
	return 0;
}

static int tear_down(void **state)
{
	free_signer(&signer);
	return 0;
}

static void a_known_answer(void **state)
{
	u8 key[64], hash[32], kr[32], ks[32];

	unhex(key, rfc_key);
	unhex(kr, rfc_r);
	unhex(ks, rfc_low);
	sb_sha256(hash, "sample", 6);
	assert_int_equal(sb_p256_verify(key, hash, kr, ks), 0);
	/* As the document has it: the other form of the same signature. */
	unhex(ks, rfc_s);
	assert_int_equal(sb_p256_verify(key, hash, kr, ks), -EKEYREJECTED);
	sb_sha256(hash, "sampl", 5);
	unhex(ks, rfc_low);
	assert_int_equal(sb_p256_verify(key, hash, kr, ks), -EKEYREJECTED);
}

static void what_openssl_signs(void **state)
{
	u8 message[4] = {}, hash[32], sr[32], ss[32];
	struct signer other;
	u32 i;

	for (i = 0; i < 200; i++) {
		make_signer(&other, i);
		put_unaligned_be32(i, message);
		sb_sha256(hash, message, sizeof(message));
		sign_digest(&other, hash, sr, ss, false);
		assert_int_equal(sb_p256_verify(other.point, hash, sr, ss), 0);
		assert_int_equal(sb_p256_verify(signer.point, hash, sr, ss),
				 i == 1 ? 0 : -EKEYREJECTED);
		sign_digest(&other, hash, sr, ss, true);
		assert_int_equal(openssl_verify(&other, hash, sr, ss), 1);
		assert_int_equal(sb_p256_verify(other.point, hash, sr, ss), -EKEYREJECTED);
		free_signer(&other);
	}
}

/* Hashes at and above the order are taken modulo it. */
static void extreme_hashes(void **state)
{
	static const char *const hashes[] = { ZERO, ONE, N_1, N, N_P1, MAX, HALF, P };
	u8 hash[32], sr[32], ss[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hashes); i++) {
		unhex(hash, hashes[i]);
		sign_digest(&signer, hash, sr, ss, false);
		assert_int_equal(openssl_verify(&signer, hash, sr, ss), 1);
		assert_int_equal(sb_p256_verify(signer.point, hash, sr, ss), 0);
		hash[31] ^= 2;
		assert_int_equal(sb_p256_verify(signer.point, hash, sr, ss), -EKEYREJECTED);
	}
}

static void numbers_out_of_range(void **state)
{
	static const char *const numbers[] = { ZERO, ONE, N_1, N, N_P1, P, MAX, HALF };
	u8 a[32], b[32];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		unhex(a, numbers[i]);
		assert_int_equal(sb_p256_verify(signer.point, digest, a, s), -EKEYREJECTED);
		assert_int_equal(sb_p256_verify(signer.point, digest, r, a), -EKEYREJECTED);
		for (j = 0; j < ARRAY_SIZE(numbers); j++) {
			unhex(b, numbers[j]);
			assert_int_equal(sb_p256_verify(signer.point, digest, a, b), -EKEYREJECTED);
		}
	}
}

/*
 * s + n is the same number as s modulo n, and must not be taken for it. Only a tiny s leaves room
 * for the sum in 256 bits: here s is 5, for a key that is made to fit, d = (5 k - e) / r, k = 1.
 */
static void the_order_added(void **state)
{
	BN_CTX *ctx = BN_CTX_new();
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	const BIGNUM *n = EC_GROUP_get0_order(group);
	EC_POINT *pub = EC_POINT_new(group);
	BIGNUM *d = BN_new(), *e = BN_bin2bn(digest, 32, NULL), *rn;
	u8 kr[32], five[32] = { [31] = 5 }, more[32], encoded[65];

	unhex(kr, GX);
	rn = BN_bin2bn(kr, 32, NULL);
	assert_true(BN_set_word(d, 5) && BN_mod_sub(d, d, e, n, ctx) && BN_mod_inverse(rn, rn, n, ctx) &&
		    BN_mod_mul(d, d, rn, n, ctx) && EC_POINT_mul(group, pub, d, NULL, NULL, ctx));
	assert_int_equal(EC_POINT_point2oct(group, pub, POINT_CONVERSION_UNCOMPRESSED, encoded, 65, ctx), 65);
	assert_int_equal(sb_p256_verify(encoded + 1, digest, kr, five), 0);
	unhex(more, N);
	more[31] += 5;
	assert_int_equal(sb_p256_verify(encoded + 1, digest, kr, more), -EKEYREJECTED);
	BN_free(d);
	BN_free(e);
	BN_free(rn);
	EC_POINT_free(pub);
	EC_GROUP_free(group);
	BN_CTX_free(ctx);
}

/*
 * A point whose x is above the order: r is x - n then, and x itself is no r. The key is made to fit:
 * Q = R - e/s G over r/s, with s = r, so that Q = R - (e/r) G.
 */
static void an_x_above_the_order(void **state)
{
	BN_CTX *ctx = BN_CTX_new();
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	const BIGNUM *n = EC_GROUP_get0_order(group);
	EC_POINT *sum = EC_POINT_new(group), *part = EC_POINT_new(group);
	BIGNUM *x = BN_dup(n), *rn = BN_new(), *u1 = BN_new();
	u8 kr[32], above[32], encoded[65];

	do {
		assert_true(BN_add_word(x, 1));
	} while (!EC_POINT_set_compressed_coordinates(group, sum, x, 0, ctx));
	assert_true(BN_sub(rn, x, n));
	assert_int_equal(BN_bn2binpad(rn, kr, 32), 32);
	assert_int_equal(BN_bn2binpad(x, above, 32), 32);
	assert_true(BN_mod_inverse(u1, rn, n, ctx) && BN_bin2bn(digest, 32, rn) &&
		    BN_mod_mul(u1, u1, rn, n, ctx) && EC_POINT_mul(group, part, u1, NULL, NULL, ctx) &&
		    EC_POINT_invert(group, part, ctx) && EC_POINT_add(group, part, sum, part, ctx));
	assert_int_equal(EC_POINT_point2oct(group, part, POINT_CONVERSION_UNCOMPRESSED, encoded, 65, ctx), 65);
	assert_int_equal(sb_p256_verify(encoded + 1, digest, kr, kr), 0);
	assert_int_equal(sb_p256_verify(encoded + 1, digest, above, kr), -EKEYREJECTED);
	BN_free(x);
	BN_free(rn);
	BN_free(u1);
	EC_POINT_free(sum);
	EC_POINT_free(part);
	EC_GROUP_free(group);
	BN_CTX_free(ctx);
}

static void flipped_bits(void **state)
{
	u8 copy[64];
	int bit;

	assert_int_equal(sb_p256_verify(signer.point, digest, r, s), 0);
	for (bit = 0; bit < 256; bit++) {
		memcpy(copy, r, 32);
		copy[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(sb_p256_verify(signer.point, digest, copy, s), -EKEYREJECTED);
		memcpy(copy, s, 32);
		copy[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(sb_p256_verify(signer.point, digest, r, copy), -EKEYREJECTED);
		memcpy(copy, digest, 32);
		copy[bit / 8] ^= 1 << bit % 8;
		assert_int_equal(sb_p256_verify(signer.point, copy, r, s), -EKEYREJECTED);
	}
	for (bit = 0; bit < 512; bit++) {
		memcpy(copy, signer.point, 64);
		copy[bit / 8] ^= 1 << bit % 8;
		assert_int_not_equal(sb_p256_verify(copy, digest, r, s), 0);
	}
	assert_int_equal(sb_p256_verify(signer.point, digest, s, r), -EKEYREJECTED);
}

static void points_that_are_no_keys(void **state)
{
	static const char *const points[] = {
		ZERO ZERO,	/* infinity, as some write it */
		ZERO ONE, ONE ONE, GX ZERO, ZERO GY, GY GX, MAX MAX, P P, P GY, GX P,
	};
	u8 point[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(points); i++) {
		unhex(point, points[i]);
		assert_int_equal(sb_p256_check_point(point), -EINVAL);
		assert_int_equal(sb_p256_verify(point, digest, r, s), -EINVAL);
	}
	unhex(point, GX GY);
	assert_int_equal(sb_p256_check_point(point), 0);
	assert_int_equal(sb_p256_verify(point, digest, r, s), -EKEYREJECTED);
	assert_int_equal(sb_p256_check_point(signer.point), 0);
	/* The negative of the key is a key, and another one. */
	unhex(point, rfc_key);
	assert_int_equal(sb_p256_check_point(point), 0);
}

/*
 * u1 G + u2 Q = infinity, for a key that is known: with Q = d G and e = -r d (mod n). r and s are
 * in range; no x coordinate comes of it.
 */
static void a_sum_at_infinity(void **state)
{
	u8 point[64], hash[32], one[32], two[32];

	/* d = 1: Q = G, r = 1, e = n - 1; any s. */
	unhex(point, GX GY);
	unhex(hash, N_1);
	unhex(one, ONE);
	unhex(two, HALF);
	assert_int_equal(sb_p256_verify(point, hash, one, one), -EKEYREJECTED);
	assert_int_equal(sb_p256_verify(point, hash, one, two), -EKEYREJECTED);
	unhex(hash, ZERO);
	assert_int_equal(sb_p256_verify(point, hash, one, one), -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_answer),
		cmocka_unit_test(what_openssl_signs),
		cmocka_unit_test(extreme_hashes),
		cmocka_unit_test(numbers_out_of_range),
		cmocka_unit_test(the_order_added),
		cmocka_unit_test(an_x_above_the_order),
		cmocka_unit_test(flipped_bits),
		cmocka_unit_test(points_that_are_no_keys),
		cmocka_unit_test(a_sum_at_infinity),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
