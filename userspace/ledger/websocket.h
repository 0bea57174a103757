/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that were upgraded to WebSocket: one thread serves all of them. Whoever does not read what is
 * sent is cut off; nobody makes a block wait.
 */
#ifndef SB_LEDGER_WEBSOCKET_H
#define SB_LEDGER_WEBSOCKET_H

#include "ledger/rpc.h"

#define SB_WS_MESSAGE_MAX	(128U << 10)	/* bytes that a client may send as one message */
#define SB_WS_QUEUE_MAX		(4U << 20)	/* bytes that may wait to be sent */
#define SB_WS_SUBSCRIPTIONS	5		/* of one connection (config/config.go) */
#define SB_WS_CONNECTIONS	128
#define SB_WS_PING_MS		30000		/* after a silence so long it is pinged, after three it ends */

struct sb_ws_hub;

/* close: what ends a connection, by the handle of sb_ws_adopt. NULL: no memory or no thread. */
struct sb_ws_hub *sb_ws_start(struct sb_rpc *rpc, void (*close)(void *handle));
void sb_ws_stop(struct sb_ws_hub *hub);

/* Takes a socket over, with what its client has sent already. False: there are too many; it is the caller's. */
bool sb_ws_adopt(struct sb_ws_hub *hub, int fd, void *handle, const char *early, size_t length);

/* Tells subscribers; from the thread of the blocks. */
void sb_ws_hear(struct sb_ws_hub *hub, const struct sb_chain_event *event);

#endif
