/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints of a test's ledger: CometBFT's JSON-RPC over HTTP, in one thread, each with the faults that a
 * test gives it. What they serve is changed under servers_lock().
 */
#ifndef LEDGER_SERVER_H
#define LEDGER_SERVER_H

#include "fake_ledger.h"

#define SERVERS		4

enum server_fault {
	SERVER_HONEST,
	SERVER_SILENT,		/* takes the connection and says nothing */
	SERVER_ENDLESS,		/* a body without end */
	SERVER_HEADERS,		/* headers without end */
	SERVER_CUT,		/* closes in the middle of the body */
	SERVER_CUT_JSON,	/* a whole body whose JSON ends in the middle */
	SERVER_500,
	SERVER_REDIRECT,
	SERVER_HTML,
	SERVER_OTHER_ID,
	SERVER_ERROR,		/* an error of JSON-RPC */
	SERVER_CLOSES,		/* closes at once */
};

struct server {
	struct ledger *ledger;
	unsigned int behind;		/* blocks that it does not show */
	enum server_fault fault;
	const char *only;		/* the method that the fault is for; NULL: all */
	/* Changes a block that it gives. */
	void (*change)(struct sb_light_block *block);
	unsigned int change_from;	/* from this height on */
	bool old_blocks;		/* gives the block before the one that was asked for */
	/* of abci_query */
	bool other_value, other_key, pruned, denies;
	bool refuses_old;		/* as our daemon: a code, and the height that it is at */
	unsigned int late;		/* answers from a state so many heights before the one that was asked for, or its last */
	bool other_tx, other_code, no_results, forgets, swallows;
	const uint8_t *checkpoint;
	size_t checkpoint_length;
	/* what was seen */
	unsigned int requests, commits, validators, redirected;
	char url[64];
};

extern struct server server[SERVERS];

/* Starts all of them, on ports of their own; the last one on a unix socket. */
void servers_start(void);
void servers_stop(void);
void servers_lock(void);
void servers_unlock(void);

/* All honest, serving this ledger. */
void servers_reset(struct ledger *ledger);

/* Closes what listens, as if the machine were off; on again with the same address. */
void server_off(unsigned int number);
void server_on(unsigned int number);

#endif
