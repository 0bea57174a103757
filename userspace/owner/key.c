// SPDX-License-Identifier: Apache-2.0
#include "owner/key.h"

#include <errno.h>
#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* One for the process, blinded afresh; kept until its end. */
static secp256k1_context *context(void)
{
	static secp256k1_context *one;
	uint8_t seed[32];

	if (!one) {
		one = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
		if (!one)
			abort();
		randombytes_buf(seed, sizeof(seed));
		if (!secp256k1_context_randomize(one, seed))
			abort();
		sodium_memzero(seed, sizeof(seed));
	}
	return one;
}

static void public_of(const secp256k1_keypair *pair, uint8_t key[SB_PERSON_KEY_LEN])
{
	secp256k1_xonly_pubkey public;

	if (!secp256k1_keypair_xonly_pub(context(), &public, NULL, pair) ||
	    !secp256k1_xonly_pubkey_serialize(context(), key, &public))
		abort();
}

int sb_person_key(const uint8_t secret[SB_PERSON_SECRET_LEN], uint8_t key[SB_PERSON_KEY_LEN])
{
	secp256k1_keypair pair;
	int result = secp256k1_keypair_create(context(), &pair, secret) ? 0 : -EBADMSG;

	if (result == 0)
		public_of(&pair, key);
	sodium_memzero(&pair, sizeof(pair));
	return result;
}

int sb_person_key_new(uint8_t secret[SB_PERSON_SECRET_LEN], uint8_t key[SB_PERSON_KEY_LEN])
{
	/* A random one is refused once in 2^128. */
	randombytes_buf(secret, SB_PERSON_SECRET_LEN);
	return sb_person_key(secret, key) == 0 ? 0 : -EIO;
}

static void tweak_of(const uint8_t master[SB_PERSON_KEY_LEN], const char *chain, const uint8_t device[32],
		     uint8_t tweak[32])
{
	static const char tag[] = "sealbond owner key v1";
	uint8_t message[SB_PERSON_KEY_LEN + 1 + UINT8_MAX + 32];
	size_t length = strlen(chain), at = SB_PERSON_KEY_LEN;

	if (length > UINT8_MAX)
		abort();
	memcpy(message, master, SB_PERSON_KEY_LEN);
	message[at++] = (uint8_t)length;
	memcpy(message + at, chain, length);
	at += length;
	memcpy(message + at, device, 32);
	if (!secp256k1_tagged_sha256(context(), tweak, (const uint8_t *)tag, sizeof(tag) - 1, message, at + 32))
		abort();
}

int sb_owner_key(const uint8_t master[SB_PERSON_KEY_LEN], const char *chain, const uint8_t device[32],
		 uint8_t key[SB_PERSON_KEY_LEN])
{
	secp256k1_xonly_pubkey public, child;
	secp256k1_pubkey whole;
	uint8_t tweak[32];

	if (!secp256k1_xonly_pubkey_parse(context(), &public, master))
		return -EBADMSG;
	tweak_of(master, chain, device, tweak);
	if (!secp256k1_xonly_pubkey_tweak_add(context(), &whole, &public, tweak) ||
	    !secp256k1_xonly_pubkey_from_pubkey(context(), &child, NULL, &whole) ||
	    !secp256k1_xonly_pubkey_serialize(context(), key, &child))
		return -EBADMSG;
	return 0;
}

int sb_owner_secret(const uint8_t master_secret[SB_PERSON_SECRET_LEN], const char *chain,
		    const uint8_t device[32], uint8_t secret[SB_PERSON_SECRET_LEN])
{
	uint8_t master[SB_PERSON_KEY_LEN], tweak[32];
	secp256k1_keypair pair;
	int result = -EBADMSG;

	if (secp256k1_keypair_create(context(), &pair, master_secret)) {
		public_of(&pair, master);
		tweak_of(master, chain, device, tweak);
		/* (negates the secret where P has an odd y, as x-only keys mean the even one) */
		if (secp256k1_keypair_xonly_tweak_add(context(), &pair, tweak) &&
		    secp256k1_keypair_sec(context(), secret, &pair))
			result = 0;
	}
	sodium_memzero(&pair, sizeof(pair));
	sodium_memzero(tweak, sizeof(tweak));
	return result;
}

int sb_person_sign(const uint8_t secret[SB_PERSON_SECRET_LEN], const uint8_t digest[32],
		   uint8_t signature[SB_PERSON_SIGNATURE_LEN])
{
	secp256k1_xonly_pubkey public;
	uint8_t auxiliary[32], made[SB_PERSON_SIGNATURE_LEN];
	secp256k1_keypair pair;
	int result = -EBADMSG;

	randombytes_buf(auxiliary, sizeof(auxiliary));
	if (secp256k1_keypair_create(context(), &pair, secret)) {
		result = -EIO;
		if (secp256k1_keypair_xonly_pub(context(), &public, NULL, &pair) &&
		    secp256k1_schnorrsig_sign32(context(), made, digest, &pair, auxiliary) &&
		    secp256k1_schnorrsig_verify(context(), made, digest, 32, &public)) {
			memcpy(signature, made, sizeof(made));
			result = 0;
		}
	}
	sodium_memzero(&pair, sizeof(pair));
	sodium_memzero(auxiliary, sizeof(auxiliary));
	return result;
}
