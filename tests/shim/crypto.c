// SPDX-License-Identifier: Apache-2.0
/* kmod/crypto.h over OpenSSL 3, for userspace tests. */
#include "../../kmod/crypto.h"
#include "random.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>

/* A test without its cryptography has nothing to say. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

int sb_x25519(u8 out[SB_KEY_LEN], const u8 priv[SB_KEY_LEN],
	      const u8 point[SB_KEY_LEN])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
						     priv, SB_KEY_LEN);
	EVP_PKEY *other = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL,
						      point, SB_KEY_LEN);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(own, NULL);
	size_t len = SB_KEY_LEN;
	u8 result[SB_KEY_LEN];
	int ret = -EINVAL;

	must(own && other && ctx);
	must(EVP_PKEY_derive_init(ctx) == 1);
	must(EVP_PKEY_derive_set_peer(ctx, other) == 1);
	/* OpenSSL fails when the result is all zero. */
	if (EVP_PKEY_derive(ctx, result, &len) == 1 && len == SB_KEY_LEN) {
		memcpy(out, result, SB_KEY_LEN);
		ret = 0;
	}
	OPENSSL_cleanse(result, sizeof(result));
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(other);
	EVP_PKEY_free(own);
	return ret;
}

int sb_x25519_base(u8 pub[SB_KEY_LEN], const u8 priv[SB_KEY_LEN])
{
	EVP_PKEY *own = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
						     priv, SB_KEY_LEN);
	size_t len = SB_KEY_LEN;

	must(own != NULL);
	must(EVP_PKEY_get_raw_public_key(own, pub, &len) == 1);
	EVP_PKEY_free(own);
	return 0;
}

/* One of the two is set: the keyed form is a MAC to OpenSSL. */
struct blake2s {
	EVP_MAC_CTX *mac;
	EVP_MD_CTX *md;
};

static_assert(sizeof(struct blake2s) <= sizeof(struct sb_blake2s));

void sb_blake2s_init(struct sb_blake2s *ctx, size_t outlen,
		     const void *key, size_t keylen)
{
	static EVP_MAC *mac;
	struct blake2s *b = (struct blake2s *)ctx;
	OSSL_PARAM params[] = {
		OSSL_PARAM_size_t(OSSL_MAC_PARAM_SIZE, &outlen),
		OSSL_PARAM_END,
	};

	memset(ctx, 0, sizeof(*ctx));
	if (!keylen) {
		must(outlen == SB_HASH_LEN);
		b->md = EVP_MD_CTX_new();
		must(b->md && EVP_DigestInit_ex(b->md, EVP_blake2s256(), NULL));
		return;
	}
	if (!mac)
		mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);
	must(mac != NULL);
	b->mac = EVP_MAC_CTX_new(mac);
	must(b->mac && EVP_MAC_init(b->mac, key, keylen, params) == 1);
}

void sb_blake2s_update(struct sb_blake2s *ctx, const void *in, size_t len)
{
	struct blake2s *b = (struct blake2s *)ctx;

	if (b->mac)
		must(EVP_MAC_update(b->mac, in, len) == 1);
	else
		must(EVP_DigestUpdate(b->md, in, len) == 1);
}

void sb_blake2s_final(struct sb_blake2s *ctx, u8 *out)
{
	struct blake2s *b = (struct blake2s *)ctx;

	if (b->mac) {
		size_t len = SB_HASH_LEN;

		must(EVP_MAC_final(b->mac, out, &len, len) == 1);
		EVP_MAC_CTX_free(b->mac);
	} else {
		must(EVP_DigestFinal_ex(b->md, out, NULL) == 1);
		EVP_MD_CTX_free(b->md);
	}
	memset(ctx, 0, sizeof(*ctx));
}

void sb_blake2s(u8 *out, size_t outlen, const void *key, size_t keylen,
		const void *in, size_t len)
{
	struct sb_blake2s ctx;

	sb_blake2s_init(&ctx, outlen, key, keylen);
	sb_blake2s_update(&ctx, in, len);
	sb_blake2s_final(&ctx, out);
}

static void aead_nonce(u8 out[12], u64 nonce)
{
	memset(out, 0, 4);
	put_unaligned_le64(nonce, out + 4);
}

void sb_aead_seal(u8 *out, const u8 *in, size_t len, const u8 *ad, size_t adlen,
		  u64 nonce, const u8 key[SB_KEY_LEN])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	u8 iv[12];
	int n;

	aead_nonce(iv, nonce);
	must(ctx && EVP_EncryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key, iv));
	if (adlen)
		must(EVP_EncryptUpdate(ctx, NULL, &n, ad, (int)adlen) == 1);
	if (len)
		must(EVP_EncryptUpdate(ctx, out, &n, in, (int)len) == 1);
	must(EVP_EncryptFinal_ex(ctx, out + len, &n) == 1);
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, SB_TAG_LEN, out + len) == 1);
	EVP_CIPHER_CTX_free(ctx);
}

int sb_aead_open(u8 *out, const u8 *in, size_t len, const u8 *ad,
		 size_t adlen, u64 nonce, const u8 key[SB_KEY_LEN])
{
	EVP_CIPHER_CTX *ctx;
	u8 iv[12], tag[SB_TAG_LEN];
	int n, ret = -EBADMSG;

	if (len < SB_TAG_LEN)
		return -EBADMSG;
	len -= SB_TAG_LEN;
	memcpy(tag, in + len, SB_TAG_LEN);
	aead_nonce(iv, nonce);
	ctx = EVP_CIPHER_CTX_new();
	must(ctx && EVP_DecryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key, iv));
	if (adlen)
		must(EVP_DecryptUpdate(ctx, NULL, &n, ad, (int)adlen) == 1);
	if (len)
		must(EVP_DecryptUpdate(ctx, out, &n, in, (int)len) == 1);
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, SB_TAG_LEN, tag) == 1);
	if (EVP_DecryptFinal_ex(ctx, tag, &n) == 1)
		ret = 0;
	EVP_CIPHER_CTX_free(ctx);
	return ret;
}

void sb_sha256_init(struct sb_sha256 *ctx)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();

	must(md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1);
	memcpy(ctx->opaque, &md, sizeof(md));
}

static EVP_MD_CTX *sha256_md(struct sb_sha256 *ctx)
{
	EVP_MD_CTX *md;

	memcpy(&md, ctx->opaque, sizeof(md));
	return md;
}

void sb_sha256_update(struct sb_sha256 *ctx, const void *in, size_t len)
{
	must(EVP_DigestUpdate(sha256_md(ctx), in, len) == 1);
}

void sb_sha256_final(struct sb_sha256 *ctx, u8 out[SB_HASH_LEN])
{
	EVP_MD_CTX *md = sha256_md(ctx);

	must(EVP_DigestFinal_ex(md, out, NULL) == 1);
	EVP_MD_CTX_free(md);
	memset(ctx, 0, sizeof(*ctx));
}

void sb_sha256(u8 out[SB_HASH_LEN], const void *in, size_t len)
{
	must(EVP_Digest(in, len, out, NULL, EVP_sha256(), NULL) == 1);
}

unsigned long sb_memneq(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) != 0;
}

int (*sb_shim_random)(void *buf, size_t len);

int sb_random(void *buf, size_t len)
{
	if (sb_shim_random)
		return sb_shim_random(buf, len);
	return RAND_bytes(buf, (int)len) == 1 ? 0 : -EIO;
}
