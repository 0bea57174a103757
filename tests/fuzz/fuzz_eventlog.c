// SPDX-License-Identifier: Apache-2.0
/* Arbitrary bytes as the firmware's event log: bounded, and the same value each time. */
#include <stdlib.h>
#include <string.h>

#include "boot/eventlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1), one[32], other[32];
	int result;

	if (size)
		memcpy(copy, data, size);
	result = sb_eventlog_replay(copy, size, 14, one);
	if (result != sb_eventlog_replay(copy, size, 14, other) || (result == 0 && memcmp(one, other, 32) != 0))
		abort();
	free(copy);
	return 0;
}
