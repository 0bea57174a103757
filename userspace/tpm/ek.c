// SPDX-License-Identifier: Apache-2.0
/* Which endorsement key stands for this TPM. TCG EK Credential Profile 2.5, annex B. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "common/cleanup.h"
#include "tpm/tpm.h"
#include "tpm/tpm_internal.h"

#define NV_TEMPLATE	"reading the EK's template from NV"

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

	if (from->template && sb_tpm_has_handle(nv, nv_count, from->template)) {
		result = sb_tpm_read_nv(tpm, from->template, NV_TEMPLATE, bytes, sizeof(bytes), &length, error);
		if (result < 0)
			return result;
		memset(out, 0, sizeof(*out));
		if (Tss2_MU_TPMT_PUBLIC_Unmarshal(bytes, length, &offset, &out->publicArea) != TSS2_RC_SUCCESS)
			return sb_fail(error, -EIO, "the EK's template in NV cannot be read");
	}
	if (!from->nonce || !sb_tpm_has_handle(nv, nv_count, from->nonce))
		return 0;
	result = sb_tpm_read_nv(tpm, from->nonce, NV_TEMPLATE, bytes, from->type == TPM2_ALG_RSA ? 256 : 32, &length,
				error);
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

static bool describe(struct sb_tpm *tpm, ESYS_TR key, const TPM2B_PUBLIC *public, struct sb_ek *ek)
{
	size_t name_length = sizeof(ek->name);

	if (!sb_tpm_describe(tpm, key, public, ek->area, &ek->area_length, ek->name, &name_length))
		return false;
	ek->name_length = name_length;
	return true;
}

/* A persistent key of this template; false when there is none that can be read. */
static bool find_persistent(struct sb_tpm *tpm, const TPM2B_PUBLIC *wanted, struct sb_ek *ek, struct sb_tpm_key *key)
{
	uint32_t handles[64];
	size_t count;
	bool found = false;

	if (sb_tpm_list_handles(tpm, 0x81010000, 0x8101ffff, handles, SB_ARRAY_SIZE(handles), &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		struct sb_tpm_key tried = { ESYS_TR_NONE, false };
		TPM2B_PUBLIC *public = NULL;

		if (Esys_TR_FromTPMPublic(tpm->esys, handles[i], NO_SESSION, &tried.handle) != TSS2_RC_SUCCESS)
			continue;
		found = Esys_ReadPublic(tpm->esys, tried.handle, NO_SESSION, &public, NULL, NULL) == TSS2_RC_SUCCESS &&
			same_template(&public->publicArea, &wanted->publicArea) &&
			describe(tpm, tried.handle, public, ek);
		Esys_Free(public);
		if (found)
			*key = tried;
		else
			sb_tpm_key_close(tpm, &tried);
	}
	return found;
}

static int make(struct sb_tpm *tpm, const TPM2B_PUBLIC *template, struct sb_ek *ek, struct sb_tpm_key *key,
		struct sb_error *error)
{
	TPM2B_PUBLIC *public = NULL;
	struct sb_tpm_key made;
	int result = sb_tpm_primary(tpm, template, "making the endorsement key", &made, &public, error);

	if (result == 0 && !describe(tpm, made.handle, public, ek)) {
		sb_tpm_key_close(tpm, &made);
		result = sb_fail(error, -EIO, "the endorsement key is longer than one of its kind can be");
	}
	Esys_Free(public);
	if (result == 0)
		*key = made;
	return result;
}

int sb_tpm_ek_open(struct sb_tpm *tpm, struct sb_ek *ek, struct sb_tpm_key *key, struct sb_error *error)
{
	const struct template *chosen = &templates[0];
	struct sb_ek read = { 0 };
	TPM2B_PUBLIC public;
	uint32_t nv[64];
	size_t nv_count;
	int result = sb_tpm_list_handles(tpm, 0x01c00000, 0x01c07fff, nv, SB_ARRAY_SIZE(nv), &nv_count, error);

	if (result < 0)
		return result;
	for (size_t i = 0; i < SB_ARRAY_SIZE(templates); i++) {
		if (sb_tpm_has_handle(nv, nv_count, templates[i].certificate)) {
			chosen = &templates[i];
			read.certificate = chosen->certificate;
			break;
		}
	}
	fill_template(chosen, &public);
	result = apply_nv_template(tpm, chosen, nv, nv_count, &public, error);
	if (result == 0 && !find_persistent(tpm, &public, &read, key))
		result = make(tpm, &public, &read, key, error);
	if (result < 0)
		return result;
	snprintf(read.template, sizeof(read.template), "%s", chosen->name);
	read.profile = (unsigned int)(chosen - templates) + 1;
	*ek = read;
	return 0;
}

int sb_tpm_ek(struct sb_tpm *tpm, struct sb_ek *ek, struct sb_error *error)
{
	struct sb_tpm_key key;
	int result = sb_tpm_ek_open(tpm, ek, &key, error);

	if (result == 0)
		sb_tpm_key_close(tpm, &key);
	return result;
}
