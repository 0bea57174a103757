// SPDX-License-Identifier: Apache-2.0
#include "cli/release_key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/p256_key.h"

#define DESTRUCTOR(name, type, function)	\
static void name(type **object)			\
{						\
	function(*object);			\
}

DESTRUCTOR(free_pkey, EVP_PKEY, EVP_PKEY_free)
DESTRUCTOR(free_bio, BIO, BIO_free_all)
DESTRUCTOR(free_digest, EVP_MD_CTX, EVP_MD_CTX_free)
DESTRUCTOR(free_signature, ECDSA_SIG, ECDSA_SIG_free)
DESTRUCTOR(free_context, EVP_PKEY_CTX, EVP_PKEY_CTX_free)

static int public_pem(EVP_PKEY *key, BIO *bio, char **text, size_t *length)
{
	long size;

	if (PEM_write_bio_PUBKEY(bio, key) != 1)
		return -EIO;
	size = BIO_get_mem_data(bio, text);
	*length = (size_t)size;
	return size > 0 ? 0 : -EIO;
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

int sb_key_sign(const char *private_path, const uint8_t *message, size_t length, uint8_t point[64],
		uint8_t signature[64], struct sb_error *error)
{
	struct sb_p256_key *key;
	int result = sb_p256_key_open(private_path, &key, error);

	if (result < 0)
		return result;
	result = sb_p256_key_sign(key, message, length, signature);
	if (result == 0)
		memcpy(point, sb_p256_key_point(key), 64);
	sb_p256_key_close(key);
	return result < 0 ? sb_fail(error, result, "%s: libcrypto could not sign", private_path) : 0;
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
