// SPDX-License-Identifier: Apache-2.0
#include "state/run.h"

SB_RULE(enrol, Enrol)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(activate, Activate)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(challenge, Challenge)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(import_keys, ImportKeys)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

enum sb_tx_code sb_begin_devices(struct sb_run *run)
{
	(void)run;
	return SB_TX_OK;
}
