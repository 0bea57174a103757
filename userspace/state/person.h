/* SPDX-License-Identifier: Apache-2.0 */
/* What people sign, and who has signed (BIP-340 over secp256k1). Pure; for several threads. */
#ifndef SB_STATE_PERSON_H
#define SB_STATE_PERSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SB_PERSON_TAG	"sealbond tx v1"

/*
 * sb_person_message() - SHA-256 of SB_PERSON_TAG with its NUL || length of the chain's name, one byte || the
 * name || key || sequence, 8 bytes big endian || SHA-256 of the body.
 */
void sb_person_message(const char *chain, const uint8_t key[32], uint64_t sequence, const uint8_t *body,
		       size_t length, uint8_t message[32]);

/* A key is an x coordinate on the curve. */
bool sb_person_key_is_valid(const uint8_t key[32]);

bool sb_person_has_signed(const uint8_t key[32], const uint8_t message[32], const uint8_t signature[64]);

#endif
