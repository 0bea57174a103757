/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The security configuration's hash, extended into the cap PCR once in the module's life, before
 * anything is unsealed or made. Machine-wide, as the TPM is.
 */
#ifndef SB_SEAL_CONFIG_H
#define SB_SEAL_CONFIG_H

#include <linux/types.h>

#include "sealbond/blob.h"

/*
 * sb_config_claim() - the next hold of the TPM, whoever asks for it, is to extend @hash into
 * @pcr; 0 also when it did so already. Once claimed it stays, whatever becomes of the hold.
 * Returns 0; -EEXIST when another hash or PCR was claimed; -EPERM when the cap was extended
 * without one. Any context that may sleep.
 */
int sb_config_claim(const u8 hash[SB_DIGEST_LEN], u8 pcr);

/* sb_config_extended() - true when the TPM has confirmed it; then *@hash is the hash. */
bool sb_config_extended(u8 hash[SB_DIGEST_LEN]);

#endif
