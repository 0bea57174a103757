/* SPDX-License-Identifier: Apache-2.0 */
/* Reads big-endian bytes within bounds: once one is missing, everything after it fails, too. */
#ifndef SB_STATE_READER_H
#define SB_STATE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sb_reader {
	const uint8_t *data;
	size_t left;
	bool failed;
};

/* A run of bytes in somebody else's buffer. */
struct sb_span {
	const uint8_t *data;
	size_t length;
};

static inline struct sb_span sb_read_span(struct sb_reader *reader, size_t length)
{
	struct sb_span span = { reader->data, length };

	if (reader->failed || length > reader->left) {
		reader->failed = true;
		return (struct sb_span){ NULL, 0 };
	}
	reader->data += length;
	reader->left -= length;
	return span;
}

static inline uint64_t sb_read_be(struct sb_reader *reader, size_t length)
{
	struct sb_span span = sb_read_span(reader, length);
	uint64_t value = 0;

	for (size_t i = 0; i < span.length; i++)
		value = value << 8 | span.data[i];
	return value;
}

static inline uint8_t sb_read_u8(struct sb_reader *reader)
{
	return (uint8_t)sb_read_be(reader, 1);
}

static inline uint16_t sb_read_u16(struct sb_reader *reader)
{
	return (uint16_t)sb_read_be(reader, 2);
}

static inline uint32_t sb_read_u32(struct sb_reader *reader)
{
	return (uint32_t)sb_read_be(reader, 4);
}

/* A TPM2B: its length in two bytes, then so many; more than @most fails. */
static inline struct sb_span sb_read_2b(struct sb_reader *reader, size_t most)
{
	uint16_t length = sb_read_u16(reader);

	if (length > most)
		reader->failed = true;
	return sb_read_span(reader, length);
}

/* All was there, and nothing is left. */
static inline bool sb_read_whole(const struct sb_reader *reader)
{
	return !reader->failed && reader->left == 0;
}

#endif
