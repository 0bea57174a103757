/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes from a string of hex digits, for tables of vectors. */
#ifndef TESTS_HEX_H
#define TESTS_HEX_H

#include <stdio.h>
#include <string.h>

/* Writes strlen(hex) / 2 bytes and returns their number. */
static inline size_t unhex(unsigned char *out, const char *hex)
{
	size_t i, n = strlen(hex) / 2;

	for (i = 0; i < n; i++)
		sscanf(hex + 2 * i, "%2hhx", &out[i]);
	return n;
}

#endif
