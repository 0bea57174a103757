// SPDX-License-Identifier: Apache-2.0
#include "state/person.h"

#include <secp256k1.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <stdlib.h>
#include <string.h>

#include "state/crypto.h"
#include "state/tpm_public.h"

/* Verification needs no secret and no table of its own: the library's constant context does. */
#define CONTEXT	secp256k1_context_static

void sb_person_message(const char *chain, const uint8_t key[32], uint64_t sequence, const uint8_t *body,
		       size_t length, uint8_t message[32])
{
	static const uint8_t tag[] = SB_PERSON_TAG;
	uint8_t name_length = (uint8_t)strlen(chain), number[8], digest[32];
	const struct sb_span whole = { body, length };
	const struct sb_span parts[] = {
		{ tag, sizeof(tag) }, { &name_length, 1 }, { (const uint8_t *)chain, name_length }, { key, 32 },
		{ number, sizeof(number) }, { digest, sizeof(digest) },
	};

	if (strlen(chain) > UINT8_MAX)
		abort();
	for (int i = 0; i < 8; i++)
		number[i] = (uint8_t)(sequence >> (56 - 8 * i));
	sb_hash(SB_TPM_ALG_SHA256, &whole, 1, digest);
	sb_hash(SB_TPM_ALG_SHA256, parts, sizeof(parts) / sizeof(parts[0]), message);
}

bool sb_person_key_is_valid(const uint8_t key[32])
{
	secp256k1_xonly_pubkey point;

	return secp256k1_xonly_pubkey_parse(CONTEXT, &point, key) == 1;
}

bool sb_person_has_signed(const uint8_t key[32], const uint8_t message[32], const uint8_t signature[64])
{
	secp256k1_xonly_pubkey point;

	return secp256k1_xonly_pubkey_parse(CONTEXT, &point, key) == 1 &&
	       secp256k1_schnorrsig_verify(CONTEXT, signature, message, 32, &point) == 1;
}
