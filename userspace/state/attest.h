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
 * sb_attest() - over a device's action. The keys that count are those of the message where it enrols, of its
 * enrolment where it activates, else of the device's record. Sets run->signer and run->device_auth. An enrolment's
 * place in the TPM's history is for its rule. SB_TX_QUOTE_CLONE is no refusal like the others:
 * sb_freeze_clone() has to follow.
 */
enum sb_tx_code sb_attest(struct sb_run *run, ProtobufCBinaryData bytes, const Sealbond__DeviceAuth *auth,
			  const Sealbond__Body *body, struct sb_attested *attested);

/* Where the run's quote stands to the last one that was taken; NULL: none was. */
enum sb_order_verdict sb_attest_place(const struct sb_run *run, const Sealbond__LastQuote *last);

/* Writes the run's quote into the device's record: its place, PCR values and cap. */
void sb_attest_note(const struct sb_run *run, Sealbond__Device *device);

#endif
