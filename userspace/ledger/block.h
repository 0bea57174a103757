/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block as CometBFT v0.38 encodes and hashes it (spec/core/data_structures.md, types/block.go,
 * proto/tendermint/types). Pure. What is written here is what a light client and a full node would hash.
 */
#ifndef SB_LEDGER_BLOCK_H
#define SB_LEDGER_BLOCK_H

#include "ledger/app.h"
#include "light/block.h"

#define SB_PART_LEN	65536	/* bytes; a block travels in parts of this size */
#define SB_BLOCK_MAX	(100U << 20)	/* bytes of a whole block (types/params.go, MaxBlockSizeBytes) */

/* Somebody else's bytes. */
struct sb_tx {
	const uint8_t *data;
	size_t length;
};

struct sb_block {
	struct sb_header header;
	struct sb_commit last_commit;	/* of the block before: height 0 and no votes in block 1 */
	struct sb_tx *txs;
	size_t count;
};

/* Frees the arrays, not the transactions' bytes. */
void sb_block_free(struct sb_block *block);
void sb_commit_free(struct sb_commit *commit);

/* Out: *data, to be freed. 0 or -ENOMEM; -EFBIG above SB_BLOCK_MAX. */
int sb_block_encode(const struct sb_block *block, uint8_t **data, size_t *length);
int sb_commit_encode(const struct sb_commit *commit, uint8_t **data, size_t *length);

/*
 * What sb_*_encode has written, and nothing else: 0, -ENOMEM or -EBADMSG. The transactions point into data;
 * the caller frees the block.
 */
int sb_block_decode(const uint8_t *data, size_t length, struct sb_block *block);
int sb_commit_decode(const uint8_t *data, size_t length, struct sb_commit *commit);

/* Number and Merkle root of the parts of an encoded block (types/part_set.go). */
void sb_block_parts(const uint8_t *data, size_t length, struct sb_block_id *id);

/* The hashes that a header has of what is beside it. */
void sb_data_hash(const struct sb_tx *txs, size_t count, struct sb_chain_hash *hash);
void sb_commit_hash(const struct sb_commit *commit, struct sb_chain_hash *hash);
void sb_results_hash(const struct sb_tx_result *results, size_t count, struct sb_chain_hash *hash);
void sb_consensus_hash(int64_t max_bytes, int64_t max_gas, struct sb_chain_hash *hash);
void sb_evidence_hash(struct sb_chain_hash *hash);	/* of none */

/* Results as they are kept: ExecTxResult messages in field 1. As sb_block_encode, sb_block_decode. */
int sb_results_encode(const struct sb_tx_result *results, size_t count, uint8_t **data, size_t *length);
int sb_results_decode(const uint8_t *data, size_t length, struct sb_tx_result **results, size_t *count);

/*
 * The way from a transaction to the data hash: the leaf's hash and its aunts from below. Out: at most
 * SB_TX_AUNTS. Returns their number.
 */
#define SB_TX_AUNTS	32
unsigned int sb_tx_path(const struct sb_tx *txs, size_t count, size_t index, uint8_t leaf[32],
			uint8_t aunts[SB_TX_AUNTS][32]);

#endif
