// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as the file of what a light client trusts, with the checksum made to fit: what is read is
 * whole and is written again the same.
 */
#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"
#include "light/trust_file.h"
#include "light/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct sb_trust *trust, const uint8_t *file, size_t length)
{
	struct sb_bytes again = { .data = NULL };

	sb_trust_write(trust, &again);
	if (again.failed || again.length != length || memcmp(again.data, file, length) != 0)
		abort();
	sb_bytes_free(&again);
	for (size_t i = 0; i < trust->count; i++)
		if (sb_light_check(&trust->block[i], trust->chain) != SB_LIGHT_OK)
			abort();
	sb_trust_free(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *file = malloc(size + SB_SHA256_LEN);
	struct sb_trust trust;

	if (!file)
		abort();
	memcpy(file, data, size);
	sb_digest_of(data, size, file + size);
	if (sb_trust_read(file, size + SB_SHA256_LEN, &trust) == 0)
		check(&trust, file, size + SB_SHA256_LEN);
	free(file);
	return 0;
}
