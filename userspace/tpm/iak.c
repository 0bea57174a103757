// SPDX-License-Identifier: Apache-2.0
/*
 * The initial attestation key (IAK), whose certificate is a device's maker's. TCG TPM 2.0 Keys for Device Identity and
 * Attestation 1.0; section 7.3 has the templates.
 */
#include <errno.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "common/cleanup.h"
#include "tpm/tpm_internal.h"

#define NV_FIRST	0x01c90000
#define NV_LAST		0x01c9ffff
#define KEYS_FIRST	0x81000000
#define KEYS_LAST	0x81ffffff
#define SHELF_MAX	8	/* indices with certificates that are looked at */
#define INDEX_MAX	4096	/* bytes of one index */
#define BYTES_MAX	512	/* of a public key as its certificate has it */

#define MUST	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | \
		 TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT)

/* PolicyOR (7.3.6) of PolicySecret(endorsement), that for Certify, that for ActivateCredential, PolicyAuthorizeNV. */
static const uint8_t policy_sha256[] = {
	0x54, 0x37, 0x18, 0x23, 0x26, 0xe4, 0x14, 0xfc, 0xa7, 0x97, 0xd5, 0xf1, 0x74, 0x61, 0x5a, 0x16,
	0x41, 0xf6, 0x12, 0x55, 0x79, 0x7c, 0x3a, 0x2b, 0x22, 0xc2, 0x1d, 0x12, 0x0b, 0x2d, 0x1e, 0x07,
};

/* The object identifiers by which a certificate says what kind of key it is for. */
static const uint8_t oid_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
static const uint8_t oid_rsa[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };

/* Of the templates there, those whose keys a ledger takes (state/tpm_public.h). RSA, which takes longer, comes last. */
static const struct template {
	const uint8_t *oid;
	size_t oid_length;
	TPMI_ALG_PUBLIC type;
} templates[] = {
	{ oid_p256, sizeof(oid_p256), TPM2_ALG_ECC },	/* H-2 */
	{ oid_rsa, sizeof(oid_rsa), TPM2_ALG_RSA },	/* H-1, 2048 bits */
};

/* What the indices hold, one each. */
struct shelf {
	size_t count;
	struct sb_tpm_certificates of[SHELF_MAX];
};

static void fill_template(const struct template *from, TPM2B_PUBLIC *out)
{
	static const TPM2B_ECC_PARAMETER unique = { .size = 3, .buffer = "IAK" };	/* 7.3.3 */
	TPMT_PUBLIC *area = &out->publicArea;

	memset(out, 0, sizeof(*out));
	area->type = from->type;
	area->nameAlg = TPM2_ALG_SHA256;
	area->objectAttributes = MUST | TPMA_OBJECT_ADMINWITHPOLICY;
	area->authPolicy.size = sizeof(policy_sha256);
	memcpy(area->authPolicy.buffer, policy_sha256, sizeof(policy_sha256));
	if (from->type == TPM2_ALG_RSA) {
		area->parameters.rsaDetail.symmetric.algorithm = TPM2_ALG_NULL;
		area->parameters.rsaDetail.scheme.scheme = TPM2_ALG_RSAPSS;
		area->parameters.rsaDetail.scheme.details.rsapss.hashAlg = TPM2_ALG_SHA256;
		area->parameters.rsaDetail.keyBits = 2048;
		area->unique.rsa.size = unique.size;
		memcpy(area->unique.rsa.buffer, unique.buffer, unique.size);
		return;
	}
	area->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	area->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
	area->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	area->unique.ecc.x = area->unique.ecc.y = unique;
}

/* One that cannot be read is none, unless the TPM has no time for it now. */
static int read_shelf(struct sb_tpm *tpm, struct shelf *shelf, struct sb_error *error)
{
	sb_cleanup_free uint8_t *data = malloc(INDEX_MAX);
	uint32_t handles[32];
	size_t count, length;
	int result = sb_tpm_list_handles(tpm, NV_FIRST, NV_LAST, handles, SB_ARRAY_SIZE(handles), &count, error);

	if (!data)
		return sb_fail(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count && result == 0 && shelf->count < SHELF_MAX; i++) {
		struct sb_tpm_certificates *here = &shelf->of[shelf->count];

		result = sb_tpm_read_nv(tpm, handles[i], "reading the IAK's certificate", data, INDEX_MAX, &length, error);
		if (result == 0) {
			(void)sb_nv_certificates(data, length, here);
			shelf->count += here->count > 0;
		} else if (result != -EBUSY) {
			result = 0;
		}
	}
	return result;
}

/* As a certificate has it: the modulus, or both coordinates in their full length. 0: of a kind that no ledger takes. */
static size_t key_bytes(const TPMT_PUBLIC *public, uint8_t bytes[BYTES_MAX])
{
	const TPMS_ECC_POINT *point = &public->unique.ecc;

	if (public->type == TPM2_ALG_RSA && public->unique.rsa.size >= 256 && public->unique.rsa.size <= BYTES_MAX) {
		memcpy(bytes, public->unique.rsa.buffer, public->unique.rsa.size);
		return public->unique.rsa.size;
	}
	if (public->type != TPM2_ALG_ECC || public->parameters.eccDetail.curveID != TPM2_ECC_NIST_P256 ||
	    point->x.size > 32 || point->y.size > 32)
		return 0;
	memset(bytes, 0, 64);
	memcpy(bytes + 32 - point->x.size, point->x.buffer, point->x.size);
	memcpy(bytes + 64 - point->y.size, point->y.buffer, point->y.size);
	return 64;
}

/* Whoever checks the certificate reads it; here it only has to be told which is whose. */
static const struct sb_tpm_certificates *find_its_own(const struct shelf *shelf, const TPMT_PUBLIC *public)
{
	uint8_t bytes[BYTES_MAX];
	size_t length = key_bytes(public, bytes);

	for (size_t i = 0; length && i < shelf->count; i++)
		if (memmem(shelf->of[i].data, shelf->of[i].length[0], bytes, length))
			return &shelf->of[i];
	return NULL;
}

/* With its public area and its certificates; else it is closed again. */
static bool take(struct sb_tpm *tpm, const struct shelf *shelf, struct sb_tpm_key *key, const TPM2B_PUBLIC *public,
		 struct sb_iak *iak)
{
	const struct sb_tpm_certificates *own = find_its_own(shelf, &public->publicArea);
	uint8_t name[SB_EK_NAME_MAX];
	size_t name_length = sizeof(name);

	if (!own || (public->publicArea.objectAttributes & (MUST | TPMA_OBJECT_DECRYPT)) != MUST ||
	    !sb_tpm_describe(tpm, key->handle, public, iak->area, &iak->area_length, name, &name_length)) {
		sb_tpm_key_close(tpm, key);
		return false;
	}
	iak->certificates = *own;
	return true;
}

static bool find_persistent(struct sb_tpm *tpm, const struct shelf *shelf, struct sb_tpm_key *key, struct sb_iak *iak)
{
	uint32_t handles[64];
	size_t count;
	bool found = false;

	if (sb_tpm_list_handles(tpm, KEYS_FIRST, KEYS_LAST, handles, SB_ARRAY_SIZE(handles), &count, NULL) < 0)
		return false;
	for (size_t i = 0; i < count && !found; i++) {
		TPM2B_PUBLIC *public = NULL;

		*key = (struct sb_tpm_key){ ESYS_TR_NONE, false };
		if (Esys_TR_FromTPMPublic(tpm->esys, handles[i], NO_SESSION, &key->handle) != TSS2_RC_SUCCESS)
			continue;
		if (Esys_ReadPublic(tpm->esys, key->handle, NO_SESSION, &public, NULL, NULL) == TSS2_RC_SUCCESS)
			found = take(tpm, shelf, key, public, iak);
		else
			sb_tpm_key_close(tpm, key);
		Esys_Free(public);
	}
	return found;
}

static bool has_kind(const struct shelf *shelf, const struct template *template)
{
	for (size_t i = 0; i < shelf->count; i++)
		if (memmem(shelf->of[i].data, shelf->of[i].length[0], template->oid, template->oid_length))
			return true;
	return false;
}

/* A recoverable key (7.3) need not be kept: its template makes it again. */
static int make(struct sb_tpm *tpm, const struct shelf *shelf, struct sb_tpm_key *key, struct sb_iak *iak,
		struct sb_error *error)
{
	for (size_t i = 0; i < SB_ARRAY_SIZE(templates); i++) {
		TPM2B_PUBLIC wanted, *public = NULL;
		bool found;
		int result;

		if (!has_kind(shelf, &templates[i]))
			continue;
		fill_template(&templates[i], &wanted);
		result = sb_tpm_primary(tpm, &wanted, "making the initial attestation key", key, &public, error);
		if (result == -EBUSY)
			return result;
		found = result == 0 && take(tpm, shelf, key, public, iak);
		Esys_Free(public);
		if (found)
			return 0;
	}
	return sb_fail(error, -ENODATA, "none of the TPM's certificates is one of an initial attestation key in it");
}

static int open_iak(struct sb_tpm *tpm, struct sb_tpm_key *key, struct sb_iak *iak, struct sb_error *error)
{
	sb_cleanup_free struct shelf *shelf = calloc(1, sizeof(*shelf));
	int result;

	if (!shelf)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = read_shelf(tpm, shelf, error);
	if (result < 0)
		return result;
	if (!shelf->count)
		return sb_fail(error, -ENODATA, "the TPM has no certificate of an initial attestation key");
	return find_persistent(tpm, shelf, key, iak) ? 0 : make(tpm, shelf, key, iak, error);
}

static int certify(struct sb_tpm *tpm, ESYS_TR by, ESYS_TR about, struct sb_iak *iak, struct sb_error *error)
{
	const TPMT_SIG_SCHEME own = { .scheme = TPM2_ALG_NULL };
	const TPM2B_DATA nothing = { .size = 0 };
	TPM2B_ATTEST *info = NULL;
	TPMT_SIGNATURE *signature = NULL;
	TSS2_RC rc = Esys_Certify(tpm->esys, about, by, ESYS_TR_PASSWORD, ESYS_TR_PASSWORD, ESYS_TR_NONE, &nothing, &own,
				  &info, &signature);
	int result = 0;

	if (rc != TSS2_RC_SUCCESS)
		return sb_tpm_fail(error, "certifying the attestation key", rc);
	iak->signature_length = 0;
	if (info->size > sizeof(iak->info) ||
	    Tss2_MU_TPMT_SIGNATURE_Marshal(signature, iak->signature, sizeof(iak->signature), &iak->signature_length) !=
		    TSS2_RC_SUCCESS) {
		result = sb_fail(error, -EIO, "the TPM's word on its attestation key is longer than one can be");
	} else {
		memcpy(iak->info, info->attestationData, info->size);
		iak->info_length = info->size;
	}
	Esys_Free(info);
	Esys_Free(signature);
	return result;
}

int sb_tpm_iak(struct sb_tpm *tpm, struct sb_iak *iak, struct sb_error *error)
{
	sb_cleanup_free struct sb_iak *read = calloc(1, sizeof(*read));
	struct sb_tpm_key by, about;
	struct sb_ak ak;
	int result;

	if (!read)
		return sb_fail(error, -ENOMEM, "out of memory");
	result = open_iak(tpm, &by, read, error);
	if (result < 0)
		return result;
	result = sb_tpm_ak_open(tpm, &ak, &about, error);
	if (result == 0) {
		result = certify(tpm, by.handle, about.handle, read, error);
		sb_tpm_key_close(tpm, &about);
	}
	sb_tpm_key_close(tpm, &by);
	if (result == 0)
		*iak = *read;
	return result;
}
