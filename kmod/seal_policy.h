/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bond keys are sealed to: policy digests as the TPM computes them (TPM 2.0
 * part 3), which approval fits the present PCRs, the cap's digest, and what a TPM's failure
 * means. Pure.
 */
#ifndef SB_SEAL_POLICY_H
#define SB_SEAL_POLICY_H

#include "seal_blob.h"

#define SB_RELEASE_PUBLIC_LEN	88
#define SB_PCR_SELECTION_LEN	10

/* TPML_PCR_SELECTION: one entry, SHA-256, three select bytes. */
void sb_pcr_selection(u8 out[SB_PCR_SELECTION_LEN], u32 mask);

/*
 * The release key as the TPM sees it: marshalled TPMT_PUBLIC of a P-256 key with the
 * attributes userWithAuth and sign, scheme ECDSA with SHA-256, and no policy; and its Name.
 */
void sb_release_public(u8 out[SB_RELEASE_PUBLIC_LEN], const u8 x[SB_DIGEST_LEN],
		       const u8 y[SB_DIGEST_LEN]);
void sb_release_name(u8 name[SB_TPM_NAME_LEN], const u8 x[SB_DIGEST_LEN],
		     const u8 y[SB_DIGEST_LEN]);

/* SHA-256 over the values of the PCRs in mask, ascending: PolicyPCR's pcrDigest. */
void sb_pcr_digest(u8 out[SB_DIGEST_LEN], u32 mask, const u8 value[SB_PCRS][SB_DIGEST_LEN]);

/* policyDigest of a fresh session after PolicyPCR. */
void sb_policy_pcr(u8 out[SB_DIGEST_LEN], u32 mask, const u8 value[SB_PCRS][SB_DIGEST_LEN]);

/* policyDigest of a session after PolicyAuthorize: the sealed object's authPolicy. */
void sb_policy_authorize(u8 out[SB_DIGEST_LEN], const u8 name[SB_TPM_NAME_LEN],
			 const u8 policy_ref[SB_DIGEST_LEN]);

/* The digest that an approval signs: SHA-256(policy || policy_ref). */
void sb_approval_digest(u8 out[SB_DIGEST_LEN], const u8 policy[SB_DIGEST_LEN],
			const u8 policy_ref[SB_DIGEST_LEN]);

/* What the cap extends in the SHA-256 bank; a key that is not held is all zero. */
void sb_cap_digest(u8 out[SB_DIGEST_LEN], const u8 current_key[SB_DIGEST_LEN],
		   const u8 next_key[SB_DIGEST_LEN], u8 outcome);

/*
 * True when the approval is meant for this fleet, release key and cap PCR and covers at
 * least the PCRs of required.
 */
bool sb_approval_usable(const struct sb_approval *a, const u8 x[SB_DIGEST_LEN],
			const u8 y[SB_DIGEST_LEN], const u8 policy_ref[SB_DIGEST_LEN],
			u8 cap_pcr, u32 required);

/*
 * PCRs in which the approval differs from value; a PCR that is not in valid differs. 0
 * means that it fits.
 */
u32 sb_approval_differs(const struct sb_approval *a, u32 valid,
			const u8 value[SB_PCRS][SB_DIGEST_LEN]);

/*
 * The mask of two that names fewer changes: fewer PCRs, and a difference in the cap PCR
 * alone beats all others. Used to name what changed against the nearest approval.
 */
u32 sb_nearest(u32 a, u32 b, u8 cap_pcr);

/*
 * enum sealbond_state for what a TPM command returned: rc > 0 is a TPM_RC as received,
 * rc < 0 an errno. Never KEYS_READY.
 */
u8 sb_seal_state(int rc);

/* A TPM_RC without the number of the handle, session or parameter it is about. */
u32 sb_tpm_rc(u32 rc);

#define SB_RC_SIGNATURE		0x09b
#define SB_RC_INTEGRITY		0x09f
#define SB_RC_HANDLE		0x08b
#define SB_RC_VALUE		0x084
#define SB_RC_AUTH_FAIL		0x08e
#define SB_RC_BAD_AUTH		0x0a2
#define SB_RC_LOCKOUT		0x921

#endif
