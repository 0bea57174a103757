// SPDX-License-Identifier: GPL-2.0-only
#include <crypto/aes.h>

#include "tpm_kdf.h"

/* Parameters are at most a few blocks long: expanding the key for each is no matter. */
void sb_aes128_block(const u8 key[SB_AES128_LEN], u8 out[SB_AES128_LEN],
		     const u8 in[SB_AES128_LEN])
{
	sb_compat_aes_key k;

	/* Fails for a wrong key length only. */
	if (WARN_ON_ONCE(sb_compat_aes_prepare(&k, key, SB_AES128_LEN)))
		memset(&k, 0, sizeof(k));
	aes_encrypt(&k, out, in);
	memzero_explicit(&k, sizeof(k));
}
