// SPDX-License-Identifier: GPL-2.0-only
/* The primitives of crypto.h over the kernel's crypto library. */
#include "crypto.h"

#include <linux/random.h>
#include <crypto/chacha20poly1305.h>
#include <crypto/curve25519.h>
/* Where crypto_memneq() is. As in pure.h, for sparse the older place. */
#ifdef __has_include
#if __has_include(<crypto/utils.h>)
#define SB_HAVE_CRYPTO_UTILS
#endif
#endif
#ifdef SB_HAVE_CRYPTO_UTILS
#include <crypto/utils.h>
#else
#include <crypto/algapi.h>
#endif
#include <crypto/blake2s.h>
#include <crypto/sha2.h>

static_assert(sizeof(struct blake2s_ctx) <= sizeof(struct sb_blake2s));
static_assert(sizeof(struct sha256_ctx) <= sizeof(struct sb_sha256));
static_assert(CURVE25519_KEY_SIZE == SB_KEY_LEN);
static_assert(CHACHA20POLY1305_AUTHTAG_SIZE == SB_TAG_LEN);

int sb_x25519(u8 out[SB_KEY_LEN], const u8 priv[SB_KEY_LEN],
	      const u8 point[SB_KEY_LEN])
{
	u8 scalar[SB_KEY_LEN], result[SB_KEY_LEN];
	int ret = -EINVAL;

	memcpy(scalar, priv, SB_KEY_LEN);
	curve25519_clamp_secret(scalar);
	if (curve25519(result, scalar, point)) {
		memcpy(out, result, SB_KEY_LEN);
		ret = 0;
	}
	memzero_explicit(scalar, sizeof(scalar));
	memzero_explicit(result, sizeof(result));
	return ret;
}

int sb_x25519_base(u8 pub[SB_KEY_LEN], const u8 priv[SB_KEY_LEN])
{
	u8 scalar[SB_KEY_LEN], result[SB_KEY_LEN];
	int ret = -EINVAL;

	memcpy(scalar, priv, SB_KEY_LEN);
	curve25519_clamp_secret(scalar);
	if (curve25519_generate_public(result, scalar)) {
		memcpy(pub, result, SB_KEY_LEN);
		ret = 0;
	}
	memzero_explicit(scalar, sizeof(scalar));
	return ret;
}

void sb_blake2s_init(struct sb_blake2s *ctx, size_t outlen,
		     const void *key, size_t keylen)
{
	struct blake2s_ctx *state = (struct blake2s_ctx *)ctx;

	if (keylen)
		blake2s_init_key(state, outlen, key, keylen);
	else
		blake2s_init(state, outlen);
}

void sb_blake2s_update(struct sb_blake2s *ctx, const void *in, size_t len)
{
	blake2s_update((struct blake2s_ctx *)ctx, in, len);
}

void sb_blake2s_final(struct sb_blake2s *ctx, u8 *out)
{
	blake2s_final((struct blake2s_ctx *)ctx, out);
	memzero_explicit(ctx, sizeof(*ctx));
}

void sb_blake2s(u8 *out, size_t outlen, const void *key, size_t keylen,
		const void *in, size_t len)
{
	struct sb_blake2s ctx;

	sb_blake2s_init(&ctx, outlen, key, keylen);
	sb_blake2s_update(&ctx, in, len);
	sb_blake2s_final(&ctx, out);
}

void sb_aead_seal(u8 *out, const u8 *in, size_t len, const u8 *ad, size_t adlen,
		  u64 nonce, const u8 key[SB_KEY_LEN])
{
	chacha20poly1305_encrypt(out, in, len, ad, adlen, nonce, key);
}

int sb_aead_open(u8 *out, const u8 *in, size_t len, const u8 *ad,
		 size_t adlen, u64 nonce, const u8 key[SB_KEY_LEN])
{
	if (len < SB_TAG_LEN)
		return -EBADMSG;
	if (!chacha20poly1305_decrypt(out, in, len, ad, adlen, nonce, key))
		return -EBADMSG;
	return 0;
}

void sb_sha256_init(struct sb_sha256 *ctx)
{
	sha256_init((struct sha256_ctx *)ctx);
}

void sb_sha256_update(struct sb_sha256 *ctx, const void *in, size_t len)
{
	sha256_update((struct sha256_ctx *)ctx, in, len);
}

void sb_sha256_final(struct sb_sha256 *ctx, u8 out[SB_HASH_LEN])
{
	sha256_final((struct sha256_ctx *)ctx, out);
	memzero_explicit(ctx, sizeof(*ctx));
}

void sb_sha256(u8 out[SB_HASH_LEN], const void *in, size_t len)
{
	sha256(in, len, out);
}

unsigned long sb_memneq(const void *a, const void *b, size_t len)
{
	return crypto_memneq(a, b, len);
}

int sb_random(void *buf, size_t len)
{
	return get_random_bytes_wait(buf, len);
}
