// SPDX-License-Identifier: Apache-2.0
/* The low-level calls are deprecated and do not allocate a provider's key for each verification. */
#define OPENSSL_API_COMPAT	10101
#define OPENSSL_SUPPRESS_DEPRECATED
#include "state/crypto.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "state/tpm_public.h"

#define DESTRUCTOR(name, type, function)	\
	static void name(type **pointer)	\
	{					\
		function(*pointer);		\
	}

DESTRUCTOR(free_bn, BIGNUM, BN_free)
DESTRUCTOR(free_sig, ECDSA_SIG, ECDSA_SIG_free)
DESTRUCTOR(free_key, EC_KEY, EC_KEY_free)
DESTRUCTOR(free_point, EC_POINT, EC_POINT_free)
DESTRUCTOR(free_rsa, RSA, RSA_free)

size_t sb_hash_length(uint16_t alg)
{
	switch (alg) {
	case SB_TPM_ALG_SHA256:
		return 32;
	case SB_TPM_ALG_SHA384:
		return 48;
	case SB_TPM_ALG_SHA512:
		return 64;
	default:
		return 0;
	}
}

static const EVP_MD *md_of(uint16_t alg)
{
	switch (alg) {
	case SB_TPM_ALG_SHA256:
		return EVP_sha256();
	case SB_TPM_ALG_SHA384:
		return EVP_sha384();
	case SB_TPM_ALG_SHA512:
		return EVP_sha512();
	default:
		abort();
	}
}

size_t sb_hash(uint16_t alg, const struct sb_span *parts, size_t count, uint8_t *out)
{
	union {
		SHA256_CTX small;
		SHA512_CTX big;
	} hash;

	if (alg == SB_TPM_ALG_SHA256) {
		SHA256_Init(&hash.small);
		for (size_t i = 0; i < count; i++)
			SHA256_Update(&hash.small, parts[i].data, parts[i].length);
		SHA256_Final(out, &hash.small);
		return 32;
	}
	if (alg == SB_TPM_ALG_SHA384)
		SHA384_Init(&hash.big);
	else if (alg == SB_TPM_ALG_SHA512)
		SHA512_Init(&hash.big);
	else
		abort();
	for (size_t i = 0; i < count; i++)
		SHA512_Update(&hash.big, parts[i].data, parts[i].length);
	/* Either length: the context knows which. */
	SHA512_Final(out, &hash.big);
	return sb_hash_length(alg);
}

size_t sb_curve_length(uint16_t curve)
{
	return curve == SB_TPM_CURVE_P256 ? 32 : curve == SB_TPM_CURVE_P384 ? 48 : 0;
}

static BIGNUM *number(struct sb_span span)
{
	return BN_bin2bn(span.data, (int)span.length, NULL);
}

/* The curves' constants are made once. */
static const EC_GROUP *group_of(uint16_t curve)
{
	static EC_GROUP *p256, *p384;
	EC_GROUP **group = curve == SB_TPM_CURVE_P256 ? &p256 : &p384, *made, *none = NULL;

	if (__atomic_load_n(group, __ATOMIC_ACQUIRE))
		return *group;
	made = EC_GROUP_new_by_curve_name(curve == SB_TPM_CURVE_P256 ? NID_X9_62_prime256v1 : NID_secp384r1);
	if (made && !__atomic_compare_exchange_n(group, &none, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		EC_GROUP_free(made);
	return *group;
}

/* Both curves have cofactor 1: a point on the curve is in the group. */
static int make_key(const EC_GROUP *group, struct sb_span x, struct sb_span y, EC_KEY **key)
{
	sb_cleanup(free_point) EC_POINT *point = EC_POINT_new(group);
	sb_cleanup(free_bn) BIGNUM *bx = number(x), *by = NULL;
	sb_cleanup(free_key) EC_KEY *made = EC_KEY_new();

	by = number(y);
	if (!point || !bx || !by || !made || !EC_KEY_set_group(made, group))
		return -ENOMEM;
	if (!EC_POINT_set_affine_coordinates(group, point, bx, by, NULL))
		return -EKEYREJECTED;
	if (!EC_KEY_set_public_key(made, point))
		return -ENOMEM;
	*key = sb_take_ptr(made);
	return 0;
}

int sb_ecdsa_verify(uint16_t curve, struct sb_span x, struct sb_span y, struct sb_span digest,
		    struct sb_span r, struct sb_span s)
{
	sb_cleanup(free_sig) ECDSA_SIG *signature = NULL;
	sb_cleanup(free_key) EC_KEY *key = NULL;
	size_t length = sb_curve_length(curve);
	const EC_GROUP *group;
	BIGNUM *br, *bs;
	int result;

	if (!length || x.length > length || y.length > length || r.length > length || s.length > length)
		return -EKEYREJECTED;
	group = group_of(curve);
	if (!group)
		return -ENOMEM;
	result = make_key(group, x, y, &key);
	if (result)
		return result;
	signature = ECDSA_SIG_new();
	br = number(r);
	bs = number(s);
	if (!signature || !br || !bs || !ECDSA_SIG_set0(signature, br, bs)) {
		BN_free(br);
		BN_free(bs);
		return -ENOMEM;
	}
	/* It sees to 0 < r, s < order itself. */
	return ECDSA_do_verify(digest.data, (int)digest.length, signature, key) == 1 ? 0 : -EKEYREJECTED;
}

static RSA *make_rsa(struct sb_span modulus, uint32_t exponent)
{
	sb_cleanup(free_rsa) RSA *rsa = RSA_new();
	BIGNUM *n = number(modulus), *e = BN_new();

	if (!rsa || !n || !e || !BN_set_word(e, exponent) || !RSA_set0_key(rsa, n, e, NULL)) {
		BN_free(n);
		BN_free(e);
		return NULL;
	}
	return sb_take_ptr(rsa);
}

int sb_rsa_verify(struct sb_span modulus, uint32_t exponent, uint16_t padding, uint16_t hash_alg,
		  struct sb_span digest, struct sb_span signature)
{
	sb_cleanup(free_rsa) RSA *rsa = NULL;
	uint8_t block[SB_TPM_RSA_MAX];
	bool good;

	if (signature.length != modulus.length || modulus.length > SB_TPM_RSA_MAX ||
	    digest.length != sb_hash_length(hash_alg) || !digest.length)
		return -EKEYREJECTED;
	rsa = make_rsa(modulus, exponent);
	if (!rsa)
		return -ENOMEM;
	if (padding == SB_TPM_ALG_RSASSA)
		good = RSA_verify(EVP_MD_type(md_of(hash_alg)), digest.data, (unsigned int)digest.length,
				  signature.data, (unsigned int)signature.length, rsa) == 1;
	else
		good = padding == SB_TPM_ALG_RSAPSS &&
		       RSA_public_decrypt((int)signature.length, signature.data, block, rsa, RSA_NO_PADDING) ==
		       (int)modulus.length &&
		       RSA_verify_PKCS1_PSS(rsa, digest.data, md_of(hash_alg), block, RSA_PSS_SALTLEN_AUTO) == 1;
	return good ? 0 : -EKEYREJECTED;
}
