/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boot states: the quoted PCRs, with the cap PCR as it was right before the kernel's cap.
 *
 * Whoever has root after the boot can extend the cap PCR by a cap of its own, and then name the value that the
 * kernel's cap has left as what was there before: the quote is right, and the keys are not the kernel's. But it cannot
 * make a PCR go back. So new keys of a quote are believed where its boot state, with that value before the cap, is one
 * that was admitted.
 */
#ifndef SB_STATE_BOOT_H
#define SB_STATE_BOOT_H

#include "state/run.h"

#define SB_BOOT_INPUT	"sealbond boot state v1"	/* SHA-256 of it with its NUL || mask, 4 bytes, big endian || values */

/* Of a quote of these PCRs. To be freed; NULL: the values are not those of the mask, or the cap PCR is not in it. */
Sealbond__BootState *sb_boot_of(const Sealbond__Parameters *parameters, uint32_t pcrs, ProtobufCBinaryData values,
				const Sealbond__CapClaim *cap);

/* Of the device's last quote. */
Sealbond__BootState *sb_boot_last(const Sealbond__Parameters *parameters, const Sealbond__Device *device);

void sb_boot_digest(const Sealbond__BootState *boot, uint8_t digest[32]);

/* The PCRs that are not the same in both, as a mask. Where one is NULL: all that the other has. */
uint32_t sb_boot_differs(const Sealbond__BootState *one, const Sealbond__BootState *other);

/*
 * sb_boot_is_admitted() - is the run's quote of the boot state that the device was admitted in? A reference that fits
 * stands in for it, if it names every PCR that differs: one of the firmware alone says nothing of another system.
 */
bool sb_boot_is_admitted(struct sb_run *run, const Sealbond__Device *device);

/* sb_boot_keep() - somebody who may has admitted the device as its last quote shows it. Never by a heartbeat alone. */
void sb_boot_keep(struct sb_run *run, Sealbond__Device *device);

#endif
