/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The key derivations of TPM 2.0 sessions, SHA-256 throughout (TPM 2.0 part 1, 11.4.10,
 * "Key Derivation Functions", and 21, "Session-based encryption"). Pure.
 */
#ifndef SB_TPM_KDF_H
#define SB_TPM_KDF_H

#include "crypto.h"

#define SB_AES128_LEN	16	/* key and block */

struct sb_hmac {
	struct sb_sha256 inner;
	u8 opad[64];
};

/* HMAC-SHA-256 (RFC 2104). len of the key: at most 64 bytes. final wipes. */
void sb_hmac_init(struct sb_hmac *h, const u8 *key, size_t len);
void sb_hmac_update(struct sb_hmac *h, const void *in, size_t len);
void sb_hmac_final(struct sb_hmac *h, u8 out[SB_HASH_LEN]);

/*
 * KDFa: out_len bytes (at most 8,000) from key, label (its NUL is hashed too) and two
 * contexts of 32 bytes each.
 */
void sb_kdfa(u8 *out, size_t out_len, const u8 key[SB_HASH_LEN], const char *label,
	     const u8 u[SB_HASH_LEN], const u8 v[SB_HASH_LEN]);

/* KDFe with a 256-bit result: z is the shared x, u and v the parties' x coordinates. */
void sb_kdfe(u8 out[SB_HASH_LEN], const u8 z[32], const char *label, const u8 u[32],
	     const u8 v[32]);

/* AES-128-CFB (SP 800-38A, 128-bit segments), in place; the last segment may be short. */
void sb_cfb_encrypt(const u8 key[SB_AES128_LEN], const u8 iv[SB_AES128_LEN], u8 *data,
		    size_t len);
void sb_cfb_decrypt(const u8 key[SB_AES128_LEN], const u8 iv[SB_AES128_LEN], u8 *data,
		    size_t len);

/*
 * One AES-128 block, forward; out and in may be the same. The kernel's is in
 * tpm_aes.c, a test brings its own.
 */
void sb_aes128_block(const u8 key[SB_AES128_LEN], u8 out[SB_AES128_LEN],
		     const u8 in[SB_AES128_LEN]);

#endif
