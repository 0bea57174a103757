// SPDX-License-Identifier: Apache-2.0
#include "owner/authority.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

void sb_zone_authority_new(uint8_t secret[32], uint8_t authority[SB_TAG_LEN])
{
	do
		crypto_core_ristretto255_scalar_random(secret);
	while (crypto_scalarmult_ristretto255_base(authority, secret) != 0);
}

int sb_zone_authority(const uint8_t secret[32], uint8_t authority[SB_TAG_LEN])
{
	uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES] = { 0 }, reduced[32], point[SB_TAG_LEN];
	int result = 0;

	memcpy(wide, secret, 32);
	crypto_core_ristretto255_scalar_reduce(reduced, wide);
	if (sodium_memcmp(reduced, secret, 32) != 0 || crypto_scalarmult_ristretto255_base(point, secret) != 0)
		result = -EBADMSG;
	else
		memcpy(authority, point, sizeof(point));
	sodium_memzero(wide, sizeof(wide));
	sodium_memzero(reduced, sizeof(reduced));
	return result;
}

int sb_tag_make_for(const uint8_t secret[32], const char *chain, const uint8_t device[32],
		    const struct sb_tag_rules *rules, uint8_t tag[SB_TAG_LEN])
{
	uint8_t authority[SB_TAG_LEN], point[SB_TAG_LEN], made[SB_TAG_LEN];

	if (sb_zone_authority(secret, authority) < 0)
		return -EBADMSG;
	sb_tag_point_for(chain, device, rules, point);
	if (crypto_scalarmult_ristretto255(made, secret, point) != 0)
		return -EBADMSG;
	memcpy(tag, made, sizeof(made));
	return 0;
}

int sb_tag_make(const uint8_t secret[32], const char *chain, const uint8_t device[32], uint8_t tag[SB_TAG_LEN])
{
	return sb_tag_make_for(secret, chain, device, NULL, tag);
}

/* Random, and bound to the secret and the device: a weak random source alone does not give the secret away. */
static void proof_nonce(const uint8_t secret[32], const uint8_t point[SB_TAG_LEN], uint8_t nonce[32])
{
	static const char tag[] = "sealbond tag nonce v1";
	uint8_t random[32], digest[crypto_hash_sha512_BYTES];
	crypto_hash_sha512_state hash;

	randombytes_buf(random, sizeof(random));
	crypto_hash_sha512_init(&hash);
	crypto_hash_sha512_update(&hash, (const uint8_t *)tag, sizeof(tag));
	crypto_hash_sha512_update(&hash, random, sizeof(random));
	crypto_hash_sha512_update(&hash, secret, 32);
	crypto_hash_sha512_update(&hash, point, SB_TAG_LEN);
	crypto_hash_sha512_final(&hash, digest);
	crypto_core_ristretto255_scalar_reduce(nonce, digest);
	sodium_memzero(random, sizeof(random));
	sodium_memzero(digest, sizeof(digest));
	sodium_memzero(&hash, sizeof(hash));
}

int sb_tag_prove(const uint8_t secret[32], const char *chain, const uint8_t device[32], uint8_t tag[SB_TAG_LEN],
		 uint8_t proof[SB_TAG_PROOF_LEN])
{
	return sb_tag_prove_for(secret, chain, device, NULL, tag, proof);
}

int sb_tag_prove_for(const uint8_t secret[32], const char *chain, const uint8_t device[32],
		     const struct sb_tag_rules *rules, uint8_t tag[SB_TAG_LEN], uint8_t proof[SB_TAG_PROOF_LEN])
{
	uint8_t authority[SB_TAG_LEN], made[SB_TAG_LEN], point[SB_TAG_LEN];
	uint8_t commitments[2 * SB_TAG_LEN], nonce[32], challenge[32], product[32];

	if (sb_zone_authority(secret, authority) < 0 || sb_tag_make_for(secret, chain, device, rules, made) < 0)
		return -EBADMSG;
	sb_tag_point_for(chain, device, rules, point);
	do
		proof_nonce(secret, point, nonce);
	while (crypto_scalarmult_ristretto255_base(commitments, nonce) != 0 ||
	       crypto_scalarmult_ristretto255(commitments + SB_TAG_LEN, nonce, point) != 0);
	sb_tag_challenge(chain, device, rules, authority, made, commitments, challenge);
	/* s = k - c a */
	crypto_core_ristretto255_scalar_mul(product, challenge, secret);
	memcpy(proof, challenge, 32);
	crypto_core_ristretto255_scalar_sub(proof + 32, nonce, product);
	memcpy(tag, made, sizeof(made));
	sodium_memzero(nonce, sizeof(nonce));
	sodium_memzero(product, sizeof(product));
	return 0;
}
