// SPDX-License-Identifier: Apache-2.0
/* A chain that was restored from a backup: what was said in the lost blocks must not be said again by others. */
#include <stdlib.h>
#include <string.h>

#include "state/machine.h"

struct accounts {
	uint8_t (*key)[32];
	size_t count, room;
};

static int add(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct accounts *accounts = context;

	(void)value, (void)length;
	if (key_length < 33)
		return 0;
	if (accounts->count == accounts->room) {
		accounts->room = accounts->room ? 2 * accounts->room : 256;
		accounts->key = reallocarray(accounts->key, accounts->room, sizeof(*accounts->key));
		if (!accounts->key)
			abort();
	}
	memcpy(accounts->key[accounts->count++], key + 1, 32);
	return 0;
}

/* In each of the lost blocks a key can have sent so many, and no more. */
static enum sb_tx_code skip_numbers(struct sb_run *run, const struct accounts *accounts, int64_t last)
{
	enum sb_tx_code code = SB_TX_OK;

	for (size_t i = 0; code == SB_TX_OK && i < accounts->count; i++) {
		SB_AUTO_MESSAGE Sealbond__Account *account =
			sb_run_load(run, &sealbond__account__descriptor, SB_RECORD_ACCOUNT, accounts->key[i], 32);

		if (!account)
			continue;
		account->next += (uint64_t)(run->height - last) * SB_TX_PER_KEY_BLOCK;
		code = sb_run_save(run, SB_RECORD_ACCOUNT, accounts->key[i], 32, account);
	}
	return code;
}

enum sb_tx_code sb_begin_recovered(struct sb_run *run, int64_t last)
{
	Sealbond__Recovery recovery = SEALBOND__RECOVERY__INIT;
	struct accounts accounts = { .count = 0 };
	enum sb_tx_code code;

	(void)sb_run_each(run, SB_RECORD_ACCOUNT, NULL, 0, add, &accounts);
	code = skip_numbers(run, &accounts, last);
	free(accounts.key);
	recovery.last = (uint64_t)last;
	recovery.resumed = (uint64_t)run->height;
	recovery.time = run->time;
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_RECOVERY, NULL, 0, &recovery) : code;
}

bool sb_run_lost_since(struct sb_run *run, uint64_t height)
{
	SB_AUTO_MESSAGE Sealbond__Recovery *recovery =
		sb_run_load(run, &sealbond__recovery__descriptor, SB_RECORD_RECOVERY, NULL, 0);

	return recovery && height < recovery->resumed;
}
