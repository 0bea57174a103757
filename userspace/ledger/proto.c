// SPDX-License-Identifier: Apache-2.0
#include "ledger/proto.h"

#include <string.h>

enum { VARINT = 0, LENGTH = 2 };

static bool varint(struct sb_proto *message, uint64_t *value)
{
	uint64_t sum = 0;

	for (unsigned int shift = 0; shift < 70; shift += 7) {
		uint8_t byte;

		if (!message->left)
			break;
		byte = *message->data++;
		message->left--;
		/* the tenth byte has room for one bit */
		if (shift == 63 && byte > 1)
			break;
		sum |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*value = sum;
			return true;
		}
	}
	message->bad = true;
	return false;
}

bool sb_proto_next(struct sb_proto *message, struct sb_proto_field *field)
{
	struct sb_proto_field read = { 0 };
	uint64_t key, length;

	if (message->bad || !message->left || !varint(message, &key))
		return false;
	read.number = (unsigned int)(key >> 3 & 0x1fffffff);
	read.is_bytes = (key & 7) == LENGTH;
	if (key >> 32 || !read.number || (!read.is_bytes && (key & 7) != VARINT)) {
		message->bad = true;
		return false;
	}
	if (!read.is_bytes) {
		if (!varint(message, &read.value))
			return false;
	} else {
		if (!varint(message, &length) || length > message->left) {
			message->bad = true;
			return false;
		}
		read.bytes = (struct sb_proto){ message->data, (size_t)length, false };
		message->data += length;
		message->left -= (size_t)length;
	}
	*field = read;
	return true;
}

bool sb_proto_int32(struct sb_proto *message, const struct sb_proto_field *field, int32_t *value)
{
	int64_t wide = (int64_t)field->value;

	if (field->is_bytes || wide < INT32_MIN || wide > INT32_MAX) {
		message->bad = true;
		return false;
	}
	*value = (int32_t)wide;
	return true;
}

bool sb_proto_fixed(struct sb_proto *message, const struct sb_proto_field *field, uint8_t *out, size_t length,
		    bool *there)
{
	if (!field->is_bytes || (field->bytes.left && field->bytes.left != length)) {
		message->bad = true;
		return false;
	}
	*there = field->bytes.left == length;
	if (*there)
		memcpy(out, field->bytes.data, length);
	return true;
}
