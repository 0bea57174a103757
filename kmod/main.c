// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sealbond binds this machine's traffic to keys that its TPM has sealed. Order of the objects in
 * Kbuild: a packet's way, top to bottom.
 */
#include <linux/module.h>

#include "hooks.h"
#include "keyring.h"
#include "lock.h"
#include "manager.h"
#include "mode.h"
#include "namespace.h"
#include "netlink.h"
#include "stats.h"
#include "version.h"
#include "watch.h"

static int __init sealbond_init(void)
{
	int err;

	err = sb_stats_init();
	if (err)
		return err;
	err = sb_keyring_start();
	if (err)
		goto err_stats;
	err = sb_namespace_init();
	if (err)
		goto err_keyring;
	err = sb_hooks_init();
	if (err)
		goto err_namespace;
	err = sb_watch_init();
	if (err)
		goto err_hooks;
	sb_manager_init();
	err = sb_netlink_init();
	if (err)
		goto err_manager;
	return 0;

err_manager:
	sb_manager_exit();
	sb_watch_exit();
err_hooks:
	sb_hooks_exit();
err_namespace:
	sb_namespace_exit();
err_keyring:
	sb_keyring_stop();
err_stats:
	sb_stats_exit();
	return err;
}

static void __exit sealbond_exit(void)
{
	sb_lock_stay();
	sb_netlink_exit();
	sb_manager_exit();
	sb_mode_exit();
	sb_watch_exit();
	sb_hooks_exit();
	sb_namespace_exit();
	sb_keyring_stop();
	sb_stats_exit();
}

module_init(sealbond_init);
module_exit(sealbond_exit);

MODULE_DESCRIPTION("Traffic only through TPM-sealed keys");
MODULE_LICENSE("GPL");
MODULE_VERSION(SB_VERSION);
MODULE_ALIAS_GENL_FAMILY(SEALBOND_GENL_NAME);
/* Segmentation offload must be there before the first SA is made, or bulk traffic is halved. */
MODULE_SOFTDEP("pre: esp4 esp6 esp4_offload esp6_offload xfrm_interface gcm seqiv ghash chacha20poly1305");
