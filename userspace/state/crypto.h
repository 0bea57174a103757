/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OpenSSL does for the state machine: hashes, and raw ECDSA and RSA on integers within bounds.
 * Everything that could differ between its versions (encodings, certificates, key checks) is done
 * here or not at all.
 */
#ifndef SB_STATE_CRYPTO_H
#define SB_STATE_CRYPTO_H

#include "state/reader.h"

/* Bytes of a digest of TPM_ALG_SHA256, 384, 512; 0 for any other. */
size_t sb_hash_length(uint16_t alg);

/* Hashes the parts one after another. @alg must be one of the above. Returns the length. */
size_t sb_hash(uint16_t alg, const struct sb_span *parts, size_t count, uint8_t *out);

/* Bytes of a coordinate on TPM_ECC_NIST_P256, P384; 0 for any other. */
size_t sb_curve_length(uint16_t curve);

/*
 * sb_ecdsa_verify() - over a digest of the hash's whole length, cut to the order's as FIPS 186 says.
 * Coordinates and r, s: big endian, not longer than the curve's. Returns 0; -EKEYREJECTED: not
 * valid, r or s is zero or not below the order, or the point is not on the curve; -ENOMEM.
 */
int sb_ecdsa_verify(uint16_t curve, struct sb_span x, struct sb_span y, struct sb_span digest,
		    struct sb_span r, struct sb_span s);

/*
 * sb_rsa_verify() - @padding TPM_ALG_RSASSA (PKCS #1 v1.5) or TPM_ALG_RSAPSS (the salt as long as
 * the digest, or any). The signature is as long as the modulus. Returns as above.
 */
int sb_rsa_verify(struct sb_span modulus, uint32_t exponent, uint16_t padding, uint16_t hash_alg,
		  struct sb_span digest, struct sb_span signature);

#endif
