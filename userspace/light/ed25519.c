// SPDX-License-Identifier: Apache-2.0
#include "light/ed25519.h"

#include <sodium.h>

bool sb_ed25519_verify(const uint8_t key[32], const void *message, size_t length,
		       const uint8_t signature[64])
{
	return crypto_sign_verify_detached(signature, message, length, key) == 0;
}
