// SPDX-License-Identifier: Apache-2.0
#include "light/succession.h"

#include <errno.h>
#include <string.h>

#include "common/sha256.h"

static const uint8_t magic[7] = { 'S', 'B', 'S', 'U', 'C', 'C', 1 };

static bool is_name(const char name[SB_CHAIN_NAME_MAX + 1])
{
	return name[0] && strnlen(name, SB_CHAIN_NAME_MAX + 1) <= SB_CHAIN_NAME_MAX;
}

/* A socket of this machine is nobody else's to name. What else is wrong with one is seen when it is opened. */
static bool is_url(const char url[SB_SUCCESSION_URL_ROOM])
{
	size_t length = strnlen(url, SB_SUCCESSION_URL_ROOM);

	for (size_t i = 0; i < length; i++)
		if ((uint8_t)url[i] <= ' ' || url[i] == 0x7f)
			return false;
	return length < SB_SUCCESSION_URL_ROOM &&
	       (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
}

bool sb_succession_valid(const struct sb_succession *succession)
{
	if (!is_name(succession->chain) || succession->height < 1 || !succession->endpoints ||
	    succession->endpoints > SB_SUCCESSION_URLS_MAX)
		return false;
	for (size_t i = 0; i < succession->endpoints; i++)
		if (!is_url(succession->url[i]))
			return false;
	return true;
}

static void put_text(struct sb_bytes *out, const char *text)
{
	size_t length = strlen(text);

	sb_bytes_be(out, length, 1);
	sb_bytes_put(out, text, length);
}

void sb_succession_write(const struct sb_succession_kept *kept, struct sb_bytes *out)
{
	size_t start = out->length;
	uint8_t digest[SB_SHA256_LEN];

	sb_bytes_put(out, magic, sizeof(magic));
	sb_bytes_be(out, kept->number, 1);
	put_text(out, kept->first);
	put_text(out, kept->before);
	put_text(out, kept->now.chain);
	sb_bytes_be(out, (uint64_t)kept->now.height, 8);
	sb_bytes_put(out, kept->now.hash, sizeof(kept->now.hash));
	sb_bytes_be(out, (uint64_t)kept->members_height, 8);
	sb_members_put(out, &kept->members);
	sb_bytes_be(out, kept->now.endpoints, 1);
	for (size_t i = 0; i < kept->now.endpoints; i++)
		put_text(out, kept->now.url[i]);
	if (out->failed)
		return;
	sb_digest_of(out->data + start, out->length - start, digest);
	sb_bytes_put(out, digest, sizeof(digest));
}

static void get_text(struct sb_reader *in, char *text, size_t room)
{
	size_t length = sb_read_u8(in);
	struct sb_span span = sb_read_span(in, length);

	if (length >= room || in->failed || memchr(span.data, 0, length)) {
		in->failed = true;
		return;
	}
	memcpy(text, span.data, length);
	text[length] = '\0';
}

static bool get(struct sb_reader *in, struct sb_succession_kept *kept)
{
	struct sb_span head = sb_read_span(in, sizeof(magic)), hash;

	if (!head.data || memcmp(head.data, magic, sizeof(magic)) != 0)
		return false;
	kept->number = sb_read_u8(in);
	get_text(in, kept->first, sizeof(kept->first));
	get_text(in, kept->before, sizeof(kept->before));
	get_text(in, kept->now.chain, sizeof(kept->now.chain));
	kept->now.height = (int64_t)sb_read_be(in, 8);
	hash = sb_read_span(in, sizeof(kept->now.hash));
	if (hash.data)
		memcpy(kept->now.hash, hash.data, hash.length);
	kept->members_height = (int64_t)sb_read_be(in, 8);
	if (!sb_members_get(in, &kept->members))
		return false;
	kept->now.endpoints = sb_read_u8(in);
	for (size_t i = 0; i < kept->now.endpoints && i < SB_SUCCESSION_URLS_MAX; i++)
		get_text(in, kept->now.url[i], sizeof(kept->now.url[i]));
	return sb_read_whole(in) && kept->number && is_name(kept->first) && is_name(kept->before) &&
	       kept->members_height >= 0 && sb_succession_valid(&kept->now);
}

int sb_succession_read(const uint8_t *data, size_t length, struct sb_succession_kept *kept)
{
	struct sb_succession_kept read = { .number = 0 };
	struct sb_reader in = { data, length - SB_SHA256_LEN, false };
	uint8_t digest[SB_SHA256_LEN];

	if (length < SB_SHA256_LEN || length > SB_SUCCESSION_FILE_MAX)
		return -EBADMSG;
	sb_digest_of(data, in.left, digest);
	if (memcmp(digest, data + in.left, sizeof(digest)) != 0 || !get(&in, &read))
		return -EBADMSG;
	*kept = read;
	return 0;
}
