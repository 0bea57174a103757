/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CometBFT's JSON-RPC at one endpoint. Nothing is believed here: light/verify.h and light/query.h
 * judge. Each call ends by its deadline, reads no more than the method's answers can be long, and
 * returns NONE or what is wrong with the endpoint, with a sentence. Outputs are untouched then.
 */
#ifndef SB_LIGHT_RPC_H
#define SB_LIGHT_RPC_H

#include "light/answer.h"
#include "light/http.h"

struct sb_rpc;

/* NULL: no memory. The URL is to be valid (sb_http_valid()). */
struct sb_rpc *sb_rpc_open(const struct sb_http_config *config);
void sb_rpc_close(struct sb_rpc *rpc);

/* Until when calls may take, in ms of sb_rpc_now(), and at most how long one. */
void sb_rpc_deadline(struct sb_rpc *rpc, int64_t deadline, uint32_t call_ms);
int64_t sb_rpc_now(void);

struct sb_rpc_counters {
	uint64_t calls, in, out;	/* bytes of HTTP */
	uint64_t us;			/* that the last call took */
};
void sb_rpc_counters(const struct sb_rpc *rpc, struct sb_rpc_counters *counters);

/* @height 0: the latest. Fills the block's header and commit; the validators are left alone. */
enum sb_fault sb_rpc_commit(struct sb_rpc *rpc, int64_t height, struct sb_light_block *block,
			    struct sb_error *error);

/* The header alone. */
enum sb_fault sb_rpc_header(struct sb_rpc *rpc, int64_t height, struct sb_header *header,
			    struct sb_error *error);

/* All pages. */
enum sb_fault sb_rpc_validators(struct sb_rpc *rpc, int64_t height, struct sb_validator_set *set,
				struct sb_error *error);

enum sb_fault sb_rpc_status(struct sb_rpc *rpc, struct sb_answer_status *status, struct sb_error *error);

enum sb_fault sb_rpc_broadcast_sync(struct sb_rpc *rpc, const void *tx, size_t length,
				    struct sb_answer_code *code, struct sb_error *error);
enum sb_fault sb_rpc_broadcast_commit(struct sb_rpc *rpc, const void *tx, size_t length,
				      struct sb_answer_committed *committed, struct sb_error *error);

/* @hash: SHA-256 of the transaction. */
enum sb_fault sb_rpc_tx(struct sb_rpc *rpc, const uint8_t hash[32], struct sb_answer_tx *tx,
			struct sb_error *error);
enum sb_fault sb_rpc_results(struct sb_rpc *rpc, int64_t height, uint32_t index,
			     struct sb_answer_results *results, struct sb_error *error);

/* @height 0: what the endpoint has. */
enum sb_fault sb_rpc_query(struct sb_rpc *rpc, const char *path, const void *data, size_t length,
			   int64_t height, bool prove, struct sb_query_answer *answer,
			   struct sb_error *error);

#endif
