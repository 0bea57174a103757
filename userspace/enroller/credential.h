/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A credential for an endorsement key, as TPM2_MakeCredential makes it, in software (TPM 2.0 part 1, section 24,
 * "Credential Protection"; annexes B.10.4 for RSA and C.6.4 for ECC). Only a TPM that holds the EK and, beside it,
 * the key with this Name can open it (TPM2_ActivateCredential).
 */
#ifndef SB_ENROLLER_CREDENTIAL_H
#define SB_ENROLLER_CREDENTIAL_H

#include "common/error.h"
#include "state/tpm_public.h"

#define SB_SECRET_LEN		32
#define SB_CREDENTIAL_ROOM	256	/* TPM2B_ID_OBJECT */
#define SB_ENCRYPTED_ROOM	520	/* TPM2B_ENCRYPTED_SECRET */

struct sb_credential {
	uint8_t blob[SB_CREDENTIAL_ROOM], encrypted[SB_ENCRYPTED_ROOM];
	size_t blob_length, encrypted_length;
};

/*
 * sb_credential_make() - @ek: RSA, P-256 or P-384, with AES-CFB. @name: of the key that must be beside it. Both parts
 * come with their sizes before them, as TPM2B. Returns 0; -EINVAL: a key that no TPM has as its EK; -EIO: libcrypto.
 */
int sb_credential_make(const struct sb_tpm_public *ek, struct sb_span name, const uint8_t secret[SB_SECRET_LEN],
		       struct sb_credential *credential, struct sb_error *error);

/*
 * sb_challenge_commitment() - what an enroller puts on the ledger: SHA-256("sealbond challenge v1", NUL || the chain
 * id's length, one byte || chain id || device || AK's Name || enroller || nonce || secret).
 */
void sb_challenge_commitment(const char *chain, const uint8_t device[32], struct sb_span ak_name,
			     const uint8_t enroller[32], const uint8_t nonce[16], const uint8_t secret[SB_SECRET_LEN],
			     uint8_t commitment[32]);

#endif
