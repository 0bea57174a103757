/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Protobuf, as far as CometBFT hashes and signs it: fields in ascending order, zero values left
 * out unless said otherwise. Writes into a buffer that the caller has made large enough; what
 * does not fit is an error of this program and ends it.
 */
#ifndef SB_LIGHT_WIRE_H
#define SB_LIGHT_WIRE_H

#include <stddef.h>
#include <stdint.h>

struct sb_wire {
	uint8_t *data;
	size_t length, room;
};

void sb_wire_varint(struct sb_wire *wire, uint64_t value);

/* Scalars; nothing is written for zero. sb_wire_int(): int32, int64, enum. */
void sb_wire_int(struct sb_wire *wire, unsigned int field, int64_t value);
void sb_wire_uint(struct sb_wire *wire, unsigned int field, uint64_t value);
void sb_wire_sfixed64(struct sb_wire *wire, unsigned int field, int64_t value);

/* Bytes and strings; nothing is written for no bytes. */
void sb_wire_bytes(struct sb_wire *wire, unsigned int field, const void *data, size_t length);

/* A message; written also when it is empty. */
void sb_wire_message(struct sb_wire *wire, unsigned int field, const struct sb_wire *message);

#endif
