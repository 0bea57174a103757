// SPDX-License-Identifier: Apache-2.0
#include "state/run.h"

SB_RULE(heartbeat, Heartbeat)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(rotate_key, RotateKey)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

enum sb_tx_code sb_freeze_clone(struct sb_run *run)
{
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}
