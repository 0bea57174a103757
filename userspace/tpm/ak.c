// SPDX-License-Identifier: Apache-2.0
/* The attestation key. The template is part of what the key is: it never changes. */
#include <errno.h>
#include <string.h>

#include "common/sha256.h"
#include "tpm/tpm_internal.h"

/* The endorsement hierarchy, where counters and firmware version are told plainly to who reads a quote. */
static void fill_template(TPM2B_PUBLIC *out)
{
	TPMT_PUBLIC *area = &out->publicArea;

	memset(out, 0, sizeof(*out));
	area->type = TPM2_ALG_ECC;
	area->nameAlg = TPM2_ALG_SHA256;
	area->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
				 TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
				 TPMA_OBJECT_SIGN_ENCRYPT;
	area->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	area->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
	area->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	sb_digest_of(SB_AK_TAG, sizeof(SB_AK_TAG), area->unique.ecc.x.buffer);
	area->unique.ecc.x.size = area->unique.ecc.y.size = 32;
}

int sb_tpm_ak_open(struct sb_tpm *tpm, struct sb_ak *ak, struct sb_tpm_key *key, struct sb_error *error)
{
	size_t name_length = sizeof(ak->name);
	struct sb_tpm_key made;
	TPM2B_PUBLIC template, *public = NULL;
	int result;

	fill_template(&template);
	result = sb_tpm_primary(tpm, &template, "making the attestation key", &made, &public, error);
	if (result == 0 && (!sb_tpm_describe(tpm, made.handle, public, ak->area, &ak->area_length, ak->name,
					     &name_length) || name_length != sizeof(ak->name))) {
		sb_tpm_key_close(tpm, &made);
		result = sb_fail(error, -EIO, "the TPM made another attestation key than it was asked for");
	}
	Esys_Free(public);
	if (result == 0)
		*key = made;
	return result;
}

int sb_tpm_ak(struct sb_tpm *tpm, struct sb_ak *ak, struct sb_error *error)
{
	struct sb_ak read = { 0 };
	struct sb_tpm_key key;
	int result = sb_tpm_ak_open(tpm, &read, &key, error);

	if (result < 0)
		return result;
	sb_tpm_key_close(tpm, &key);
	*ak = read;
	return 0;
}
