// SPDX-License-Identifier: Apache-2.0
/* Arbitrary bytes as a list of checkpoints: what is read is written again the same, nobody's is believed. */
#include <stdlib.h>
#include <string.h>

#include "light/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sb_checkpoint checkpoint;
	/* a key that nobody has: the digits of nothing up my sleeve */
	static struct sb_members members = { 1, 1, { { { 0x79, 0xbe, 0x66, 0x7e }, 1 } } };
	struct sb_bytes again = { .data = NULL };
	struct sb_error error;
	size_t used;

	if (sb_checkpoint_read(data, size, &checkpoint, &used) == 0) {
		sb_checkpoint_write(&checkpoint, &again);
		if (again.failed || again.length != used || memcmp(again.data, data, used) != 0 ||
		    used > SB_CHECKPOINT_MAX)
			abort();
		sb_bytes_free(&again);
	}
	if (sb_checkpoint_follow(data, size, "test-chain", 1, &members, &checkpoint, &error) == 0)
		abort();
	return 0;
}
