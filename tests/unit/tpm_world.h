/* SPDX-License-Identifier: Apache-2.0 */
/* A TPM's keys and quotes, made by OpenSSL: what a good one signs, and what no TPM would. */
#ifndef TPM_WORLD_H
#define TPM_WORLD_H

#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "cmocka_all.h"
#include "state/crypto.h"
#include "state/quote.h"

#define AK_ATTRIBUTES	(SB_TPM_FIXED_TPM | SB_TPM_FIXED_PARENT | SB_TPM_SENSITIVE_DATA_ORIGIN | \
			 SB_TPM_USER_WITH_AUTH | SB_TPM_RESTRICTED | SB_TPM_SIGN)

struct bytes {
	size_t length;
	uint8_t data[8192];
};

static inline void put(struct bytes *out, const void *data, size_t length)
{
	assert_true(out->length + length <= sizeof(out->data));
	memcpy(out->data + out->length, data, length);
	out->length += length;
}

static inline void put_be(struct bytes *out, uint64_t value, size_t length)
{
	for (size_t i = length; i-- > 0;)
		put(out, &(uint8_t){ (uint8_t)(value >> (8 * i)) }, 1);
}

static inline void put_2b(struct bytes *out, const void *data, size_t length)
{
	put_be(out, length, 2);
	put(out, data, length);
}

struct tpm_key {
	EC_KEY *ec;
	RSA *rsa;
	uint16_t scheme;		/* of what it signs with; 0: as its public area says */
	struct bytes area;		/* TPMT_PUBLIC */
	struct sb_tpm_public public;
};

/* What a test may change in a public area before it is built. */
struct tpm_template {
	uint32_t attributes;
	uint16_t name_alg, scheme, hash, symmetric, curve;
};

#define AK_TEMPLATE	{ AK_ATTRIBUTES, SB_TPM_ALG_SHA256, SB_TPM_ALG_ECDSA, SB_TPM_ALG_SHA256, \
			  SB_TPM_ALG_NULL, SB_TPM_CURVE_P256 }

static inline void put_head(struct bytes *out, uint16_t type, const struct tpm_template *t)
{
	out->length = 0;
	put_be(out, type, 2);
	put_be(out, t->name_alg, 2);
	put_be(out, t->attributes, 4);
	put_be(out, 0, 2);
	put_be(out, t->symmetric, 2);
	if (t->symmetric != SB_TPM_ALG_NULL) {
		put_be(out, 128, 2);
		put_be(out, SB_TPM_ALG_CFB, 2);
	}
	put_be(out, t->scheme, 2);
	if (t->scheme != SB_TPM_ALG_NULL)
		put_be(out, t->hash, 2);
}

static inline void put_coordinates(struct bytes *out, const EC_KEY *key, size_t length)
{
	BIGNUM *x = BN_new(), *y = BN_new();
	uint8_t bytes[48];

	assert_true(EC_POINT_get_affine_coordinates(EC_KEY_get0_group(key), EC_KEY_get0_public_key(key), x, y, NULL));
	BN_bn2binpad(x, bytes, (int)length);
	put_2b(out, bytes, length);
	BN_bn2binpad(y, bytes, (int)length);
	put_2b(out, bytes, length);
	BN_free(x);
	BN_free(y);
}

static inline void make_ec_key(struct tpm_key *key, const struct tpm_template *t)
{
	memset(key, 0, sizeof(*key));
	key->ec = EC_KEY_new_by_curve_name(t->curve == SB_TPM_CURVE_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
	assert_true(EC_KEY_generate_key(key->ec));
	put_head(&key->area, SB_TPM_ALG_ECC, t);
	put_be(&key->area, t->curve, 2);
	put_be(&key->area, SB_TPM_ALG_NULL, 2);
	put_coordinates(&key->area, key->ec, sb_curve_length(t->curve));
	assert_int_equal(sb_tpm_public_parse(key->area.data, key->area.length, &key->public), 0);
}

static inline void make_rsa_key(struct tpm_key *key, const struct tpm_template *t, int bits)
{
	BIGNUM *e = BN_new();
	uint8_t modulus[512];

	memset(key, 0, sizeof(*key));
	key->rsa = RSA_new();
	assert_true(BN_set_word(e, 65537) && RSA_generate_key_ex(key->rsa, bits, e, NULL));
	BN_free(e);
	put_head(&key->area, SB_TPM_ALG_RSA, t);
	put_be(&key->area, (uint64_t)bits, 2);
	put_be(&key->area, 0, 4);
	BN_bn2binpad(RSA_get0_n(key->rsa), modulus, bits / 8);
	put_2b(&key->area, modulus, (size_t)bits / 8);
	assert_int_equal(sb_tpm_public_parse(key->area.data, key->area.length, &key->public), 0);
}

static inline void free_key(struct tpm_key *key)
{
	EC_KEY_free(key->ec);
	RSA_free(key->rsa);
}

/* TPMT_SIGNATURE over bytes. */
static inline void sign(const struct tpm_key *key, const void *data, size_t length, struct bytes *out)
{
	uint16_t hash = key->public.scheme_hash, scheme = key->scheme ? key->scheme : key->public.scheme;
	struct sb_span part = { data, length };
	uint8_t digest[64], signature[512];
	unsigned int digest_length = (unsigned int)sb_hash(hash, &part, 1, digest), got;

	out->length = 0;
	put_be(out, scheme, 2);
	put_be(out, hash, 2);
	if (key->ec) {
		ECDSA_SIG *sig = ECDSA_do_sign(digest, (int)digest_length, key->ec);
		size_t size = sb_curve_length(key->public.curve);

		BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature, (int)size);
		put_2b(out, signature, size);
		BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature, (int)size);
		put_2b(out, signature, size);
		ECDSA_SIG_free(sig);
		return;
	}
	if (scheme == SB_TPM_ALG_RSAPSS) {
		uint8_t padded[512];

		assert_true(RSA_padding_add_PKCS1_PSS(key->rsa, padded, digest, EVP_sha256(), RSA_PSS_SALTLEN_DIGEST));
		got = (unsigned int)RSA_private_encrypt(RSA_size(key->rsa), padded, signature, key->rsa, RSA_NO_PADDING);
	} else {
		assert_true(RSA_sign(NID_sha256, digest, digest_length, signature, &got, key->rsa));
	}
	put_2b(out, signature, got);
}

/* What a quote says; a test changes one thing. */
struct quote_said {
	uint32_t magic, bank_count;
	uint16_t type, bank;
	struct bytes signer;
	uint8_t extra[SB_QUOTE_EXTRA_LEN];
	size_t extra_length;
	struct sb_quote_clock clock;
	uint8_t safe;
	uint64_t firmware;
	uint32_t pcrs;
	uint8_t select_size;
	uint8_t pcr_digest[32];
};

static inline void build_quote(const struct quote_said *said, struct bytes *out)
{
	out->length = 0;
	put_be(out, said->magic, 4);
	put_be(out, said->type, 2);
	put_2b(out, said->signer.data, said->signer.length);
	put_2b(out, said->extra, said->extra_length);
	put_be(out, said->clock.clock, 8);
	put_be(out, said->clock.reset_count, 4);
	put_be(out, said->clock.restart_count, 4);
	put_be(out, said->safe, 1);
	put_be(out, said->firmware, 8);
	put_be(out, said->bank_count, 4);
	for (uint32_t i = 0; i < said->bank_count; i++) {
		put_be(out, said->bank, 2);
		put_be(out, said->select_size, 1);
		for (int j = 0; j < said->select_size; j++)
			put_be(out, j < 4 ? said->pcrs >> (8 * j) & 0xff : 0, 1);
	}
	put_2b(out, said->pcr_digest, sizeof(said->pcr_digest));
}

#endif
