/* SPDX-License-Identifier: GPL-2.0-only */
/* The library's SHA-256 context, by its newer name; the test is in Kbuild. */
#ifndef SB_COMPAT_CRYPTO_SHA2_H
#define SB_COMPAT_CRYPTO_SHA2_H

#include_next <crypto/sha2.h>

#ifndef SB_HAVE_SHA256_CTX
#define sha256_ctx sha256_state
#endif

#endif
