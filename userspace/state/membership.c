// SPDX-License-Identifier: Apache-2.0
#include "state/membership.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(SB_TAG_LEN == crypto_core_ristretto255_BYTES, "a point");
_Static_assert(crypto_core_ristretto255_HASHBYTES == crypto_hash_sha512_BYTES, "a hash makes a point");
_Static_assert(crypto_core_ristretto255_NONREDUCEDSCALARBYTES == crypto_hash_sha512_BYTES, "and a scalar");

/* Both hashes begin with their tag, the chain and the device. */
static void begin(crypto_hash_sha512_state *hash, const char *tag, size_t tag_size, const char *chain,
		  const uint8_t device[32])
{
	size_t length = strlen(chain);
	uint8_t byte = (uint8_t)length;

	if (length > UINT8_MAX)
		abort();
	crypto_hash_sha512_init(hash);
	crypto_hash_sha512_update(hash, (const uint8_t *)tag, tag_size);
	crypto_hash_sha512_update(hash, &byte, 1);
	crypto_hash_sha512_update(hash, (const uint8_t *)chain, length);
	crypto_hash_sha512_update(hash, device, 32);
}

static bool has_rules(const struct sb_tag_rules *rules)
{
	return rules && rules->length;
}

static void put_rules(crypto_hash_sha512_state *hash, const struct sb_tag_rules *rules)
{
	uint8_t byte;

	if (!has_rules(rules))
		return;
	if (rules->length > sizeof(rules->bytes))
		abort();
	byte = (uint8_t)rules->length;
	crypto_hash_sha512_update(hash, &byte, 1);
	crypto_hash_sha512_update(hash, rules->bytes, rules->length);
}

void sb_tag_point(const char *chain, const uint8_t device[32], uint8_t point[SB_TAG_LEN])
{
	sb_tag_point_for(chain, device, NULL, point);
}

void sb_tag_point_for(const char *chain, const uint8_t device[32], const struct sb_tag_rules *rules,
		      uint8_t point[SB_TAG_LEN])
{
	static const char tag[] = "sealbond tag v1", with[] = "sealbond tag v2";
	uint8_t digest[crypto_hash_sha512_BYTES];
	crypto_hash_sha512_state hash;

	begin(&hash, has_rules(rules) ? with : tag, sizeof(tag), chain, device);
	put_rules(&hash, rules);
	crypto_hash_sha512_final(&hash, digest);
	crypto_core_ristretto255_from_hash(point, digest);
}

int sb_tag_valid(const uint8_t point[SB_TAG_LEN])
{
	/* The identity's encoding is zeros, and canonical. */
	if (sodium_is_zero(point, SB_TAG_LEN) || crypto_core_ristretto255_is_valid_point(point) != 1)
		return -EBADMSG;
	return 0;
}

void sb_tag_challenge(const char *chain, const uint8_t device[32], const struct sb_tag_rules *rules,
		      const uint8_t authority[SB_TAG_LEN],
		      const uint8_t tag[SB_TAG_LEN], const uint8_t commitments[2 * SB_TAG_LEN],
		      uint8_t challenge[32])
{
	static const char label[] = "sealbond tag proof v1", with[] = "sealbond tag proof v2";
	uint8_t digest[crypto_hash_sha512_BYTES];
	crypto_hash_sha512_state hash;

	begin(&hash, has_rules(rules) ? with : label, sizeof(label), chain, device);
	crypto_hash_sha512_update(&hash, authority, SB_TAG_LEN);
	crypto_hash_sha512_update(&hash, tag, SB_TAG_LEN);
	crypto_hash_sha512_update(&hash, commitments, 2 * SB_TAG_LEN);
	put_rules(&hash, rules);
	crypto_hash_sha512_final(&hash, digest);
	crypto_core_ristretto255_scalar_reduce(challenge, digest);
}

/* Below the order, and not zero: one encoding of each proof. */
static int scalar_valid(const uint8_t scalar[32])
{
	uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES] = { 0 };
	uint8_t reduced[crypto_core_ristretto255_SCALARBYTES];

	memcpy(wide, scalar, 32);
	crypto_core_ristretto255_scalar_reduce(reduced, wide);
	return sodium_is_zero(scalar, 32) || sodium_memcmp(reduced, scalar, 32) != 0 ? -EBADMSG : 0;
}

/* s P + c Q, what the prover has committed to. */
static int commitment(const uint8_t s[32], const uint8_t *p, const uint8_t c[32], const uint8_t q[SB_TAG_LEN],
		      uint8_t sum[SB_TAG_LEN])
{
	uint8_t left[SB_TAG_LEN], right[SB_TAG_LEN];
	int result = p ? crypto_scalarmult_ristretto255(left, s, p) : crypto_scalarmult_ristretto255_base(left, s);

	if (result != 0 || crypto_scalarmult_ristretto255(right, c, q) != 0)
		return -EBADMSG;
	return crypto_core_ristretto255_add(sum, left, right) == 0 ? 0 : -EBADMSG;
}

int sb_tag_verify(const char *chain, const uint8_t device[32], const uint8_t tag[SB_TAG_LEN],
		  const uint8_t authority[SB_TAG_LEN], const uint8_t proof[SB_TAG_PROOF_LEN])
{
	return sb_tag_verify_for(chain, device, NULL, tag, authority, proof);
}

int sb_tag_verify_for(const char *chain, const uint8_t device[32], const struct sb_tag_rules *rules,
		      const uint8_t tag[SB_TAG_LEN], const uint8_t authority[SB_TAG_LEN],
		      const uint8_t proof[SB_TAG_PROOF_LEN])
{
	const uint8_t *c = proof, *s = proof + 32;
	uint8_t point[SB_TAG_LEN], commitments[2 * SB_TAG_LEN], challenge[32];

	if (sb_tag_valid(tag) < 0 || sb_tag_valid(authority) < 0 || scalar_valid(c) < 0 || scalar_valid(s) < 0)
		return -EBADMSG;
	sb_tag_point_for(chain, device, rules, point);
	if (commitment(s, NULL, c, authority, commitments) < 0 ||
	    commitment(s, point, c, tag, commitments + SB_TAG_LEN) < 0)
		return -EBADMSG;
	sb_tag_challenge(chain, device, rules, authority, tag, commitments, challenge);
	return sodium_memcmp(challenge, c, 32) == 0 ? 0 : -EKEYREJECTED;
}
