/* SPDX-License-Identifier: Apache-2.0 */
/* For tests that need chosen random bytes, or a generator that fails. */
#ifndef SB_SHIM_RANDOM_H
#define SB_SHIM_RANDOM_H

#include <stddef.h>

/* When set, what sb_random() returns and writes. */
extern int (*sb_shim_random)(void *buf, size_t len);

#endif
