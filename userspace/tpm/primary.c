// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <tss2/tss2_mu.h>

#include "tpm/tpm_internal.h"

int sb_tpm_primary(struct sb_tpm *tpm, const TPM2B_PUBLIC *template, const char *what, struct sb_tpm_key *key,
		   TPM2B_PUBLIC **public, struct sb_error *error)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
	const TPM2B_DATA outside = { 0 };
	const TPML_PCR_SELECTION pcrs = { 0 };
	ESYS_TR handle = ESYS_TR_NONE;
	TSS2_RC rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					ESYS_TR_NONE, &sensitive, template, &outside, &pcrs, &handle,
					public, NULL, NULL, NULL);

	if (rc != TSS2_RC_SUCCESS)
		return sb_tpm_fail(error, what, rc);
	*key = (struct sb_tpm_key){ handle, true };
	return 0;
}

void sb_tpm_key_close(struct sb_tpm *tpm, struct sb_tpm_key *key)
{
	if (key->handle == ESYS_TR_NONE)
		return;
	if (key->transient)
		Esys_FlushContext(tpm->esys, key->handle);
	else
		Esys_TR_Close(tpm->esys, &key->handle);
	key->handle = ESYS_TR_NONE;
}

bool sb_tpm_describe(struct sb_tpm *tpm, ESYS_TR key, const TPM2B_PUBLIC *public, uint8_t *area, size_t *area_length,
		     uint8_t *name, size_t *name_length)
{
	uint8_t bytes[SB_TPM_AREA_MAX];
	TPM2B_NAME *read = NULL;
	size_t length = 0;
	bool fits = Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, bytes, sizeof(bytes), &length) == TSS2_RC_SUCCESS &&
		    Esys_TR_GetName(tpm->esys, key, &read) == TSS2_RC_SUCCESS &&
		    read->size >= 2 && read->size <= *name_length;

	if (fits) {
		memcpy(area, bytes, length);
		*area_length = length;
		memcpy(name, read->name, read->size);
		*name_length = read->size;
	}
	Esys_Free(read);
	return fits;
}
