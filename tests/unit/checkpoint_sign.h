/* SPDX-License-Identifier: Apache-2.0 */
/* Members' signatures on checkpoints; each test has secrets of its own. */
#ifndef SB_TEST_CHECKPOINT_SIGN_H
#define SB_TEST_CHECKPOINT_SIGN_H

#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>
#include <string.h>

#include "cmocka_all.h"
#include "light/checkpoint.h"

static inline void key_of_secret(const uint8_t secret[32], secp256k1_keypair *pair, uint8_t key[32])
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	secp256k1_xonly_pubkey public;

	assert_int_equal(secp256k1_keypair_create(context, pair, secret), 1);
	assert_int_equal(secp256k1_keypair_xonly_pub(context, &public, NULL, pair), 1);
	assert_int_equal(secp256k1_xonly_pubkey_serialize(context, key, &public), 1);
	secp256k1_context_destroy(context);
}

/* One more signature, in its place by the key. */
static inline void sign_checkpoint(struct sb_checkpoint *checkpoint, const secp256k1_keypair *pair, const uint8_t key[32])
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	size_t at = checkpoint->signatures++;
	uint8_t message[32];

	for (; at && memcmp(checkpoint->signature[at - 1].key, key, 32) > 0; at--)
		checkpoint->signature[at] = checkpoint->signature[at - 1];
	memcpy(checkpoint->signature[at].key, key, 32);
	assert_int_equal(sb_checkpoint_message(checkpoint, message), 0);
	assert_int_equal(secp256k1_schnorrsig_sign32(context, checkpoint->signature[at].signature, message, pair,
						     NULL), 1);
	secp256k1_context_destroy(context);
}

#endif
