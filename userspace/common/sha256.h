/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 (FIPS 180-4) of public things: names and ids. Keeps libcrypto out of the helper. */
#ifndef SB_SHA256_H
#define SB_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SB_SHA256_LEN	32

struct sb_digest {
	uint32_t state[8];
	uint64_t length;	/* bytes */
	uint8_t block[64];
};

void sb_digest_init(struct sb_digest *hash);
void sb_digest_update(struct sb_digest *hash, const void *data, size_t length);
void sb_digest_final(struct sb_digest *hash, uint8_t digest[SB_SHA256_LEN]);

/* The compression function, of one block. */
void sb_digest_block(uint32_t state[8], const uint8_t block[64]);

/* All in one. */
void sb_digest_of(const void *data, size_t length, uint8_t digest[SB_SHA256_LEN]);

#endif
