/* SPDX-License-Identifier: GPL-2.0-only */
/* Where packets are caught: in every namespace, and on every device that leaves one. */
#ifndef SB_HOOKS_H
#define SB_HOOKS_H

#include <linux/netfilter.h>
#include <linux/types.h>

struct sb_net;

/*
 * sb_hooks_net_init() - the hooks of IP in a namespace, when its sb_net is otherwise ready.
 * Returns 0 or -errno.
 * sb_hooks_net_exit() - their end. Call it from pernet_operations.pre_exit: the grace period that
 * follows there is what sn and its tables wait for before they go.
 */
int sb_hooks_net_init(struct sb_net *sn);
void sb_hooks_net_exit(struct sb_net *sn);

/* sb_hooks_own() - is it one of ours at LOCAL_OUT or egress? */
bool sb_hooks_own(nf_hookfn *hook);

/*
 * sb_hooks_init() - egress hooks on all devices, present and to come; behind the registration of
 * the namespaces. Returns 0 or -errno.
 * sb_hooks_exit() - the reverse, before the namespaces go; on return no packet is on an egress
 * hook.
 */
int sb_hooks_init(void);
void sb_hooks_exit(void);

#endif
