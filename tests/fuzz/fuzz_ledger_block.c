// SPDX-License-Identifier: Apache-2.0
/* Arbitrary bytes as a stored block, commit or list of results: what is read is written again to the same. */
#include <stdlib.h>
#include <string.h>

#include "ledger/block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int rc, uint8_t *again, size_t again_length, const uint8_t *data, size_t size)
{
	if (rc || again_length != size || memcmp(again, data, size) != 0)
		abort();
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sb_tx_result *results;
	struct sb_block block;
	struct sb_commit commit;
	struct sb_block_id id;
	uint8_t *again = NULL;
	size_t length = 0, count;
	int rc;

	if (!sb_block_decode(data, size, &block)) {
		rc = sb_block_encode(&block, &again, &length);
		check(rc, again, length, data, size);
		sb_header_hash(&block.header, id.hash.bytes);
		sb_block_free(&block);
	}
	if (!sb_commit_decode(data, size, &commit)) {
		rc = sb_commit_encode(&commit, &again, &length);
		check(rc, again, length, data, size);
		sb_commit_free(&commit);
	}
	if (!sb_results_decode(data, size, &results, &count)) {
		rc = sb_results_encode(results, count, &again, &length);
		check(rc, again, length, data, size);
		free(results);
	}
	sb_block_parts(data, size, &id);
	return 0;
}
