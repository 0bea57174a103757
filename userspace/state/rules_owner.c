// SPDX-License-Identifier: Apache-2.0
#include "state/run.h"

SB_RULE(offer_device, OfferDevice)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(accept_device, AcceptDevice)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(set_membership, SetMembership)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}

SB_RULE(set_profile, SetProfile)
{
	(void)action;
	return sb_run_refuse(run, SB_TX_NOT_ALLOWED, NULL);
}
