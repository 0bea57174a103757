/* SPDX-License-Identifier: Apache-2.0 */
/* What kmod/p256.c uses of the kernel's crypto/internal/ecc.h, over OpenSSL; P-256 only. */
#ifndef SB_SHIM_ECC_H
#define SB_SHIM_ECC_H

#include "kernel.h"

#define ECC_CURVE_NIST_P256	2

struct ecc_point {
	u64 *x;
	u64 *y;
	u8 ndigits;
};

struct ecc_curve {
	struct ecc_point g;
	u64 *p;
	u64 *n;
};

#define ECC_POINT_INIT(x, y, ndigits)	(struct ecc_point) { x, y, ndigits }

const struct ecc_curve *ecc_get_curve(unsigned int id);
int ecc_is_pubkey_valid_full(const struct ecc_curve *curve, struct ecc_point *pk);
bool ecc_point_is_zero(const struct ecc_point *point);
void ecc_point_mult_shamir(const struct ecc_point *result, const u64 *u1, const struct ecc_point *p,
			   const u64 *u2, const struct ecc_point *q, const struct ecc_curve *curve);
bool vli_is_zero(const u64 *vli, unsigned int ndigits);
int vli_cmp(const u64 *left, const u64 *right, unsigned int ndigits);
u64 vli_sub(u64 *result, const u64 *left, const u64 *right, unsigned int ndigits);
void vli_from_be64(u64 *dest, const void *src, unsigned int ndigits);
void vli_mod_inv(u64 *result, const u64 *input, const u64 *mod, unsigned int ndigits);
void vli_mod_mult_slow(u64 *result, const u64 *left, const u64 *right, const u64 *mod,
		       unsigned int ndigits);

#endif
