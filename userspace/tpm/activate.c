// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/tpm_internal.h"

/*
 * How the endorsement key is used. Keys of the low range ask for their policy, which is PolicySecret of the
 * endorsement hierarchy (EK Credential Profile 2.5, annex B.3); those of the high range take their empty
 * password as well. *session is to be flushed unless it is ESYS_TR_PASSWORD.
 */
static TSS2_RC authorise(struct sb_tpm *tpm, ESYS_TR ek, ESYS_TR *session)
{
	const TPMT_SYM_DEF none = { .algorithm = TPM2_ALG_NULL };
	TPM2B_PUBLIC *public = NULL;
	ESYS_TR policy = ESYS_TR_NONE;
	TSS2_RC rc = Esys_ReadPublic(tpm->esys, ek, NO_SESSION, &public, NULL, NULL);
	bool by_password;

	if (rc != TSS2_RC_SUCCESS)
		return rc;
	by_password = public->publicArea.objectAttributes & TPMA_OBJECT_USERWITHAUTH;
	*session = ESYS_TR_PASSWORD;
	if (!by_password)
		rc = Esys_StartAuthSession(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, NO_SESSION, NULL, TPM2_SE_POLICY,
					   &none, public->publicArea.nameAlg, &policy);
	Esys_Free(public);
	if (by_password || rc != TSS2_RC_SUCCESS)
		return rc;
	rc = Esys_PolicySecret(tpm->esys, ESYS_TR_RH_ENDORSEMENT, policy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
			       NULL, NULL, NULL, 0, NULL, NULL);
	if (rc == TSS2_RC_SUCCESS)
		*session = policy;
	else
		Esys_FlushContext(tpm->esys, policy);
	return rc;
}

/* Is it the credential that is refused, and not the question? */
static bool is_refusal(TSS2_RC rc)
{
	return sb_tpm_rc_is(rc, TPM2_RC_INTEGRITY) || sb_tpm_rc_is(rc, TPM2_RC_VALUE) ||
	       sb_tpm_rc_is(rc, TPM2_RC_SIZE) || sb_tpm_rc_is(rc, TPM2_RC_ECC_POINT) ||
	       sb_tpm_rc_is(rc, TPM2_RC_INSUFFICIENT);
}

static int open_credential(struct sb_tpm *tpm, ESYS_TR ak, ESYS_TR ek, const TPM2B_ID_OBJECT *blob,
			   const TPM2B_ENCRYPTED_SECRET *encrypted, uint8_t secret[SB_TPM_SECRET_MAX], size_t *length,
			   struct sb_error *error)
{
	ESYS_TR session = ESYS_TR_PASSWORD;
	TPM2B_DIGEST *opened = NULL;
	TSS2_RC rc = authorise(tpm, ek, &session);

	if (rc != TSS2_RC_SUCCESS)
		return sb_tpm_fail(error, "the endorsement key's policy", rc);
	rc = Esys_ActivateCredential(tpm->esys, ak, ek, ESYS_TR_PASSWORD, session, ESYS_TR_NONE, blob, encrypted,
				     &opened);
	/* A policy session that was used is gone unless the command failed. */
	if (session != ESYS_TR_PASSWORD && rc != TSS2_RC_SUCCESS)
		Esys_FlushContext(tpm->esys, session);
	if (is_refusal(rc))
		return sb_fail(error, -EKEYREJECTED, "the credential was not made for this TPM's keys (0x%x)", rc);
	if (rc != TSS2_RC_SUCCESS)
		return sb_tpm_fail(error, "opening a credential", rc);
	memcpy(secret, opened->buffer, opened->size);
	*length = opened->size;
	explicit_bzero(opened, sizeof(*opened));
	Esys_Free(opened);
	return 0;
}

int sb_tpm_activate(struct sb_tpm *tpm, const uint8_t *blob, size_t blob_length, const uint8_t *encrypted,
		    size_t encrypted_length, uint8_t secret[SB_TPM_SECRET_MAX], size_t *length,
		    struct sb_error *error)
{
	struct sb_tpm_key ek_key = { ESYS_TR_NONE, false }, ak_key = { ESYS_TR_NONE, false };
	TPM2B_ID_OBJECT read_blob = { 0 };
	TPM2B_ENCRYPTED_SECRET read_encrypted = { 0 };
	size_t at = 0, encrypted_at = 0;
	struct sb_ek ek;
	struct sb_ak ak;
	int result;

	_Static_assert(sizeof(((TPM2B_DIGEST *)0)->buffer) <= SB_TPM_SECRET_MAX, "a credential's largest secret");
	if (Tss2_MU_TPM2B_ID_OBJECT_Unmarshal(blob, blob_length, &at, &read_blob) != TSS2_RC_SUCCESS ||
	    at != blob_length ||
	    Tss2_MU_TPM2B_ENCRYPTED_SECRET_Unmarshal(encrypted, encrypted_length, &encrypted_at, &read_encrypted) !=
	    TSS2_RC_SUCCESS || encrypted_at != encrypted_length)
		return sb_fail(error, -EBADMSG, "the credential cannot be read");
	result = sb_tpm_ek_open(tpm, &ek, &ek_key, error);
	if (result == 0)
		result = sb_tpm_ak_open(tpm, &ak, &ak_key, error);
	if (result == 0)
		result = open_credential(tpm, ak_key.handle, ek_key.handle, &read_blob, &read_encrypted, secret, length,
					 error);
	sb_tpm_key_close(tpm, &ak_key);
	sb_tpm_key_close(tpm, &ek_key);
	return result;
}
