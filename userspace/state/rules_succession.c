// SPDX-License-Identifier: Apache-2.0
/*
 * A ledger goes on as another chain, in two decisions of its members. The first closes it: from then on its state stays
 * as it is, and can be taken to the new chain. When that has its first block, the second names it here, where those who
 * trust this chain find it with a proof; it is the last thing that this chain says.
 */
#include <errno.h>
#include <string.h>

#include "state/change.h"
#include "state/machine.h"

static Sealbond__Succession *load(struct sb_run *run)
{
	return sb_run_load(run, &sealbond__succession__descriptor, SB_RECORD_SUCCESSION, NULL, 0);
}

enum sb_tx_code sb_succession_gate(struct sb_run *run, Sealbond__Body__ActionCase action)
{
	SB_AUTO_MESSAGE Sealbond__Succession *succession = load(run);

	if (!succession)
		return SB_TX_OK;
	if (succession->chain[0])
		return sb_run_refuse(run, SB_TX_SUCCEEDED, "%s", succession->chain);
	if (action == SEALBOND__BODY__ACTION_PROPOSE || action == SEALBOND__BODY__ACTION_VOTE ||
	    action == SEALBOND__BODY__ACTION_WITHDRAW)
		return SB_TX_OK;
	return sb_run_refuse(run, SB_TX_CLOSED, NULL);
}

enum sb_tx_code sb_succession_check(struct sb_run *run, const char *at, const Sealbond__Succession *succession)
{
	if (!succession->chain[0] || !sb_text_is_fine(succession->chain, SB_CHAIN_NAME_MAX))
		return sb_run_refuse(run, SB_TX_FIELD, "%s.chain: printable, 1 to %d bytes", at, SB_CHAIN_NAME_MAX);
	if (!succession->height || succession->height > INT64_MAX)
		return sb_run_refuse(run, SB_TX_FIELD, "%s.height: of the new chain's first block", at);
	if (succession->hash.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "%s.hash: of that block's header, 32 bytes", at);
	if (!succession->n_endpoints || succession->n_endpoints > SB_SUCCESSOR_URLS_MOST)
		return sb_run_refuse(run, SB_TX_FIELD, "%s.endpoints: 1 to %d", at, SB_SUCCESSOR_URLS_MOST);
	for (size_t i = 0; i < succession->n_endpoints; i++)
		if (!sb_is_url(succession->endpoints[i]))
			return sb_run_refuse(run, SB_TX_FIELD, "%s.endpoints[%zu]: http:// or https://", at, i);
	if (succession->closed || succession->decided)
		return sb_run_refuse(run, SB_TX_FIELD, "%s.closed, %s.decided: the ledger writes these", at, at);
	return SB_TX_OK;
}

enum sb_tx_code sb_succession_may(struct sb_run *run, const char *at, Sealbond__Change__ChangeCase change)
{
	if (change == SEALBOND__CHANGE__CHANGE_CLOSE || change == SEALBOND__CHANGE__CHANGE_SUCCESSION ||
	    !sb_run_has(run, SB_RECORD_SUCCESSION, NULL, 0))
		return SB_TX_OK;
	return sb_run_refuse(run, SB_TX_CLOSED, "%s: the state of a closed ledger stays as it is", at);
}

enum sb_tx_code sb_succession_close(struct sb_run *run, const char *at, bool close)
{
	Sealbond__Succession succession = SEALBOND__SUCCESSION__INIT;
	bool closed = sb_run_has(run, SB_RECORD_SUCCESSION, NULL, 0);

	if (closed == close)
		return sb_run_refuse(run, SB_TX_CHANGE, "%s: the ledger is %s", at, closed ? "closed" : "open");
	if (!close)
		return sb_run_remove(run, SB_RECORD_SUCCESSION, NULL, 0);
	succession.closed = (uint64_t)run->height;
	return sb_run_save(run, SB_RECORD_SUCCESSION, NULL, 0, &succession);
}

enum sb_tx_code sb_succession_make(struct sb_run *run, const char *at, const Sealbond__Succession *succession)
{
	SB_AUTO_MESSAGE Sealbond__Succession *now = load(run);
	Sealbond__Succession whole = *succession;

	/* What the new chain began with would not be what this one has ended with. */
	if (!now || (now->closed >= (uint64_t)run->height && !now->chain[0]))
		return sb_run_refuse(run, SB_TX_CHANGE, "%s: close the ledger first, and take its state to the new chain", at);
	if (now->chain[0])
		return sb_run_refuse(run, SB_TX_SUCCEEDED, "%s", now->chain);
	if (strcmp(succession->chain, run->chain) == 0)
		return sb_run_refuse(run, SB_TX_CHANGE, "%s: another chain has another name", at);
	/* Quotes and transactions are told apart by their heights, over both. */
	if (succession->height <= now->closed)
		return sb_run_refuse(run, SB_TX_CHANGE, "%s: its first block is above %llu, where this one was closed", at,
				     (unsigned long long)now->closed);
	whole.closed = now->closed;
	whole.decided = (uint64_t)run->height;
	return sb_run_save(run, SB_RECORD_SUCCESSION, NULL, 0, &whole);
}

enum sb_tx_code sb_succession_begin(struct sb_run *run)
{
	SB_AUTO_MESSAGE Sealbond__Ledger *ledger =
		sb_run_load(run, &sealbond__ledger__descriptor, SB_RECORD_LEDGER, NULL, 0);

	if (run->error == -EUCLEAN || (ledger && (!ledger->id[0] || !sb_text_is_fine(ledger->id, SB_CHAIN_NAME_MAX)))) {
		run->error = 0;
		return sb_run_refuse(run, SB_TX_FIELD, "records: the ledger's id is 1 to %d bytes", SB_CHAIN_NAME_MAX);
	}
	if (!sb_run_has(run, SB_RECORD_SUCCESSION, NULL, 0))
		return run->error ? SB_TX_INTERNAL : SB_TX_OK;
	return sb_run_remove(run, SB_RECORD_SUCCESSION, NULL, 0);
}
