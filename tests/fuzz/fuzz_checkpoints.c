// SPDX-License-Identifier: Apache-2.0
/* Arbitrary bytes as a node's file of checkpoints: what is read is written again the same, and within its bounds. */
#include <stdlib.h>
#include <string.h>

#include "ledger/checkpoints.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sb_checkpoints list;
	struct sb_bytes again = { .data = NULL }, answer = { .data = NULL };

	if (sb_checkpoints_read(data, size, &list) < 0)
		return 0;
	sb_checkpoints_write(&list, &again);
	/* signatures of nobody are left out, so that what was read may be longer */
	if (again.failed || again.length > size || list.complete > SB_CHECKPOINTS_COMPLETE)
		abort();
	sb_checkpoints_answer(&list, 0, &answer);
	if (answer.failed || answer.length > SB_CHECKPOINTS_MAX * SB_CHECKPOINT_MAX)
		abort();
	sb_bytes_free(&again);
	sb_bytes_free(&answer);
	sb_checkpoints_free(&list);
	return 0;
}
