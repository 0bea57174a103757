// SPDX-License-Identifier: Apache-2.0
/* A candidate key whose bond goes live was admitted by the other side: it becomes the current one. */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "device/link_internal.h"

#define PATH_ROOM	(SB_PATH_ROOM + 32)

static const char *path_of(char path[PATH_ROOM], const struct sb_link *link, const char *name)
{
	snprintf(path, PATH_ROOM, "%s/%s", link->config.state_dir, name);
	return path;
}

/* A sealed key's file; 0 also when there is none, with *data NULL. */
static int read_blob(const char *path, uint8_t **data, size_t *length)
{
	int result = sb_file_read(path, SB_BLOB_MAX, data, length);

	if (result == 0 && *length < sizeof(struct sb_blob_header))
		return -EBADMSG;
	return result == -ENOENT ? 0 : result;
}

static bool holds(const uint8_t *blob, const uint8_t key[SEALBOND_KEY_LEN])
{
	return blob && memcmp(blob + offsetof(struct sb_blob_header, key), key, SEALBOND_KEY_LEN) == 0;
}

/*
 * At every moment key-current.blob is the old or the new one, and the old one is kept. Not done
 * twice: the candidate that is current already must not take the old one's place among the kept.
 * 0 when the files are as they should be, -EAGAIN while the candidate is not stored.
 */
static int admit(const struct sb_link *link)
{
	char current_path[PATH_ROOM], candidate_path[PATH_ROOM], before_path[PATH_ROOM];
	sb_cleanup_free uint8_t *current = NULL, *candidate = NULL;
	size_t current_length, candidate_length;
	int result;

	path_of(current_path, link, "key-current.blob");
	path_of(candidate_path, link, "key-candidate.blob");
	path_of(before_path, link, "key-before.blob");
	result = read_blob(current_path, &current, &current_length);
	if (result < 0 || holds(current, link->candidate))
		return result;
	result = read_blob(candidate_path, &candidate, &candidate_length);
	if (result < 0)
		return result;
	if (!holds(candidate, link->candidate))
		return -EAGAIN;
	if (current)
		result = sb_file_write(before_path, current, current_length, 0644);
	if (result == 0)
		result = sb_file_rename(candidate_path, current_path);
	if (result == 0)
		sb_info("the candidate key was admitted: %s holds it now, %s the one before", current_path,
			before_path);
	return result;
}

/* The approved keys are the device's again, and a candidate of an earlier boot is not needed. */
static int forget(const struct sb_link *link)
{
	char path[PATH_ROOM];

	if (unlink(path_of(path, link, "key-candidate.blob")) == 0)
		sb_info("%s removed: the approved keys are in use", path);
	else if (errno != ENOENT)
		return -errno;
	return 0;
}

void link_candidate_bond_live(struct sb_link *link)
{
	int result;

	if (link->key_settled)
		return;
	if (link->has_candidate)
		result = admit(link);
	else if (link->key_state == SEALBOND_STATE_KEYS_READY)
		result = forget(link);
	else
		return;
	link->key_settled = result == 0;
	if (result < 0 && result != -EAGAIN)
		sb_warn("the candidate key's file in %s: %s; tried again with the next bond", link->config.state_dir,
			strerror(-result));
}
