/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The AES library's encryption key: aes_expandkey() up to 7.0, aes_prepareenckey() since;
 * both are there for some releases. aes-cbc-macs.h came after the new one.
 */
#ifndef SB_COMPAT_CRYPTO_AES_H
#define SB_COMPAT_CRYPTO_AES_H

#include_next <crypto/aes.h>

#if __has_include(<crypto/aes-cbc-macs.h>)
typedef struct aes_enckey sb_compat_aes_key;

static inline int sb_compat_aes_prepare(sb_compat_aes_key *key, const u8 *raw, u32 len)
{
	return aes_prepareenckey(key, raw, len);
}
#else
typedef struct crypto_aes_ctx sb_compat_aes_key;

static inline int sb_compat_aes_prepare(sb_compat_aes_key *key, const u8 *raw, u32 len)
{
	return aes_expandkey(key, raw, len);
}
#endif

#endif
