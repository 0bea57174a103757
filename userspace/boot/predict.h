/* SPDX-License-Identifier: Apache-2.0 */
/* What a boot that is still to come will measure. Pure. */
#ifndef SB_PREDICT_H
#define SB_PREDICT_H

#include <stdbool.h>

#include "boot/uki.h"
#include "sealbond/blob.h"

/* What an image's file decides: 4 (what was started), 9 (command line, initrd), 11 (sections), 12 (nothing). */
#define SB_PREDICTED_PCRS	(1U << 4 | 1U << 9 | 1U << 11 | 1U << 12)

/*
 * The SHA-256 values of SB_PREDICTED_PCRS at the end of a boot in which EDK2 firmware starts this image from
 * its first boot option, with no loader in between, and no credential files or further options beside it.
 * Sources: TCG PC Client Platform Firmware Profile 1.06, 3.3.4.5 (PCR 4); Linux, EFI stub (PCR 9);
 * systemd-stub(7) (PCR 11, 12).
 * secure_boot: the stub then starts the kernel past the firmware's measurement.
 * Out: values[pcr] of those PCRs; others are untouched.
 */
void sb_predict(const struct sb_uki *uki, bool secure_boot, uint8_t values[SB_PCRS][32]);

#endif
