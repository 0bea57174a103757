// SPDX-License-Identifier: Apache-2.0
/* What is encrypted to zones and devices, once it is opened: whoever holds a zone's key may have written it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "owner/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const ProtobufCMessageDescriptor *const types[] = {
		&sealbond_private__membership_content__descriptor, &sealbond_private__zone_content__descriptor,
		&sealbond_private__profile_content__descriptor, &sealbond_private__endpoints__descriptor,
	};
	uint8_t *again;
	size_t length;
	void *message;

	if (!size)
		return 0;
	message = sb_private_unpack(types[data[0] % 4], data + 1, size - 1);
	if (!message)
		return 0;
	if (data[0] % 4 == 0)
		(void)sb_membership_content_check(message);
	if (data[0] % 4 == 1)
		(void)sb_zone_content_check(message);
	/* One encoding of each. */
	again = sb_private_pack(message, &length);
	if (!again || length != size - 1 || memcmp(again, data + 1, length) != 0)
		abort();
	sb_private_release(again, length);
	sb_private_free(message);
	return 0;
}
