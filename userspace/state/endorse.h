/* SPDX-License-Identifier: Apache-2.0 */
/* What speaks for an enrolment's EK and AK: certificates to the ledger's trust roots, and inventories. */
#ifndef SB_STATE_ENDORSE_H
#define SB_STATE_ENDORSE_H

#include "state/run.h"
#include "state/tpm_public.h"

#define SB_ROOTS_MAX	64	/* trust roots of one ledger */

/*
 * sb_endorse() - what came along must hold: one bad certificate refuses the whole; but for the EK's where the ledger
 * asks for no manufacturer's word. *proven: SB_PROVEN_IAK, _EK, _INVENTORY, as far as it goes; the last two where an
 * activation follows, without which nothing ties the AK to that EK. Any of the chain's codes, SB_TX_CERTIFY, or an AK's
 * code for the IAK.
 */
enum sb_tx_code sb_endorse(struct sb_run *run, const Sealbond__Enrol *enrol, const uint8_t device[32],
			   const struct sb_tpm_public *ek, const struct sb_tpm_public *ak, uint32_t *proven);

/* An endorsement key by its public area: restricted, decrypts only, never leaves its TPM, AES-CFB, no scheme. */
bool sb_ek_is_one(const struct sb_tpm_public *ek);

/* Record id of a known key: device id || the first 16 bytes of SHA-256(the enroller's key). */
#define SB_KNOWN_KEY_ID_LEN	48
void sb_known_key_id(const uint8_t device[32], const uint8_t enroller[32], uint8_t id[SB_KNOWN_KEY_ID_LEN]);

#endif
