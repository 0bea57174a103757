// SPDX-License-Identifier: Apache-2.0
/* A genesis' text, as an operator brings it from somewhere: to a message, and tried as a ledger's beginning. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "state/genesis.h"
#include "state/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sb_error error;
	Sealbond__Genesis *genesis = sb_genesis_from_json((const char *)data, size, &error);
	uint8_t *packed;
	void *again;
	size_t length;

	if (!genesis)
		return 0;
	/* What was read has an encoding that is taken, unless a text is no UTF-8. */
	packed = sb_message_pack(genesis, &length);
	again = sb_message_read(&sealbond__genesis__descriptor, packed, length);
	sb_message_free(again);
	free(packed);
	(void)sb_genesis_check("fuzz", genesis, &error);
	sb_message_free(genesis);
	return 0;
}
