// SPDX-License-Identifier: Apache-2.0
#include "light/bytes.h"

#include <stdlib.h>
#include <string.h>

static bool make_room(struct sb_bytes *bytes, size_t length)
{
	size_t room = bytes->room ? bytes->room : 512;
	uint8_t *data;

	if (bytes->failed || length > SIZE_MAX / 4 || bytes->length > SIZE_MAX / 4)
		return false;
	while (room < bytes->length + length)
		room *= 2;
	if (room == bytes->room)
		return true;
	data = realloc(bytes->data, room);
	if (!data)
		return false;
	bytes->data = data;
	bytes->room = room;
	return true;
}

void sb_bytes_put(struct sb_bytes *bytes, const void *data, size_t length)
{
	if (!make_room(bytes, length)) {
		bytes->failed = true;
		return;
	}
	if (length)
		memcpy(bytes->data + bytes->length, data, length);
	bytes->length += length;
}

void sb_bytes_be(struct sb_bytes *bytes, uint64_t value, size_t length)
{
	uint8_t out[8];

	for (size_t i = 0; i < length; i++)
		out[i] = (uint8_t)(value >> (8 * (length - 1 - i)));
	sb_bytes_put(bytes, out, length);
}

void sb_bytes_free(struct sb_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct sb_bytes){ .data = NULL };
}
