/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's policies of a bond: which inner packets need which SA. */
#ifndef SB_POLICY_H
#define SB_POLICY_H

#include <net/xfrm.h>

struct sb_net;
struct sb_peer;
struct sb_sa;

/*
 * sb_policies_switch() - let traffic to the peer leave through @out from now on, and let traffic
 * that came through any SA of this peer in. Replaces the policies that are there, without a
 * moment in between. sn->lock held. Returns 0 or -errno, and then the old ones still hold.
 */
int sb_policies_switch(struct sb_net *sn, struct sb_peer *peer, const struct sb_sa *out);

/* sb_policies_del() - all of the peer's; idempotent. sn->lock held. */
void sb_policies_del(struct sb_peer *peer);

/* sb_policies_intact() - false when somebody else has deleted one of them. */
bool sb_policies_intact(const struct sb_peer *peer);

#endif
