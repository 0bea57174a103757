/* SPDX-License-Identifier: Apache-2.0 */
/* A chain's directory: made once, held by one process. */
#ifndef SB_LEDGER_HOME_H
#define SB_LEDGER_HOME_H

#include "ledger/chain.h"

#define SB_BLOCK_BYTES_DEFAULT	(4 << 20)

/* Makes a home with a new validator and its genesis. state: a JSON file of the application, or NULL: {}. */
int sb_home_init(const char *home, const char *chain, const char *state, struct sb_error *error);

/* Returns a descriptor that holds the home until it is closed; -EBUSY where another process does. */
int sb_home_lock(const char *home, struct sb_error *error);

/* Writes the validator's state anew from the last block's commit, where it is missing. */
int sb_home_recover(const char *home, int64_t *height, struct sb_error *error);

#endif
