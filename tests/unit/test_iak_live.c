// SPDX-License-Identifier: Apache-2.0
/* A software TPM with an initial attestation key: what it says of the attestation key passes the ledger's own checks. */
#include "swtpm_world.h"

#include "state/certify.h"
#include "state/crypto.h"

#define CERTIFICATE	0x01c90000
#define PERSISTENT	0x81020001

/* As a maker provisions it. Not from the library: its templates are held against these. */
struct kind {
	TPMI_ALG_PUBLIC type;
	uint16_t curve;		/* or RSA bits */
	TPMI_ALG_HASH hash;
	uint16_t nv;		/* of the policies that a maker may authorise (7.3.2) */
	const char *oid;
	size_t oid_length;
};
static const struct kind h1 = { TPM2_ALG_RSA, 2048, TPM2_ALG_SHA256, 0x18, "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", 11 };
static const struct kind h2 = { TPM2_ALG_ECC, TPM2_ECC_NIST_P256, TPM2_ALG_SHA256, 0x18,
				"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10 };
static const struct kind h3 = { TPM2_ALG_ECC, TPM2_ECC_NIST_P384, TPM2_ALG_SHA384, 0x19, "\x06\x05\x2b\x81\x04\x00\x22", 7 };

#define ATTRIBUTES	(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN | \
			 TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_ADMINWITHPOLICY | TPMA_OBJECT_RESTRICTED | \
			 TPMA_OBJECT_SIGN_ENCRYPT)

/* ---- the policy of 7.3.6, from its parts: a digest goes on by hash(digest || command code || what it is about) */

static void extend(const struct kind *kind, TPM2B_DIGEST *policy, uint32_t command, const void *more, size_t length)
{
	uint8_t code[4], out[SB_TPM_DIGEST_MAX];
	const struct sb_span parts[] = { { policy->buffer, policy->size }, { code, 4 }, { more, length } };

	set_be32(code, command);
	policy->size = (uint16_t)sb_hash(kind->hash, parts, 3, out);
	memcpy(policy->buffer, out, policy->size);
}

static TPM2B_DIGEST secret_of_endorsement(const struct kind *kind, uint32_t for_command)
{
	TPM2B_DIGEST policy = { .size = kind->hash == TPM2_ALG_SHA256 ? 32 : 48 };
	uint8_t endorsement[4], command[4], out[SB_TPM_DIGEST_MAX];
	struct sb_span whole;

	set_be32(endorsement, TPM2_RH_ENDORSEMENT);
	extend(kind, &policy, TPM2_CC_PolicySecret, endorsement, 4);
	/* PolicyUpdate() of a reference: here an empty one */
	whole = (struct sb_span){ policy.buffer, policy.size };
	sb_hash(kind->hash, &whole, 1, out);
	memcpy(policy.buffer, out, policy.size);
	set_be32(command, for_command);
	if (for_command)
		extend(kind, &policy, TPM2_CC_PolicyCommandCode, command, 4);
	return policy;
}

/* The Name of the index that is not there, but could be: TPMS_NV_PUBLIC as 7.3.5 has it. */
static TPM2B_DIGEST authorized_by_nv(const struct kind *kind)
{
	TPM2B_DIGEST policy = { .size = kind->hash == TPM2_ALG_SHA256 ? 32 : 48 }, who = secret_of_endorsement(kind, 0);
	uint8_t public[128] = { 0x01, 0xc9, 0x00, (uint8_t)kind->nv, 0, (uint8_t)kind->hash }, name[2 + SB_TPM_DIGEST_MAX];
	struct sb_span whole = { public, 14u + who.size };

	set_be32(public + 6, TPMA_NV_POLICYWRITE | TPMA_NV_WRITEALL | TPMA_NV_PPREAD | TPMA_NV_OWNERREAD | TPMA_NV_AUTHREAD |
			     TPMA_NV_POLICYREAD | TPMA_NV_NO_DA | TPMA_NV_WRITTEN);
	public[11] = (uint8_t)who.size;
	memcpy(public + 12, who.buffer, who.size);
	public[12 + who.size + 1] = (uint8_t)(2 + who.size);
	name[0] = 0;
	name[1] = (uint8_t)kind->hash;
	sb_hash(kind->hash, &whole, 1, name + 2);
	extend(kind, &policy, TPM2_CC_PolicyAuthorizeNV, name, 2u + who.size);
	return policy;
}

static TPM2B_DIGEST policy_of(const struct kind *kind)
{
	const TPM2B_DIGEST each[] = { secret_of_endorsement(kind, 0), secret_of_endorsement(kind, TPM2_CC_Certify),
				      secret_of_endorsement(kind, TPM2_CC_ActivateCredential), authorized_by_nv(kind) };
	TPM2B_DIGEST policy = { .size = each[0].size };
	uint8_t all[4 * 48];

	for (size_t i = 0; i < 4; i++)
		memcpy(all + i * policy.size, each[i].buffer, policy.size);
	extend(kind, &policy, TPM2_CC_PolicyOR, all, 4u * policy.size);
	return policy;
}

/* ---- the maker's work */

struct made {
	TPM2B_PUBLIC *public;
	uint8_t certificate[1200];	/* of a form that the device takes; who checks it takes a real one */
	size_t length;
};

static void template_of(const struct kind *kind, TPMA_OBJECT attributes, const char *unique, TPM2B_PUBLIC *out)
{
	TPMT_PUBLIC *area = &out->publicArea;

	memset(out, 0, sizeof(*out));
	*area = (TPMT_PUBLIC){ .type = kind->type, .nameAlg = kind->hash, .objectAttributes = attributes,
			       .authPolicy = policy_of(kind) };
	if (kind->type == TPM2_ALG_RSA) {
		area->parameters.rsaDetail = (TPMS_RSA_PARMS){ .symmetric.algorithm = TPM2_ALG_NULL, .keyBits = kind->curve,
			.scheme = { TPM2_ALG_RSAPSS, { .rsapss.hashAlg = kind->hash } } };
		area->unique.rsa.size = (uint16_t)strlen(unique);
		memcpy(area->unique.rsa.buffer, unique, strlen(unique));
		return;
	}
	area->parameters.eccDetail = (TPMS_ECC_PARMS){ .symmetric.algorithm = TPM2_ALG_NULL, .curveID = kind->curve,
		.scheme = { TPM2_ALG_ECDSA, { .ecdsa.hashAlg = kind->hash } }, .kdf.scheme = TPM2_ALG_NULL };
	area->unique.ecc.x.size = area->unique.ecc.y.size = (uint16_t)strlen(unique);
	memcpy(area->unique.ecc.x.buffer, unique, strlen(unique));
	memcpy(area->unique.ecc.y.buffer, unique, strlen(unique));
}

/* A SEQUENCE in which the key stands, as in a certificate. */
static void write_certificate(const struct kind *kind, struct made *made)
{
	const TPMU_PUBLIC_ID *unique = &made->public->publicArea.unique;
	size_t at = 4, width = kind->curve == TPM2_ECC_NIST_P384 ? 48 : 32;

	memset(made->certificate, 0, sizeof(made->certificate));
	memcpy(made->certificate + at, kind->oid, kind->oid_length);
	at += kind->oid_length + 20;
	if (kind->type == TPM2_ALG_RSA) {
		memcpy(made->certificate + at, unique->rsa.buffer, unique->rsa.size);
		at += unique->rsa.size;
	} else {
		memcpy(made->certificate + at + width - unique->ecc.x.size, unique->ecc.x.buffer, unique->ecc.x.size);
		memcpy(made->certificate + at + 2 * width - unique->ecc.y.size, unique->ecc.y.buffer, unique->ecc.y.size);
		at += 2 * width;
	}
	at += 300;
	made->length = at;
	made->certificate[0] = 0x30;
	made->certificate[1] = 0x82;
	made->certificate[2] = (uint8_t)((at - 4) >> 8);
	made->certificate[3] = (uint8_t)(at - 4);
}

/* With password or persistent: kept; else gone again, to be made anew from its template. */
static void make(const struct kind *kind, TPMA_OBJECT attributes, const char *unique, bool keep, const char *password,
		 struct made *made)
{
	TPM2B_SENSITIVE_CREATE sensitive = { .sensitive.userAuth.size = (uint16_t)strlen(password) };
	const TPML_PCR_SELECTION pcrs = { 0 };
	const TPM2B_DATA outside = { 0 };
	ESYS_TR handle, kept;
	TPM2B_PUBLIC template;

	memcpy(sensitive.sensitive.userAuth.buffer, password, strlen(password));
	template_of(kind, attributes, unique, &template);
	assert_int_equal(Esys_CreatePrimary(swtpm.tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
					    &sensitive, &template, &outside, &pcrs, &handle, &made->public, NULL, NULL, NULL), 0);
	if (keep) {
		assert_int_equal(Esys_EvictControl(swtpm.tpm->esys, ESYS_TR_RH_OWNER, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE,
						   ESYS_TR_NONE, PERSISTENT, &kept), 0);
		Esys_TR_Close(swtpm.tpm->esys, &kept);
	}
	assert_int_equal(Esys_FlushContext(swtpm.tpm->esys, handle), 0);
	write_certificate(kind, made);
	swtpm.keys_most = 0;
}

/* ---- tests */

static void vouches(const struct made *made)
{
	static struct sb_iak iak;
	struct sb_tpm_public by, about;
	struct sb_error error = { "" };
	struct sb_ak ak;

	assert_int_equal(sb_tpm_iak(swtpm.tpm, &iak, &error), 0);
	assert_int_equal(swtpm.keys, 0);
	assert_in_range(swtpm.keys_most, 1, 2);
	assert_int_equal(iak.certificates.count, 1);
	assert_int_equal(iak.certificates.length[0], made->length);
	assert_memory_equal(iak.certificates.data, made->certificate, made->length);
	assert_int_equal(sb_tpm_ak(swtpm.tpm, &ak, &error), 0);
	assert_int_equal(sb_tpm_public_parse(iak.area, iak.area_length, &by), 0);
	assert_int_equal(sb_tpm_public_parse(ak.area, ak.area_length, &about), 0);
	assert_string_equal(sb_ak_name(sb_ak_check(&by)), "ok");
	assert_string_equal(sb_certify_name(sb_certify_check(iak.info, iak.info_length, iak.signature, iak.signature_length, &by,
							     &about)), "ok");
	/* It is this word that passes, not any. */
	iak.info[iak.info_length - 1] ^= 1;
	assert_string_equal(sb_certify_name(sb_certify_check(iak.info, iak.info_length, iak.signature, iak.signature_length, &by,
							     &about)), "certify-other-hierarchy");
}

/* Nothing but the certificate is kept: each template makes the key again. */
static void made_anew(void **state)
{
	const struct kind *kinds[] = { &h1, &h2 };
	struct made made;

	for (size_t i = 0; i < 2; i++) {
		make(kinds[i], ATTRIBUTES, "IAK", false, "", &made);
		define_nv(CERTIFICATE + 3, made.certificate, made.length, TPMA_NV_AUTHREAD);
		vouches(&made);
		Esys_Free(made.public);
		assert_int_equal(swtpm_tear_down(state), 0);
		swtpm_set_up(state);
	}
}

/* A key by a template of the maker's own, and beside it what is no certificate of it. */
static void kept(void **state)
{
	const struct kind *kinds[] = { &h1, &h2 };
	struct made made, other;

	for (size_t i = 0; i < 2; i++) {
		make(kinds[i], ATTRIBUTES, "another", false, "", &other);
		make(kinds[i], ATTRIBUTES & ~TPMA_OBJECT_ADMINWITHPOLICY, "the maker's own", true, "", &made);
		define_nv(CERTIFICATE, other.certificate, other.length, TPMA_NV_AUTHREAD);
		define_nv(CERTIFICATE + 0x18, "\0\0\0\0", 4, TPMA_NV_AUTHREAD);
		define_nv(CERTIFICATE + 0x100, made.certificate, made.length, TPMA_NV_OWNERREAD);
		vouches(&made);
		assert_int_equal(swtpm.keys_most, 1);
		Esys_Free(made.public);
		Esys_Free(other.public);
		assert_int_equal(swtpm_tear_down(state), 0);
		swtpm_set_up(state);
	}
}

static void none(void **state)
{
	struct sb_error error = { "" };
	static struct sb_iak iak;
	struct made made;

	(void)state;
	assert_int_equal(sb_tpm_iak(swtpm.tpm, &iak, &error), -ENODATA);
	/* A key without a certificate is nobody's. */
	make(&h2, ATTRIBUTES, "IAK", true, "", &made);
	assert_int_equal(sb_tpm_iak(swtpm.tpm, &iak, &error), -ENODATA);
	/* The certificate of another TPM's. */
	made.certificate[60] ^= 1;
	define_nv(CERTIFICATE, made.certificate, made.length, TPMA_NV_AUTHREAD);
	assert_int_equal(sb_tpm_iak(swtpm.tpm, &iak, &error), -ENODATA);
	assert_int_equal(swtpm.keys, 0);
	Esys_Free(made.public);
}

/* The ledger's list of algorithms has no P-384 for keys that attest. */
static void another_curve(void **state)
{
	struct sb_error error = { "" };
	static struct sb_iak iak;
	struct made made;

	(void)state;
	make(&h3, ATTRIBUTES, "IAK", true, "", &made);
	define_nv(CERTIFICATE, made.certificate, made.length, TPMA_NV_AUTHREAD);
	assert_int_equal(sb_tpm_iak(swtpm.tpm, &iak, &error), -ENODATA);
	/* No key is made for a certificate of another kind: with RSA that takes its time. */
	assert_int_equal(swtpm.keys_most, 0);
	Esys_Free(made.public);
}

/* What a maker has certified as a device's identity (IDevID) signs anything: it is not asked. */
static void unrestricted(void **state)
{
	struct sb_error error = { "" };
	static struct sb_iak iak;
	struct made made;

	(void)state;
	make(&h2, ATTRIBUTES & ~TPMA_OBJECT_RESTRICTED, "IDEVID", true, "", &made);
	define_nv(CERTIFICATE, made.certificate, made.length, TPMA_NV_AUTHREAD);
	assert_int_equal(sb_tpm_iak(swtpm.tpm, &iak, &error), -ENODATA);
	assert_int_equal(swtpm.keys, 0);
	Esys_Free(made.public);
}

/* Each try with a wrong password counts towards the lockout: one command, one try, and a number of its own. */
static void password(void **state)
{
	struct sb_error error = { "" };
	static struct sb_iak iak;
	struct made made;

	(void)state;
	make(&h2, ATTRIBUTES, "the maker's own", true, "word", &made);
	define_nv(CERTIFICATE, made.certificate, made.length, TPMA_NV_AUTHREAD);
	assert_int_equal(sb_tpm_iak(swtpm.tpm, &iak, &error), -EACCES);
	assert_int_equal(swtpm.keys, 0);
	/* One that takes a policy alone is not tried at all. */
	assert_int_equal(swtpm_tear_down(state), 0);
	swtpm_set_up(state);
	Esys_Free(made.public);
	make(&h2, ATTRIBUTES & ~TPMA_OBJECT_USERWITHAUTH, "the maker's own", true, "", &made);
	define_nv(CERTIFICATE, made.certificate, made.length, TPMA_NV_AUTHREAD);
	assert_int_equal(sb_tpm_iak(swtpm.tpm, &iak, &error), -ENODATA);
	assert_int_equal(swtpm.keys, 0);
	Esys_Free(made.public);
}

/* A TPM without time is asked again; it is not one without a key. */
static void busy(void **state)
{
	static const uint32_t commands[] = { TPM2_CC_NV_Read, TPM2_CC_CreatePrimary, TPM2_CC_Certify };
	struct made made;

	(void)state;
	make(&h2, ATTRIBUTES, "IAK", false, "", &made);
	define_nv(CERTIFICATE, made.certificate, made.length, TPMA_NV_AUTHREAD);
	for (size_t i = 0; i < 3; i++) {
		struct sb_error error = { "" };
		static struct sb_iak iak;

		swtpm.code = commands[i];
		swtpm.answer = TPM2_RC_OBJECT_MEMORY;
		swtpm.times = 1000;
		assert_int_equal(sb_tpm_iak(swtpm.tpm, &iak, &error), -EBUSY);
		swtpm.times = 0;
		assert_int_equal(swtpm.keys, 0);
	}
	swtpm.answer = 0;
	vouches(&made);
	Esys_Free(made.public);
}

int main(void)
{
#define LIVE(name)	cmocka_unit_test_setup_teardown(name, swtpm_set_up, swtpm_tear_down)
	const struct CMUnitTest tests[] = {
		LIVE(made_anew), LIVE(kept), LIVE(none), LIVE(another_curve), LIVE(unrestricted), LIVE(password), LIVE(busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
