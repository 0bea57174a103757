// SPDX-License-Identifier: Apache-2.0
#include "state/run.h"

SB_RULE(create_zone, CreateZone)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(update_zone, UpdateZone)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(delete_zone, DeleteZone)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}
