// SPDX-License-Identifier: Apache-2.0
/* Arbitrary bytes as the file of a ledger's succession, with the checksum made to fit: what is read is written the same. */
#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"
#include "light/succession.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *file = malloc(size + SB_SHA256_LEN);
	struct sb_succession_kept kept;
	struct sb_bytes again = { .data = NULL };

	if (!file)
		abort();
	memcpy(file, data, size);
	sb_digest_of(data, size, file + size);
	if (sb_succession_read(file, size + SB_SHA256_LEN, &kept) == 0) {
		sb_succession_write(&kept, &again);
		if (again.failed || again.length != size + SB_SHA256_LEN || memcmp(again.data, file, again.length) != 0 ||
		    !sb_succession_valid(&kept.now))
			abort();
		sb_bytes_free(&again);
	}
	free(file);
	return 0;
}
