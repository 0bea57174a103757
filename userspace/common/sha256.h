/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) of public things: names and ids. Keeps libcrypto out of the helper. */
#ifndef SB_SHA256_H
#define SB_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SB_SHA256_LEN	32

struct sb_sha256 {
	uint32_t state[8];
	uint64_t length;	/* bytes */
	uint8_t block[64];
};

void sb_sha256_init(struct sb_sha256 *hash);
void sb_sha256_update(struct sb_sha256 *hash, const void *data, size_t length);
void sb_sha256_final(struct sb_sha256 *hash, uint8_t digest[SB_SHA256_LEN]);

/* All in one. */
void sb_sha256_of(const void *data, size_t length, uint8_t digest[SB_SHA256_LEN]);

#endif
