// SPDX-License-Identifier: Apache-2.0
#include "common/p256_key.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>
#include <string.h>

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

struct sb_p256_key {
	EVP_PKEY *key;
	uint8_t point[64];
};

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

/* x and y by way of the same reader that the device uses. */
static int public_point(EVP_PKEY *key, uint8_t out[64])
{
	sb_cleanup(free_bio) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long size;

	if (!bio || PEM_write_bio_PUBKEY(bio, key) != 1)
		return -EIO;
	size = BIO_get_mem_data(bio, &text);
	return size > 0 ? sb_p256_read_pem(text, (size_t)size, out, out + 32) : -EIO;
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

int sb_p256_key_open(const char *path, struct sb_p256_key **key, struct sb_error *error)
{
	sb_cleanup(free_pkey) EVP_PKEY *read = NULL;
	struct sb_p256_key *new;
	uint8_t point[64];
	int result = read_private(path, &read, error);

	if (result < 0)
		return result;
	if (public_point(read, point) < 0)
		return sb_fail(error, -EINVAL, "%s: not a P-256 key", path);
	new = malloc(sizeof(*new));
	if (!new)
		return sb_fail(error, -ENOMEM, "out of memory");
	new->key = sb_take_ptr(read);
	memcpy(new->point, point, sizeof(point));
	*key = new;
	return 0;
}

void sb_p256_key_close(struct sb_p256_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	free(key);
}

const uint8_t *sb_p256_key_point(const struct sb_p256_key *key)
{
	return key->point;
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

int sb_p256_key_sign(const struct sb_p256_key *key, const uint8_t *message, size_t length, uint8_t signature[64])
{
	sb_cleanup(free_digest) EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t der[128], made[64];
	size_t der_length = sizeof(der);

	if (!context || EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->key) != 1 ||
	    EVP_DigestSign(context, der, &der_length, message, length) != 1 || split_signature(der, der_length, made) < 0)
		return -EIO;
	memcpy(signature, made, sizeof(made));
	return 0;
}
