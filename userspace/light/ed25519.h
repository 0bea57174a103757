/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ed25519 (RFC 8032) as a light client needs it. Stricter than a validator's ZIP-215: points and
 * scalars in other than their canonical encoding, and keys of small order, are refused.
 */
#ifndef SB_LIGHT_ED25519_H
#define SB_LIGHT_ED25519_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool sb_ed25519_verify(const uint8_t key[32], const void *message, size_t length,
		       const uint8_t signature[64]);

#endif
