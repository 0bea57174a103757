/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the chain on the disk. */
#ifndef SB_LEDGER_BLOCKS_INTERNAL_H
#define SB_LEDGER_BLOCKS_INTERNAL_H

#include "ledger/blocks.h"
#include "tree/lmdb.h"

/* Behind the tables that are read by height. */
enum { SB_BLOCKS_TXS = SB_BLOCKS_APP_HASH + 1, SB_BLOCKS_HASHES, SB_BLOCKS_HEAD, SB_BLOCKS_GAPS, SB_BLOCKS_ALL };

struct sb_blocks {
	MDB_env *env;
	MDB_dbi table[SB_BLOCKS_ALL];
};

/* Where a transaction is; integers big endian. */
struct sb_blocks_place {
	uint64_t height;
	uint32_t index, code;
};

int sb_blocks_read_gaps(struct sb_blocks *blocks, MDB_txn *txn, struct sb_gap gaps[SB_GAPS_MAX], size_t *count);

#endif
