/* SPDX-License-Identifier: Apache-2.0 */
/* genesis.json in CometBFT's form (types/genesis.go), as far as a chain with one validator has use for it. */
#ifndef SB_LEDGER_GENESIS_H
#define SB_LEDGER_GENESIS_H

#include "common/error.h"
#include "light/block.h"

#define SB_GENESIS_MAX	(64U << 20)	/* bytes of the file */

struct sb_genesis {
	char chain[SB_CHAIN_NAME_MAX + 1];
	struct sb_chain_time time;	/* of block 1 */
	int64_t max_bytes, max_gas;	/* of a block; they are in each header's consensus hash */
	uint64_t app_version;
	struct sb_validator validator;
	char *app_state;		/* JSON text */
	char *text;			/* the whole document, without blanks */
};

void sb_genesis_free(struct sb_genesis *genesis);

/* 0, or -errno with a sentence that names what is wrong. */
int sb_genesis_read(const char *path, struct sb_genesis *genesis, struct sb_error *error);

/* Writes a new file; app_state: JSON text of the application. */
int sb_genesis_create(const char *path, const struct sb_genesis *genesis, struct sb_error *error);

#endif
