/* SPDX-License-Identifier: GPL-2.0-only */
/* ESP keys from a finished handshake: docs/protocol.md, "Traffic keys". */
#ifndef SB_KDF_H
#define SB_KDF_H

#include "crypto.h"

/* Key and salt, as rfc4106(gcm(aes)) and rfc7539esp(chacha20,poly1305) take them. */
#define SB_ESP_KEY_LEN 36

enum sb_alg {
	SB_ALG_AES256GCM = 0,		/* RFC 4106, 16-byte ICV */
	SB_ALG_CHACHA20POLY1305 = 1,	/* RFC 7634 */
	SB_ALG_COUNT,
};

enum sb_direction {
	SB_DIR_FROM_INITIATOR = 0,
	SB_DIR_FROM_RESPONDER = 1,
};

/*
 * out = HKDF-BLAKE2s (RFC 5869), ck: final chaining key, h: final transcript
 * hash, spi: host order, the SPI of the SA that the key is for.
 */
void sb_kdf_esp(u8 out[SB_ESP_KEY_LEN], const u8 ck[SB_HASH_LEN],
		const u8 h[SB_HASH_LEN], enum sb_alg alg,
		enum sb_direction dir, u32 spi);

#endif
