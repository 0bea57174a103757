/* SPDX-License-Identifier: GPL-2.0-only */
/* BLAKE2s's context, by its newer name; the test is in Kbuild. */
#ifndef SB_COMPAT_CRYPTO_BLAKE2S_H
#define SB_COMPAT_CRYPTO_BLAKE2S_H

#include_next <crypto/blake2s.h>

#ifndef SB_HAVE_BLAKE2S_CTX
#define blake2s_ctx blake2s_state
#endif

#endif
