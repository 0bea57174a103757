// SPDX-License-Identifier: Apache-2.0
/* For programs that have libcrypto anyway and hash much: its block function, which knows the processor. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>
#include <string.h>

#include "common/sha256.h"

void sb_digest_block(uint32_t state[8], const uint8_t block[64])
{
	SHA256_CTX context;

	_Static_assert(sizeof(context.h) == 8 * sizeof(uint32_t), "the state is the library's");
	memcpy(context.h, state, sizeof(context.h));
	SHA256_Transform(&context, block);
	memcpy(state, context.h, sizeof(context.h));
}
