// SPDX-License-Identifier: Apache-2.0
#include "abci/snapshots.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/parse.h"
#include "common/sha256.h"

#define METADATA	"metadata"
#define HASH_LEN	32

struct sb_snapshots {
	char directory[PATH_MAX - 64];
	const struct sb_app *app;
	unsigned int keep;
	pthread_mutex_t lock;
	struct sb_snapshot one[SB_SNAPSHOTS_MOST + 1];	/* newest first; under lock */
	size_t count;
	/* the one that is being made */
	pthread_t thread;
	bool joinable;			/* of the consensus connection alone */
	atomic_bool making, ending;
	struct sb_app_copy *copy;
	int64_t height;
};

static void path_of(const struct sb_snapshots *snapshots, int64_t height, const char *suffix, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%" PRId64 "%s", snapshots->directory, height, suffix);
}

static void remove_directory(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory)
		return;
	while ((entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(directory), entry->d_name, 0);
	closedir(directory);
	rmdir(path);
}

/* Those that are too many go. Under the lock. */
static void drop_old(struct sb_snapshots *snapshots)
{
	char path[PATH_MAX];

	while (snapshots->count > snapshots->keep) {
		struct sb_snapshot *last = &snapshots->one[--snapshots->count];

		path_of(snapshots, last->height, "", path);
		remove_directory(path);
		free(last->metadata);
	}
}

/* Takes over the metadata. */
static void add(struct sb_snapshots *snapshots, int64_t height, uint8_t *metadata, uint32_t chunks)
{
	struct sb_snapshot new = { .height = height, .chunks = chunks, .metadata = metadata };
	size_t at = 0;

	sb_digest_of(metadata, (size_t)chunks * HASH_LEN, new.hash);
	pthread_mutex_lock(&snapshots->lock);
	while (at < snapshots->count && snapshots->one[at].height > height)
		at++;
	memmove(snapshots->one + at + 1, snapshots->one + at, (snapshots->count - at) * sizeof(new));
	snapshots->one[at] = new;
	snapshots->count++;
	drop_old(snapshots);
	pthread_mutex_unlock(&snapshots->lock);
}

static int write_file(const char *directory, const char *name, const void *data, size_t length)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return sb_file_create(path, data, length, 0600);
}

/* Writes chunk after chunk; *metadata is the caller's then. */
static int write_chunks(struct sb_snapshots *snapshots, const char *directory, uint8_t **metadata, uint32_t *chunks)
{
	sb_cleanup_free uint8_t *chunk = malloc(SB_SNAPSHOT_CHUNK);
	char name[16];
	size_t length;
	int rc = chunk ? 0 : -ENOMEM;

	for (*chunks = 0; !rc; ++*chunks) {
		uint8_t *longer;

		rc = atomic_load(&snapshots->ending) ? -ECANCELED :
		     snapshots->app->copying->next(snapshots->copy, chunk, SB_SNAPSHOT_CHUNK, &length);
		if (rc || !length)
			break;
		longer = *chunks < SB_SNAPSHOT_CHUNKS ? realloc(*metadata, ((size_t)*chunks + 1) * HASH_LEN) : NULL;
		if (!longer)
			return -E2BIG;
		*metadata = longer;
		sb_digest_of(chunk, length, *metadata + (size_t)*chunks * HASH_LEN);
		snprintf(name, sizeof(name), "%" PRIu32, *chunks);
		rc = write_file(directory, name, chunk, length);
	}
	return rc ? rc : write_file(directory, METADATA, *metadata, (size_t)*chunks * HASH_LEN);
}

static void *make(void *context)
{
	struct sb_snapshots *snapshots = context;
	char path[PATH_MAX], done[PATH_MAX];
	uint8_t *metadata = NULL;
	uint32_t chunks = 0;
	int rc;

	path_of(snapshots, snapshots->height, ".part", path);
	path_of(snapshots, snapshots->height, "", done);
	remove_directory(path);
	rc = sb_make_directory(path, 0700);
	if (!rc)
		rc = write_chunks(snapshots, path, &metadata, &chunks);
	if (!rc)
		rc = sb_file_rename(path, done);
	snapshots->app->copying->close(snapshots->copy);
	if (rc) {
		if (rc != -ECANCELED)
			sb_warn("no snapshot of height %" PRId64 ": %s", snapshots->height, strerror(-rc));
		remove_directory(path);
		free(metadata);
	} else {
		sb_info("snapshot of height %" PRId64 ": %" PRIu32 " chunks", snapshots->height, chunks);
		add(snapshots, snapshots->height, metadata, chunks);
	}
	atomic_store(&snapshots->making, false);
	return NULL;
}

void sb_snapshots_wait(struct sb_snapshots *snapshots)
{
	if (snapshots->joinable)
		pthread_join(snapshots->thread, NULL);
	snapshots->joinable = false;
}

void sb_snapshots_make(struct sb_snapshots *snapshots, int64_t height)
{
	int rc;

	if (atomic_load(&snapshots->making)) {
		sb_warn("no snapshot of height %" PRId64 ": the last one is not done yet", height);
		return;
	}
	sb_snapshots_wait(snapshots);
	rc = snapshots->app->copying->open(snapshots->app->context, &snapshots->copy);
	if (rc) {
		sb_warn("no snapshot of height %" PRId64 ": %s", height, strerror(-rc));
		return;
	}
	snapshots->height = height;
	atomic_store(&snapshots->making, true);
	if (pthread_create(&snapshots->thread, NULL, make, snapshots)) {
		snapshots->app->copying->close(snapshots->copy);
		atomic_store(&snapshots->making, false);
	} else {
		snapshots->joinable = true;
	}
}

/* What stands there whole is told of again; what was not finished goes. */
static void look_at(struct sb_snapshots *snapshots, const char *name)
{
	char path[PATH_MAX], file[PATH_MAX + 16];
	uint8_t *metadata = NULL;
	size_t length = 0;
	uint64_t height;

	if (name[0] == '.' || snprintf(path, sizeof(path), "%s/%s", snapshots->directory, name) >= (int)sizeof(path))
		return;
	snprintf(file, sizeof(file), "%s/" METADATA, path);
	if (sb_parse_u64(name, &height) < 0 || height > INT64_MAX ||
	    sb_file_read(file, (size_t)SB_SNAPSHOT_CHUNKS * HASH_LEN, &metadata, &length) < 0 || !length ||
	    length % HASH_LEN) {
		free(metadata);
		remove_directory(path);
		return;
	}
	add(snapshots, (int64_t)height, metadata, (uint32_t)(length / HASH_LEN));
}

int sb_snapshots_open(const char *home, const struct sb_app *app, unsigned int keep, struct sb_snapshots **out,
		      struct sb_error *error)
{
	struct sb_snapshots *new = calloc(1, sizeof(*new));
	struct dirent *entry;
	DIR *directory;
	int rc;

	if (!new)
		return sb_fail(error, -ENOMEM, "out of memory");
	pthread_mutex_init(&new->lock, NULL);
	new->app = app;
	new->keep = keep < SB_SNAPSHOTS_MOST ? keep : SB_SNAPSHOTS_MOST;
	if (snprintf(new->directory, sizeof(new->directory), "%s/snapshots", home) >= (int)sizeof(new->directory))
		rc = -ENAMETOOLONG;
	else
		rc = sb_make_directory(new->directory, 0700);
	directory = rc ? NULL : opendir(new->directory);
	if (!directory) {
		rc = rc ? rc : -errno;
		sb_snapshots_close(new);
		return sb_fail(error, rc, "%s/snapshots: %s", home, strerror(-rc));
	}
	while ((entry = readdir(directory)))
		look_at(new, entry->d_name);
	closedir(directory);
	*out = new;
	return 0;
}

void sb_snapshots_close(struct sb_snapshots *snapshots)
{
	if (!snapshots)
		return;
	atomic_store(&snapshots->ending, true);
	sb_snapshots_wait(snapshots);
	for (size_t i = 0; i < snapshots->count; i++)
		free(snapshots->one[i].metadata);
	pthread_mutex_destroy(&snapshots->lock);
	free(snapshots);
}

size_t sb_snapshots_list(struct sb_snapshots *snapshots, struct sb_snapshot list[SB_SNAPSHOTS_MOST])
{
	size_t count = 0;

	pthread_mutex_lock(&snapshots->lock);
	for (size_t i = 0; i < snapshots->count; i++) {
		const struct sb_snapshot *one = &snapshots->one[i];

		list[count] = *one;
		list[count].metadata = malloc((size_t)one->chunks * HASH_LEN);
		if (!list[count].metadata)
			break;
		memcpy(list[count++].metadata, one->metadata, (size_t)one->chunks * HASH_LEN);
	}
	pthread_mutex_unlock(&snapshots->lock);
	return count;
}

int64_t sb_snapshots_oldest(struct sb_snapshots *snapshots)
{
	int64_t height;

	pthread_mutex_lock(&snapshots->lock);
	height = snapshots->count ? snapshots->one[snapshots->count - 1].height : 0;
	pthread_mutex_unlock(&snapshots->lock);
	return height;
}

int sb_snapshots_load(struct sb_snapshots *snapshots, int64_t height, uint32_t chunk, uint8_t **data, size_t *length)
{
	char path[PATH_MAX], file[PATH_MAX + 16];
	uint8_t digest[HASH_LEN];
	int rc = -ENOENT;

	path_of(snapshots, height, "", path);
	snprintf(file, sizeof(file), "%s/%" PRIu32, path, chunk);
	pthread_mutex_lock(&snapshots->lock);
	for (size_t i = 0; i < snapshots->count; i++) {
		const struct sb_snapshot *one = &snapshots->one[i];

		if (one->height != height || chunk >= one->chunks)
			continue;
		rc = sb_file_read(file, SB_SNAPSHOT_CHUNK, data, length);
		if (rc)
			break;
		/* a damaged one would make us a liar */
		sb_digest_of(*data, *length, digest);
		if (memcmp(digest, one->metadata + (size_t)chunk * HASH_LEN, HASH_LEN) != 0) {
			sb_warn("snapshot of height %" PRId64 ": chunk %" PRIu32 " is damaged", height, chunk);
			free(*data);
			rc = -ENOENT;
		}
	}
	pthread_mutex_unlock(&snapshots->lock);
	return rc;
}
