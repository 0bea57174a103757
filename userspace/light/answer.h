/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An endpoint's answers, from bytes to what they say; nothing is believed yet. Pure. The forms are
 * those of CometBFT v0.38 (rpc/core/types/responses.go); members that are not known are passed over.
 */
#ifndef SB_LIGHT_ANSWER_H
#define SB_LIGHT_ANSWER_H

#include <json-c/json.h>

#include "common/error.h"
#include "light/block.h"
#include "light/fault.h"
#include "light/query.h"

#define SB_ANSWER_LOG		256	/* room for a sentence of the application's */
#define SB_RESULTS_MAX		4096	/* transactions of a block whose results are read */

/*
 * sb_answer_result() - the result of an answer to the question @id. Out: *result, to be put.
 * Returns a fault of answers: TRUNCATED, ANSWER, ID, RPC, TOO_HIGH, NOT_AVAILABLE, NOT_FOUND, KNOWN.
 */
enum sb_fault sb_answer_result(const void *data, size_t length, int64_t id, json_object **result,
			       struct sb_error *error);

/* The rest returns NONE, or ANSWER, or LOCAL without memory. Outputs are untouched then. */

/* commit: fills header and commit of the block. */
enum sb_fault sb_answer_commit(json_object *result, struct sb_light_block *block, struct sb_error *error);

/* header */
enum sb_fault sb_answer_header(json_object *result, struct sb_header *header, struct sb_error *error);

/* A page of validators: what it says of itself, and its array, which is the result's. */
struct sb_answer_page {
	int64_t height, count, total;
	json_object *validators;
};
enum sb_fault sb_answer_validators(json_object *result, struct sb_answer_page *page, struct sb_error *error);

struct sb_answer_status {
	char chain[SB_CHAIN_NAME_MAX + 1];
	int64_t height;
	struct sb_chain_time time;
	bool catching_up;
};
enum sb_fault sb_answer_status(json_object *result, struct sb_answer_status *status, struct sb_error *error);

/* What an application said to a transaction: 0 is taken. */
struct sb_answer_code {
	uint32_t code;
	char log[SB_ANSWER_LOG];
};

/* broadcast_tx_sync */
enum sb_fault sb_answer_checked(json_object *result, struct sb_answer_code *code, struct sb_error *error);

/* broadcast_tx_commit: height 0 where the transaction was refused at once, and code says why. */
struct sb_answer_committed {
	struct sb_answer_code code;
	int64_t height;
};
enum sb_fault sb_answer_committed(json_object *result, struct sb_answer_committed *committed,
				  struct sb_error *error);

/* tx with its proof; owns its memory: sb_answer_tx_free(). */
struct sb_answer_tx {
	int64_t height;
	uint32_t index;
	struct sb_answer_code code;
	uint8_t *tx;
	size_t tx_length;
	uint8_t *hashes;		/* what the proof points into */
	struct sb_merkle_proof proof;
};
void sb_answer_tx_free(struct sb_answer_tx *tx);
enum sb_fault sb_answer_tx(json_object *result, struct sb_answer_tx *tx, struct sb_error *error);

/* block_results: the root over all (types/results.go), and what it says of the one at an index. */
struct sb_answer_results {
	int64_t height;
	size_t count;
	uint8_t root[32];
	struct sb_answer_code code;
};
enum sb_fault sb_answer_results(json_object *result, uint32_t index, struct sb_answer_results *results,
				struct sb_error *error);

/* abci_query: *answer is to be freed. */
enum sb_fault sb_answer_query(json_object *result, struct sb_query_answer *answer, struct sb_error *error);

#endif
