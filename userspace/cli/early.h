/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of "sealbond early" only. */
#ifndef SB_CLI_EARLY_H
#define SB_CLI_EARLY_H

#include "cli/cli.h"
#include "common/security.h"

#define EARLY_HELD_PATH		"/run/sealbond/held"

struct early {
	struct sb_cli *cli;
	struct sb_config config;		/* of the initramfs */
	struct sb_security_keys keys;
	struct sb_security security;
	const char *root;			/* where the real root is mounted */
	bool setup, with_keys, dry_run;
	/* What has come of it. */
	struct sb_module *module;
	bool loaded;				/* the module, by us */
	bool locked;
	int interfaces_up;			/* before the module was set up; < 0: unknown */
	unsigned int held;			/* devices that were moved away */
	uint64_t setup_us, keys_us;		/* of the two phases, the TPM's time included */
	bool asked;				/* the kernel, for the keys */
	struct sb_key_status key;
	struct sb_error reason;			/* why the keys were not asked for, or not opened; "" */
	size_t blobs, approvals;		/* that it was handed */
};

/*
 * Phase two: hands the kernel what lies below root's state_dir, and waits for the TPM. Where that cannot
 * be, the kernel closes the keys for this boot, unless late_keys leaves them to the helper. The process's
 * root is root afterwards. Out: early->key, early->reason. Returns 0 or a negative errno with a sentence.
 */
int early_keys(struct early *early, struct sb_error *error);

/*
 * Moves every network device but lo into a namespace that nobody uses, sees to it that those which come
 * later go there too, and leaves a file with the reason. Out: *moved. 0 or a negative errno.
 */
int early_hold(const char *reason, unsigned int *moved, struct sb_error *error);
/* One device that has come later; for the rule of udev. */
int early_hold_device(uint32_t index, struct sb_error *error);

#endif
