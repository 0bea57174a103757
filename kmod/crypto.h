/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The primitives that pure files use. kmod/crypto.c implements them with the
 * kernel's crypto library, tests/shim/crypto.c with OpenSSL. Outputs come
 * first. Inputs and outputs may be the same buffer. Process context.
 */
#ifndef SB_CRYPTO_H
#define SB_CRYPTO_H

#include "pure.h"

#define SB_KEY_LEN	32	/* X25519 keys and points, ChaCha20-Poly1305 keys */
#define SB_HASH_LEN	32	/* BLAKE2s and SHA-256 */
#define SB_TAG_LEN	16	/* Poly1305 */
#define SB_BLAKE2S_BLOCK 64

/*
 * X25519 (RFC 7748): out = priv * point. The scalar is clamped here.
 * Returns 0, or -EINVAL when the result is all zero (a point of low order);
 * out is untouched then.
 */
int __must_check sb_x25519(u8 out[SB_KEY_LEN], const u8 priv[SB_KEY_LEN],
			   const u8 point[SB_KEY_LEN]);

/* The public key of priv. Returns 0 or -EINVAL; pub is untouched on failure. */
int __must_check sb_x25519_base(u8 pub[SB_KEY_LEN], const u8 priv[SB_KEY_LEN]);

/* BLAKE2s (RFC 7693). Opaque; every init must be followed by a final. */
struct sb_blake2s {
	u64 opaque[16];
};

/*
 * outlen: 1..32, with a key of keylen 1..32 bytes; or exactly 32 with
 * keylen 0 (the only unkeyed length that the project uses).
 */
void sb_blake2s_init(struct sb_blake2s *ctx, size_t outlen,
		     const void *key, size_t keylen);
void sb_blake2s_update(struct sb_blake2s *ctx, const void *in, size_t len);
/* Writes outlen bytes and wipes the context. */
void sb_blake2s_final(struct sb_blake2s *ctx, u8 *out);

void sb_blake2s(u8 *out, size_t outlen, const void *key, size_t keylen,
		const void *in, size_t len);

/*
 * ChaCha20-Poly1305 (RFC 8439) with the Noise nonce: 32 zero bits, then the
 * counter in little-endian order (Noise section 12.3).
 * Seal writes len + SB_TAG_LEN bytes; open takes len bytes with the tag
 * (len >= SB_TAG_LEN), writes len - SB_TAG_LEN.
 */
void sb_aead_seal(u8 *out, const u8 *in, size_t len, const u8 *ad, size_t adlen,
		  u64 nonce, const u8 key[SB_KEY_LEN]);
/* Returns 0, or -EBADMSG when it does not authenticate (out is then undefined). */
int __must_check sb_aead_open(u8 *out, const u8 *in, size_t len, const u8 *ad,
			      size_t adlen, u64 nonce, const u8 key[SB_KEY_LEN]);

/* SHA-256 (FIPS 180-4). Opaque; every init must be followed by a final. */
struct sb_sha256 {
	u64 opaque[16];
};

void sb_sha256_init(struct sb_sha256 *ctx);
void sb_sha256_update(struct sb_sha256 *ctx, const void *in, size_t len);
/* Writes the digest and wipes the context. */
void sb_sha256_final(struct sb_sha256 *ctx, u8 out[SB_HASH_LEN]);

void sb_sha256(u8 out[SB_HASH_LEN], const void *in, size_t len);

/* Constant time: nonzero when the len bytes differ. */
unsigned long sb_memneq(const void *a, const void *b, size_t len);

/*
 * len random bytes fit for keys. Sleeps until the kernel's generator is
 * seeded. Returns 0, or a negative errno when a signal came first; buf must
 * not be used then.
 */
int __must_check sb_random(void *buf, size_t len);

#endif
