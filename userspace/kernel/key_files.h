/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel is handed with KEY: the blobs and approvals of state_dir, all public. */
#ifndef SB_KEY_FILES_H
#define SB_KEY_FILES_H

#include <time.h>

#include "common/config.h"
#include "common/error.h"
#include "kernel/module.h"
#include "sealbond/blob.h"

extern const char *const sb_blob_names[SB_PLACES];	/* in state_dir */

/* The newest approvals of state_dir, as many as the kernel takes. */
struct sb_approvals {
	struct sb_file_bytes file[SB_APPROVALS_MAX];
	time_t changed[SB_APPROVALS_MAX];
	size_t count;
	struct sb_error warning;	/* the last one that was left out, "" when none */
};

void sb_approvals_read(struct sb_approvals *approvals, const char *state_dir);
void sb_approvals_free(struct sb_approvals *approvals);

struct sb_key_files {
	struct sb_key_request request;
	struct sb_approvals approvals;
};

/*
 * A whole request from a configuration, its release key and the files in its state_dir. A key is made
 * only where its file is provably absent: any other error stops here, and so does a next key without
 * a current one, which tells that a file was lost.
 * Out: *files, which points into itself: not to be copied; to be freed, also after a failure.
 * Returns 0 or a negative errno with a sentence.
 */
int sb_key_files_read(struct sb_key_files *files, const struct sb_config *config,
		      const uint8_t release_key[64], struct sb_error *error);
void sb_key_files_free(struct sb_key_files *files);

#endif
