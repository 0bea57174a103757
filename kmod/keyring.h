/* SPDX-License-Identifier: GPL-2.0-only */
/* A namespace's bond keys and what the last hold of the TPM has said. */
#ifndef SB_KEYRING_H
#define SB_KEYRING_H

#include <linux/types.h>
#include "seal.h"

struct sb_net;

/* The request as it came over netlink, with its own copies of all files. */
struct sb_key_order;

/*
 * sb_key_order_new() - takes a copy of @request and of every file it points to.
 * Returns NULL without memory. sb_key_order_free() accepts NULL.
 */
struct sb_key_order *sb_key_order_new(const struct sb_seal_request *request);
void sb_key_order_free(struct sb_key_order *order);

/* Both at the namespace's start and end; exit waits for a hold that is under way. */
int sb_keyring_init(struct sb_net *sn);
void sb_keyring_exit(struct sb_net *sn);

/*
 * sb_keyring_run() - start the hold on the TPM worker; takes @order over. sn->lock held.
 * Returns 0, -EBUSY while one runs, -EALREADY when keys are held, -EKEYREVOKED after an alarm of
 * the TPM, or what sb_config_claim() does.
 */
int sb_keyring_run(struct sb_net *sn, struct sb_key_order *order);

/* The rest with sn->lock held. */
u8 sb_keyring_state(const struct sb_net *sn);		/* enum sealbond_state */
const struct sb_seal_result *sb_keyring_result(const struct sb_net *sn);	/* NULL: no hold yet */
bool sb_keyring_early(const struct sb_net *sn);		/* keys are held, from measured early boot */
/* sb_keyring_tampered() - the TPM's state changed: the held keys are wiped, for this boot. */
void sb_keyring_tampered(struct sb_net *sn);
bool sb_keyring_unstored(const struct sb_net *sn);	/* new blobs wait to be stored */
void sb_keyring_stored(struct sb_net *sn);

/*
 * sb_keyring_rotate() - the next key becomes the current one; the old one answers on beside it until
 * sb_keyring_sweep() finds its time over. Asks no TPM. Returns 0, or with *text: -ENOKEY (no keys, or
 * no next one), -EAGAIN (new keys are not stored yet).
 */
int sb_keyring_rotate(struct sb_net *sn, const char **text);
void sb_keyring_sweep(struct sb_net *sn, u64 now);	/* boot time */

/* sb_keyring_old() - the public key that still answers, and how long, in ns; NULL: none. */
const u8 *sb_keyring_old(const struct sb_net *sn, u64 *left_ns);

/*
 * sb_keyring_apply() - (re)make sn->hs from the held key and SET_LOCAL's values; bonds must not
 * live. Returns 0, also when there is no key yet, or -errno.
 */
int sb_keyring_apply(struct sb_net *sn);

/* The queue of TPM commands; made before the first namespace, gone after the last. */
int sb_keyring_start(void);
void sb_keyring_stop(void);

#endif
