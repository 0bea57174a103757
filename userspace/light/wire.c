// SPDX-License-Identifier: Apache-2.0
#include "light/wire.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT = 0, FIXED64 = 1, LENGTH = 2 };

static void put(struct sb_wire *wire, const void *data, size_t length)
{
	if (length > wire->room - wire->length)
		abort();
	if (length)
		memcpy(wire->data + wire->length, data, length);
	wire->length += length;
}

void sb_wire_varint(struct sb_wire *wire, uint64_t value)
{
	uint8_t bytes[10];
	size_t n = 0;

	do {
		bytes[n++] = (uint8_t)(value & 0x7f) | (value > 0x7f ? 0x80 : 0);
		value >>= 7;
	} while (value);
	put(wire, bytes, n);
}

static void key(struct sb_wire *wire, unsigned int field, unsigned int type)
{
	sb_wire_varint(wire, field << 3 | type);
}

void sb_wire_uint(struct sb_wire *wire, unsigned int field, uint64_t value)
{
	if (!value)
		return;
	key(wire, field, VARINT);
	sb_wire_varint(wire, value);
}

/* A negative number is its two's complement of 64 bits. */
void sb_wire_int(struct sb_wire *wire, unsigned int field, int64_t value)
{
	sb_wire_uint(wire, field, (uint64_t)value);
}

void sb_wire_sfixed64(struct sb_wire *wire, unsigned int field, int64_t value)
{
	uint8_t bytes[8];

	if (!value)
		return;
	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
	key(wire, field, FIXED64);
	put(wire, bytes, sizeof(bytes));
}

void sb_wire_bytes(struct sb_wire *wire, unsigned int field, const void *data, size_t length)
{
	if (!length)
		return;
	key(wire, field, LENGTH);
	sb_wire_varint(wire, length);
	put(wire, data, length);
}

void sb_wire_message(struct sb_wire *wire, unsigned int field, const struct sb_wire *message)
{
	key(wire, field, LENGTH);
	sb_wire_varint(wire, message->length);
	put(wire, message->data, message->length);
}
