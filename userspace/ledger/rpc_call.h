/* SPDX-License-Identifier: Apache-2.0 */
/* Between the dispatcher and the methods: one call, its parameters, its result. */
#ifndef SB_LEDGER_RPC_CALL_H
#define SB_LEDGER_RPC_CALL_H

#include "ledger/rpc.h"
#include "ledger/rpc_json.h"

enum sb_rpc_code {
	SB_RPC_PARSE = -32700,
	SB_RPC_REQUEST = -32600,
	SB_RPC_METHOD = -32601,
	SB_RPC_PARAMS = -32602,
	SB_RPC_INTERNAL = -32603,	/* every error of a method, as CometBFT has it */
};

enum { SB_RPC_OK = 0, SB_RPC_FAILED = -1, SB_RPC_PARKED = 1 };

struct sb_rpc_call {
	struct sb_rpc *rpc;
	json_object *params;		/* an object, or NULL */
	bool uri;			/* the parameters are words of a URI */
	struct sb_json *json;		/* the result goes there */
	int code;			/* of an error */
	char error[512];
	/* of broadcast_tx_commit */
	struct sb_tx_wait *wait;	/* NULL: waiting is not possible */
	bool resumed;
};

/* Returns SB_RPC_FAILED. */
int sb_rpc_fail(struct sb_rpc_call *call, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Parameters: true and *there, which is false where it is missing or null; false: the call has failed. */
bool sb_rpc_int64(struct sb_rpc_call *call, const char *name, int64_t *value, bool *there);
bool sb_rpc_bool(struct sb_rpc_call *call, const char *name, bool *value);	/* missing: false */
bool sb_rpc_text(struct sb_rpc_call *call, const char *name, char *out, size_t room);	/* missing: "" */

/*
 * Bytes, to be freed; NULL and 0 where they are missing. In JSON base64, or hex for what CometBFT calls
 * HexBytes; in a URI 0x and hex, or a string in quotation marks as it is.
 */
bool sb_rpc_bytes(struct sb_rpc_call *call, const char *name, bool hex, uint8_t **data, size_t *length);

/* The parameter height: the tip where it is missing, the tip + over at most. Out: the tip, too. */
bool sb_rpc_height(struct sb_rpc_call *call, int64_t over, int64_t *height, struct sb_chain_tip *tip);

/* A stored block with its bytes. */
struct sb_stored {
	uint8_t *bytes;
	size_t length;
	struct sb_block block;
	struct sb_commit commit;
};
/* 0, or -ENOENT where it is not there; the call is not answered with an error. */
int sb_rpc_read(struct sb_rpc_call *call, int64_t height, struct sb_stored *stored);
bool sb_rpc_load(struct sb_rpc_call *call, int64_t height, struct sb_stored *stored);
/* The lowest, even while old blocks are being removed. */
bool sb_rpc_load_first(struct sb_rpc_call *call, int64_t *height, struct sb_stored *stored);
void sb_stored_free(struct sb_stored *stored);

typedef int sb_rpc_method(struct sb_rpc_call *call);

/* rpc_info.c */
sb_rpc_method sb_rpc_health, sb_rpc_status, sb_rpc_genesis, sb_rpc_genesis_chunked, sb_rpc_net_info,
	sb_rpc_abci_info, sb_rpc_abci_query, sb_rpc_consensus_params, sb_rpc_validators;
/* rpc_blocks.c */
sb_rpc_method sb_rpc_commit, sb_rpc_header, sb_rpc_header_by_hash, sb_rpc_block, sb_rpc_block_by_hash,
	sb_rpc_block_results, sb_rpc_blockchain;
/* rpc_txs.c */
sb_rpc_method sb_rpc_broadcast_sync, sb_rpc_broadcast_async, sb_rpc_broadcast_commit, sb_rpc_check_tx, sb_rpc_tx,
	sb_rpc_tx_search, sb_rpc_unconfirmed, sb_rpc_num_unconfirmed;

#endif
