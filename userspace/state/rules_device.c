// SPDX-License-Identifier: Apache-2.0
#include "state/run.h"

SB_RULE(approve, Approve)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(suspend, Suspend)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(resume, Resume)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(revoke, Revoke)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(retire, Retire)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(replace, Replace)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(resolve_incident, ResolveIncident)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}
