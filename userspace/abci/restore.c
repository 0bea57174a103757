// SPDX-License-Identifier: Apache-2.0
#include "abci/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/sha256.h"

#define HASH_LEN	32
#define SENDER_MAX	128	/* bytes of a name that are kept */

struct sb_handover {
	char directory[PATH_MAX - 64];
	const struct sb_app *app;
	struct sb_snapshot wanted;	/* height 0: nothing was offered */
	uint8_t app_hash[SB_APP_HASH_LEN];
	char **sender;			/* of each chunk; NULL: it is not there */
	uint32_t there;
	uint8_t *chunk;			/* that is being read back */
};

int sb_handover_new(const char *home, const struct sb_app *app, struct sb_handover **restore, struct sb_error *error)
{
	struct sb_handover *new = calloc(1, sizeof(*new));

	if (!new)
		return sb_fail(error, -ENOMEM, "out of memory");
	new->app = app;
	if (snprintf(new->directory, sizeof(new->directory), "%s/restore", home) >= (int)sizeof(new->directory)) {
		free(new);
		return sb_fail(error, -ENAMETOOLONG, "%s: too long", home);
	}
	*restore = new;
	return 0;
}

static void path_of(const struct sb_handover *restore, uint32_t index, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%" PRIu32, restore->directory, index);
}

void sb_handover_end(struct sb_handover *restore)
{
	char path[PATH_MAX];

	for (uint32_t i = 0; i < restore->wanted.chunks && restore->sender; i++) {
		path_of(restore, i, path);
		unlink(path);
		free(restore->sender[i]);
	}
	rmdir(restore->directory);
	free(restore->sender);
	free(restore->wanted.metadata);
	free(restore->chunk);
	restore->sender = NULL;
	restore->chunk = NULL;
	restore->there = 0;
	memset(&restore->wanted, 0, sizeof(restore->wanted));
}

void sb_handover_free(struct sb_handover *restore)
{
	if (!restore)
		return;
	sb_handover_end(restore);
	free(restore);
}

int sb_handover_offer(struct sb_handover *restore, const struct sb_snapshot *offered, size_t metadata_length,
		     const uint8_t app_hash[SB_APP_HASH_LEN])
{
	uint8_t hash[HASH_LEN];

	sb_handover_end(restore);
	if (offered->height <= 0 || offered->height % restore->app->copying->every || !offered->chunks ||
	    offered->chunks > SB_SNAPSHOT_CHUNKS || metadata_length != (size_t)offered->chunks * HASH_LEN)
		return -EBADMSG;
	sb_digest_of(offered->metadata, metadata_length, hash);
	if (memcmp(hash, offered->hash, sizeof(hash)) != 0)
		return -EBADMSG;
	restore->sender = calloc(offered->chunks, sizeof(*restore->sender));
	restore->wanted = *offered;
	restore->wanted.metadata = malloc(metadata_length);
	if (!restore->sender || !restore->wanted.metadata) {
		sb_handover_end(restore);
		return -ENOMEM;
	}
	memcpy(restore->wanted.metadata, offered->metadata, metadata_length);
	memcpy(restore->app_hash, app_hash, sizeof(restore->app_hash));
	return sb_make_directory(restore->directory, 0700);
}

static int get(void *context, uint32_t index, const uint8_t **data, size_t *length)
{
	struct sb_handover *restore = context;
	char path[PATH_MAX];
	int rc;

	free(restore->chunk);
	restore->chunk = NULL;
	path_of(restore, index, path);
	rc = sb_file_read(path, SB_SNAPSHOT_CHUNK, &restore->chunk, length);
	*data = restore->chunk;
	/* (what the disk has lost is not the sender's fault) */
	return rc == -EBADMSG ? -EIO : rc;
}

static enum sb_handover_verdict take_over(struct sb_handover *restore, struct sb_error *error)
{
	const struct sb_app_chunks chunks = { restore, restore->wanted.chunks, get };
	int rc = restore->app->copying->restore(restore->app->context, &chunks, restore->wanted.height,
						restore->app_hash, error);

	if (!rc)
		sb_handover_end(restore);
	return !rc ? SB_HANDOVER_DONE : rc == -EBADMSG ? SB_HANDOVER_LIE : SB_HANDOVER_NONE;
}

enum sb_handover_verdict sb_handover_chunk(struct sb_handover *restore, uint32_t index, const uint8_t *data,
					 size_t length, const char *sender, struct sb_error *error)
{
	uint8_t digest[HASH_LEN];
	char path[PATH_MAX];
	int rc;

	if (!restore->wanted.height || index >= restore->wanted.chunks) {
		sb_fail(error, -ENOENT, "a chunk of a snapshot that was not offered");
		return SB_HANDOVER_NONE;
	}
	sb_digest_of(data, length, digest);
	if (length > SB_SNAPSHOT_CHUNK ||
	    memcmp(digest, restore->wanted.metadata + (size_t)index * HASH_LEN, HASH_LEN) != 0)
		return SB_HANDOVER_AGAIN;
	if (!restore->sender[index]) {
		path_of(restore, index, path);
		rc = sb_file_write(path, data, length, 0600);
		restore->sender[index] = rc ? NULL : strndup(sender, SENDER_MAX);
		if (!restore->sender[index]) {
			sb_fail(error, rc ? rc : -ENOMEM, "%s: %s", path, strerror(rc ? -rc : ENOMEM));
			return SB_HANDOVER_NONE;
		}
		restore->there++;
	}
	return restore->there == restore->wanted.chunks ? take_over(restore, error) : SB_HANDOVER_MORE;
}

const char *sb_handover_sender(const struct sb_handover *restore, uint32_t index)
{
	return restore->sender && index < restore->wanted.chunks ? restore->sender[index] : NULL;
}
