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

/* Somebody else's memory. */
struct sb_ed25519_item {
	const uint8_t *key, *message, *signature;
	size_t length;
};

#define SB_ED25519_ALL	64	/* at once: what the stack is taken for, 160 KiB */

/*
 * sb_ed25519_verify_all() - at most SB_ED25519_ALL, in two thirds of the time. True: all are valid, by
 * the cofactored equation of RFC 8032 (and of CometBFT) and with canonical encodings. False: at
 * least one is not, or needs a closer look; sb_ed25519_verify() says which.
 */
bool sb_ed25519_verify_all(const struct sb_ed25519_item *items, size_t count);

#endif
