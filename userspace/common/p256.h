/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_P256_H
#define SB_P256_H

#include <stddef.h>
#include <stdint.h>

/*
 * Reads a P-256 public key as "openssl ec -pubout" writes it: one PEM block "PUBLIC KEY" with
 * an uncompressed point (RFC 5480, RFC 7468). Nothing may stand before or behind the block.
 * That the point is on the curve is for its user to check.
 * Out: x and y, big endian. Returns 0 or -EINVAL.
 */
int sb_p256_read_pem(const char *text, size_t length, uint8_t x[32], uint8_t y[32]);

#endif
