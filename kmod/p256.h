/* SPDX-License-Identifier: GPL-2.0-only */
/* ECDSA over P-256 (FIPS 186-5): verification only. Everything is public, nothing is constant time. */
#ifndef SB_KMOD_P256_H
#define SB_KMOD_P256_H

#include "pure.h"

/* A point x, y, big endian: is it on the curve and not at infinity? 0, -EINVAL or -ENOMEM. */
int sb_p256_check_point(const u8 point[64]);

/*
 * sb_p256_verify() - is (r, s) a signature of @digest (SHA-256) by @point?
 * All big endian. r and s must be in 1 to n - 1, and s at most (n - 1) / 2 (the lower of the two
 * forms, so that a signature has one encoding). Returns 0, -EKEYREJECTED when it is none, -EINVAL
 * for a point that is no key, -ENOMEM.
 */
int __must_check sb_p256_verify(const u8 point[64], const u8 digest[32], const u8 r[32],
				const u8 s[32]);

#endif
