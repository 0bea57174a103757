// SPDX-License-Identifier: Apache-2.0
/* Arbitrary bytes as a backup, with a checksum that fits: what is read lies within, each file once. */
#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"
#include "ledger/backup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sb_backup backup;
	size_t length = size < SB_SHA256_LEN ? 0 : size - SB_SHA256_LEN;
	uint8_t *copy = malloc(size + 1);

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (length)
		sb_digest_of(copy, length, copy + length);
	if (sb_backup_read(copy, size, &backup) == 0)
		for (size_t i = 0; i < SB_BACKUP_FILES; i++)
			if (backup.file[i].data && (backup.file[i].data < copy ||
						    backup.file[i].length > (size_t)(copy + length - backup.file[i].data)))
				abort();
	free(copy);
	return 0;
}
