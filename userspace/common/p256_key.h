/* SPDX-License-Identifier: Apache-2.0 */
/* A P-256 key that signs: release and grant keys, with libcrypto. */
#ifndef SB_P256_KEY_H
#define SB_P256_KEY_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct sb_p256_key;

/* Reads a PEM file. 0, or a negative errno with a sentence. */
int sb_p256_key_open(const char *path, struct sb_p256_key **key, struct sb_error *error);

/* NULL is allowed. */
void sb_p256_key_close(struct sb_p256_key *key);

/* x || y, big endian; belongs to the key. */
const uint8_t *sb_p256_key_point(const struct sb_p256_key *key);

/*
 * sb_p256_key_sign() - ECDSA with SHA-256 over a message; r || s, with s in its lower form. For several threads
 * with one key. 0 or -EIO.
 */
int sb_p256_key_sign(const struct sb_p256_key *key, const uint8_t *message, size_t length, uint8_t signature[64]);

#endif
