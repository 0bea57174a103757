// SPDX-License-Identifier: Apache-2.0
#include "state/der.h"

#include <string.h>

#include "common/calendar.h"

static size_t read_length(struct sb_reader *reader)
{
	size_t first = sb_read_u8(reader), count = first & 0x7f, length = 0;

	if (first < 0x80)
		return first;
	/* 64 KiB are more than any certificate has; 0 is the indefinite form. */
	if (count < 1 || count > 2) {
		reader->failed = true;
		return 0;
	}
	length = (size_t)sb_read_be(reader, count);
	if (length < 0x80 || (count == 2 && length < 0x100))
		reader->failed = true;
	return length;
}

struct sb_span sb_der_any(struct sb_reader *reader, uint8_t *tag)
{
	*tag = sb_read_u8(reader);
	/* 0x1f: the tag goes on in the next byte. */
	if ((*tag & 0x1f) == 0x1f)
		reader->failed = true;
	return sb_read_span(reader, read_length(reader));
}

struct sb_span sb_der(struct sb_reader *reader, uint8_t tag)
{
	uint8_t found;
	struct sb_span span = sb_der_any(reader, &found);

	if (found == tag && !reader->failed)
		return span;
	reader->failed = true;
	return (struct sb_span){ NULL, 0 };
}

struct sb_reader sb_der_into(struct sb_reader *reader, uint8_t tag)
{
	struct sb_span span = sb_der(reader, tag);

	return (struct sb_reader){ span.data, span.length, reader->failed };
}

bool sb_der_is(const struct sb_reader *reader, uint8_t tag)
{
	return !reader->failed && reader->left && reader->data[0] == tag;
}

bool sb_der_bytes_are(struct sb_span span, const void *bytes, size_t length)
{
	return span.length == length && memcmp(span.data, bytes, length) == 0;
}

bool sb_der_positive(struct sb_span contents, struct sb_span *number)
{
	if (!contents.length || contents.data[0] & 0x80)
		return false;
	if (contents.data[0] == 0) {
		contents.data++;
		contents.length--;
		if (!contents.length || !(contents.data[0] & 0x80))
			return false;
	}
	*number = contents;
	return true;
}

bool sb_der_bits(struct sb_span contents, struct sb_span *bytes)
{
	if (contents.length < 1 || contents.data[0] != 0)
		return false;
	*bytes = (struct sb_span){ contents.data + 1, contents.length - 1 };
	return true;
}

static bool two_digits(const uint8_t **at, int *value)
{
	if ((*at)[0] < '0' || (*at)[0] > '9' || (*at)[1] < '0' || (*at)[1] > '9')
		return false;
	*value = ((*at)[0] - '0') * 10 + (*at)[1] - '0';
	*at += 2;
	return true;
}

static bool read_time(const uint8_t *at, int year, int64_t *seconds)
{
	int month = -1, day = -1, hour = -1, minute = -1, second = -1;

	if (!two_digits(&at, &month) || !two_digits(&at, &day) || !two_digits(&at, &hour) ||
	    !two_digits(&at, &minute) || !two_digits(&at, &second) || *at != 'Z')
		return false;
	return sb_calendar_seconds(year, month, day, hour, minute, second, seconds);
}

bool sb_der_time(struct sb_reader *reader, int64_t *seconds)
{
	uint8_t tag;
	struct sb_span text = sb_der_any(reader, &tag);
	const uint8_t *at = text.data;
	int century, year;

	if (reader->failed)
		return false;
	if (tag == SB_DER_UTC_TIME && text.length == 13 && two_digits(&at, &year))
		return read_time(at, year + (year < 50 ? 2000 : 1900), seconds);
	if (tag == SB_DER_GENERAL_TIME && text.length == 15 && two_digits(&at, &century) &&
	    two_digits(&at, &year))
		return read_time(at, century * 100 + year, seconds);
	return false;
}
