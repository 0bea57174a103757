// SPDX-License-Identifier: Apache-2.0
/* Who makes blocks, by the state, and what a block has changed of it. */
#include <errno.h>
#include <string.h>

#include "ledger/ledger_app_internal.h"

static int add(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct sb_app_set *set = context;
	SB_AUTO_MESSAGE Sealbond__Validator *validator =
		sb_message_read(&sealbond__validator__descriptor, value, length);

	(void)key;
	(void)key_length;
	if (!validator || validator->key.len != 32 || set->count == SB_VALIDATORS_MOST)
		return -EUCLEAN;
	memcpy(set->one[set->count].key, validator->key.data, 32);
	set->one[set->count++].power = validator->power;
	return 0;
}

int sb_app_read_set(struct sb_view *view, struct sb_app_set *set)
{
	uint8_t prefix = SB_RECORD_VALIDATOR;

	set->count = 0;
	return sb_view_each(view, &prefix, 1, NULL, 0, add, set);
}

/* Both lists ascend, by the keys of their records. */
int sb_app_validators(void *context, struct sb_app_validator list[SB_APP_VALIDATORS_MOST], size_t *count)
{
	const struct sb_ledger_app *app = context;
	const struct sb_app_set *was = &app->before, *is = &app->after;
	size_t i = 0, j = 0;

	*count = 0;
	while (i < was->count || j < is->count) {
		int order = i == was->count ? 1 : j == is->count ? -1 : memcmp(was->one[i].key, is->one[j].key, 32);

		if (order < 0) {
			list[*count] = was->one[i++];
			list[(*count)++].power = 0;
		} else if (order > 0) {
			list[(*count)++] = is->one[j++];
		} else {
			if (was->one[i++].power != is->one[j].power)
				list[(*count)++] = is->one[j];
			j++;
		}
	}
	return 0;
}
