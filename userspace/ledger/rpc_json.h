/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as CometBFT v0.38 writes them (libs/json, rpc/core/types): 64-bit integers are strings, 32-bit ones
 * numbers, hashes hex in capitals, bytes base64.
 */
#ifndef SB_LEDGER_RPC_JSON_H
#define SB_LEDGER_RPC_JSON_H

#include "common/json.h"
#include "ledger/chain.h"

void sb_put_int64(struct sb_json *json, const char *key, int64_t value);
void sb_put_hex(struct sb_json *json, const char *key, const uint8_t *data, size_t length);
void sb_put_base64(struct sb_json *json, const char *key, const uint8_t *data, size_t length);
void sb_put_time(struct sb_json *json, const char *key, struct sb_chain_time time);

void sb_put_block_id(struct sb_json *json, const char *key, const struct sb_block_id *id);
void sb_put_header(struct sb_json *json, const char *key, const struct sb_header *header);
void sb_put_commit(struct sb_json *json, const char *key, const struct sb_commit *commit);
void sb_put_block(struct sb_json *json, const char *key, const struct sb_block *block);
void sb_put_validator(struct sb_json *json, const char *key, const struct sb_validator *validator);
void sb_put_params(struct sb_json *json, const char *key, const struct sb_genesis *genesis);

/* An ExecTxResult or CheckTx response; null data where there is none. */
void sb_put_result(struct sb_json *json, const char *key, const struct sb_tx_result *result);

#endif
