/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application behind ABCI 2.0 (CometBFT v0.38): one request in, one response out. Any number of connections may
 * ask at the same time, each from one thread: blocks come over one of them at a time, what is asked of the last
 * committed state waits for no block. Nothing is kept before Commit.
 */
#ifndef SB_ABCI_H
#define SB_ABCI_H

#include "abci/frame.h"
#include "abci/snapshots.h"
#include "ledger/app.h"

#define SB_ABCI_APP_VERSION	1	/* in the headers' version */

struct sb_abci_options {
	int64_t retain;			/* blocks that CometBFT keeps; 0: all */
	int64_t snapshot_every;		/* blocks between two snapshots; 0: none are made */
	unsigned int snapshots;		/* that are kept */
};

/* Framed messages that go out. All zeros is empty. */
struct sb_abci_output {
	uint8_t *data;
	size_t length, room;
};

/* A connection. All zeros is a new one. */
struct sb_abci_caller {
	bool in_block;			/* it has begun a block that is not committed */
	bool finished;			/* and that block has its app hash */
};

struct sb_abci;

/* home: where snapshots are. app and options have to stay. 0, or -errno with a sentence. */
int sb_abci_new(const char *home, const struct sb_app *app, const struct sb_abci_options *options,
		struct sb_abci **abci, struct sb_error *error);

/* After the last caller has left; ends the making of a snapshot. */
void sb_abci_free(struct sb_abci *abci);

/*
 * sb_abci_answer() - adds the response to a request. 0; -EPROTO: no request, or one out of order, the connection
 * has to end; another: the application cannot go on, nor may the process. In both cases the response is an
 * exception, and error has its sentence.
 */
int sb_abci_answer(struct sb_abci *abci, struct sb_abci_caller *caller, const uint8_t *message, size_t length,
		   struct sb_abci_output *out, struct sb_error *error);

/*
 * What the pool asks comes many at a time: CheckTx, and Flush between. Such requests that are there together are looked
 * at on all processors and answered in their order. The messages have to stay where they are until then.
 */
#define SB_ABCI_POOL_MOST	64
struct sb_abci_pool {
	const uint8_t *message[SB_ABCI_POOL_MOST];
	size_t length[SB_ABCI_POOL_MOST];
	size_t count;
};

/* May it be among them? */
bool sb_abci_is_of_pool(const uint8_t *message, size_t length);

/* Adds all their responses, and empties the pool. The result and error: of the first that is as in sb_abci_answer(). */
int sb_abci_answer_pool(struct sb_abci *abci, struct sb_abci_caller *caller, struct sb_abci_pool *pool,
			struct sb_abci_output *out, struct sb_error *error);

/* In the thread of its requests: what it has begun and not committed is forgotten. */
void sb_abci_leave(struct sb_abci *abci, struct sb_abci_caller *caller);

void sb_abci_output_free(struct sb_abci_output *out);

#endif
