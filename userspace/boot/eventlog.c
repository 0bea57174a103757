// SPDX-License-Identifier: Apache-2.0
#include "boot/eventlog.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/sha256.h"

#define EV_NO_ACTION	3	/* says something, extends nothing */
#define ALG_SHA256	0x000b
#define SHA1_LENGTH	20
#define ALGORITHMS_MAX	16

struct reader {
	const uint8_t *at;
	size_t left;
};

struct algorithm {
	uint16_t id, length;
};

struct format {
	struct algorithm algorithm[ALGORITHMS_MAX];
	uint32_t count;
};

static const uint8_t *take(struct reader *reader, size_t length)
{
	const uint8_t *taken = reader->at;

	if (length > reader->left)
		return NULL;
	reader->at += length;
	reader->left -= length;
	return taken;
}

/* Little endian, of 2 or 4 bytes. */
static bool number(struct reader *reader, size_t length, uint32_t *value)
{
	const uint8_t *bytes = take(reader, length);

	if (!bytes)
		return false;
	*value = 0;
	for (size_t i = length; i-- > 0;)
		*value = *value << 8 | bytes[i];
	return true;
}

/* TCG_EfiSpecIDEvent: which digests each event has, and how long they are. */
static int read_format(struct reader *event, struct format *format)
{
	static const uint8_t signature[16] = "Spec ID Event03";
	const uint8_t *read = take(event, sizeof(signature));

	if (!read || memcmp(read, signature, sizeof(signature)) != 0)
		return -ENOENT;
	/* platformClass, version, errata, uintnSize */
	if (!take(event, 8) || !number(event, 4, &format->count) || format->count == 0 ||
	    format->count > ALGORITHMS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < format->count; i++) {
		uint32_t id, length;

		if (!number(event, 2, &id) || !number(event, 2, &length) || length == 0 || length > 64)
			return -EBADMSG;
		format->algorithm[i] = (struct algorithm){ (uint16_t)id, (uint16_t)length };
	}
	return 0;
}

/* The first event, in the old format: PCR, type, a SHA-1 digest, the event. */
static int read_first(struct reader *log, struct format *format)
{
	uint32_t pcr, type, size;
	struct reader event;

	if (!number(log, 4, &pcr) || !number(log, 4, &type) || !take(log, SHA1_LENGTH) || !number(log, 4, &size))
		return -EBADMSG;
	event.left = size;
	event.at = take(log, size);
	if (!event.at)
		return -EBADMSG;
	return type == EV_NO_ACTION ? read_format(&event, format) : -ENOENT;
}

static size_t length_of(const struct format *format, uint32_t id)
{
	for (uint32_t i = 0; i < format->count; i++)
		if (format->algorithm[i].id == id)
			return format->algorithm[i].length;
	return 0;
}

/* TCG_PCR_EVENT2. Out: *sha256 NULL where it has none. */
static int read_event(struct reader *log, const struct format *format, uint32_t *pcr, uint32_t *type,
		      const uint8_t **sha256)
{
	uint32_t count, id, size;

	*sha256 = NULL;
	if (!number(log, 4, pcr) || !number(log, 4, type) || !number(log, 4, &count) || count > ALGORITHMS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *digest;
		size_t length;

		if (!number(log, 2, &id))
			return -EBADMSG;
		length = length_of(format, id);
		digest = length ? take(log, length) : NULL;
		if (!digest || (id == ALG_SHA256 && length != 32))
			return -EBADMSG;
		if (id == ALG_SHA256)
			*sha256 = digest;
	}
	return number(log, 4, &size) && take(log, size) ? 0 : -EBADMSG;
}

int sb_eventlog_replay(const uint8_t *data, size_t length, unsigned int pcr, uint8_t value[32])
{
	struct reader log = { data, length };
	struct format format = { .count = 0 };
	uint8_t replayed[32] = { 0 };
	int result = read_first(&log, &format);

	if (result == 0 && !length_of(&format, ALG_SHA256))
		result = -ENOENT;
	while (result == 0 && log.left > 0) {
		struct sb_digest hash;
		const uint8_t *digest;
		uint32_t index, type;

		result = read_event(&log, &format, &index, &type, &digest);
		if (result < 0 || index != pcr || type == EV_NO_ACTION)
			continue;
		if (!digest)
			return -EBADMSG;
		sb_digest_init(&hash);
		sb_digest_update(&hash, replayed, sizeof(replayed));
		sb_digest_update(&hash, digest, sizeof(replayed));
		sb_digest_final(&hash, replayed);
	}
	if (result < 0)
		return result;
	memcpy(value, replayed, sizeof(replayed));
	return 0;
}
