// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as the messages of a role or of the command line to the parent, one behind the other: each lies
 * within them, and is written again the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again[sizeof(struct sb_frame_header) + SB_FRAME_MAX];
	struct sb_frame_header header;
	const uint8_t *payload;
	int whole;

	while ((whole = sb_frame_decode(data, size, &header, &payload)) > 0) {
		demand((size_t)whole <= size && header.length <= SB_FRAME_MAX);
		demand(payload >= data && payload + header.length == data + whole);
		demand(sb_frame_encode(again, sizeof(again), &header, payload) == whole);
		demand(memcmp(again, data, (size_t)whole) == 0);
		data += whole;
		size -= (size_t)whole;
	}
	demand(whole == 0 || whole == -EMSGSIZE);
	return 0;
}
