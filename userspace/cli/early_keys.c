// SPDX-License-Identifier: Apache-2.0
/* Phase two: the real root is mounted read-only, and nothing of it has run. */
#include <errno.h>
#include <mntent.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/early.h"
#include "kernel/key_files.h"

#define HOLD_MS		60000	/* longer than the slowest TPM takes for everything */
#define RETRY_MS	5000	/* for a TPM that is busy, or whose driver comes late */
#define PAUSE_MS	200

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void close_table(FILE **table)
{
	if (*table)
		endmntent(*table);
}

static bool is_above(const char *directory, const char *path)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* A directory is mounted when it is on another device than the one above it. */
static bool is_mounted(const char *directory)
{
	char above[2 * SB_PATH_ROOM];
	struct stat own, other;

	snprintf(above, sizeof(above), "%s/..", directory);
	return stat(directory, &own) == 0 && stat(above, &other) == 0 && own.st_dev != other.st_dev;
}

/*
 * Where a file system of its own holds state_dir and is not mounted yet, the keys' files cannot be seen:
 * "no file" would be read as "no key", and a new identity made in place of the device's own. So it is
 * where state_dir is missing altogether: what holds it may be mounted by something else than fstab.
 */
static int check_state_dir(const char *state_dir, struct sb_error *error)
{
	sb_cleanup(close_table) FILE *table = setmntent("/etc/fstab", "re");
	const struct mntent *entry;
	struct stat status;

	while (table && (entry = getmntent(table)))
		if (strcmp(entry->mnt_dir, "/") != 0 && entry->mnt_dir[0] == '/' && is_above(entry->mnt_dir, state_dir) &&
		    !is_mounted(entry->mnt_dir))
			return sb_fail(error, -ENOTDIR, "state_dir %s is on a file system that is not mounted in early boot (%s)",
				       state_dir, entry->mnt_dir);
	if (stat(state_dir, &status) < 0)
		return sb_fail(error, -errno, "state_dir %s: %s", state_dir, strerror(errno));
	return S_ISDIR(status.st_mode) ? 0 : sb_fail(error, -ENOTDIR, "state_dir %s is no directory", state_dir);
}

static void ignore(void *context, const struct sb_event *event)
{
	(void)context;
	(void)event;
}

/* Until the hold of the TPM has ended: EVENT_KEY wakes us, GET_KEY says what has come of it. */
static int wait_hold(struct early *early, struct sb_events *events, struct sb_error *error)
{
	uint64_t end = now_ms() + HOLD_MS;

	for (;;) {
		struct pollfd ready = { .fd = sb_events_fd(events), .events = POLLIN };
		int result;

		sb_key_status_free(&early->key);
		result = sb_module_get_key(early->module, &early->key);
		if (result < 0)
			return sb_fail(error, result, "%s", sb_module_error(early->module));
		if (early->key.state != SEALBOND_STATE_KEY_PENDING)
			return 0;
		if (now_ms() > end)
			return sb_fail(error, -ETIMEDOUT, "the TPM has not answered within %d s", HOLD_MS / 1000);
		(void)poll(&ready, 1, 1000);
		(void)sb_events_read(events, ignore, NULL);
	}
}

static int ask(struct early *early, const struct sb_key_request *request, struct sb_events *events,
	       struct sb_error *error)
{
	const struct timespec pause = { 0, PAUSE_MS * 1000000L };
	uint64_t end = now_ms() + RETRY_MS;

	for (;;) {
		int result = sb_module_key(early->module, request);

		/* Keys are held already: not ours, and GET_KEY says so. */
		if (result < 0 && result != -EBUSY)
			return sb_fail(error, result, "%s", sb_module_error(early->module));
		early->asked = result == 0;
		result = wait_hold(early, events, error);
		if (result < 0 || !early->asked || !sb_state_text(early->key.state)->retry || now_ms() > end)
			return result;
		nanosleep(&pause, NULL);
	}
}

static void close_events(struct sb_events **events)
{
	sb_events_close(*events);
}

/* Of the real root, which whoever was root before this boot has written: every failure is to be expected. */
static int read_files(struct early *early, struct sb_key_files *files, struct sb_error *error)
{
	int result = 0;

	/* So that every link below it leads where it will lead for the helper. */
	if (strcmp(early->root, "/") != 0 && (chroot(early->root) < 0 || chdir("/") < 0))
		return sb_fail(error, -errno, "%s: %s", early->root, strerror(errno));
	result = check_state_dir(early->config.state_dir, error);
	if (result == 0)
		result = sb_key_files_read(files, &early->config, early->keys.release, error);
	if (result < 0)
		return result;
	if (files->approvals.warning.text[0])
		fprintf(stderr, "sealbond: warning: %s\n", files->approvals.warning.text);
	early->blobs = (files->request.blob[0].length > 0) + (files->request.blob[1].length > 0);
	early->approvals = files->request.approvals_count;
	return 0;
}

static int ask_for_keys(struct early *early, struct sb_key_files *files, struct sb_events *events,
			struct sb_error *error)
{
	int result;

	files->request.config_hash = early->security.hash;
	files->request.early = true;
	result = ask(early, &files->request, events, error);
	/* Slots can be filled so that a reboot leaves them full; the cap needs none. */
	if (result == 0 && early->key.state == SEALBOND_STATE_TPM_BUSY)
		return sb_fail(error, -EBUSY, "the TPM was busy for %d s", RETRY_MS / 1000);
	return result;
}

/*
 * No keys: whatever runs next must not get them either, nor have the TPM unseal them itself. What the
 * real root holds is not measured, and a failure of it no reason to leave the PCRs at the approved values.
 */
static int close_keys(struct early *early, struct sb_events *events, struct sb_error *error)
{
	struct sb_key_request request = {
		.pcrs = early->config.pcrs,
		.cap_pcr = (uint8_t)early->config.cap_pcr,
		.allow_virtual = early->config.allow_virtual_tpm,
		.config_hash = early->security.hash,
		.early = true,
		.close = true,
	};
	struct sb_error why;
	int result;

	memcpy(request.release_key, early->keys.release, sizeof(request.release_key));
	sb_config_id(early->config.fleet, request.policy_ref);
	result = ask(early, &request, events, &why);
	if (result < 0)
		return sb_fail(error, result, "%s; and the cap: %s", early->reason.text, why.text);
	return 0;
}

int early_keys(struct early *early, struct sb_error *error)
{
	sb_cleanup(close_events) struct sb_events *events = NULL;
	sb_cleanup(sb_key_files_free) struct sb_key_files files = { 0 };
	int result = 0;

	if (!early->dry_run)
		result = sb_events_open(&events, true, false, error);
	if (result < 0)
		return result;
	result = read_files(early, &files, &early->reason);
	if (result == 0 && !early->dry_run)
		result = ask_for_keys(early, &files, events, &early->reason);
	if (result == 0)
		return 0;
	if (early->dry_run)
		return sb_fail(error, result, "%s: early boot would %s", early->reason.text,
			       early->config.late_keys ? "leave the keys to the helper (late_keys)" : "close the keys");
	if (early->config.late_keys)
		return sb_fail(error, result, "%s: keys open when the helper starts (late_keys)", early->reason.text);
	fprintf(stderr, "sealbond: keys: %s: they are closed for this boot\n", early->reason.text);
	return close_keys(early, events, error);
}
