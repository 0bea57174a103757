// SPDX-License-Identifier: Apache-2.0
#include "state/listing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct making {
	const uint8_t *after;
	size_t after_length;
	uint8_t *page;
	size_t length, room;
};

static bool is_behind(const struct making *making, const uint8_t *key, size_t length)
{
	size_t shorter = length < making->after_length ? length : making->after_length;
	int order = memcmp(key, making->after, shorter);

	return order > 0 || (order == 0 && length > making->after_length);
}

static int add(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct making *making = context;
	size_t more = 1 + key_length + 4 + length;
	uint8_t *at;

	if (making->after_length && !is_behind(making, key, key_length))
		return 0;
	if (making->length + more > making->room) {
		size_t room = 2 * making->room + more;
		uint8_t *larger = realloc(making->page, room);

		if (!larger)
			return -ENOMEM;
		making->page = larger;
		making->room = room;
	}
	at = making->page + making->length;
	*at++ = (uint8_t)key_length;
	memcpy(at, key, key_length);
	at += key_length;
	for (int i = 0; i < 4; i++)
		*at++ = (uint8_t)(length >> (24 - 8 * i));
	if (length)
		memcpy(at, value, length);
	making->length += more;
	return making->length >= SB_LISTING_MAX;
}

int sb_listing_make(const struct sb_records *records, const uint8_t *question, size_t question_length,
		    uint8_t **page, size_t *length)
{
	struct making making = { .after = question, .after_length = question_length > 1 ? question_length : 0 };
	int result;

	if (!question_length || question_length > SB_RECORD_KEY_MAX)
		return -EINVAL;
	result = records->each(records->context, question, 1, add, &making);
	if (result < 0) {
		free(making.page);
		return result;
	}
	*page = making.page;
	*length = making.length;
	return 0;
}

bool sb_listing_next(struct sb_reader *reader, struct sb_span *key, struct sb_span *value)
{
	if (!reader->left || reader->failed)
		return false;
	*key = sb_read_span(reader, sb_read_u8(reader));
	*value = sb_read_span(reader, sb_read_u32(reader));
	if (key->length == 0 || key->length > SB_RECORD_KEY_MAX)
		reader->failed = true;
	return !reader->failed;
}
