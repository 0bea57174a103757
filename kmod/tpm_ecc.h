/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SB_TPM_ECC_H
#define SB_TPM_ECC_H

#include "pure.h"

/* A P-256 point, big endian. */
struct sb_p256 {
	u8 x[32];
	u8 y[32];
};

/*
 * An ephemeral P-256 key against peer (ECDH, SP 800-56A): *pub gets its point, z the
 * shared x coordinate; the caller wipes z. Returns 0, or -EINVAL for a peer that is no
 * point of the curve; outputs are untouched then.
 */
int sb_p256_ephemeral(struct sb_p256 *pub, u8 z[32], const struct sb_p256 *peer);

#endif
