/* SPDX-License-Identifier: Apache-2.0 */
/* Approvals of a boot state (sealbond/blob.h): the bytes that are signed, and the file. */
#ifndef SB_APPROVAL_H
#define SB_APPROVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sealbond/blob.h"

struct sb_approval_file {
	uint32_t pcrs;		/* the cap PCR among them */
	uint8_t cap_pcr;
	uint8_t policy_ref[32];
	uint8_t values[SB_PCRS][32];	/* of those in pcrs */
	uint8_t release_key[64];	/* x, y */
	uint8_t signature[64];		/* r, s */
};

/* The PCR policy's digest (TPM 2.0 part 3, PolicyPCR; SHA-256). */
void sb_approval_file_digest(const struct sb_approval_file *approval, uint8_t digest[32]);

/* What the release key signs with ECDSA and SHA-256: policy digest || policyRef. */
void sb_approval_file_message(const struct sb_approval_file *approval, uint8_t message[64]);

/* Writes the file; returns its length, at most SB_APPROVAL_MAX. */
size_t sb_approval_file_encode(const struct sb_approval_file *approval, uint8_t out[SB_APPROVAL_MAX]);

/*
 * As the kernel picks approvals (kmod/seal_policy.h): true when this one is by that release key, for
 * that fleet and cap PCR, and has all of pcrs in it. The signature is not looked at.
 */
bool sb_approval_file_usable(const struct sb_approval_file *approval, const uint8_t release_key[64],
			     const uint8_t policy_ref[32], unsigned int cap_pcr, uint32_t pcrs);

/* The PCRs in which it differs from values; one that is not in valid differs. 0: it fits. */
uint32_t sb_approval_file_differs(const struct sb_approval_file *approval, uint32_t valid,
				  const uint8_t values[SB_PCRS][32]);

/* Reads a file of exactly length bytes; 0 or -EBADMSG. The signature is not checked. */
int sb_approval_file_decode(const uint8_t *data, size_t length, struct sb_approval_file *approval);

#endif
