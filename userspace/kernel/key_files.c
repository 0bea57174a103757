// SPDX-License-Identifier: Apache-2.0
#include "kernel/key_files.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/file.h"

#define PATH_ROOM	(SB_PATH_ROOM + 288)	/* state_dir, approvals/ and a file's name */

const char *const sb_blob_names[SB_PLACES] = { "key-current.blob", "key-next.blob", "key-candidate.blob" };

void sb_approvals_free(struct sb_approvals *approvals)
{
	for (size_t i = 0; i < approvals->count; i++)
		free(approvals->file[i].data);
	approvals->count = 0;
}

void sb_key_files_free(struct sb_key_files *files)
{
	free(files->request.blob[0].data);
	free(files->request.blob[1].data);
	sb_approvals_free(&files->approvals);
	memset(files, 0, sizeof(*files));
}

static int read_blobs(struct sb_key_files *files, const char *state_dir, struct sb_error *error)
{
	char path[PATH_ROOM];

	for (int i = 0; i < 2; i++) {
		struct sb_file_bytes *blob = &files->request.blob[i];
		int result;

		snprintf(path, sizeof(path), "%s/%s", state_dir, sb_blob_names[i]);
		result = sb_file_read(path, SB_BLOB_MAX, &blob->data, &blob->length);
		if (result == 0 && blob->length == 0)
			result = -EBADMSG;
		if (result < 0 && result != -ENOENT)
			return sb_fail(error, result, "%s: %s; restore it from a copy", path, strerror(-result));
	}
	if (!files->request.blob[0].length && files->request.blob[1].length)
		return sb_fail(error, -ENOENT, "%s/%s is there and %s is not: restore it, or move the first away for a new key",
			       state_dir, sb_blob_names[1], sb_blob_names[0]);
	return 0;
}

static void add_approval(struct sb_approvals *approvals, const char *path)
{
	size_t at = approvals->count;
	sb_cleanup_free uint8_t *data = NULL;
	struct stat status;
	size_t length;
	int result = stat(path, &status) < 0 ? -errno : sb_file_read(path, SB_APPROVAL_MAX, &data, &length);

	if (result < 0) {
		sb_fail(&approvals->warning, 0, "approval %s: %s", path, strerror(-result));
		return;
	}
	/* More than the kernel takes: the newest stay. */
	if (at == SB_APPROVALS_MAX) {
		size_t oldest = 0;

		for (size_t i = 1; i < at; i++)
			if (approvals->changed[i] < approvals->changed[oldest])
				oldest = i;
		sb_fail(&approvals->warning, 0, "more than %d approvals: the oldest are left out", SB_APPROVALS_MAX);
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

void sb_approvals_read(struct sb_approvals *approvals, const char *state_dir)
{
	sb_cleanup(close_directory) DIR *directory = NULL;
	const struct dirent *entry;
	char path[PATH_ROOM];

	memset(approvals, 0, sizeof(*approvals));
	snprintf(path, sizeof(path), "%s/approvals", state_dir);
	directory = opendir(path);
	if (!directory && errno != ENOENT)
		sb_fail(&approvals->warning, 0, "%s: %s", path, strerror(errno));
	while (directory && (entry = readdir(directory))) {
		size_t length = strlen(entry->d_name);

		if (length < 10 || strcmp(entry->d_name + length - 9, ".approval") != 0 || entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/approvals/%s", state_dir, entry->d_name);
		add_approval(approvals, path);
	}
}

int sb_key_files_read(struct sb_key_files *files, const struct sb_config *config,
		      const uint8_t release_key[64], struct sb_error *error)
{
	struct sb_key_request *request = &files->request;
	int result;

	memset(files, 0, sizeof(*files));
	result = read_blobs(files, config->state_dir, error);
	if (result < 0)
		return result;
	sb_approvals_read(&files->approvals, config->state_dir);
	request->approvals = files->approvals.file;
	request->approvals_count = files->approvals.count;
	memcpy(request->release_key, release_key, sizeof(request->release_key));
	request->pcrs = config->pcrs;
	request->cap_pcr = (uint8_t)config->cap_pcr;
	request->allow_virtual = config->allow_virtual_tpm;
	sb_config_id(config->fleet, request->policy_ref);
	return 0;
}
