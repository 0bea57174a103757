/* SPDX-License-Identifier: Apache-2.0 */
/* A device's transactions in the ledger's one encoding (state/ledger.proto). Pure but for memory. */
#ifndef SB_LEDGER_TX_H
#define SB_LEDGER_TX_H

#include <stddef.h>
#include <stdint.h>

#include "device/ledger_claim.h"
#include "device/message.h"
#include "state/heartbeat.h"

#define SB_SECRETS_MAX	16

/* All give bytes to be freed; without memory the process ends. Empty fields: NULL. */
uint8_t *sb_body_enrol(const struct sb_identity_answer *identity, const struct sb_iak_answer *iak, const uint8_t *owner,
		       const uint8_t box_key[32], uint32_t pcrs, uint32_t assurance, size_t *length);

struct sb_opened {
	uint8_t enroller[32], secret[32];
};
/* Sorts them: the ledger wants them ascending by enroller. */
uint8_t *sb_body_activate(const uint8_t ak_name[34], struct sb_opened *opened, size_t count, size_t *length);

struct sb_beat {
	const uint8_t *endpoints;	/* sealed; NULL: none */
	size_t endpoints_length;
	const uint8_t *box_key;		/* NULL: unchanged */
	uint32_t profile_version, assurance;
};
uint8_t *sb_body_heartbeat(const struct sb_beat *beat, size_t *length);
uint8_t *sb_body_rotate(const uint8_t key[32], size_t *length);

/* The whole transaction: the body, and the quote over it. */
uint8_t *sb_device_tx(const uint8_t device[32], const struct sb_beacon *beacon, const struct sb_quote_answer *quote,
		      const struct sb_claim *claim, const uint8_t *body, size_t body_length, size_t *length);

#endif
