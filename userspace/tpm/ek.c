// SPDX-License-Identifier: Apache-2.0
/* Which endorsement key stands for this TPM. TCG EK Credential Profile 2.5, annex B. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>

#include "common/cleanup.h"
#include "tpm/tpm.h"
#include "tpm/tpm_internal.h"

#define NO_SESSION	ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE

#define LOW_ATTRIBUTES	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | \
			 TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_DECRYPT)
#define HIGH_ATTRIBUTES	(LOW_ATTRIBUTES | TPMA_OBJECT_USERWITHAUTH)

static const uint8_t policy_a_sha256[] = {
	0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
	0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
};
static const uint8_t policy_b_sha256[] = {
	0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3,
	0xa3, 0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0,
};
static const uint8_t policy_b_sha384[] = {
	0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a,
	0x07, 0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca,
	0xcb, 0x47, 0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12,
};

/* The order is the precedence, and part of what a device id means: it never changes. */
static const struct template {
	const char *name;
	uint32_t certificate;		/* NV index */
	uint32_t nonce, template;	/* NV indices, 0 in the high range */
	TPMI_ALG_PUBLIC type;
	uint16_t curve;			/* or RSA bits */
	uint16_t aes_bits;
	TPMI_ALG_HASH name_hash;
	const uint8_t *policy;
	uint16_t policy_length;
} templates[] = {
	{ "p256-low", 0x01c0000a, 0x01c0000b, 0x01c0000c, TPM2_ALG_ECC, TPM2_ECC_NIST_P256, 128,
	  TPM2_ALG_SHA256, policy_a_sha256, sizeof(policy_a_sha256) },
	{ "rsa2048-low", 0x01c00002, 0x01c00003, 0x01c00004, TPM2_ALG_RSA, 2048, 128,
	  TPM2_ALG_SHA256, policy_a_sha256, sizeof(policy_a_sha256) },
	{ "p256-high", 0x01c00014, 0, 0, TPM2_ALG_ECC, TPM2_ECC_NIST_P256, 128,
	  TPM2_ALG_SHA256, policy_b_sha256, sizeof(policy_b_sha256) },
	{ "rsa2048-high", 0x01c00012, 0, 0, TPM2_ALG_RSA, 2048, 128,
	  TPM2_ALG_SHA256, policy_b_sha256, sizeof(policy_b_sha256) },
	{ "p384-high", 0x01c00016, 0, 0, TPM2_ALG_ECC, TPM2_ECC_NIST_P384, 256,
	  TPM2_ALG_SHA384, policy_b_sha384, sizeof(policy_b_sha384) },
};

static int fail_rc(struct sb_error *error, const char *what, TSS2_RC rc)
{
	TSS2_RC base = rc & ~TSS2_RC_LAYER_MASK;
	int number = -EIO;

	/* Format-1 codes carry the number of the session or parameter in bits 6 and 8 to 11. */
	if (rc & TPM2_RC_FMT1 && (base & 0xbf) == (TPM2_RC_BAD_AUTH & 0xbf))
		number = -EACCES;
	else if (base == TPM2_RC_RETRY || base == TPM2_RC_OBJECT_MEMORY || base == TPM2_RC_SESSION_MEMORY)
		number = -EBUSY;
	return sb_fail(error, number, "%s: %s (0x%x)", what, Tss2_RC_Decode(rc), rc);
}

/* Which handles of a range there are; at most room of them are told. */
static int list_handles(struct sb_tpm *tpm, uint32_t first, uint32_t last, uint32_t *handles, size_t room,
			size_t *count, struct sb_error *error)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc = Esys_GetCapability(tpm->esys, NO_SESSION, TPM2_CAP_HANDLES, first,
					TPM2_MAX_CAP_HANDLES, &more, &data);

	if (rc != TSS2_RC_SUCCESS)
		return fail_rc(error, "listing the TPM's handles", rc);
	*count = 0;
	for (uint32_t i = 0; i < data->data.handles.count && *count < room; i++)
		if (data->data.handles.handle[i] >= first && data->data.handles.handle[i] <= last)
			handles[(*count)++] = data->data.handles.handle[i];
	Esys_Free(data);
	return 0;
}

static bool has(const uint32_t *handles, size_t count, uint32_t wanted)
{
	for (size_t i = 0; i < count; i++)
		if (handles[i] == wanted)
			return true;
	return false;
}

static void fill_template(const struct template *from, TPM2B_PUBLIC *out)
{
	bool low = from->nonce != 0, rsa = from->type == TPM2_ALG_RSA;
	TPMT_PUBLIC *area = &out->publicArea;
	TPMT_SYM_DEF_OBJECT *symmetric = rsa ? &area->parameters.rsaDetail.symmetric :
					       &area->parameters.eccDetail.symmetric;

	memset(out, 0, sizeof(*out));
	area->type = from->type;
	area->nameAlg = from->name_hash;
	area->objectAttributes = low ? LOW_ATTRIBUTES : HIGH_ATTRIBUTES;
	area->authPolicy.size = from->policy_length;
	memcpy(area->authPolicy.buffer, from->policy, from->policy_length);
	symmetric->algorithm = TPM2_ALG_AES;
	symmetric->keyBits.aes = from->aes_bits;
	symmetric->mode.aes = TPM2_ALG_CFB;
	if (rsa) {
		area->parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
		area->parameters.rsaDetail.keyBits = from->curve;
		area->unique.rsa.size = low ? 256 : 0;
		return;
	}
	area->parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
	area->parameters.eccDetail.curveID = from->curve;
	area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	/* Low range: 32 zero bytes each; high range: empty. */
	area->unique.ecc.x.size = area->unique.ecc.y.size = low ? 32 : 0;
}

/* A whole NV index by its own, empty authorisation. */
static int read_nv(struct sb_tpm *tpm, uint32_t index, uint8_t *out, size_t room, size_t *length,
		   struct sb_error *error)
{
	TPM2B_NV_PUBLIC *public = NULL;
	TPM2B_MAX_NV_BUFFER *data = NULL;
	ESYS_TR handle = ESYS_TR_NONE;
	TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, index, NO_SESSION, &handle);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_ReadPublic(tpm->esys, handle, NO_SESSION, &public, NULL);
	if (rc == TSS2_RC_SUCCESS && public->nvPublic.dataSize > room)
		rc = TSS2_ESYS_RC_BAD_SIZE;
	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_Read(tpm->esys, handle, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
				  public->nvPublic.dataSize, 0, &data);
	if (rc == TSS2_RC_SUCCESS) {
		memcpy(out, data->buffer, data->size);
		*length = data->size;
	}
	Esys_Free(public);
	Esys_Free(data);
	if (handle != ESYS_TR_NONE)
		Esys_TR_Close(tpm->esys, &handle);
	return rc == TSS2_RC_SUCCESS ? 0 : fail_rc(error, "reading the EK's template from NV", rc);
}

/*
 * A manufacturer may have put another template, and a nonce for its unique field, into NV.
 * A template without a nonce is used as it is; a nonce without a template goes into ours.
 */
static int apply_nv_template(struct sb_tpm *tpm, const struct template *from, const uint32_t *nv, size_t nv_count,
			     TPM2B_PUBLIC *out, struct sb_error *error)
{
	uint8_t bytes[1024];
	size_t length, offset = 0;
	int result;

	if (from->template && has(nv, nv_count, from->template)) {
		result = read_nv(tpm, from->template, bytes, sizeof(bytes), &length, error);
		if (result < 0)
			return result;
		memset(out, 0, sizeof(*out));
		if (Tss2_MU_TPMT_PUBLIC_Unmarshal(bytes, length, &offset, &out->publicArea) != TSS2_RC_SUCCESS)
			return sb_fail(error, -EIO, "the EK's template in NV cannot be read");
	}
	if (!from->nonce || !has(nv, nv_count, from->nonce))
		return 0;
	result = read_nv(tpm, from->nonce, bytes, from->type == TPM2_ALG_RSA ? 256 : 32, &length, error);
	if (result < 0)
		return result;
	if (from->type == TPM2_ALG_RSA)
		memcpy(out->publicArea.unique.rsa.buffer, bytes, length);
	else
		memcpy(out->publicArea.unique.ecc.x.buffer, bytes, length);
	return 0;
}

/* Equal in all but the unique field, compared as the TPM would hash them. */
static bool same_template(const TPMT_PUBLIC *a, const TPMT_PUBLIC *b)
{
	uint8_t bytes_a[sizeof(TPMT_PUBLIC)], bytes_b[sizeof(TPMT_PUBLIC)];
	size_t length_a = 0, length_b = 0;
	TPMT_PUBLIC bare_a = *a, bare_b = *b;

	memset(&bare_a.unique, 0, sizeof(bare_a.unique));
	memset(&bare_b.unique, 0, sizeof(bare_b.unique));
	return Tss2_MU_TPMT_PUBLIC_Marshal(&bare_a, bytes_a, sizeof(bytes_a), &length_a) == TSS2_RC_SUCCESS &&
	       Tss2_MU_TPMT_PUBLIC_Marshal(&bare_b, bytes_b, sizeof(bytes_b), &length_b) == TSS2_RC_SUCCESS &&
	       length_a == length_b && memcmp(bytes_a, bytes_b, length_a) == 0;
}

static bool take_name(const TPM2B_NAME *name, struct sb_ek *ek)
{
	if (name->size < 2 || name->size > sizeof(ek->name))
		return false;
	memcpy(ek->name, name->name, name->size);
	ek->name_length = name->size;
	return true;
}

/* A persistent key of this template; false when there is none that can be read. */
static bool find_persistent(struct sb_tpm *tpm, const TPM2B_PUBLIC *wanted, struct sb_ek *ek)
{
	uint32_t handles[64];
	size_t count;
	bool found = false;

	if (list_handles(tpm, 0x81010000, 0x8101ffff, handles, SB_ARRAY_SIZE(handles), &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		ESYS_TR handle = ESYS_TR_NONE;
		TPM2B_PUBLIC *public = NULL;
		TPM2B_NAME *name = NULL;

		if (Esys_TR_FromTPMPublic(tpm->esys, handles[i], NO_SESSION, &handle) != TSS2_RC_SUCCESS)
			continue;
		found = Esys_ReadPublic(tpm->esys, handle, NO_SESSION, &public, &name, NULL) == TSS2_RC_SUCCESS &&
			same_template(&public->publicArea, &wanted->publicArea) && take_name(name, ek);
		Esys_Free(public);
		Esys_Free(name);
		Esys_TR_Close(tpm->esys, &handle);
	}
	return found;
}

static int make(struct sb_tpm *tpm, const TPM2B_PUBLIC *template, struct sb_ek *ek, struct sb_error *error)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
	const TPM2B_DATA outside = { 0 };
	const TPML_PCR_SELECTION pcrs = { 0 };
	ESYS_TR handle = ESYS_TR_NONE;
	TPM2B_NAME *name = NULL;
	TSS2_RC rc = Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE,
					ESYS_TR_NONE, &sensitive, template, &outside, &pcrs, &handle,
					NULL, NULL, NULL, NULL);
	bool taken;

	if (rc != TSS2_RC_SUCCESS)
		return fail_rc(error, "making the endorsement key", rc);
	rc = Esys_TR_GetName(tpm->esys, handle, &name);
	taken = rc == TSS2_RC_SUCCESS && take_name(name, ek);
	Esys_Free(name);
	Esys_FlushContext(tpm->esys, handle);
	return taken ? 0 : fail_rc(error, "the endorsement key's name", rc);
}

int sb_tpm_ek(struct sb_tpm *tpm, struct sb_ek *ek, struct sb_error *error)
{
	const struct template *chosen = &templates[0];
	struct sb_ek read = { 0 };
	TPM2B_PUBLIC public;
	uint32_t nv[64];
	size_t nv_count;
	int result = list_handles(tpm, 0x01c00000, 0x01c07fff, nv, SB_ARRAY_SIZE(nv), &nv_count, error);

	if (result < 0)
		return result;
	for (size_t i = 0; i < SB_ARRAY_SIZE(templates); i++) {
		if (has(nv, nv_count, templates[i].certificate)) {
			chosen = &templates[i];
			break;
		}
	}
	fill_template(chosen, &public);
	result = apply_nv_template(tpm, chosen, nv, nv_count, &public, error);
	if (result < 0)
		return result;
	if (!find_persistent(tpm, &public, &read)) {
		result = make(tpm, &public, &read, error);
		if (result < 0)
			return result;
	}
	snprintf(read.template, sizeof(read.template), "%s", chosen->name);
	*ek = read;
	return 0;
}
