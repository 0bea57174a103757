// SPDX-License-Identifier: Apache-2.0
#include "ecc.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>

#define BYTES	32

/* A test without its arithmetic has nothing to say. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static EC_GROUP *group;
static BN_CTX *context;

static BIGNUM *load(const u64 *vli)
{
	/* Digits with the lowest first, on a little-endian machine. */
	BIGNUM *number = BN_lebin2bn((const u8 *)vli, BYTES, NULL);

	must(number != NULL);
	return number;
}

static void store(u64 *vli, const BIGNUM *number)
{
	must(BN_bn2lebinpad(number, (u8 *)vli, BYTES) == BYTES);
}

static void release(void)
{
	EC_GROUP_free(group);
	BN_CTX_free(context);
}

const struct ecc_curve *ecc_get_curve(unsigned int id)
{
	static u64 p[4], n[4], x[4], y[4];
	static const struct ecc_curve curve = { .g = { x, y, 4 }, .p = p, .n = n };
	BIGNUM *a, *b;

	must(id == ECC_CURVE_NIST_P256);
	if (group)
		return &curve;
	group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	context = BN_CTX_new();
	a = BN_new();
	b = BN_new();
	must(group && context && a && b);
	must(EC_GROUP_get_curve(group, a, NULL, NULL, context) == 1);
	store(p, a);
	store(n, EC_GROUP_get0_order(group));
	must(EC_POINT_get_affine_coordinates(group, EC_GROUP_get0_generator(group), a, b, context) == 1);
	store(x, a);
	store(y, b);
	BN_free(a);
	BN_free(b);
	atexit(release);
	return &curve;
}

/* NULL for what is no point. */
static EC_POINT *point_of(const struct ecc_point *p)
{
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *x = load(p->x), *y = load(p->y);

	must(point != NULL);
	if (EC_POINT_set_affine_coordinates(group, point, x, y, context) != 1) {
		EC_POINT_free(point);
		point = NULL;
	}
	BN_free(x);
	BN_free(y);
	return point;
}

int ecc_is_pubkey_valid_full(const struct ecc_curve *curve, struct ecc_point *pk)
{
	EC_POINT *point;

	must(pk->ndigits == 4);
	/* OpenSSL takes coordinates modulo p. */
	if (vli_cmp(curve->p, pk->x, 4) != 1 || vli_cmp(curve->p, pk->y, 4) != 1)
		return -EINVAL;
	point = point_of(pk);
	EC_POINT_free(point);
	return point ? 0 : -EINVAL;
}

bool ecc_point_is_zero(const struct ecc_point *point)
{
	return vli_is_zero(point->x, 4) && vli_is_zero(point->y, 4);
}

void ecc_point_mult_shamir(const struct ecc_point *result, const u64 *u1, const struct ecc_point *p,
			   const u64 *u2, const struct ecc_point *q, const struct ecc_curve *curve)
{
	EC_POINT *sum = EC_POINT_new(group), *point = point_of(q);
	BIGNUM *a = load(u1), *b = load(u2);

	must(p == &curve->g && sum && point);
	must(EC_POINT_mul(group, sum, a, point, b, context) == 1);
	BN_zero(a);
	BN_zero(b);
	if (!EC_POINT_is_at_infinity(group, sum))
		must(EC_POINT_get_affine_coordinates(group, sum, a, b, context) == 1);
	store(result->x, a);
	store(result->y, b);
	BN_free(a);
	BN_free(b);
	EC_POINT_free(sum);
	EC_POINT_free(point);
}

bool vli_is_zero(const u64 *vli, unsigned int ndigits)
{
	return !memchr_inv(vli, 0, ndigits * sizeof(*vli));
}

int vli_cmp(const u64 *left, const u64 *right, unsigned int ndigits)
{
	while (ndigits--)
		if (left[ndigits] != right[ndigits])
			return left[ndigits] > right[ndigits] ? 1 : -1;
	return 0;
}

u64 vli_sub(u64 *result, const u64 *left, const u64 *right, unsigned int ndigits)
{
	unsigned int i;
	u64 borrow = 0;

	for (i = 0; i < ndigits; i++) {
		unsigned __int128 d = (unsigned __int128)left[i] - right[i] - borrow;

		result[i] = (u64)d;
		borrow = d >> 64 ? 1 : 0;
	}
	return borrow;
}

void vli_from_be64(u64 *dest, const void *src, unsigned int ndigits)
{
	unsigned int i;

	for (i = 0; i < ndigits; i++)
		dest[i] = get_unaligned_be64((const u8 *)src + 8 * (ndigits - 1 - i));
}

void vli_mod_inv(u64 *result, const u64 *input, const u64 *mod, unsigned int ndigits)
{
	BIGNUM *a = load(input), *m = load(mod);

	must(ndigits == 4 && BN_mod_inverse(a, a, m, context) != NULL);
	store(result, a);
	BN_free(a);
	BN_free(m);
}

void vli_mod_mult_slow(u64 *result, const u64 *left, const u64 *right, const u64 *mod,
		       unsigned int ndigits)
{
	BIGNUM *a = load(left), *b = load(right), *m = load(mod);

	must(ndigits == 4 && BN_mod_mul(a, a, b, m, context) == 1);
	store(result, a);
	BN_free(a);
	BN_free(b);
	BN_free(m);
}
