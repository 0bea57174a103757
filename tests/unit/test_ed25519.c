// SPDX-License-Identifier: Apache-2.0
/* Many signatures at once, against libsodium one by one. */
#include <sodium.h>

#include "cmocka_all.h"
#include "light/ed25519.h"
#include "light/edwards.h"

#define ITEMS	SB_ED25519_ALL

static struct sb_ed25519_item item[ITEMS];
static uint8_t key[ITEMS][32], secret[ITEMS][64], signature[ITEMS][64], message[ITEMS][200];

/* The same in each run. */
static uint64_t state = 88172645463325252;

static uint8_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint8_t)(state >> 24);
}

static void make(void)
{
	for (size_t i = 0; i < ITEMS; i++) {
		uint8_t seed[32];

		for (size_t j = 0; j < sizeof(seed); j++)
			seed[j] = next();
		for (size_t j = 0; j < sizeof(message[i]); j++)
			message[i][j] = next();
		crypto_sign_seed_keypair(key[i], secret[i], seed);
		item[i] = (struct sb_ed25519_item){ key[i], message[i], signature[i], next() % 200 };
		crypto_sign_detached(signature[i], NULL, message[i], item[i].length, secret[i]);
	}
}

static void all_valid(void **unused)
{
	make();
	for (size_t count = 1; count <= ITEMS; count++)
		assert_true(sb_ed25519_verify_all(item, count));
	assert_false(sb_ed25519_verify_all(item, 0));
	assert_false(sb_ed25519_verify_all(item, ITEMS + 1));
	for (unsigned int i = 0; i < 20; i++) {
		make();
		assert_true(sb_ed25519_verify_all(item, ITEMS));
	}
}

/* One bit anywhere, in any of them. */
static void one_changed(void **unused)
{
	make();
	for (unsigned int i = 0; i < 600; i++) {
		size_t at = next() % 8, byte = next();
		uint8_t bit = (uint8_t)(1 << next() % 8);
		uint8_t *changed = byte % 3 == 0 ? &key[at][byte % 32] : byte % 3 == 1 ? &signature[at][byte % 64] :
				   &message[at][0];

		if (!item[at].length)
			continue;
		*changed ^= bit;
		assert_false(sb_ed25519_verify_all(item, 8));
		assert_false(sb_ed25519_verify(key[at], message[at], item[at].length, signature[at]));
		*changed ^= bit;
	}
	assert_true(sb_ed25519_verify_all(item, 8));
}

/* Two errors that would cancel each other if the equations were just added up. */
static void errors_that_cancel(void **unused)
{
	uint8_t delta[32] = { 5 };

	make();
	crypto_core_ed25519_scalar_add(signature[0] + 32, signature[0] + 32, delta);
	crypto_core_ed25519_scalar_sub(signature[1] + 32, signature[1] + 32, delta);
	assert_false(sb_ed25519_verify_all(item, 8));
	/* and signatures that were swapped */
	make();
	item[0].signature = signature[1];
	item[1].signature = signature[0];
	assert_false(sb_ed25519_verify_all(item, 8));
}

/* What libsodium refuses for its form is left to it. */
static void odd_forms(void **unused)
{
	static const uint8_t order[32] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
	};
	static const uint8_t small[][32] = {
		{ 1 }, { 0 },
		{ 0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f },
		{ 0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
		  0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05 },
	};
	unsigned int carry = 0;
	struct sb_edwards point;
	uint8_t bytes[32];

	make();
	for (size_t i = 0; i < 32; i++) {
		carry += signature[0][32 + i] + order[i];
		signature[0][32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_false(sb_ed25519_verify_all(item, 2));
	for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
		make();
		memcpy(key[0], small[i], 32);
		assert_false(sb_ed25519_verify_all(item, 2));
		assert_true(sb_edwards_read(small[i], &point));
		assert_true(sb_edwards_cofactor(&point));
	}
	/* not in its only form: p + 1 for 1, and minus zero */
	memset(bytes, 0xff, sizeof(bytes));
	bytes[0] = 0xee;
	bytes[31] = 0x7f;
	assert_false(sb_edwards_read(bytes, &point));
	memset(bytes, 0, sizeof(bytes));
	bytes[0] = 1;
	bytes[31] = 0x80;
	assert_false(sb_edwards_read(bytes, &point));
}

/* Equations that hold for points of small order: anybody's signature under such a key, and one whose R is nothing. */
static void small_order(void **unused)
{
	uint8_t hash[64], scalar[32], product[32], seed[32];
	crypto_hash_sha512_state state_of;

	make();
	memset(key[0], 0, 32);
	key[0][0] = 1;
	crypto_core_ed25519_scalar_random(signature[0] + 32);
	assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(signature[0], signature[0] + 32), 0);
	assert_false(sb_ed25519_verify_all(item, 8));
	assert_false(sb_ed25519_verify(key[0], message[0], item[0].length, signature[0]));

	make();
	crypto_sign_ed25519_sk_to_seed(seed, secret[0]);
	crypto_hash_sha512(hash, seed, 32);
	hash[0] &= 248;
	hash[31] = (hash[31] & 127) | 64;
	memset(hash + 32, 0, 32);
	crypto_core_ed25519_scalar_reduce(scalar, hash);
	memset(signature[0], 0, 32);
	signature[0][0] = 1;
	crypto_hash_sha512_init(&state_of);
	crypto_hash_sha512_update(&state_of, signature[0], 32);
	crypto_hash_sha512_update(&state_of, key[0], 32);
	crypto_hash_sha512_update(&state_of, message[0], item[0].length);
	crypto_hash_sha512_final(&state_of, hash);
	crypto_core_ed25519_scalar_reduce(product, hash);
	crypto_core_ed25519_scalar_mul(signature[0] + 32, product, scalar);
	assert_false(sb_ed25519_verify_all(item, 8));
	assert_false(sb_ed25519_verify(key[0], message[0], item[0].length, signature[0]));
}

/* As many encodings are points as libsodium says are. */
static void points(void **unused)
{
	unsigned int good = 0;

	for (unsigned int i = 0; i < 2000; i++) {
		struct sb_edwards point;
		uint8_t bytes[32], hash[64], real[32];
		bool read;

		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = next();
		read = sb_edwards_read(bytes, &point);
		good += read;
		/* (true of a point of the main subgroup only) */
		if (crypto_core_ed25519_is_valid_point(bytes))
			assert_true(read);
		for (size_t j = 0; j < sizeof(hash); j++)
			hash[j] = next();
		crypto_core_ed25519_from_uniform(real, hash);
		assert_true(sb_edwards_read(real, &point));
		assert_false(sb_edwards_cofactor(&point));
	}
	assert_in_range(good, 900, 1100);
}

/* s B by the sum of terms is libsodium's, for scalars with long runs of ones and zeros as well. */
static void sums(void **unused)
{
	for (unsigned int i = 0; i < 300; i++) {
		uint8_t wide[64], scalar[32], other[32], point[32], minus[32];
		struct sb_edwards_term term[3];
		struct sb_edwards first, second, sum;

		for (size_t j = 0; j < sizeof(wide); j++)
			wide[j] = i % 3 == 0 ? next() : i % 3 == 1 ? 0xff : (uint8_t)(next() & 1 ? 0xff : 0);
		crypto_core_ed25519_scalar_reduce(scalar, wide);
		for (size_t j = 0; j < sizeof(wide); j++)
			wide[j] = next();
		crypto_core_ed25519_scalar_reduce(other, wide);
		/* scalar B + other Q - (scalar B + other Q) is nothing */
		crypto_core_ed25519_from_uniform(point, wide);
		assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(minus, scalar), 0);
		{
			uint8_t part[32];

			assert_int_equal(crypto_scalarmult_ed25519_noclamp(part, other, point), 0);
			assert_int_equal(crypto_core_ed25519_add(minus, minus, part), 0);
		}
		{
			uint8_t generator[32], one[32] = { 1 }, less[32];

			assert_int_equal(crypto_scalarmult_ed25519_base_noclamp(generator, one), 0);
			assert_true(sb_edwards_read(generator, &first) && sb_edwards_read(point, &second));
			sb_edwards_term(&term[0], &first, scalar);
			sb_edwards_term(&term[1], &second, other);
			crypto_core_ed25519_scalar_negate(less, one);
			assert_true(sb_edwards_read(minus, &first));
			sb_edwards_term(&term[2], &first, less);
		}
		sb_edwards_sum(term, 3, &sum);
		assert_true(sb_edwards_cofactor(&sum));
		sb_edwards_sum(term, 2, &sum);
		assert_false(sb_edwards_cofactor(&sum));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_valid), cmocka_unit_test(one_changed), cmocka_unit_test(errors_that_cancel),
		cmocka_unit_test(odd_forms), cmocka_unit_test(small_order), cmocka_unit_test(points), cmocka_unit_test(sums),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("ed25519", tests, NULL, NULL);
}
