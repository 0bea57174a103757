/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures that have been found good, so that what was looked at when a transaction came to the door need not be
 * looked at again in its block. An id is SHA-256 over everything that the answer depends on (key, what is signed,
 * signature): whatever is kept or forgotten here, a rule's result is the same. Bounded; for several threads.
 */
#ifndef SB_STATE_VERIFIED_H
#define SB_STATE_VERIFIED_H

#include <stdbool.h>
#include <stdint.h>

#define SB_VERIFIED_KEPT	131072	/* ids; 4 MiB */

struct sb_verified;

struct sb_verified *sb_verified_new(void);	/* NULL: no memory */
void sb_verified_free(struct sb_verified *verified);

/* NULL for verified: nothing is known, nothing is kept. */
bool sb_verified_has(struct sb_verified *verified, const uint8_t id[32]);
void sb_verified_add(struct sb_verified *verified, const uint8_t id[32]);

#endif
