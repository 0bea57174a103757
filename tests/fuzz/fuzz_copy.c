// SPDX-License-Identifier: Apache-2.0
/* Arbitrary bytes as the chunks of a copied state: none of it is taken over, and the store stays empty. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger_app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

/* Two chunks, cut where the first byte says. */
static int get(void *context, uint32_t index, const uint8_t **data, size_t *length)
{
	const struct input *input = context;
	size_t first = input->data[0] < input->size - 1 ? input->data[0] : input->size - 1;

	*data = input->data + 1 + (index ? first : 0);
	*length = index ? input->size - 1 - first : first;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char home[] = "/tmp/sb-fuzz-copy-XXXXXX";
	static struct sb_app app;
	struct input input = { data, size };
	const struct sb_app_chunks chunks = { &input, 2, get };
	uint8_t app_hash[SB_APP_HASH_LEN] = { 1 };
	struct sb_error error;
	int64_t height = -1;

	if (!size)
		return 0;
	if (!app.context && (!mkdtemp(home) || sb_ledger_app_open(home, &app, &error)))
		abort();
	if (!app.copying->restore(app.context, &chunks, 100, app_hash, &error))
		abort();
	if (app.info(app.context, &height, app_hash) || height)
		abort();
	return 0;
}
