// SPDX-License-Identifier: Apache-2.0
#include "light/trust.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "light/json_write.h"

#define CHECKPOINT_FILE_MAX	(SB_CHECKPOINTS_MAX * SB_CHECKPOINT_MAX)

static int path_of(const char *directory, const char *name, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int put_aside(const char *directory, const char *path, const char *name)
{
	char aside[PATH_MAX];
	int result = path_of(directory, name, aside);

	return result < 0 ? result : sb_file_rename(path, aside);
}

int sb_trust_load(const char *directory, const char *chain, struct sb_trust *trust, bool *damaged,
		  struct sb_error *error)
{
	sb_cleanup_free uint8_t *data = NULL;
	char path[PATH_MAX];
	size_t length;
	int result = path_of(directory, "trust", path);

	*damaged = false;
	if (result == 0)
		result = sb_make_directory(directory, 0700);
	if (result < 0)
		return sb_fail(error, result, "%s: %s", directory, strerror(-result));
	result = sb_file_read(path, SB_TRUST_FILE_MAX, &data, &length);
	if (result == 0)
		result = sb_trust_read(data, length, trust);
	if (result == -EBADMSG || result == -EFBIG) {
		*damaged = true;
		result = put_aside(directory, path, "trust.damaged");
		if (result == 0)
			result = -ENOENT;
	}
	if (result == -ENOENT) {
		memset(trust, 0, sizeof(*trust));
		snprintf(trust->chain, sizeof(trust->chain), "%s", chain);
		return 0;
	}
	if (result < 0)
		return sb_fail(error, result, "%s: %s", path, strerror(-result));
	if (strcmp(trust->chain, chain) == 0)
		return 0;
	result = sb_fail(error, -EINVAL, "%s: is of the chain %s, not of %s; another ledger needs another directory",
			 path, trust->chain, chain);
	sb_trust_free(trust);
	return result;
}

int sb_trust_save(const char *directory, const struct sb_trust *trust)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	char path[PATH_MAX];
	int result = path_of(directory, "trust", path);

	if (result < 0)
		return result;
	sb_trust_write(trust, &bytes);
	if (bytes.failed)
		return -ENOMEM;
	return sb_file_write(path, bytes.data, bytes.length, 0600);
}

int sb_successor_load(const char *directory, struct sb_succession_kept *kept, struct sb_error *error)
{
	sb_cleanup_free uint8_t *data = NULL;
	char path[PATH_MAX];
	size_t length;
	int result = path_of(directory, "successor", path);

	if (result == 0)
		result = sb_file_read(path, SB_SUCCESSION_FILE_MAX, &data, &length);
	if (result == 0)
		result = sb_succession_read(data, length, kept);
	if (result == -EBADMSG || result == -EFBIG) {
		result = put_aside(directory, path, "successor.damaged");
		if (result == 0)
			result = -ENOENT;
	}
	return result < 0 && result != -ENOENT ? sb_fail(error, result, "%s: %s", path, strerror(-result)) : result;
}

int sb_successor_save(const char *directory, const struct sb_succession_kept *kept)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	char path[PATH_MAX];
	int result = path_of(directory, "successor", path);

	if (result < 0)
		return result;
	sb_succession_write(kept, &bytes);
	return bytes.failed ? -ENOMEM : sb_file_write(path, bytes.data, bytes.length, 0600);
}

int sb_trust_retire(const char *directory, const char *before, unsigned int number)
{
	sb_cleanup_free struct sb_trust *trust = calloc(1, sizeof(*trust));
	sb_cleanup_free uint8_t *data = NULL;
	char path[PATH_MAX], old[PATH_MAX], name[32];
	size_t length;
	bool is_before;
	int result;

	if (!trust)
		return -ENOMEM;
	snprintf(name, sizeof(name), "trust.%u", number);
	result = path_of(directory, "trust", path);
	if (result == 0)
		result = path_of(directory, name, old);
	if (result == 0)
		result = sb_file_read(path, SB_TRUST_FILE_MAX, &data, &length);
	/* One that is not there has gone already, one that cannot be read is for sb_trust_load(). */
	if (result < 0 || sb_trust_read(data, length, trust) < 0)
		return result == -ENAMETOOLONG ? result : 0;
	is_before = strcmp(trust->chain, before) == 0;
	sb_trust_free(trust);
	return is_before ? sb_file_rename(path, old) : 0;
}

static json_object *evidence_of(const struct sb_light_block *block, const char *from)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "from", json_object_new_string(from));
	json_object_object_add(object, "signed_header", sb_json_put_signed_header(block));
	json_object_object_add(object, "validators",
			       sb_json_put_validators(&block->validators, 0, block->validators.count));
	return object;
}

int sb_fork_save(const char *directory, const struct sb_fork *fork)
{
	json_object *object = json_object_new_object(), *blocks = json_object_new_array();
	char path[PATH_MAX], height[32];
	const char *text;
	size_t length;
	int result = path_of(directory, "fork.json", path);

	snprintf(height, sizeof(height), "%" PRId64, fork->block[0]->header.height);
	json_object_object_add(object, "height", json_object_new_string(height));
	for (size_t i = 0; i < SB_ARRAY_SIZE(fork->block); i++)
		json_object_array_add(blocks, evidence_of(fork->block[i], fork->from[i]));
	json_object_object_add(object, "blocks", blocks);
	text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
						 &length);
	if (result == 0)
		result = text ? sb_file_create(path, text, length, 0600) : -ENOMEM;
	json_object_put(object);
	return result == -EEXIST ? 0 : result;
}

bool sb_fork_there(const char *directory)
{
	struct stat status;
	char path[PATH_MAX];

	/* What cannot be looked at may be there. */
	return path_of(directory, "fork.json", path) < 0 || lstat(path, &status) == 0 || errno != ENOENT;
}

int sb_trust_checkpoint(const char *directory, uint8_t **data, size_t *length)
{
	char path[PATH_MAX];
	int result = path_of(directory, "checkpoint", path);

	return result < 0 ? result : sb_file_read(path, CHECKPOINT_FILE_MAX, data, length);
}
