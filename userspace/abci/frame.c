// SPDX-License-Identifier: Apache-2.0
#include "abci/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_LEAST	(64U << 10)

uint8_t *sb_abci_space(struct sb_abci_input *input, size_t *space)
{
	if (input->begin) {
		memmove(input->data, input->data + input->begin, input->end - input->begin);
		input->end -= input->begin;
		input->begin = 0;
	}
	if (input->room - input->end < ROOM_LEAST / 2) {
		size_t room = input->room < ROOM_LEAST ? ROOM_LEAST : 2 * input->room;
		uint8_t *data = realloc(input->data, room);

		if (!data)
			return NULL;
		input->data = data;
		input->room = room;
	}
	*space = input->room - input->end;
	return input->data + input->end;
}

void sb_abci_added(struct sb_abci_input *input, size_t length)
{
	input->end += length;
}

/* How many bytes the length has taken, or 0 where it is not all there, or -errno. */
static int read_length(const uint8_t *data, size_t there, size_t *length)
{
	uint64_t value = 0;

	for (unsigned int i = 0; i < there; i++) {
		if (i == SB_ABCI_LENGTH_MAX)
			return -EMSGSIZE;
		value |= (uint64_t)(data[i] & 0x7f) << 7 * i;
		if (data[i] & 0x80)
			continue;
		if (i && !data[i])
			return -EBADMSG;
		if (value > SB_ABCI_MESSAGE_MAX)
			return -EMSGSIZE;
		*length = (size_t)value;
		return (int)i + 1;
	}
	return 0;
}

int sb_abci_take(struct sb_abci_input *input, const uint8_t **message, size_t *length)
{
	size_t there = input->end - input->begin, wanted;
	int head = there ? read_length(input->data + input->begin, there, &wanted) : 0;

	if (head <= 0)
		return head;
	if (there - (size_t)head < wanted)
		return 0;
	*message = input->data + input->begin + head;
	*length = wanted;
	input->begin += (size_t)head + wanted;
	return 1;
}

void sb_abci_input_free(struct sb_abci_input *input)
{
	free(input->data);
	memset(input, 0, sizeof(*input));
}

size_t sb_abci_length(size_t length, uint8_t out[SB_ABCI_LENGTH_MAX])
{
	size_t count = 0;

	for (; length >= 0x80; length >>= 7)
		out[count++] = (uint8_t)(0x80 | (length & 0x7f));
	out[count++] = (uint8_t)length;
	return count;
}
