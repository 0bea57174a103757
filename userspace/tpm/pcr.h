/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_PCR_H
#define SB_PCR_H

#include <stdint.h>

#include "common/error.h"

/*
 * Reads PCRs of the SHA-256 bank as they are now, from sysfs. In: mask of PCRs 0 to 23.
 * Out: values[pcr] for those in mask. Returns 0 or a negative errno with a sentence.
 */
int sb_pcr_read(uint32_t mask, uint8_t values[24][32], struct sb_error *error);

#endif
