/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a device's quote stands for: the transaction that it signs, the bond keys that its kernel
 * holds, and its place among the quotes of one TPM. Pure.
 */
#ifndef SB_STATE_HEARTBEAT_H
#define SB_STATE_HEARTBEAT_H

#include "state/quote.h"

#define SB_QUOTE_TAG		"sealbond quote v1"

/* A recent block: its hash is the nonce of a quote. */
struct sb_beacon {
	uint64_t height;
	uint8_t hash[32];
};

/*
 * sb_quote_extra() - what a quote over a transaction has as extraData: SHA-256 of SB_QUOTE_TAG
 * with its NUL || length of the chain's name, one byte || the name || height, eight bytes, big
 * endian || block hash || device id || SHA-256 of the transaction's body.
 */
void sb_quote_extra(const char *chain, const struct sb_beacon *beacon, const uint8_t device_id[32],
		    const uint8_t *body, size_t length, uint8_t extra[SB_QUOTE_EXTRA_LEN]);

/* What a kernel has extended into its cap PCR (sealbond/blob.h). */
struct sb_cap_claim {
	bool has_config;		/* the security configuration's hash came first */
	uint8_t config[32];
	uint8_t current[32], next[32];	/* public bond keys; zero: none */
	uint8_t outcome;		/* SB_CAP_* */
};

/*
 * sb_cap_before() - the cap PCR's value right before the kernel's cap: @prior, and the configuration's hash where one
 * came. It is the same in each boot of an unchanged device, and whoever extends the PCR after the cap cannot make it
 * again.
 */
void sb_cap_before(const uint8_t prior[32], const struct sb_cap_claim *claim, uint8_t value[32]);

/*
 * sb_cap_value() - the cap PCR's value after it, from @prior, which firmware and shim have left: zero
 * on most machines. A quote with another value does not speak of these keys; one with this value speaks of what the
 * kernel holds only where sb_cap_before() is what it was when the device was admitted (state/boot.h).
 */
void sb_cap_value(const uint8_t prior[32], const struct sb_cap_claim *claim, uint8_t value[32]);

/* What is kept of a device's last quote that was taken. */
struct sb_last_quote {
	bool there;
	struct sb_quote_clock clock;
	uint64_t committed;		/* height of the block that committed it */
	uint64_t begun;			/* height at which this TPM's history began, or began anew */
};

enum sb_order_verdict {
	SB_ORDER_NEWER,
	SB_ORDER_STALE,		/* older than the last one: refused, and nothing more */
	SB_ORDER_CLONE,		/* two TPM states speak: the device is frozen */
};

/*
 * sb_quote_place() - a quote against the last one that was taken.
 *
 * A quote that orders below its predecessor, or the same, is stale: endpoints may hold answers
 * back and send them in any order. It tells of a clone only where it cannot have been made before
 * the predecessor was committed: its beacon is that block's or a later one's. A power cut raises
 * resetCount, so that whatever the clock says afterwards it orders above; it freezes nobody.
 *
 * Where a history begins anew (the TPM was cleared, a clone was dealt with) the counters go back. What was said before
 * would order above it all; its beacon is of an earlier block, and it is stale.
 */
enum sb_order_verdict sb_quote_place(const struct sb_last_quote *last, const struct sb_quote_clock *clock,
				     const struct sb_beacon *beacon);

#endif
