// SPDX-License-Identifier: GPL-2.0-only
#include "p256.h"

#ifdef __KERNEL__
#include <linux/math.h>		/* which ecc.h needs and does not include */
#include <crypto/ecdh.h>
#include <crypto/internal/ecc.h>
#else
#include "../tests/shim/ecc.h"
#endif

#define NDIGITS	4	/* 64-bit digits of a P-256 number, the lowest first */

static const struct ecc_curve *curve(void)
{
	return ecc_get_curve(ECC_CURVE_NIST_P256);
}

/* The key as the curve's functions want it; @digits keeps it. */
static struct ecc_point load_point(u64 digits[2][NDIGITS], const u8 point[64])
{
	vli_from_be64(digits[0], point, NDIGITS);
	vli_from_be64(digits[1], point + 32, NDIGITS);
	return ECC_POINT_INIT(digits[0], digits[1], NDIGITS);
}

int sb_p256_check_point(const u8 point[64])
{
	u64 digits[2][NDIGITS];
	struct ecc_point key = load_point(digits, point);

	return ecc_is_pubkey_valid_full(curve(), &key);
}

/* Numbers here are below 2^256 and so below 2n: one subtraction is enough. */
static void reduce(u64 v[NDIGITS], const u64 n[NDIGITS])
{
	if (vli_cmp(v, n, NDIGITS) >= 0)
		vli_sub(v, v, n, NDIGITS);
}

static bool is_scalar(const u64 v[NDIGITS], const u64 n[NDIGITS])
{
	return !vli_is_zero(v, NDIGITS) && vli_cmp(v, n, NDIGITS) < 0;
}

/* s <= n - s, for s in range. */
static bool is_low(const u64 s[NDIGITS], const u64 n[NDIGITS])
{
	u64 other[NDIGITS];

	vli_sub(other, n, s, NDIGITS);
	return vli_cmp(s, other, NDIGITS) <= 0;
}

/* FIPS 186-5 section 6.4.2. */
int sb_p256_verify(const u8 point[64], const u8 digest[32], const u8 r[32], const u8 s[32])
{
	u64 digits[2][NDIGITS], e[NDIGITS], w[NDIGITS], u1[NDIGITS], u2[NDIGITS];
	u64 rv[NDIGITS], sv[NDIGITS], x[NDIGITS] = {}, y[NDIGITS] = {};
	struct ecc_point key = load_point(digits, point);
	struct ecc_point sum = ECC_POINT_INIT(x, y, NDIGITS);
	const struct ecc_curve *c = curve();
	int err;

	vli_from_be64(rv, r, NDIGITS);
	vli_from_be64(sv, s, NDIGITS);
	if (!is_scalar(rv, c->n) || !is_scalar(sv, c->n) || !is_low(sv, c->n))
		return -EKEYREJECTED;
	err = ecc_is_pubkey_valid_full(c, &key);
	if (err)
		return err;
	vli_from_be64(e, digest, NDIGITS);
	reduce(e, c->n);
	vli_mod_inv(w, sv, c->n, NDIGITS);
	vli_mod_mult_slow(u1, e, w, c->n, NDIGITS);
	vli_mod_mult_slow(u2, rv, w, c->n, NDIGITS);
	ecc_point_mult_shamir(&sum, u1, &c->g, u2, &key, c);
	/* Infinity comes as zeros; r is not zero, so that the comparison below would refuse it, too. */
	if (ecc_point_is_zero(&sum))
		return -EKEYREJECTED;
	reduce(x, c->n);
	return vli_cmp(x, rv, NDIGITS) ? -EKEYREJECTED : 0;
}
