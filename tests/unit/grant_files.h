/* SPDX-License-Identifier: Apache-2.0 */
/* Grant keys and grants signed with OpenSSL, for the tests and the fuzzer of their reader. */
#ifndef GRANT_FILES_H
#define GRANT_FILES_H

#include "../../kmod/pure.h"

#include "../../kmod/crypto.h"
#include "../../kmod/grant.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#define OPENSSL_MUST(x) do { if (!(x)) abort(); } while (0)

struct signer {
	EC_KEY *key;
	u8 point[SB_GRANT_POINT_LEN];
	u8 id[SB_GRANT_KEY_ID_LEN];
};

/* OpenSSL's older calls: the newer ones sign no bare digest without much ado. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/* The same number gives the same key. */
static inline void make_signer(struct signer *s, u8 number)
{
	u8 digest[SB_HASH_LEN], encoded[65];
	BIGNUM *secret;
	EC_POINT *pub;

	s->key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	OPENSSL_MUST(s->key);
	sb_sha256(digest, &number, 1);
	digest[0] &= 0x7f;	/* below the order */
	secret = BN_bin2bn(digest, sizeof(digest), NULL);
	pub = EC_POINT_new(EC_KEY_get0_group(s->key));
	OPENSSL_MUST(secret && pub);
	OPENSSL_MUST(EC_POINT_mul(EC_KEY_get0_group(s->key), pub, secret, NULL, NULL, NULL) == 1);
	OPENSSL_MUST(EC_KEY_set_private_key(s->key, secret) == 1);
	OPENSSL_MUST(EC_KEY_set_public_key(s->key, pub) == 1);
	OPENSSL_MUST(EC_POINT_point2oct(EC_KEY_get0_group(s->key), pub,
					POINT_CONVERSION_UNCOMPRESSED, encoded, 65, NULL) == 65);
	memcpy(s->point, encoded + 1, sizeof(s->point));
	sb_sha256(digest, s->point, sizeof(s->point));
	memcpy(s->id, digest, sizeof(s->id));
	EC_POINT_free(pub);
	BN_free(secret);
}

static inline void free_signer(struct signer *s)
{
	EC_KEY_free(s->key);
}

/* The lower of the two forms of s, or with high the other one. */
static inline void sign_digest(const struct signer *s, const u8 digest[32], u8 r[32], u8 s_out[32],
			       bool high)
{
	ECDSA_SIG *sig = ECDSA_do_sign(digest, 32, s->key);
	const BIGNUM *n = EC_GROUP_get0_order(EC_KEY_get0_group(s->key));
	BIGNUM *half = BN_dup(n), *other = BN_new();

	OPENSSL_MUST(sig && half && other);
	BN_rshift1(half, half);
	BN_copy(other, ECDSA_SIG_get0_s(sig));
	if ((BN_cmp(other, half) > 0) != high)
		BN_sub(other, n, other);
	OPENSSL_MUST(BN_bn2binpad(ECDSA_SIG_get0_r(sig), r, 32) == 32);
	OPENSSL_MUST(BN_bn2binpad(other, s_out, 32) == 32);
	BN_free(half);
	BN_free(other);
	ECDSA_SIG_free(sig);
}

/* What OpenSSL says of it: 1, 0 or -1. It takes both forms of s. */
static inline int openssl_verify(const struct signer *s, const u8 digest[32], const u8 r[32],
				 const u8 s_in[32])
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int verdict;

	OPENSSL_MUST(sig && ECDSA_SIG_set0(sig, BN_bin2bn(r, 32, NULL), BN_bin2bn(s_in, 32, NULL)));
	verdict = ECDSA_do_verify(digest, 32, sig, s->key);
	ECDSA_SIG_free(sig);
	return verdict;
}

#pragma GCC diagnostic pop

static inline void sample_body(struct sb_grant_body *b)
{
	memset(b, 0, sizeof(*b));
	memcpy(b->magic, SB_GRANT_MAGIC, sizeof(b->magic));
	b->version = cpu_to_be16(SB_GRANT_VERSION);
	b->duration_ms = cpu_to_be64(3600000);
	memset(b->nonce, 0x11, sizeof(b->nonce));
	memset(b->chain_id, 0x22, sizeof(b->chain_id));
	memset(b->holder, 0x33, sizeof(b->holder));
	memset(b->device_id, 0x44, sizeof(b->device_id));
	memset(b->key, 0x55, sizeof(b->key));
	memset(b->overlay4, 0x66, sizeof(b->overlay4));
	memset(b->overlay6, 0x77, sizeof(b->overlay6));
}

static inline int compare_signer(const void *a, const void *b)
{
	return memcmp(((const struct signer *)a)->id, ((const struct signer *)b)->id,
		      SB_GRANT_KEY_ID_LEN);
}

/* Writes body, its rules, and the signatures of n signers, which are sorted here; returns the length. */
static inline size_t sample_grant_with(u8 out[SB_GRANT_MAX], const struct sb_grant_body *body,
				       const struct sb_grant_rule *rules, struct signer *signers, u32 n)
{
	struct sb_grant_count count = { cpu_to_be32(n) };
	size_t head = sizeof(*body) + body->rules * sizeof(*rules);
	struct sb_grant_signature signature;
	u8 digest[32];
	u32 i;

	qsort(signers, n, sizeof(*signers), compare_signer);
	memcpy(out, body, sizeof(*body));
	if (body->rules && rules)
		memcpy(out + sizeof(*body), rules, body->rules * sizeof(*rules));
	else
		memset(out + sizeof(*body), 0, body->rules * sizeof(*rules));
	sb_grant_digest(digest, (const void *)out);
	memcpy(out + head, &count, sizeof(count));
	head += sizeof(count);
	for (i = 0; i < n; i++) {
		memcpy(signature.key_id, signers[i].id, sizeof(signature.key_id));
		sign_digest(&signers[i], digest, signature.r, signature.s, false);
		memcpy(out + head + i * sizeof(signature), &signature, sizeof(signature));
	}
	return head + n * sizeof(signature);
}

static inline size_t sample_grant(u8 out[SB_GRANT_MAX], const struct sb_grant_body *body,
				  struct signer *signers, u32 n)
{
	return sample_grant_with(out, body, NULL, signers, n);
}

#endif
