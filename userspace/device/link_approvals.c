// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "common/approval.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/security.h"
#include "device/link_internal.h"
#include "kernel/key_files.h"

#define PATH_ROOM	(SB_PATH_ROOM + 288)	/* state_dir and a file's name */
#define MARKER		"reboot-asked"		/* in state_dir: for which approval */

/* The file of an approval that the kernel will take in the next boot, if that is as this one. */
static const struct sb_file_bytes *find_fitting(struct sb_link *link, const struct sb_approvals *approvals,
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
	sb_cleanup(sb_approvals_free) struct sb_approvals approvals = { 0 };
	const struct sb_file_bytes *fits = NULL;
	uint8_t release_key[64];
	struct sb_error error;

	if (sb_security_load_point(link->config.release_key, "release_key", release_key, &error) < 0)
		return;
	sb_approvals_read(&approvals, link->config.state_dir);
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
