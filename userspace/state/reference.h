/* SPDX-License-Identifier: Apache-2.0 */
/* Boot states that are approved: PCR values by name. */
#ifndef SB_STATE_REFERENCE_H
#define SB_STATE_REFERENCE_H

#include "state/run.h"

/*
 * sb_reference_is_valid() - an id of 1 to 32 bytes, a mask within the PCRs that a device may quote, one value of
 * 32 bytes for each.
 */
bool sb_reference_is_valid(const Sealbond__Reference *reference);

/*
 * sb_reference_fits() - is there one whose values are all among those quoted? It has to speak of every PCR that the
 * parameters ask for, but the cap: its value is each device's own.
 */
bool sb_reference_fits(struct sb_run *run, uint32_t pcrs, ProtobufCBinaryData values);

#endif
