/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP around the RPC: POST /, GET /METHOD?…, and /websocket. */
#ifndef SB_LEDGER_SERVER_H
#define SB_LEDGER_SERVER_H

#include "common/error.h"
#include "ledger/rpc.h"

struct sb_server_options {
	const char *listen;		/* ADDR:PORT, [ADDR6]:PORT, or the path of a socket */
	const char *certificate, *key;	/* PEM files; NULL: no TLS */
	unsigned int connections;	/* at once */
	unsigned int per_address;	/* of one address; 0: as many */
	unsigned int threads;
	unsigned int timeout;		/* seconds without a byte */
};

struct sb_server;

/* The rpc is the caller's and stays. 0, or -errno with a sentence. */
int sb_server_start(const struct sb_server_options *options, struct sb_rpc *rpc, struct sb_server **server,
		    struct sb_error *error);

/* Ends all connections, those that wait with an answer. */
void sb_server_stop(struct sb_server *server);

/* A listener of the chain. */
void sb_server_hear(void *server, const struct sb_chain_event *event);

#endif
