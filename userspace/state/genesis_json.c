// SPDX-License-Identifier: Apache-2.0
/* A genesis from and in front of a ledger: read from JSON, and tried without one. */
#include <errno.h>
#include <string.h>

#include "state/genesis.h"
#include "state/machine.h"
#include "state/message_json.h"

Sealbond__Genesis *sb_genesis_from_json(const char *text, size_t length, struct sb_error *error)
{
	if (length > SB_GENESIS_TEXT_MAX) {
		(void)sb_fail(error, -EFBIG, "a genesis has at most %u bytes", SB_GENESIS_TEXT_MAX);
		return NULL;
	}
	return sb_message_from_json(&sealbond__genesis__descriptor, text, length, error);
}

/* A ledger that has nothing yet; what is written stays in the machine's journal. */
static int get_nothing(void *context, const void *key, size_t key_length, const uint8_t **value, size_t *length)
{
	(void)context;
	(void)key;
	(void)key_length;
	(void)value;
	(void)length;
	return -ENOENT;
}

static int take_anything(void *context, const void *key, size_t key_length, const void *value, size_t length)
{
	(void)context;
	(void)key;
	(void)key_length;
	(void)value;
	(void)length;
	return 0;
}

static int remove_nothing(void *context, const void *key, size_t key_length)
{
	(void)context;
	(void)key;
	(void)key_length;
	return -ENOENT;
}

static int each_of_none(void *context, const void *prefix, size_t prefix_length,
			int (*each)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
				    size_t length), void *each_context)
{
	(void)context;
	(void)prefix;
	(void)prefix_length;
	(void)each;
	(void)each_context;
	return 0;
}

int sb_genesis_check(const char *chain, const Sealbond__Genesis *genesis, struct sb_error *error)
{
	struct sb_records records = {
		.get = get_nothing, .put = take_anything, .remove = remove_nothing, .each = each_of_none,
	};
	struct sb_machine *machine = sb_machine_new(&records, chain);
	struct sb_tx_result result;
	int failed;

	if (!machine)
		return sb_fail(error, -EINVAL, "a chain's name has 1 to %d characters", SB_CHAIN_NAME_MAX);
	failed = sb_machine_init(machine, genesis, 0, &result);
	sb_machine_free(machine);
	if (failed || result.code)
		return sb_fail(error, failed ? failed : -EINVAL, "%s", result.log);
	return 0;
}
