/* SPDX-License-Identifier: Apache-2.0 */
/* A device's signature under a transaction: every check of its quote, the beacon, the cap, the TPM's history. */
#ifndef SB_STATE_ATTEST_H
#define SB_STATE_ATTEST_H

#include "state/heartbeat.h"
#include "state/run.h"

#define SB_DEVICE_ID_INPUT	"sealbond device id v1"	/* SHA-256 of it with its NUL || Name of the EK */

void sb_device_id_of(const struct sb_tpm_public *ek, uint8_t device_id[32]);

/* PCRs that a device may quote: those that are asked for, the cap, no more than allowed, none that can be reset. */
bool sb_pcrs_fit(const Sealbond__Parameters *parameters, uint32_t pcrs);

/* A quote that has passed, and what it speaks of. Points into the transaction. */
struct sb_attested {
	struct sb_quote quote;
	struct sb_cap_claim cap;
	struct sb_beacon beacon;
};

/*
 * sb_attest() - @enrol: of a transaction that enrols, whose keys count then, and whose place in the TPM's
 * history its rule judges; NULL: those of the record. Sets run->signer. SB_TX_QUOTE_CLONE is no refusal like
 * the others: sb_freeze_clone() has to follow.
 */
enum sb_tx_code sb_attest(struct sb_run *run, ProtobufCBinaryData body, const Sealbond__DeviceAuth *auth,
			  const Sealbond__Enrol *enrol, struct sb_attested *attested);

/* Writes the run's quote into the device's record: its place, PCR values and cap. */
void sb_attest_note(const struct sb_run *run, Sealbond__Device *device);

#endif
