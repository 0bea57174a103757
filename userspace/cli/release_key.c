// SPDX-License-Identifier: Apache-2.0
#include "cli/release_key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/p256.h"

#define PEM_MAX	8192

#define DESTRUCTOR(name, type, function)	\
static void name(type **object)			\
{						\
	function(*object);			\
}

DESTRUCTOR(free_pkey, EVP_PKEY, EVP_PKEY_free)
DESTRUCTOR(free_bio, BIO, BIO_free_all)
DESTRUCTOR(free_digest, EVP_MD_CTX, EVP_MD_CTX_free)
DESTRUCTOR(free_signature, ECDSA_SIG, ECDSA_SIG_free)
DESTRUCTOR(free_group, EC_GROUP, EC_GROUP_free)
DESTRUCTOR(free_number, BIGNUM, BN_free)
DESTRUCTOR(free_context, EVP_PKEY_CTX, EVP_PKEY_CTX_free)

struct secret {
	uint8_t *data;
	size_t length;
};

static void wipe(struct secret *secret)
{
	if (secret->data)
		explicit_bzero(secret->data, secret->length);
	free(secret->data);
}

static int public_pem(EVP_PKEY *key, BIO *bio, char **text, size_t *length)
{
	long size;

	if (PEM_write_bio_PUBKEY(bio, key) != 1)
		return -EIO;
	size = BIO_get_mem_data(bio, text);
	*length = (size_t)size;
	return size > 0 ? 0 : -EIO;
}

/* x and y by way of the same reader that the device uses. */
static int public_point(EVP_PKEY *key, uint8_t out[64])
{
	sb_cleanup(free_bio) BIO *bio = BIO_new(BIO_s_mem());
	size_t length;
	char *text;

	if (!bio || public_pem(key, bio, &text, &length) < 0)
		return -EINVAL;
	return sb_p256_read_pem(text, length, out, out + 32);
}

int sb_release_key_make(const char *private_path, const char *public_path, struct sb_error *error)
{
	sb_cleanup(free_pkey) EVP_PKEY *key = EVP_EC_gen("P-256");
	/* Secure memory is wiped when it is freed. */
	sb_cleanup(free_bio) BIO *private_bio = BIO_new(BIO_s_secmem());
	sb_cleanup(free_bio) BIO *public_bio = BIO_new(BIO_s_mem());
	char *private_text, *public_text;
	size_t public_length;
	long private_length;
	int result;

	if (!key || !private_bio || !public_bio ||
	    PEM_write_bio_PrivateKey(private_bio, key, NULL, NULL, 0, NULL, NULL) != 1 ||
	    public_pem(key, public_bio, &public_text, &public_length) < 0)
		return sb_fail(error, -EIO, "libcrypto could not make a key");
	private_length = BIO_get_mem_data(private_bio, &private_text);
	result = sb_file_create(public_path, public_text, public_length, 0644);
	if (result < 0)
		return sb_fail(error, result, "%s: %s", public_path, strerror(-result));
	result = sb_file_create(private_path, private_text, (size_t)private_length, 0600);
	if (result < 0) {
		unlink(public_path);
		return sb_fail(error, result, "%s: %s", private_path, strerror(-result));
	}
	return 0;
}

static int read_private(const char *path, EVP_PKEY **key, struct sb_error *error)
{
	sb_cleanup(wipe) struct secret text = { 0 };
	sb_cleanup(free_bio) BIO *bio = NULL;
	int result = sb_file_read(path, PEM_MAX, &text.data, &text.length);

	if (result < 0)
		return sb_fail(error, result, "%s: %s", path, strerror(-result));
	bio = BIO_new_mem_buf(text.data, (int)text.length);
	*key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
	if (!*key)
		return sb_fail(error, -EINVAL, "%s: not a private key, or the wrong passphrase", path);
	return 0;
}

/* Of s and n - s, which are both good, the lower one: the kernel takes no other in a grant. */
static int lower_s(uint8_t s[32])
{
	sb_cleanup(free_group) EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	sb_cleanup(free_number) BIGNUM *number = BN_bin2bn(s, 32, NULL), *other = BN_new();

	if (!group || !number || !other || BN_sub(other, EC_GROUP_get0_order(group), number) != 1)
		return -EIO;
	return BN_bn2binpad(BN_cmp(number, other) > 0 ? other : number, s, 32) == 32 ? 0 : -EIO;
}

/* DER of an ECDSA signature to r, s of 32 bytes each. */
static int split_signature(const uint8_t *der, size_t length, uint8_t out[64])
{
	sb_cleanup(free_signature) ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)length);

	if (!signature || BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 32) != 32 ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 32, 32) != 32)
		return -EIO;
	return lower_s(out + 32);
}

int sb_key_sign(const char *private_path, const uint8_t *message, size_t length, uint8_t point[64],
		uint8_t signature[64], struct sb_error *error)
{
	sb_cleanup(free_pkey) EVP_PKEY *key = NULL;
	sb_cleanup(free_digest) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t der[128], made[64], read[64];
	size_t der_length = sizeof(der);
	int result = read_private(private_path, &key, error);

	if (result < 0)
		return result;
	if (public_point(key, read) < 0)
		return sb_fail(error, -EINVAL, "%s: not a P-256 key", private_path);
	if (!context || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(context, der, &der_length, message, length) != 1 ||
	    split_signature(der, der_length, made) < 0)
		return sb_fail(error, -EIO, "%s: libcrypto could not sign", private_path);
	memcpy(point, read, sizeof(read));
	memcpy(signature, made, sizeof(made));
	return 0;
}

int sb_release_sign(const char *private_path, struct sb_approval_file *approval, struct sb_error *error)
{
	struct sb_approval_file signed_one = *approval;
	uint8_t message[64];
	int result;

	sb_approval_file_message(&signed_one, message);
	result = sb_key_sign(private_path, message, sizeof(message), signed_one.release_key,
			     signed_one.signature, error);
	if (result == 0)
		*approval = signed_one;
	return result;
}

/* A key from x, y; libcrypto checks that the point is on the curve. */
static EVP_PKEY *key_of(const uint8_t point[64])
{
	sb_cleanup(free_context) EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	char group[] = "P-256";
	uint8_t encoded[65] = { 0x04 };
	EVP_PKEY *key = NULL;
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group) - 1),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, encoded, sizeof(encoded)),
		OSSL_PARAM_END,
	};

	memcpy(encoded + 1, point, 64);
	if (!context || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		return NULL;
	return key;
}

int sb_key_verify(const uint8_t point[64], const uint8_t *message, size_t length, const uint8_t signature[64])
{
	sb_cleanup(free_pkey) EVP_PKEY *key = key_of(point);
	sb_cleanup(free_digest) EVP_MD_CTX *context = EVP_MD_CTX_new();
	sb_cleanup(free_signature) ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
	uint8_t *der = NULL;
	int der_length, result = -EBADMSG;

	if (!r || !s || !pair || ECDSA_SIG_set0(pair, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return -EBADMSG;
	}
	der_length = i2d_ECDSA_SIG(pair, &der);
	if (key && context && der_length > 0 && EVP_DigestVerifyInit(context, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestVerify(context, der, (size_t)der_length, message, length) == 1)
		result = 0;
	OPENSSL_free(der);
	return result;
}

int sb_release_verify(const struct sb_approval_file *approval)
{
	uint8_t message[64];

	sb_approval_file_message(approval, message);
	return sb_key_verify(approval->release_key, message, sizeof(message), approval->signature);
}
