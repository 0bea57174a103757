// SPDX-License-Identifier: Apache-2.0
#include "enroller/credential.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "state/crypto.h"

#define DIGEST_MAX	64
#define POINT_MAX	48

#define DESTRUCTOR(name, type, function)	\
static void name(type **object)			\
{						\
	function(*object);			\
}
DESTRUCTOR(free_key, EVP_PKEY, EVP_PKEY_free)
DESTRUCTOR(free_context, EVP_PKEY_CTX, EVP_PKEY_CTX_free)
DESTRUCTOR(free_cipher, EVP_CIPHER_CTX, EVP_CIPHER_CTX_free)
DESTRUCTOR(free_builder, OSSL_PARAM_BLD, OSSL_PARAM_BLD_free)
DESTRUCTOR(free_parameters, OSSL_PARAM, OSSL_PARAM_free)
DESTRUCTOR(free_number, BIGNUM, BN_free)

static const EVP_MD *digest_of(uint16_t alg)
{
	return alg == SB_TPM_ALG_SHA256 ? EVP_sha256() : alg == SB_TPM_ALG_SHA384 ? EVP_sha384() : EVP_sha512();
}

static void be16(uint8_t *out, size_t value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

static void be32(uint8_t out[4], uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* KDFa (part 1, 11.4.10.2) of at most one digest: HMAC(key; 1 || label with NUL || context || bits). */
static int kdfa(uint16_t alg, const uint8_t *key, size_t key_length, const char *label, struct sb_span context,
		size_t bits, uint8_t *out)
{
	uint8_t message[4 + 16 + SB_TPM_NAME_MAX + 4], whole[DIGEST_MAX];
	size_t at = 4 + strlen(label) + 1;
	unsigned int length = 0;

	be32(message, 1);
	memcpy(message + 4, label, strlen(label) + 1);
	if (context.length)
		memcpy(message + at, context.data, context.length);
	at += context.length;
	be32(message + at, (uint32_t)bits);
	if (!HMAC(digest_of(alg), key, (int)key_length, message, at + 4, whole, &length) || bits / 8 > length)
		return -EIO;
	memcpy(out, whole, bits / 8);
	OPENSSL_cleanse(whole, sizeof(whole));
	return 0;
}

/* KDFe (11.4.10.3) of one digest: H(1 || z || label with NUL || x of one || x of the other). */
static void kdfe(uint16_t alg, struct sb_span z, const char *label, struct sb_span u, struct sb_span v, uint8_t *out)
{
	static const uint8_t counter[4] = { 0, 0, 0, 1 };
	const struct sb_span parts[] = {
		{ counter, 4 }, z, { (const uint8_t *)label, strlen(label) + 1 }, u, v,
	};

	sb_hash(alg, parts, SB_ARRAY_SIZE(parts), out);
}

static EVP_PKEY *ec_key(const char *group, const uint8_t *point, size_t length)
{
	sb_cleanup(free_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, strlen(group)),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, length),
		OSSL_PARAM_END,
	};

	/* (checks that the point is on the curve) */
	if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		return NULL;
	return key;
}

static int shared_x(EVP_PKEY *own, EVP_PKEY *other, uint8_t *z, size_t size)
{
	sb_cleanup(free_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(own, NULL);
	size_t length = size;

	if (!context || EVP_PKEY_derive_init(context) != 1 || EVP_PKEY_derive_set_peer(context, other) != 1 ||
	    EVP_PKEY_derive(context, z, &length) != 1 || length != size)
		return -EIO;
	return 0;
}

/* Coordinates to the curve's length; TPMs may leave leading zeros out. */
static int padded(struct sb_span number, size_t size, uint8_t *out)
{
	if (number.length > size)
		return -EINVAL;
	memset(out, 0, size - number.length);
	memcpy(out + size - number.length, number.data, number.length);
	return 0;
}

static int ecc_seed(const struct sb_tpm_public *ek, uint8_t *seed, struct sb_credential *credential)
{
	const char *group = ek->curve == SB_TPM_CURVE_P256 ? "P-256" : "P-384";
	size_t size = sb_curve_length(ek->curve), length = 0;
	uint8_t point[1 + 2 * POINT_MAX] = { 4 }, mine[1 + 2 * POINT_MAX], z[POINT_MAX], *at = credential->encrypted;
	sb_cleanup(free_key) EVP_PKEY *theirs = NULL;
	sb_cleanup(free_key) EVP_PKEY *fresh = NULL;

	if (!size || padded(ek->x, size, point + 1) < 0 || padded(ek->y, size, point + 1 + size) < 0)
		return -EINVAL;
	theirs = ec_key(group, point, 1 + 2 * size);
	if (!theirs)
		return -EINVAL;
	fresh = EVP_EC_gen(group);
	if (!fresh || shared_x(fresh, theirs, z, size) < 0 ||
	    EVP_PKEY_get_octet_string_param(fresh, OSSL_PKEY_PARAM_PUB_KEY, mine, sizeof(mine), &length) != 1 ||
	    length != 1 + 2 * size || mine[0] != 4)
		return -EIO;
	kdfe(ek->name_alg, (struct sb_span){ z, size }, "IDENTITY", (struct sb_span){ mine + 1, size },
	     (struct sb_span){ point + 1, size }, seed);
	OPENSSL_cleanse(z, sizeof(z));
	/* TPM2B { TPMS_ECC_POINT { TPM2B x, TPM2B y } } */
	be16(at, 2 * (2 + size));
	be16(at + 2, size);
	memcpy(at + 4, mine + 1, size);
	be16(at + 4 + size, size);
	memcpy(at + 6 + size, mine + 1 + size, size);
	credential->encrypted_length = 6 + 2 * size;
	return 0;
}

static EVP_PKEY *rsa_key(const struct sb_tpm_public *ek)
{
	sb_cleanup(free_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	sb_cleanup(free_builder) OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	sb_cleanup(free_number) BIGNUM *modulus = BN_bin2bn(ek->modulus.data, (int)ek->modulus.length, NULL);
	sb_cleanup(free_parameters) OSSL_PARAM *parameters = NULL;
	EVP_PKEY *key = NULL;

	if (!context || !builder || !modulus || !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) ||
	    !OSSL_PARAM_BLD_push_uint(builder, OSSL_PKEY_PARAM_RSA_E, ek->exponent))
		return NULL;
	parameters = OSSL_PARAM_BLD_to_param(builder);
	if (!parameters || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		return NULL;
	return key;
}

static int rsa_seed(const struct sb_tpm_public *ek, uint8_t *seed, size_t seed_length, struct sb_credential *credential)
{
	static const char label[] = "IDENTITY";
	sb_cleanup(free_key) EVP_PKEY *key = rsa_key(ek);
	sb_cleanup(free_context) EVP_PKEY_CTX *context = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	size_t length = sizeof(credential->encrypted) - 2;
	void *own_label = OPENSSL_memdup(label, sizeof(label));	/* with its NUL (B.4) */

	if (!context || !own_label || RAND_bytes(seed, (int)seed_length) != 1 || EVP_PKEY_encrypt_init(context) != 1 ||
	    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_rsa_oaep_md(context, digest_of(ek->name_alg)) != 1 ||
	    EVP_PKEY_CTX_set_rsa_mgf1_md(context, digest_of(ek->name_alg)) != 1 ||
	    EVP_PKEY_CTX_set0_rsa_oaep_label(context, own_label, sizeof(label)) != 1) {
		OPENSSL_free(own_label);
		return -EIO;
	}
	if (EVP_PKEY_encrypt(context, credential->encrypted + 2, &length, seed, seed_length) != 1)
		return -EIO;
	be16(credential->encrypted, length);
	credential->encrypted_length = 2 + length;
	return 0;
}

/* AES-CFB with 128-bit segments and a zero IV, in place. */
static int encrypt(const uint8_t *key, uint16_t bits, uint8_t *data, size_t length)
{
	static const uint8_t iv[16];
	sb_cleanup(free_cipher) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	const EVP_CIPHER *cipher = bits == 128 ? EVP_aes_128_cfb128() : bits == 192 ? EVP_aes_192_cfb128() :
				   EVP_aes_256_cfb128();
	int done = 0;

	if (!context || EVP_EncryptInit_ex2(context, cipher, key, iv, NULL) != 1 ||
	    EVP_EncryptUpdate(context, data, &done, data, (int)length) != 1 || done != (int)length)
		return -EIO;
	return 0;
}

/* TPM2B { TPM2B_DIGEST outer HMAC, encrypted TPM2B_DIGEST secret } */
static int make_blob(const struct sb_tpm_public *ek, struct sb_span name, const uint8_t *seed, size_t size,
		     const uint8_t secret[SB_SECRET_LEN], struct sb_credential *credential)
{
	uint8_t key[32], hmac_key[DIGEST_MAX], covered[2 + SB_SECRET_LEN + SB_TPM_NAME_MAX];
	uint8_t *at = credential->blob;
	unsigned int length = 0;
	int result;

	be16(covered, SB_SECRET_LEN);
	memcpy(covered + 2, secret, SB_SECRET_LEN);
	result = kdfa(ek->name_alg, seed, size, "STORAGE", name, ek->symmetric_bits, key);
	if (result == 0)
		result = encrypt(key, ek->symmetric_bits, covered, 2 + SB_SECRET_LEN);
	if (result == 0)
		result = kdfa(ek->name_alg, seed, size, "INTEGRITY", (struct sb_span){ NULL, 0 }, 8 * size, hmac_key);
	memcpy(covered + 2 + SB_SECRET_LEN, name.data, name.length);
	if (result == 0 && !HMAC(digest_of(ek->name_alg), hmac_key, (int)size, covered, 2 + SB_SECRET_LEN + name.length,
				 at + 4, &length))
		result = -EIO;
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(hmac_key, sizeof(hmac_key));
	if (result < 0)
		return result;
	be16(at, 2 + size + 2 + SB_SECRET_LEN);
	be16(at + 2, size);
	memcpy(at + 4 + size, covered, 2 + SB_SECRET_LEN);
	credential->blob_length = 2 + 2 + size + 2 + SB_SECRET_LEN;
	return 0;
}

int sb_credential_make(const struct sb_tpm_public *ek, struct sb_span name, const uint8_t secret[SB_SECRET_LEN],
		       struct sb_credential *credential, struct sb_error *error)
{
	size_t size = sb_hash_length(ek->name_alg);
	uint16_t bits = ek->symmetric_bits;
	struct sb_credential made;
	uint8_t seed[DIGEST_MAX];
	int result;

	if (!size || name.length > SB_TPM_NAME_MAX || ek->symmetric != SB_TPM_ALG_AES ||
	    ek->symmetric_mode != SB_TPM_ALG_CFB || (bits != 128 && bits != 192 && bits != 256))
		return sb_fail(error, -EINVAL, "this endorsement key is none that a credential can be made for");
	result = ek->type == SB_TPM_ALG_ECC ? ecc_seed(ek, seed, &made) : rsa_seed(ek, seed, size, &made);
	if (result == 0)
		result = make_blob(ek, name, seed, size, secret, &made);
	OPENSSL_cleanse(seed, sizeof(seed));
	ERR_clear_error();
	if (result < 0)
		return sb_fail(error, result, result == -EINVAL ? "the endorsement key's point is not on its curve" :
			       "libcrypto could not make a credential");
	*credential = made;
	return 0;
}

void sb_challenge_commitment(const char *chain, const uint8_t device[32], struct sb_span ak_name,
			     const uint8_t enroller[32], const uint8_t nonce[16], const uint8_t secret[SB_SECRET_LEN],
			     uint8_t commitment[32])
{
	static const uint8_t tag[] = "sealbond challenge v1";
	uint8_t length = (uint8_t)strlen(chain);
	const struct sb_span parts[] = {
		{ tag, sizeof(tag) }, { &length, 1 }, { (const uint8_t *)chain, length }, { device, 32 }, ak_name,
		{ enroller, 32 }, { nonce, 16 }, { secret, SB_SECRET_LEN },
	};

	sb_hash(SB_TPM_ALG_SHA256, parts, SB_ARRAY_SIZE(parts), commitment);
}
