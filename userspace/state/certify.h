/* SPDX-License-Identifier: Apache-2.0 */
/* TPM2_Certify (TPM 2.0 part 3): one key of a TPM says of another that it is in the same one. Pure. */
#ifndef SB_STATE_CERTIFY_H
#define SB_STATE_CERTIFY_H

#include "state/quote.h"

enum sb_certify_verdict {
	SB_CERTIFY_OK,
	SB_CERTIFY_MALFORMED,
	SB_CERTIFY_MAGIC,	/* not made by a TPM */
	SB_CERTIFY_TYPE,	/* another attestation than a certification */
	SB_CERTIFY_SCHEME,
	SB_CERTIFY_SIGNER,	/* by another key, or one outside the endorsement hierarchy */
	SB_CERTIFY_OTHER_KEY,	/* about another key */
	SB_CERTIFY_HIERARCHY,	/* the key is not a primary key of the endorsement hierarchy */
	SB_CERTIFY_SIGNATURE,
	SB_CERTIFY_VERDICTS
};

/*
 * sb_certify_check() - @by has passed sb_ak_check(), as a primary key of the endorsement hierarchy; @about is
 * the key that it vouches for. What the caller put into extraData is not looked at: the statement is about two
 * keys, and does not grow old.
 */
enum sb_certify_verdict sb_certify_check(const uint8_t *info, size_t length, const uint8_t *signature,
					 size_t signature_length, const struct sb_tpm_public *by,
					 const struct sb_tpm_public *about);

const char *sb_certify_name(enum sb_certify_verdict verdict);

#endif
