// SPDX-License-Identifier: Apache-2.0
#include "common/sha256.h"

#include <endian.h>
#include <string.h>

static const uint32_t round_constant[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t word, int bits)
{
	return word >> bits | word << (32 - bits);
}

/* In the round j of eight, the words have moved on by j places instead of being moved. */
static inline __attribute__((always_inline)) void round_of(uint32_t s[8], int j, uint32_t word)
{
#define S(n)	s[((n) - j) & 7]
	uint32_t one = S(7) + (rotate(S(4), 6) ^ rotate(S(4), 11) ^ rotate(S(4), 25)) +
		       ((S(4) & S(5)) ^ (~S(4) & S(6))) + word;
	uint32_t two = (rotate(S(0), 2) ^ rotate(S(0), 13) ^ rotate(S(0), 22)) +
		       ((S(0) & S(1)) ^ (S(0) & S(2)) ^ (S(1) & S(2)));

	S(3) += one;
	S(7) = one + two;
#undef S
}

/* Weak: sha256_openssl.c is taken instead where it is linked. */
__attribute__((weak)) void sb_digest_block(uint32_t state[8], const uint8_t block[64])
{
	uint32_t w[64], s[8];

	for (int i = 0; i < 16; i++) {
		memcpy(&w[i], block + 4 * i, 4);
		w[i] = be32toh(w[i]);
	}
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(s, state, sizeof(s));
	for (int i = 0; i < 64; i += 8)
#pragma GCC unroll 8
		for (int j = 0; j < 8; j++)
			round_of(s, j, w[i + j] + round_constant[i + j]);
	for (int i = 0; i < 8; i++)
		state[i] += s[i];
}

void sb_digest_init(struct sb_digest *hash)
{
	static const uint32_t start[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	memcpy(hash->state, start, sizeof(start));
	hash->length = 0;
}

void sb_digest_update(struct sb_digest *hash, const void *data, size_t length)
{
	const uint8_t *bytes = data;

	while (length > 0) {
		size_t at = hash->length % 64;
		size_t part = 64 - at < length ? 64 - at : length;

		memcpy(hash->block + at, bytes, part);
		hash->length += part;
		bytes += part;
		length -= part;
		if (hash->length % 64 == 0)
			sb_digest_block(hash->state, hash->block);
	}
}

void sb_digest_final(struct sb_digest *hash, uint8_t digest[SB_SHA256_LEN])
{
	static const uint8_t padding[64] = { 0x80 };
	uint64_t bits = htobe64(hash->length * 8);

	sb_digest_update(hash, padding, 64 - (hash->length + 8) % 64);
	sb_digest_update(hash, &bits, sizeof(bits));
	for (int i = 0; i < 8; i++) {
		uint32_t word = htobe32(hash->state[i]);

		memcpy(digest + 4 * i, &word, 4);
	}
}

void sb_digest_of(const void *data, size_t length, uint8_t digest[SB_SHA256_LEN])
{
	struct sb_digest hash;

	sb_digest_init(&hash);
	sb_digest_update(&hash, data, length);
	sb_digest_final(&hash, digest);
}
