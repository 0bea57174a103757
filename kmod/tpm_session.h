/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Salted TPM 2.0 sessions with AES-128-CFB parameter encryption (TPM 2.0 part 1, 19 and
 * 21), and the commands that go through one. Every response's HMAC is checked before
 * anything in it is used. Return values as in tpm_cmd.h; -EBADMSG also when a response
 * does not authenticate.
 */
#ifndef SB_TPM_SESSION_H
#define SB_TPM_SESSION_H

#include "tpm_cmd.h"

struct sb_session {
	u32 handle;			/* 0: none */
	u8 nonce_caller[SB_DIGEST_LEN];
	u8 nonce_tpm[SB_DIGEST_LEN];
	u8 key[SB_DIGEST_LEN];
};

/*
 * sb_session_start - a session whose key only this TPM's salt_key can learn
 * type is SB_SE_HMAC or SB_SE_POLICY (tpm_ids.h). End it with sb_session_end(), also
 * after an error.
 */
int sb_session_start(struct sb_tpm *tpm, struct sb_session *s, u8 type,
		     const struct sb_tpm_key *salt_key);

/* Flushes the session unless the TPM has ended it, and wipes it. */
void sb_session_end(struct sb_tpm *tpm, struct sb_session *s);

/*
 * sb_session_create - seals secret under parent, the session stays open
 * policy: the object's authPolicy; outside_info: 32 bytes; pcr_mask: the creation PCRs.
 * blob gets its five parts and policy; they lie in the TPM's buffer and live until the
 * next command.
 */
int sb_session_create(struct sb_tpm *tpm, struct sb_session *s,
		      const struct sb_tpm_key *parent, const u8 secret[SB_DIGEST_LEN],
		      const u8 policy[SB_DIGEST_LEN], const u8 outside_info[SB_DIGEST_LEN],
		      u32 pcr_mask, struct sb_blob *blob);

/*
 * sb_session_policy - PolicyPCR with the expected digest, then PolicyAuthorize
 * approved: the policy digest after PolicyPCR; ticket: for it and policy_ref, by the key
 * of that Name.
 */
int sb_session_policy(struct sb_tpm *tpm, struct sb_session *s, u32 pcr_mask,
		      const u8 pcr_digest[SB_DIGEST_LEN], const u8 approved[SB_DIGEST_LEN],
		      const u8 policy_ref[SB_DIGEST_LEN], const u8 name[SB_TPM_NAME_LEN],
		      const struct sb_tpm_ticket *ticket);

/*
 * sb_session_unseal - 32 bytes out of a loaded object; the caller wipes secret
 * When more, the session stays open and its policy starts anew; else it ends.
 */
int sb_session_unseal(struct sb_tpm *tpm, struct sb_session *s, u32 object,
		      const u8 name[SB_TPM_NAME_LEN], bool more, u8 secret[SB_DIGEST_LEN]);

/* PCR_Extend in all allocated banks. The session ends. */
int sb_session_extend(struct sb_tpm *tpm, struct sb_session *s, u8 pcr,
		      const u8 digest[SB_DIGEST_LEN]);

#endif
