// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/approval.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/p256.h"
#include "device/link_internal.h"

#define PATH_ROOM	(SB_PATH_ROOM + 288)	/* state_dir, approvals/ and a file's name */
#define PEM_MAX		4096
#define MARKER		"reboot-asked"		/* in state_dir: for which approval */

void link_approvals_free(struct link_approvals *approvals)
{
	for (size_t i = 0; i < approvals->count; i++)
		free(approvals->file[i].data);
	approvals->count = 0;
}

static void add(struct link_approvals *approvals, const char *path)
{
	size_t at = approvals->count;
	sb_cleanup_free uint8_t *data = NULL;
	struct stat status;
	size_t length;
	int result = stat(path, &status) < 0 ? -errno : sb_file_read(path, SB_APPROVAL_MAX, &data, &length);

	if (result < 0) {
		sb_warn("approval %s: %s", path, strerror(-result));
		return;
	}
	/* More than the kernel takes: the newest stay. */
	if (at == SB_APPROVALS_MAX) {
		size_t oldest = 0;

		for (size_t i = 1; i < at; i++)
			if (approvals->changed[i] < approvals->changed[oldest])
				oldest = i;
		sb_warn("more than %d approvals: the oldest are left out", SB_APPROVALS_MAX);
		if (approvals->changed[oldest] >= status.st_mtime)
			return;
		free(approvals->file[oldest].data);
		at = oldest;
	} else {
		approvals->count++;
	}
	approvals->file[at] = (struct sb_file_bytes){ sb_take_ptr(data), length };
	approvals->changed[at] = status.st_mtime;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

void link_approvals_read(struct sb_link *link, struct link_approvals *approvals)
{
	sb_cleanup(close_directory) DIR *directory = NULL;
	const struct dirent *entry;
	char path[PATH_ROOM];

	snprintf(path, sizeof(path), "%s/approvals", link->config.state_dir);
	directory = opendir(path);
	if (!directory && errno != ENOENT)
		sb_warn("%s: %s", path, strerror(errno));
	while (directory && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name);

		if (length < 10 || strcmp(entry->d_name + length - 9, ".approval") != 0 || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/approvals/%s", link->config.state_dir, entry->d_name);
		add(approvals, path);
	}
}

int link_release_key(struct sb_link *link, uint8_t key[64], struct sb_error *error)
{
	const char *path = link->config.release_key;
	sb_cleanup_free uint8_t *text = NULL;
	size_t length;
	int result = sb_file_read(path, PEM_MAX, &text, &length);

	if (result < 0)
		return sb_fail(error, result, "release_key %s: %s", path, strerror(-result));
	if (sb_p256_read_pem((char *)text, length, key, key + 32) < 0)
		return sb_fail(error, -EINVAL, "release_key %s: not a P-256 public key in PEM (sealbond release key makes one)",
			       path);
	return 0;
}

/* The file of an approval that the kernel will take in the next boot, if that is as this one. */
static const struct sb_file_bytes *find_fitting(struct sb_link *link, const struct link_approvals *approvals,
						const struct sb_key_status *key, const uint8_t release_key[64])
{
	const struct sb_config *config = &link->config;
	struct sb_approval_file approval;
	uint8_t fleet[32];

	sb_config_id(config->fleet, fleet);
	for (size_t i = 0; i < approvals->count; i++)
		if (sb_approval_file_decode(approvals->file[i].data, approvals->file[i].length, &approval) == 0 &&
		    sb_approval_file_usable(&approval, release_key, fleet, (unsigned int)config->cap_pcr,
					    config->pcrs) &&
		    sb_approval_file_differs(&approval, key->pcr_valid, key->pcr_values) == 0)
			return &approvals->file[i];
	return NULL;
}

/*
 * Once for each approval: if a reboot for it ends without the keys, something else is wrong, and
 * another reboot would not mend it.
 */
static bool asked_before(struct sb_link *link, const struct sb_file_bytes *file)
{
	char path[PATH_ROOM], id[SB_HEX_ROOM(SB_SHA256_LEN)];
	sb_cleanup_free uint8_t *marker = NULL;
	uint8_t digest[SB_SHA256_LEN];
	size_t length;
	int result;

	sb_digest_of(file->data, file->length, digest);
	sb_format_hex(id, digest, sizeof(digest));
	snprintf(path, sizeof(path), "%s/" MARKER, link->config.state_dir);
	if (sb_file_read(path, sizeof(id), &marker, &length) == 0 && length == strlen(id) &&
	    memcmp(marker, id, length) == 0)
		return true;
	result = sb_file_write(path, id, strlen(id), 0644);
	if (result < 0)
		sb_warn("%s: %s; no reboot is asked for", path, strerror(-result));
	return result < 0;
}

static void on_approved(struct sb_link *link, const struct sb_file_bytes *file)
{
	link_note(link, "%s", SB_NOTE_APPROVED);
	link->approved = true;
	if (!link->config.reboot_when_approved || link->reboot_asked)
		return;
	link->reboot_asked = true;
	if (asked_before(link, file))
		sb_warn("a reboot for this approval was asked for before: look at the machine");
	else
		sb_channel_send(link->channel, SB_ROLE_LINK, SB_ROLE_PARENT, SB_MESSAGE_REBOOT, NULL, 0);
}

static void watch(struct sb_link *link, const struct sb_key_status *key)
{
	sb_cleanup(link_approvals_free) struct link_approvals approvals = { 0 };
	const struct sb_file_bytes *fits = NULL;
	uint8_t release_key[64];
	struct sb_error error;

	if (link_release_key(link, release_key, &error) < 0)
		return;
	link_approvals_read(link, &approvals);
	fits = find_fitting(link, &approvals, key, release_key);
	if (fits && !link->approved) {
		on_approved(link, fits);
	} else if (!fits && link->approved) {
		link->approved = false;
		link_key_tell(link, key);
	}
}

/* The kernel has seen those that were there at its hold: one that fits has come since. */
void link_approvals_watch(struct sb_link *link)
{
	struct sb_key_status key;

	if (!link->module || (link->key_state != SEALBOND_STATE_BOOT_CHANGED &&
			      link->key_state != SEALBOND_STATE_NOT_APPROVED))
		return;
	if (sb_module_get_key(link->module, &key) < 0)
		return;
	if (key.state == link->key_state)
		watch(link, &key);
	sb_key_status_free(&key);
}
