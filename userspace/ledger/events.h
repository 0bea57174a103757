/* SPDX-License-Identifier: Apache-2.0 */
/* What can be subscribed to, and what subscribers are told. No I/O. */
#ifndef SB_LEDGER_EVENTS_H
#define SB_LEDGER_EVENTS_H

#include "ledger/chain.h"

enum sb_event_kind {
	SB_EVENT_BLOCK,
	SB_EVENT_HEADER,
	SB_EVENT_TX,
};

struct sb_event_query {
	enum sb_event_kind kind;
	bool one;		/* the transaction with this id only */
	uint8_t id[32];
};

/*
 * tm.event='NewBlock', 'NewBlockHeader' or 'Tx', the last also with AND tx.hash='HEX' behind it. False for every
 * other query.
 */
bool sb_event_query(const char *text, struct sb_event_query *query);

/*
 * The members "data" and "events" of a notification, JSON to be freed; NULL: no memory. tx: which one of the
 * block's, for SB_EVENT_TX.
 */
char *sb_event_text(enum sb_event_kind kind, const struct sb_chain_event *event, size_t tx);

#endif
