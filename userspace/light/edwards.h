/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points of edwards25519 (RFC 8032, section 5.1), as far as many signatures are verified at once: in variable
 * time, of public things only. libsodium does everything that has to do with secrets, and has the last word.
 */
#ifndef SB_LIGHT_EDWARDS_H
#define SB_LIGHT_EDWARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Modulo 2^255 - 19, five limbs of 51 bits and a little more. */
struct sb_field {
	uint64_t limb[5];
};

/* Extended coordinates: x = X / Z, y = Y / Z, x y = T / Z. */
struct sb_edwards {
	struct sb_field x, y, z, t;
};

/* sb_edwards_read() - 32 bytes in their only form; false for what is no point or another form of one. */
bool sb_edwards_read(const uint8_t bytes[32], struct sb_edwards *point);

/* sb_edwards_cofactor() - is eight times the point nothing? So it is for points of small order. */
bool sb_edwards_cofactor(const struct sb_edwards *point);

/* One point's part of a sum: its odd multiples, and its scalar in signed digits. 1.2 KiB. */
struct sb_edwards_term {
	struct {
		struct sb_field sum, difference, z2, t2d;
	} odd[4];			/* 1, 3, 5, 7 times */
	int8_t digit[260];		/* odd, -7 to 7, or 0 */
};

/* @scalar: little endian, below 2^253. */
void sb_edwards_term(struct sb_edwards_term *term, const struct sb_edwards *point, const uint8_t scalar[32]);
void sb_edwards_sum(const struct sb_edwards_term *terms, size_t count, struct sb_edwards *sum);

#endif
