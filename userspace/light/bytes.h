/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that are put one after the other, big endian; state/reader.h reads them. */
#ifndef SB_LIGHT_BYTES_H
#define SB_LIGHT_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zeros is empty. Once memory is short nothing more is put, and failed stays. */
struct sb_bytes {
	uint8_t *data;
	size_t length, room;
	bool failed;
};

void sb_bytes_put(struct sb_bytes *bytes, const void *data, size_t length);

/* The low @length bytes (1 to 8) of a number. */
void sb_bytes_be(struct sb_bytes *bytes, uint64_t value, size_t length);

void sb_bytes_free(struct sb_bytes *bytes);

#endif
