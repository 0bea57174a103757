// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "common/blob.h"
#include "common/cleanup.h"
#include "common/file.h"
#include "common/log.h"
#include "common/security.h"
#include "common/states.h"
#include "device/link_internal.h"
#include "kernel/key_files.h"

#define PATH_ROOM	(SB_PATH_ROOM + 288)	/* state_dir and a file's name */

static int ask_kernel(struct sb_link *link, struct sb_error *error)
{
	sb_cleanup(sb_key_files_free) struct sb_key_files files = { 0 };
	uint8_t release_key[64];
	int result = sb_security_load_point(link->config.release_key, "release_key", release_key, error);

	if (result == 0)
		result = sb_key_files_read(&files, &link->config, release_key, error);
	if (result < 0)
		return result;
	if (files.approvals.warning.text[0])
		sb_warn("%s", files.approvals.warning.text);
	result = sb_module_key(link->module, &files.request);
	if (result == -EBUSY)
		return 0;	/* one is under way, or a key is held: the event or GET_KEY tells */
	if (result < 0)
		return sb_fail(error, result, "keys: %s", sb_module_error(link->module));
	return 0;
}

/*
 * Both keys are new, and there is a file of another one: whoever asked the kernel could not see it (a
 * state_dir that was not mounted then). Writing now would lose the device's identity.
 */
static bool would_lose_a_key(const struct sb_link *link, const struct sb_key_status *key)
{
	sb_cleanup_free uint8_t *data = NULL;
	char path[PATH_ROOM];
	size_t length;

	if (!key->blob[0] || !key->blob[1])
		return false;
	snprintf(path, sizeof(path), "%s/%s", link->config.state_dir, sb_blob_names[0]);
	if (sb_file_read(path, SB_BLOB_MAX, &data, &length) == -ENOENT)
		return false;
	return !data || length != key->blob_length[0] || memcmp(data, key->blob[0], length) != 0;
}

/* The blobs that the kernel has made; it is told that they are safe when they are on the disk. */
static void store(struct sb_link *link, const struct sb_key_status *key)
{
	char path[PATH_ROOM];
	bool any = false;

	link->unstored = false;
	if (would_lose_a_key(link, key)) {
		link_note(link, "the kernel made new keys while %s has others: they are not overwritten. Early boot could "
			  "not see that directory: put it on the root file system and reboot", link->config.state_dir);
		return;
	}
	for (int i = 0; i < SB_PLACES; i++) {
		int result;

		if (!key->blob[i])
			continue;
		any = true;
		snprintf(path, sizeof(path), "%s/%s", link->config.state_dir, sb_blob_names[i]);
		result = sb_file_write(path, key->blob[i], key->blob_length[i], 0644);
		if (result < 0) {
			link_note(link, "%s: %s; it is tried again", path, strerror(-result));
			link->unstored = true;
			return;
		}
		sb_info("%s stored", path);
	}
	if (any && sb_module_key_stored(link->module) < 0)
		sb_warn("telling the kernel that keys are stored: %s", sb_module_error(link->module));
}

static bool holds(const char *path, const uint8_t public_key[SEALBOND_KEY_LEN])
{
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_blob_file blob;
	size_t length;

	return sb_file_read(path, SB_BLOB_MAX, &data, &length) == 0 &&
	       sb_blob_file_decode(data, length, &blob) == 0 &&
	       memcmp(blob.header.key, public_key, SEALBOND_KEY_LEN) == 0;
}

static void blob_path(const struct sb_link *link, int which, char path[PATH_ROOM])
{
	snprintf(path, PATH_ROOM, "%s/%s", link->config.state_dir, sb_blob_names[which]);
}

/*
 * The files follow the kernel, never the other way: until the rename is on the disk, a crash leaves a
 * device that boots with its old key, which all its peers still know, and with the same next one. Were
 * the file renamed first, a crash would leave it with a key that nobody was told of and without the
 * one that everybody knows. What a crash left half done is finished here, at the next look.
 */
static void follow_rotation(struct sb_link *link, const struct sb_key_status *key)
{
	char current[PATH_ROOM], next[PATH_ROOM];
	bool was_late = link->key_file_late;
	int result;

	blob_path(link, 0, current);
	blob_path(link, 1, next);
	if (!key->has_current || !holds(next, key->current))
		return;
	result = sb_file_rename(next, current);
	link->key_file_late = result < 0;
	if (result < 0)
		link_note(link, "%s: %s; it is tried again. A reboot now would bring the old bond key back", current,
			  strerror(-result));
	else
		sb_info("bond key rotated: %s has the new one", current);
	if (was_late && result == 0)
		link_note(link, "%s", "");
}

/* The peers stay as they are: their bonds return when the last alarm goes. */
static void tell_alarms(struct sb_link *link, uint32_t alarms)
{
	const struct sb_state_text *bypass = sb_state_text(SEALBOND_STATE_BYPASS);
	char names[64] = "";
	size_t used = 0;

	for (unsigned int bit = 0; bit < SB_ALARM_BITS && used < sizeof(names); bit++)
		if (alarms & 1U << bit)
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s", used ? " " : "",
						 sb_alarm_text(bit)->name);
	link_note(link, "%s: %s Alarms: %s", bypass->name, bypass->sentence, names);
}

void link_key_tell(struct sb_link *link, const struct sb_key_status *key)
{
	const struct sb_state_text *text = sb_state_text(key->state);
	char pcrs[SB_PCRS_ROOM];

	if (key->state == SEALBOND_STATE_KEYS_READY) {
		sb_info("keys ready after %u TPM commands and %llu ms", key->tpm_commands,
			(unsigned long long)key->tpm_time_ms);
		link_note(link, "%s", "");
	} else if (key->state == SEALBOND_STATE_BOOT_CHANGED) {
		link_note(link, "boot-changed: PCRs %s differ from every approval%s",
			  sb_format_pcrs(pcrs, key->changed_pcrs),
			  key->has_candidate ? "; a candidate key waits for admission: sealbond identity" : "");
	} else if (key->state == SEALBOND_STATE_BYPASS) {
		tell_alarms(link, key->alarms);
	} else if (key->state != SEALBOND_STATE_KEY_PENDING) {
		link_note(link, "%s: %s", text->name, text->sentence);
	}
}

static void look(struct sb_link *link)
{
	struct sb_key_status key;
	int result = sb_module_get_key(link->module, &key);

	if (result < 0) {
		link_check_error(link, result);
		return;
	}
	/* One alarm may come while another one is there. */
	if (key.state != link->key_state || key.state == SEALBOND_STATE_BYPASS)
		link_key_tell(link, &key);
	if (key.state != link->key_state)
		link->key_settled = link->approved = false;
	link->key_state = key.state;
	link->has_candidate = key.has_candidate;
	memcpy(link->candidate, key.candidate, sizeof(link->candidate));
	store(link, &key);
	follow_rotation(link, &key);
	sb_key_status_free(&key);
	if (link->key_state == SEALBOND_STATE_KEYS_READY || link->has_candidate) {
		link->key_backoff_ms = 0;
		link_peers_kick(link);
	} else if (link->key_state == SEALBOND_STATE_SEALED_ELSEWHERE) {
		link_id_again(link);
	}
}

int link_key_rotate(struct sb_link *link, struct sb_error *error)
{
	struct sb_key_status key;
	char next[PATH_ROOM];
	int result;

	if (!link->module)
		return sb_fail(error, -ENOENT, "the kernel module is not loaded");
	result = sb_module_get_key(link->module, &key);
	if (result < 0)
		return sb_fail(error, result, "%s", sb_module_error(link->module));
	store(link, &key);
	sb_key_status_free(&key);
	blob_path(link, 1, next);
	/* Without its file the next boot could not open what would be the only key then. */
	if (key.has_next && !holds(next, key.next))
		return sb_fail(error, -ENOENT, "%s is not the next key's: restore it from a copy, or reboot for another", next);
	result = sb_module_rotate_key(link->module);
	if (result < 0)
		return sb_fail(error, result, "%s", sb_module_error(link->module));
	look(link);
	if (link->key_file_late)
		return sb_fail(error, -EIO, "the kernel has the new key, but its file could not be renamed; "
			       "that is tried again. Do not reboot before it is done: sealbond status tells");
	return 0;
}

/*
 * Only an absent or busy TPM is worth another try: after every other failure the kernel has
 * extended the cap, and asking again would only turn the true state into "capped".
 */
static void retry_later(struct sb_link *link)
{
	if (link->module && sb_state_text(link->key_state)->retry && !event_pending(link->key_timer, EV_TIMEOUT, NULL))
		link_schedule(link->key_timer, link_jitter(link_backoff(&link->key_backoff_ms, 1000, 60000), 10));
}

void link_key_start(struct sb_link *link, bool asked)
{
	struct sb_error error;

	if (!link->module)
		return;
	look(link);
	link_approvals_watch(link);
	event_del(link->key_timer);
	if (!link->module || !sb_state_text(link->key_state)->retry)
		return;
	if (asked)
		link->key_backoff_ms = 0;
	if (ask_kernel(link, &error) < 0) {
		link_note(link, "%s", error.text);
		link_schedule(link->key_timer, link_jitter(link_backoff(&link->key_backoff_ms, 5000, 60000), 10));
	}
}

void link_key_timer(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	link_key_start(context, false);
}

void link_key_look(struct sb_link *link)
{
	look(link);
	retry_later(link);
}
