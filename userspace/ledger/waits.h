/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits until a transaction is in a block: broadcast_tx_commit. Any thread, but where it says otherwise. */
#ifndef SB_LEDGER_WAITS_H
#define SB_LEDGER_WAITS_H

#include "ledger/chain.h"

enum sb_wait_state {
	SB_WAIT_OPEN,
	SB_WAIT_DONE,		/* height and result are there */
	SB_WAIT_EXPIRED,
};

/* The waiter's own memory; from add to remove it is in the list. */
struct sb_tx_wait {
	uint8_t id[32];
	enum sb_wait_state state;
	int64_t height;
	struct sb_tx_result result;
	uint64_t deadline;		/* milliseconds of CLOCK_MONOTONIC */
	bool parked;
	void (*park)(void *context);	/* stops the waiter, who asked for it */
	void (*wake)(void *context);	/* from another thread, after park only */
	void *context;
	struct sb_tx_wait *next;
};

struct sb_waits;

struct sb_waits *sb_waits_new(void);	/* NULL: no memory */
void sb_waits_free(struct sb_waits *waits);

/* Before the transaction is handed in, so that its block cannot come unseen. */
void sb_waits_add(struct sb_waits *waits, struct sb_tx_wait *wait, unsigned int ms);
void sb_waits_remove(struct sb_waits *waits, struct sb_tx_wait *wait);

/* True: it was parked, and is going to be woken. False: it is over, or never was; the state says. */
bool sb_waits_park(struct sb_waits *waits, struct sb_tx_wait *wait);

void sb_waits_hear(struct sb_waits *waits, const struct sb_chain_event *event);

/* Ends those whose time is over; all: everybody's. */
void sb_waits_expire(struct sb_waits *waits, bool all);

#endif
