/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the things that a kernel may have extended into its cap PCR explains the PCR's value. Pure. */
#ifndef SB_LEDGER_CLAIM_H
#define SB_LEDGER_CLAIM_H

#include "device/message.h"
#include "state/heartbeat.h"

struct sb_claim {
	struct sb_cap_claim cap;
	uint8_t prior[32];
};

/*
 * sb_claim_find() - what the kernel said of its keys, as it was when the cap was closed, against the cap PCR's quoted
 * value: after a rotation the key that was current then is an old one. @known: the claim that the ledger has from
 * an earlier quote, or NULL. Returns 0, or -ENOENT: nothing that is known explains the value.
 */
int sb_claim_find(const struct sb_keys_answer *keys, const struct sb_claim *known, const uint8_t value[32],
		  struct sb_claim *claim);

#endif
