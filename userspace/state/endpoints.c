// SPDX-License-Identifier: Apache-2.0
/* Where the ledger can be asked, in one record: an endpoint that is asked for it cannot leave another one out. */
#include <errno.h>
#include <stdlib.h>

#include "state/change.h"

struct list {
	Sealbond__Endpoint *one[SB_ENDPOINTS_MOST];
	size_t count;
	bool damaged;
};

static int take(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct list *list = context;
	Sealbond__Endpoint *endpoint = sb_message_read(&sealbond__endpoint__descriptor, value, length);

	(void)key;
	(void)key_length;
	list->damaged = !endpoint || list->count == SB_ENDPOINTS_MOST;
	if (list->damaged) {
		sb_message_free(endpoint);
		return 1;
	}
	list->one[list->count++] = endpoint;
	return 0;
}

enum sb_tx_code sb_endpoints_list(struct sb_run *run)
{
	Sealbond__Endpoints all = SEALBOND__ENDPOINTS__INIT;
	enum sb_tx_code code = SB_TX_INTERNAL;
	struct list list = { .count = 0 };

	sb_run_each(run, SB_RECORD_ENDPOINT, NULL, 0, take, &list);
	if (list.damaged && !run->error)
		run->error = -EUCLEAN;
	all.n_endpoints = list.count;
	all.endpoints = list.one;
	if (!run->error)
		code = sb_run_save(run, SB_RECORD_ENDPOINTS, NULL, 0, &all);
	for (size_t i = 0; i < list.count; i++)
		sb_message_free(list.one[i]);
	return code;
}
