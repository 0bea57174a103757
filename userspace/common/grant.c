// SPDX-License-Identifier: Apache-2.0
#include "common/grant.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/sha256.h"

static bool is_zero(const uint8_t *bytes, size_t length)
{
	uint8_t any = 0;

	while (length-- > 0)
		any |= *bytes++;
	return !any;
}

void sb_grant_file_init(struct sb_grant_file *grant)
{
	memset(grant, 0, sizeof(*grant));
	memcpy(grant->body.magic, SB_GRANT_MAGIC, sizeof(grant->body.magic));
	grant->body.version = htobe16(SB_GRANT_VERSION);
}

void sb_grant_file_message(const struct sb_grant_file *grant, uint8_t message[SB_GRANT_MESSAGE_LEN])
{
	memcpy(message, SB_GRANT_TAG, sizeof(SB_GRANT_TAG));
	memcpy(message + sizeof(SB_GRANT_TAG), &grant->body, sizeof(grant->body));
}

size_t sb_grant_file_encode(const struct sb_grant_file *grant, uint8_t out[SB_GRANT_MAX])
{
	const struct sb_grant_count count = { htobe32((uint32_t)grant->count) };

	memcpy(out, &grant->body, sizeof(grant->body));
	memcpy(out + sizeof(grant->body), &count, sizeof(count));
	memcpy(out + SB_GRANT_HEAD, grant->signature, grant->count * sizeof(grant->signature[0]));
	return SB_GRANT_HEAD + grant->count * sizeof(grant->signature[0]);
}

static bool body_valid(const struct sb_grant_body *body)
{
	uint64_t duration = be64toh(body->duration_ms), hold = be32toh(body->hold_s) * 1000ULL;

	return memcmp(body->magic, SB_GRANT_MAGIC, sizeof(body->magic)) == 0 &&
	       be16toh(body->version) == SB_GRANT_VERSION && !(body->flags & ~SB_GRANT_F_ALL) && !body->reserved &&
	       duration >= SB_GRANT_MIN_MS + hold && duration <= SB_GRANT_MAX_MS &&
	       (!hold || !is_zero(body->nonce, sizeof(body->nonce))) &&
	       (!is_zero(body->overlay4, sizeof(body->overlay4)) ||
		!is_zero(body->overlay6, sizeof(body->overlay6)));
}

int sb_grant_file_decode(const uint8_t *data, size_t length, struct sb_grant_file *grant)
{
	struct sb_grant_file read = { 0 };
	struct sb_grant_count count;

	if (length < SB_GRANT_MIN || length > SB_GRANT_MAX)
		return -EBADMSG;
	memcpy(&read.body, data, sizeof(read.body));
	memcpy(&count, data + sizeof(read.body), sizeof(count));
	read.count = be32toh(count.signatures);
	if (read.count == 0 || read.count > SB_GRANT_KEYS_MAX ||
	    length != SB_GRANT_HEAD + read.count * sizeof(read.signature[0]) || !body_valid(&read.body))
		return -EBADMSG;
	memcpy(read.signature, data + SB_GRANT_HEAD, read.count * sizeof(read.signature[0]));
	for (size_t i = 1; i < read.count; i++)
		if (memcmp(read.signature[i - 1].key_id, read.signature[i].key_id, SB_GRANT_KEY_ID_LEN) >= 0)
			return -EBADMSG;
	*grant = read;
	return 0;
}

void sb_grant_key_id(const uint8_t point[SB_GRANT_POINT_LEN], uint8_t id[SB_GRANT_KEY_ID_LEN])
{
	uint8_t digest[SB_SHA256_LEN];

	sb_digest_of(point, SB_GRANT_POINT_LEN, digest);
	memcpy(id, digest, SB_GRANT_KEY_ID_LEN);
}

int sb_grant_file_add(struct sb_grant_file *grant, const uint8_t id[SB_GRANT_KEY_ID_LEN],
		      const uint8_t signature[64])
{
	size_t at = 0;

	while (at < grant->count && memcmp(grant->signature[at].key_id, id, SB_GRANT_KEY_ID_LEN) < 0)
		at++;
	if (at < grant->count && memcmp(grant->signature[at].key_id, id, SB_GRANT_KEY_ID_LEN) == 0)
		return -EEXIST;
	if (grant->count == SB_GRANT_KEYS_MAX)
		return -E2BIG;
	memmove(&grant->signature[at + 1], &grant->signature[at],
		(grant->count - at) * sizeof(grant->signature[0]));
	memcpy(grant->signature[at].key_id, id, SB_GRANT_KEY_ID_LEN);
	memcpy(grant->signature[at].r, signature, 32);
	memcpy(grant->signature[at].s, signature + 32, 32);
	grant->count++;
	return 0;
}

uint64_t sb_grant_file_duration(const struct sb_grant_file *grant)
{
	return be64toh(grant->body.duration_ms);
}

uint64_t sb_grant_file_hold(const struct sb_grant_file *grant)
{
	return be32toh(grant->body.hold_s) * 1000ULL;
}

bool sb_grant_file_static(const struct sb_grant_file *grant)
{
	return is_zero(grant->body.nonce, sizeof(grant->body.nonce));
}
