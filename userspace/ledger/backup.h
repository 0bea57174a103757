/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ledger's backup: one file with what a home needs to go on. Pure; backup_make.c writes it, restore.c takes it
 * apart.
 *
 * Integers big endian:
 *   "SBBACKUP" 1 (one byte)
 *   length of the chain id (1), chain id; when it was made, seconds (8)
 *   files, each: length of its name (1), name, length (8), bytes
 *   0 (1), SHA-256 of everything before
 * Names are those of the table below, each at most once. The checksum is against damage; what proves the contents are
 * the validator's signatures in them.
 */
#ifndef SB_LEDGER_BACKUP_H
#define SB_LEDGER_BACKUP_H

#include <sys/types.h>

#include "light/bytes.h"
#include "light/block.h"
#include "state/reader.h"

enum sb_backup_file {
	SB_BACKUP_GENESIS, SB_BACKUP_STATE, SB_BACKUP_BLOCKS, SB_BACKUP_CHECKPOINTS, SB_BACKUP_DESCRIPTION,
	SB_BACKUP_APP_STATE, SB_BACKUP_GRANT_PUBLIC,
	/* secret */
	SB_BACKUP_VALIDATOR_KEY, SB_BACKUP_GRANT_KEY, SB_BACKUP_MEMBER_KEY, SB_BACKUP_ENROLLER_KEY,
	SB_BACKUP_FILES
};

struct sb_backup_kind {
	const char *name;	/* below the home */
	mode_t mode;
	bool secret, needed;
};
extern const struct sb_backup_kind sb_backup_kinds[SB_BACKUP_FILES];

struct sb_backup {
	char chain[SB_CHAIN_NAME_MAX + 1];
	int64_t made;				/* seconds of 1970 */
	struct sb_span file[SB_BACKUP_FILES];	/* in the buffer that was read; data NULL: not in it */
};

/* sb_backup_read() - 0; -EBADMSG for what is not in the one form above, or lacks what is needed. */
int sb_backup_read(const uint8_t *data, size_t length, struct sb_backup *backup);

/* What stands before the files, and before each of them; its length is put in when it is known. */
void sb_backup_put_head(struct sb_bytes *out, const char *chain, int64_t made);
void sb_backup_put_file(struct sb_bytes *out, enum sb_backup_file file, uint64_t length);

#endif
