// SPDX-License-Identifier: Apache-2.0
#include "state/run.h"

SB_RULE(propose, Propose)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(vote, Vote)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(withdraw, Withdraw)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

enum sb_tx_code sb_begin_proposals(struct sb_run *run)
{
	(void)run;
	return SB_TX_OK;
}
