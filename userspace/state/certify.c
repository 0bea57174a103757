// SPDX-License-Identifier: Apache-2.0
#include "state/certify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "state/crypto.h"

#define TPM_GENERATED	0xff544347
#define TPM_ST_CERTIFY	0x8017

struct certified {
	struct sb_span signer, name, qualified;
};

static enum sb_certify_verdict read_info(const uint8_t *data, size_t length, struct certified *certified)
{
	struct sb_reader reader = { data, length, length > SB_QUOTE_MAX };
	uint32_t magic = sb_read_u32(&reader);
	uint16_t type = sb_read_u16(&reader);

	if (reader.failed)
		return SB_CERTIFY_MALFORMED;
	if (magic != TPM_GENERATED)
		return SB_CERTIFY_MAGIC;
	if (type != TPM_ST_CERTIFY)
		return SB_CERTIFY_TYPE;
	certified->signer = sb_read_2b(&reader, SB_TPM_NAME_MAX);
	sb_read_2b(&reader, SB_TPM_NAME_MAX);		/* extraData */
	sb_read_span(&reader, 8 + 4 + 4 + 1 + 8);	/* clock, counters, safe, firmware */
	certified->name = sb_read_2b(&reader, SB_TPM_NAME_MAX);
	certified->qualified = sb_read_2b(&reader, SB_TPM_NAME_MAX);
	return sb_read_whole(&reader) ? SB_CERTIFY_OK : SB_CERTIFY_MALFORMED;
}

static bool is(struct sb_span span, const uint8_t *data, size_t length)
{
	return span.data && span.length == length && memcmp(span.data, data, length) == 0;
}

static bool is_signed(struct sb_span info, const struct sb_tpm_signature *signature, const struct sb_tpm_public *by)
{
	uint8_t bytes[SB_TPM_DIGEST_MAX];
	struct sb_span digest = { bytes, sb_hash(by->scheme_hash, &info, 1, bytes) };
	int result;

	if (by->type == SB_TPM_ALG_ECC)
		result = sb_ecdsa_verify(by->curve, by->x, by->y, digest, signature->r, signature->s);
	else
		result = sb_rsa_verify(by->modulus, by->exponent, by->scheme, by->scheme_hash, digest, signature->rsa);
	if (result == -ENOMEM)
		abort();
	return result == 0;
}

enum sb_certify_verdict sb_certify_check(const uint8_t *info, size_t length, const uint8_t *signature,
					 size_t signature_length, const struct sb_tpm_public *by,
					 const struct sb_tpm_public *about)
{
	struct certified certified;
	struct sb_tpm_signature read;
	uint8_t name[SB_TPM_NAME_MAX];
	enum sb_certify_verdict verdict = read_info(info, length, &certified);
	size_t name_length;

	if (verdict != SB_CERTIFY_OK)
		return verdict;
	if (sb_tpm_signature_parse(signature, signature_length, &read) < 0)
		return SB_CERTIFY_MALFORMED;
	if (read.scheme != by->scheme || read.hash != by->scheme_hash)
		return SB_CERTIFY_SCHEME;
	name_length = sb_tpm_qualified_name(by, SB_TPM_RH_ENDORSEMENT_HANDLE, name);
	if (!is(certified.signer, name, name_length))
		return SB_CERTIFY_SIGNER;
	name_length = sb_tpm_name(about, name);
	if (!is(certified.name, name, name_length))
		return SB_CERTIFY_OTHER_KEY;
	name_length = sb_tpm_qualified_name(about, SB_TPM_RH_ENDORSEMENT_HANDLE, name);
	if (!is(certified.qualified, name, name_length))
		return SB_CERTIFY_HIERARCHY;
	return is_signed((struct sb_span){ info, length }, &read, by) ? SB_CERTIFY_OK : SB_CERTIFY_SIGNATURE;
}

const char *sb_certify_name(enum sb_certify_verdict verdict)
{
	static const char *const names[] = {
		[SB_CERTIFY_OK] = "ok", [SB_CERTIFY_MALFORMED] = "certify-malformed",
		[SB_CERTIFY_MAGIC] = "certify-not-by-tpm", [SB_CERTIFY_TYPE] = "certify-other-type",
		[SB_CERTIFY_SCHEME] = "certify-other-scheme", [SB_CERTIFY_SIGNER] = "certify-other-signer",
		[SB_CERTIFY_OTHER_KEY] = "certify-other-key", [SB_CERTIFY_HIERARCHY] = "certify-other-hierarchy",
		[SB_CERTIFY_SIGNATURE] = "certify-bad-signature",
	};

	_Static_assert(SB_ARRAY_SIZE(names) == SB_CERTIFY_VERDICTS, "a name for each verdict");
	return (unsigned int)verdict < SB_CERTIFY_VERDICTS ? names[verdict] : "unknown";
}
