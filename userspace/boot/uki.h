/* SPDX-License-Identifier: Apache-2.0 */
/* A unified kernel image: systemd's stub with the kernel and what it is started with in sections. Pure. */
#ifndef SB_UKI_H
#define SB_UKI_H

#include "boot/pe.h"

#define SB_UKI_MAX	(512U << 20)	/* bytes of an image */

/* The stubs of Debian 12 and 13: what each measures was compared with what firmware and TPM recorded. */
#define SB_STUB_252	252
#define SB_STUB_257	257	/* measures .sbat, too, and puts .osrel behind the initrd */

struct sb_uki {
	struct sb_pe image;
	struct sb_pe kernel;		/* the one inside */
	struct sb_span vmlinuz, osrel, cmdline, initrd;
	struct sb_span splash, sbat;	/* length 0: none */
	unsigned int stub;		/* systemd's version: SB_STUB_* */
};

/*
 * Reads an image for which it is known what firmware, stub and kernel measure; refuses every other one, so
 * that no prediction is a guess. Pointers go into data, which has to stay.
 * Returns 0; -EBADMSG for what is no such image or is malformed; -ENOTSUP for one that measures in a way that
 * is not known here; both with a sentence. *uki is untouched then.
 */
int sb_uki_read(const uint8_t *data, size_t length, struct sb_uki *uki, struct sb_error *error);

#endif
