/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CometBFT's JSON-RPC, whatever carries it: a request in bytes, an answer in bytes. docs/ledger.md says which
 * methods there are.
 */
#ifndef SB_LEDGER_RPC_H
#define SB_LEDGER_RPC_H

#include <json-c/json.h>

#include "ledger/chain.h"
#include "ledger/waits.h"

#define SB_RPC_BODY_MAX		1000000	/* bytes of a request (config/config.go, MaxBodyBytes) */
#define SB_RPC_BATCH_MAX	10	/* requests in one body */
#define SB_RPC_DEPTH_MAX	8	/* of nested JSON in a request */

struct sb_rpc {
	struct sb_chain *chain;
	struct sb_waits *waits;
	const char *listen;		/* as status shows it */
	unsigned int commit_ms;		/* how long broadcast_tx_commit waits */
};

struct sb_rpc_request;

/*
 * A request: a body with one object or an array of them, or a URI's method with its arguments as an object of
 * strings (taken over). It is run, in pieces where it has to wait, then its answer taken.
 * NULL: no memory. What is wrong with a request is said in its answer.
 */
struct sb_rpc_request *sb_rpc_open(struct sb_rpc *rpc, const char *body, size_t length);
struct sb_rpc_request *sb_rpc_open_uri(struct sb_rpc *rpc, const char *method, json_object *arguments);
void sb_rpc_close(struct sb_rpc_request *request);

/* How a request that waits is stopped and set going again (waits.h); without, broadcast_tx_commit is refused. */
void sb_rpc_parking(struct sb_rpc_request *request, void (*park)(void *), void (*wake)(void *), void *context);

/* True when it is done; false when it was parked: to be called again once it is woken. */
bool sb_rpc_run(struct sb_rpc_request *request);

/* The HTTP status and the body, which becomes the caller's; NULL: no memory. */
char *sb_rpc_answer(struct sb_rpc_request *request, size_t *length, unsigned int *status);

/* Is there such a method for a URI? */
bool sb_rpc_known(const char *method);

#endif
