/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed bond key as a file (sealbond/blob.h), for those who look at it from outside. */
#ifndef SB_BLOB_FILE_H
#define SB_BLOB_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "sealbond/blob.h"

/* In the order of the file; each with its own size field, but the ticket, which has none. */
enum sb_blob_part {
	SB_BLOB_PRIVATE,	/* TPM2B_PRIVATE */
	SB_BLOB_PUBLIC,		/* TPM2B_PUBLIC */
	SB_BLOB_CREATION,	/* TPM2B_CREATION_DATA */
	SB_BLOB_HASH,		/* TPM2B_DIGEST of the creation data */
	SB_BLOB_TICKET,		/* TPMT_TK_CREATION */
	SB_BLOB_PARTS,
};

/* Points into the bytes that were read. */
struct sb_blob_file {
	struct sb_blob_header header;
	const uint8_t *part[SB_BLOB_PARTS];
	size_t length[SB_BLOB_PARTS];
};

/*
 * Exactly length bytes. Returns 0 or -EBADMSG; *blob is untouched then. Looks at the form and the
 * checksum; what the parts mean is the kernel's and the TPM's to judge.
 */
int sb_blob_file_decode(const uint8_t *data, size_t length, struct sb_blob_file *blob);

#endif
