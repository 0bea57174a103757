/* SPDX-License-Identifier: Apache-2.0 */
/* The TPM through its resource manager, for what needs no secret: who this device is. */
#ifndef SB_TPM_H
#define SB_TPM_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define SB_EK_NAME_MAX		66	/* algorithm, then up to a SHA-512 digest */
#define SB_DEVICE_ID_TAG	"sealbond device id v1"

struct sb_tpm;

/*
 * node: as sb_tpm_node() finds it. -ENOENT or -ENXIO when there is no device; -EIO when it does
 * not answer as a TPM 2.0.
 */
int sb_tpm_open(struct sb_tpm **tpm, const char *node, struct sb_error *error);
void sb_tpm_close(struct sb_tpm *tpm);

struct sb_ek {
	char template[24];		/* "p256-low", … */
	uint8_t name[SB_EK_NAME_MAX];	/* TPM 2.0 part 1, 16: nameAlg, digest of the public area */
	size_t name_length;
};

/*
 * Finds this TPM's endorsement key: the first template, in the order of ek.c, for which the
 * TPM holds a certificate, and P-256 of the low range when it holds none. A persistent key
 * that fits is taken, else the key is made and flushed again. TCG EK Credential Profile 2.5.
 * May take seconds. Returns 0, -EACCES when the endorsement hierarchy has a password, -EBUSY,
 * or -EIO with the TPM's response code in the sentence.
 */
int sb_tpm_ek(struct sb_tpm *tpm, struct sb_ek *ek, struct sb_error *error);

/* SHA-256(SB_DEVICE_ID_TAG with its NUL || Name of the endorsement key). */
void sb_device_id(const uint8_t *name, size_t length, uint8_t device_id[32]);

#endif
