/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enrolments that are not proven: each a record by device id and AK, so that what a stranger says about an EK
 * stands beside the others and touches no device. They are forgotten after a while.
 */
#ifndef SB_STATE_ENROLMENT_H
#define SB_STATE_ENROLMENT_H

#include "state/run.h"

#define SB_ENROLMENT_ID_LEN	48	/* device id || the first 16 bytes of SHA-256(AK's Name) */
#define SB_ENROLMENTS_PER_EK	8
#define SB_AK_NAME_LEN		34	/* SHA-256 Names only: what an enroller's commitment has room for */
#define SB_COMMITMENTS_MAX	16	/* of one enrolment */

void sb_enrolment_id(const uint8_t device[32], ProtobufCBinaryData ak_name, uint8_t id[SB_ENROLMENT_ID_LEN]);

/* NULL where there is none. For SB_AUTO_MESSAGE. */
Sealbond__Device *sb_enrolment_load(struct sb_run *run, const uint8_t device[32], ProtobufCBinaryData ak_name);

/* Of one that is there already. */
enum sb_tx_code sb_enrolment_save(struct sb_run *run, const uint8_t device[32], const Sealbond__Device *enrolment);

/*
 * A new one: within the limits of the ledger, of this block and of this EK. At those of the EK and of the ledger, the
 * oldest that no enroller has answered to makes room: what anybody can say keeps nobody out.
 */
enum sb_tx_code sb_enrolment_add(struct sb_run *run, const uint8_t device[32], Sealbond__Device *enrolment);

/* The first enroller has answered it: from now on it makes room for no other. Before its commitment is put in. */
enum sb_tx_code sb_enrolment_answer(struct sb_run *run, const uint8_t device[32], const Sealbond__Device *enrolment);

/* All of one EK that wait for their proof. Returns how many they were. */
unsigned int sb_enrolments_dismiss(struct sb_run *run, const uint8_t device[32]);

enum sb_tx_code sb_enrolment_remove(struct sb_run *run, const uint8_t device[32], const Sealbond__Device *enrolment);

/*
 * The EK's certificates, for enrollers to judge: kept with the enrolment while it waits for their answers. None where
 * they are too many or too long to be a chain; count 0: none from now on. Copies them.
 */
void sb_enrolment_keep(Sealbond__Device *enrolment, size_t count, const ProtobufCBinaryData *certificates);

/* Forgets those whose time is over, at most so many at once of those that were answered, and of the others. */
enum sb_tx_code sb_enrolments_expire(struct sb_run *run, unsigned int most);

#endif
