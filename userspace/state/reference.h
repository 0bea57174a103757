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
 * sb_reference_fits() - is there one whose values are all those of this boot state? It has to speak of every PCR that
 * the parameters ask for, but the cap PCR, where it may: of its value before the kernel's cap. @must: a mask of PCRs
 * that it has to speak of besides.
 */
bool sb_reference_fits(struct sb_run *run, const Sealbond__BootState *boot, uint32_t must);

#endif
