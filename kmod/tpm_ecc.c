// SPDX-License-Identifier: GPL-2.0-only
#include <linux/math.h>		/* which ecc.h needs and does not include */

#include <crypto/ecdh.h>
#include <crypto/internal/ecc.h>

#include "crypto.h"
#include "tpm_ecc.h"

#define NDIGITS	4	/* 64-bit digits of a P-256 number */

/*
 * ecc_gen_privkey() wants the crypto API's DRBG, which an initramfs may lack. Kernels up
 * to 6.9 take the private key's digits in big-endian order, later ones in their own: a key
 * that is in range in both orders is right for either, and costs nothing.
 */
static int draw_private(u64 priv[NDIGITS])
{
	u64 swapped[NDIGITS];
	int err;

	do {
		err = sb_random(priv, NDIGITS * sizeof(u64));
		if (err)
			break;
		ecc_swap_digits(priv, swapped, NDIGITS);
	} while (ecc_is_key_valid(ECC_CURVE_NIST_P256, NDIGITS, priv, 32) ||
		 ecc_is_key_valid(ECC_CURVE_NIST_P256, NDIGITS, swapped, 32));
	memzero_explicit(swapped, sizeof(swapped));
	return err;
}

int sb_p256_ephemeral(struct sb_p256 *pub, u8 z[32], const struct sb_p256 *peer)
{
	u64 priv[NDIGITS], own[2 * NDIGITS], other[2 * NDIGITS], shared[NDIGITS];
	int err;

	memcpy(other, peer->x, sizeof(peer->x));
	memcpy(other + NDIGITS, peer->y, sizeof(peer->y));
	err = draw_private(priv);
	if (err)
		goto out;
	err = ecc_make_pub_key(ECC_CURVE_NIST_P256, NDIGITS, priv, own);
	if (err)
		goto out;
	/* Checks that the peer's point is on the curve. */
	err = crypto_ecdh_shared_secret(ECC_CURVE_NIST_P256, NDIGITS, priv, other, shared);
	if (err)
		goto out;
	memcpy(pub->x, own, sizeof(pub->x));
	memcpy(pub->y, own + NDIGITS, sizeof(pub->y));
	memcpy(z, shared, sizeof(shared));
out:
	memzero_explicit(priv, sizeof(priv));
	memzero_explicit(shared, sizeof(shared));
	return err;
}
