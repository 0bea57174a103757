// SPDX-License-Identifier: Apache-2.0
#include "light/ed25519.h"

#include <sodium.h>
#include <string.h>

#include "light/edwards.h"

bool sb_ed25519_verify(const uint8_t key[32], const void *message, size_t length,
		       const uint8_t signature[64])
{
	return crypto_sign_verify_detached(signature, message, length, key) == 0;
}

static const uint8_t base[32] = {
	0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
	0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66
};

/* The group's order, little endian. */
static bool below_order(const uint8_t scalar[32])
{
	static const uint8_t order[32] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10
	};

	for (int i = 31; i >= 0; i--)
		if (scalar[i] != order[i])
			return scalar[i] < order[i];
	return false;
}

/*
 * The factors by which the equations are added up come from everything that is to be verified: who could
 * choose a signature so that its error is cancelled by another's would have to know them before.
 */
static void mix(const struct sb_ed25519_item *items, size_t count, uint8_t seed[crypto_hash_sha512_BYTES])
{
	crypto_hash_sha512_state hash;

	crypto_hash_sha512_init(&hash);
	for (size_t i = 0; i < count; i++) {
		uint64_t length = items[i].length;

		crypto_hash_sha512_update(&hash, items[i].key, 32);
		crypto_hash_sha512_update(&hash, items[i].signature, 64);
		crypto_hash_sha512_update(&hash, (const uint8_t *)&length, sizeof(length));
		crypto_hash_sha512_update(&hash, items[i].message, items[i].length);
	}
	crypto_hash_sha512_final(&hash, seed);
}

/* 128 bits of it for each. */
static void factor_of(const uint8_t seed[crypto_hash_sha512_BYTES], size_t number, uint8_t factor[32])
{
	uint8_t digest[crypto_hash_sha512_BYTES], text[crypto_hash_sha512_BYTES + 1];

	memcpy(text, seed, crypto_hash_sha512_BYTES);
	text[crypto_hash_sha512_BYTES] = (uint8_t)number;
	crypto_hash_sha512(digest, text, sizeof(text));
	memset(factor, 0, 32);
	memcpy(factor, digest, 16);
}

/* SHA-512(R, A, M), which A is multiplied by. */
static void challenge(const struct sb_ed25519_item *item, uint8_t scalar[32])
{
	uint8_t digest[crypto_hash_sha512_BYTES];
	crypto_hash_sha512_state hash;

	crypto_hash_sha512_init(&hash);
	crypto_hash_sha512_update(&hash, item->signature, 32);
	crypto_hash_sha512_update(&hash, item->key, 32);
	crypto_hash_sha512_update(&hash, item->message, item->length);
	crypto_hash_sha512_final(&hash, digest);
	crypto_core_ed25519_scalar_reduce(scalar, digest);
}

/* Two points, each in its only form and not of small order. */
static bool read_points(const struct sb_ed25519_item *item, struct sb_edwards *r, struct sb_edwards *a)
{
	return sb_edwards_read(item->signature, r) && !sb_edwards_cofactor(r) &&
	       sb_edwards_read(item->key, a) && !sb_edwards_cofactor(a);
}

/* Each equation is s B = R + k A; the sum of z (R + k A) less the sum of z s times B must be of small order. */
bool sb_ed25519_verify_all(const struct sb_ed25519_item *items, size_t count)
{
	struct sb_edwards_term terms[2 * SB_ED25519_ALL + 1];
	uint8_t seed[crypto_hash_sha512_BYTES], factor[32], scalar[32], sum[32] = { 0 };
	struct sb_edwards point, key;

	if (!count || count > SB_ED25519_ALL)
		return false;
	mix(items, count, seed);
	for (size_t i = 0; i < count; i++) {
		if (!below_order(items[i].signature + 32) || !read_points(&items[i], &point, &key))
			return false;
		factor_of(seed, i, factor);
		sb_edwards_term(&terms[2 * i], &point, factor);
		challenge(&items[i], scalar);
		crypto_core_ed25519_scalar_mul(scalar, scalar, factor);
		sb_edwards_term(&terms[2 * i + 1], &key, scalar);
		crypto_core_ed25519_scalar_mul(scalar, items[i].signature + 32, factor);
		crypto_core_ed25519_scalar_add(sum, sum, scalar);
	}
	if (!sb_edwards_read(base, &point))
		return false;
	crypto_core_ed25519_scalar_negate(sum, sum);
	sb_edwards_term(&terms[2 * count], &point, sum);
	sb_edwards_sum(terms, 2 * count + 1, &point);
	return sb_edwards_cofactor(&point);
}
