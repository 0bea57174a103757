// SPDX-License-Identifier: Apache-2.0
#include "ledger/backup.h"

#include <errno.h>
#include <string.h>

#include "common/sha256.h"

static const uint8_t magic[9] = { 'S', 'B', 'B', 'A', 'C', 'K', 'U', 'P', 1 };

const struct sb_backup_kind sb_backup_kinds[SB_BACKUP_FILES] = {
	[SB_BACKUP_GENESIS] = { "genesis.json", 0644, false, true },
	[SB_BACKUP_STATE] = { "state/data.mdb", 0600, false, true },
	[SB_BACKUP_BLOCKS] = { "blocks/data.mdb", 0600, false, true },
	[SB_BACKUP_CHECKPOINTS] = { "checkpoints", 0600, false, false },
	[SB_BACKUP_DESCRIPTION] = { "ledger.conf", 0644, false, false },
	[SB_BACKUP_APP_STATE] = { "app_state.json", 0644, false, false },
	[SB_BACKUP_GRANT_PUBLIC] = { "grant_key.pub.pem", 0644, false, false },
	[SB_BACKUP_VALIDATOR_KEY] = { "validator_key.json", 0600, true, false },
	[SB_BACKUP_GRANT_KEY] = { "grant_key.pem", 0600, true, false },
	[SB_BACKUP_MEMBER_KEY] = { "member.key", 0600, true, false },
	[SB_BACKUP_ENROLLER_KEY] = { "enroller.key", 0600, true, false },
};

void sb_backup_put_head(struct sb_bytes *out, const char *chain, int64_t made)
{
	size_t length = strlen(chain);

	sb_bytes_put(out, magic, sizeof(magic));
	sb_bytes_be(out, length, 1);
	sb_bytes_put(out, chain, length);
	sb_bytes_be(out, (uint64_t)made, 8);
}

void sb_backup_put_file(struct sb_bytes *out, enum sb_backup_file file, uint64_t length)
{
	const char *name = sb_backup_kinds[file].name;

	sb_bytes_be(out, strlen(name), 1);
	sb_bytes_put(out, name, strlen(name));
	sb_bytes_be(out, length, 8);
}

static bool read_head(struct sb_reader *reader, struct sb_backup *backup)
{
	struct sb_span head = sb_read_span(reader, sizeof(magic)), name;
	size_t length = sb_read_u8(reader);

	if (!head.data || memcmp(head.data, magic, sizeof(magic)) != 0 || !length || length > SB_CHAIN_NAME_MAX)
		return false;
	name = sb_read_span(reader, length);
	if (!name.data || memchr(name.data, 0, length))
		return false;
	memcpy(backup->chain, name.data, length);
	backup->made = (int64_t)sb_read_be(reader, 8);
	return !reader->failed;
}

static int find(struct sb_span name)
{
	for (int i = 0; i < SB_BACKUP_FILES; i++)
		if (strlen(sb_backup_kinds[i].name) == name.length &&
		    memcmp(sb_backup_kinds[i].name, name.data, name.length) == 0)
			return i;
	return -1;
}

static bool read_files(struct sb_reader *reader, struct sb_backup *backup)
{
	size_t length;

	while ((length = sb_read_u8(reader)) > 0) {
		struct sb_span name = sb_read_span(reader, length);
		int kind = name.data ? find(name) : -1;
		uint64_t bytes = sb_read_be(reader, 8);

		if (reader->failed || kind < 0 || backup->file[kind].data || bytes > reader->left)
			return false;
		backup->file[kind] = sb_read_span(reader, (size_t)bytes);
	}
	for (size_t i = 0; i < SB_BACKUP_FILES; i++)
		if (sb_backup_kinds[i].needed && !backup->file[i].length)
			return false;
	return !reader->failed;
}

int sb_backup_read(const uint8_t *data, size_t length, struct sb_backup *backup)
{
	struct sb_reader reader = { data, length, false };
	struct sb_backup read = { .made = 0 };
	uint8_t digest[SB_SHA256_LEN];

	if (!read_head(&reader, &read) || !read_files(&reader, &read) || reader.left != sizeof(digest))
		return -EBADMSG;
	sb_digest_of(data, length - sizeof(digest), digest);
	if (memcmp(digest, reader.data, sizeof(digest)) != 0)
		return -EBADMSG;
	*backup = read;
	return 0;
}
