// SPDX-License-Identifier: Apache-2.0
#include "device/ledger_claim.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "sealbond/blob.h"
#include "state/crypto.h"

static bool explains(const struct sb_claim *claim, const uint8_t value[32])
{
	uint8_t expected[32];

	sb_cap_value(claim->prior, &claim->cap, expected);
	return memcmp(expected, value, sizeof(expected)) == 0;
}

static int try_outcomes(struct sb_claim *claim, const uint8_t *current, const uint8_t *next, const uint8_t value[32])
{
	memset(claim->cap.current, 0, 32);
	memset(claim->cap.next, 0, 32);
	if (current)
		memcpy(claim->cap.current, current, 32);
	if (next)
		memcpy(claim->cap.next, next, 32);
	for (uint8_t outcome = SB_CAP_NONE; outcome <= SB_CAP_CANDIDATE; outcome++) {
		claim->cap.outcome = outcome;
		if (explains(claim, value))
			return 0;
	}
	return -ENOENT;
}

/*
 * The kernel tells the cap PCR's value with the configuration in it. Before that it was zero; where a shim had
 * extended it nobody knows what it was, and the claim names no configuration, but has it in its prior value.
 */
static void set_prior(struct sb_claim *claim, const struct sb_keys_answer *keys)
{
	static const uint8_t zero[32];
	const struct sb_span parts[] = { { zero, sizeof(zero) }, { keys->config, sizeof(keys->config) } };
	uint8_t after[32];

	sb_hash(SB_TPM_ALG_SHA256, parts, SB_ARRAY_SIZE(parts), after);
	claim->cap.has_config = keys->has_config && (!keys->has_prior || memcmp(after, keys->prior, sizeof(after)) == 0);
	if (claim->cap.has_config)
		memcpy(claim->cap.config, keys->config, sizeof(claim->cap.config));
	else if (keys->has_prior)
		memcpy(claim->prior, keys->prior, sizeof(claim->prior));
}

int sb_claim_find(const struct sb_keys_answer *keys, const struct sb_claim *known, const uint8_t value[32],
		  struct sb_claim *claim)
{
	const uint8_t *current = keys->has_current ? keys->current : NULL;
	const uint8_t *next = keys->has_next ? keys->next : NULL, *old = keys->has_old ? keys->old : NULL;
	const struct { const uint8_t *current, *next; } all[] = {
		{ current, next }, { old, current }, { keys->has_candidate ? keys->candidate : NULL, NULL }, { NULL, NULL },
	};
	struct sb_claim tried = { 0 };

	set_prior(&tried, keys);
	for (size_t i = 0; i < SB_ARRAY_SIZE(all); i++) {
		if (try_outcomes(&tried, all[i].current, all[i].next, value) < 0)
			continue;
		*claim = tried;
		return 0;
	}
	/* Longer ago than the kernel answers to the old key: the ledger has it from before. */
	if (known && explains(known, value)) {
		*claim = *known;
		return 0;
	}
	return -ENOENT;
}
