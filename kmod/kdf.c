// SPDX-License-Identifier: GPL-2.0-only
#include "kdf.h"
#include "noise.h"

static const char label[] = "Sealbond v1 esp";	/* 15 bytes, no end mark */

#define LABEL_LEN	(sizeof(label) - 1)
#define INFO_LEN	(LABEL_LEN + SB_HASH_LEN + 1 + 1 + 4)

void sb_kdf_esp(u8 out[SB_ESP_KEY_LEN], const u8 ck[SB_HASH_LEN],
		const u8 h[SB_HASH_LEN], enum sb_alg alg,
		enum sb_direction dir, u32 spi)
{
	u8 prk[SB_HASH_LEN], t[SB_HASH_LEN];
	u8 in[SB_HASH_LEN + INFO_LEN + 1];	/* T(i-1), info, i */
	u8 *info = in + SB_HASH_LEN;

	memcpy(info, label, LABEL_LEN);
	memcpy(info + LABEL_LEN, h, SB_HASH_LEN);
	info[LABEL_LEN + SB_HASH_LEN] = alg;
	info[LABEL_LEN + SB_HASH_LEN + 1] = dir;
	put_unaligned_be32(spi, info + LABEL_LEN + SB_HASH_LEN + 2);

	sb_hmac_blake2s(prk, label, LABEL_LEN, ck, SB_HASH_LEN);
	info[INFO_LEN] = 1;
	sb_hmac_blake2s(t, prk, SB_HASH_LEN, info, INFO_LEN + 1);
	memcpy(out, t, SB_HASH_LEN);
	memcpy(in, t, SB_HASH_LEN);
	info[INFO_LEN] = 2;
	sb_hmac_blake2s(t, prk, SB_HASH_LEN, in, sizeof(in));
	memcpy(out + SB_HASH_LEN, t, SB_ESP_KEY_LEN - SB_HASH_LEN);

	memzero_explicit(prk, sizeof(prk));
	memzero_explicit(t, sizeof(t));
	memzero_explicit(in, sizeof(in));
}
