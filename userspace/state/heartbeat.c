// SPDX-License-Identifier: Apache-2.0
#include "state/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "sealbond/blob.h"
#include "state/crypto.h"

#define SPAN(array)	((struct sb_span){ (array), sizeof(array) })

void sb_quote_extra(const char *chain, const struct sb_beacon *beacon, const uint8_t device_id[32],
		    const uint8_t *body, size_t length, uint8_t extra[SB_QUOTE_EXTRA_LEN])
{
	static const uint8_t tag[] = SB_QUOTE_TAG;
	uint8_t name_length = (uint8_t)strlen(chain), height[8], digest[32];
	const struct sb_span whole = { body, length };
	const struct sb_span parts[] = {
		SPAN(tag), { &name_length, 1 }, { (const uint8_t *)chain, name_length }, SPAN(height),
		SPAN(beacon->hash), { device_id, 32 }, SPAN(digest),
	};

	if (strlen(chain) > UINT8_MAX)
		abort();
	for (int i = 0; i < 8; i++)
		height[i] = (uint8_t)(beacon->height >> (56 - 8 * i));
	sb_hash(SB_TPM_ALG_SHA256, &whole, 1, digest);
	sb_hash(SB_TPM_ALG_SHA256, parts, sizeof(parts) / sizeof(parts[0]), extra);
}

static void extend(uint8_t value[32], const uint8_t digest[32])
{
	const struct sb_span parts[] = { { value, 32 }, { digest, 32 } };
	uint8_t next[32];

	sb_hash(SB_TPM_ALG_SHA256, parts, 2, next);
	memcpy(value, next, sizeof(next));
}

void sb_cap_before(const uint8_t prior[32], const struct sb_cap_claim *claim, uint8_t value[32])
{
	memmove(value, prior, 32);
	if (claim->has_config)
		extend(value, claim->config);
}

void sb_cap_value(const uint8_t prior[32], const struct sb_cap_claim *claim, uint8_t value[32])
{
	static const uint8_t tag[] = SB_CAP_TAG;
	const struct sb_span parts[] = {
		SPAN(tag), SPAN(claim->current), SPAN(claim->next), { &claim->outcome, 1 },
	};
	uint8_t now[32], digest[32];

	sb_cap_before(prior, claim, now);
	sb_hash(SB_TPM_ALG_SHA256, parts, sizeof(parts) / sizeof(parts[0]), digest);
	extend(now, digest);
	memcpy(value, now, sizeof(now));
}

enum sb_order_verdict sb_quote_place(const struct sb_last_quote *last, const struct sb_quote_clock *clock,
				     const struct sb_beacon *beacon)
{
	if (beacon->height < last->begun)
		return SB_ORDER_STALE;
	if (!last->there || sb_quote_order(clock, &last->clock) > 0)
		return SB_ORDER_NEWER;
	return beacon->height >= last->committed ? SB_ORDER_CLONE : SB_ORDER_STALE;
}
