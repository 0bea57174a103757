// SPDX-License-Identifier: Apache-2.0
#include "state/quote.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "state/crypto.h"

#define TPM_GENERATED	0xff544347
#define TPM_ST_QUOTE	0x8018

/* TPML_PCR_SELECTION with one bank; the reserved bits beyond PCR 23 must be clear. */
static bool read_selection(struct sb_reader *reader, uint32_t *pcrs)
{
	uint32_t count = sb_read_u32(reader), mask = 0;
	uint16_t bank = sb_read_u16(reader);
	uint8_t size = sb_read_u8(reader);
	struct sb_span bits = sb_read_span(reader, size);

	if (reader->failed || count != 1 || bank != SB_TPM_ALG_SHA256 || size < 1 || size > 4)
		return false;
	for (size_t i = 0; i < bits.length; i++)
		mask |= (uint32_t)bits.data[i] << (8 * i);
	if (mask >> SB_QUOTE_PCRS)
		return false;
	*pcrs = mask;
	return true;
}

enum sb_quote_verdict sb_quote_parse(const uint8_t *data, size_t length, struct sb_quote *quote)
{
	struct sb_reader reader = { data, length, length > SB_QUOTE_MAX };
	struct sb_quote read = { .whole = { data, length } };
	uint32_t magic = sb_read_u32(&reader);
	uint16_t type = sb_read_u16(&reader);
	uint8_t safe;

	if (reader.failed)
		return SB_QUOTE_MALFORMED;
	if (magic != TPM_GENERATED)
		return SB_QUOTE_MAGIC;
	if (type != TPM_ST_QUOTE)
		return SB_QUOTE_TYPE;
	read.signer = sb_read_2b(&reader, SB_TPM_NAME_MAX);
	read.extra = sb_read_2b(&reader, SB_TPM_NAME_MAX);
	read.clock.clock = sb_read_be(&reader, 8);
	read.clock.reset_count = sb_read_u32(&reader);
	read.clock.restart_count = sb_read_u32(&reader);
	safe = sb_read_u8(&reader);
	read.firmware = sb_read_be(&reader, 8);
	if (reader.failed || safe > 1)
		return SB_QUOTE_MALFORMED;
	read.clock.safe = safe;
	if (!read_selection(&reader, &read.pcrs))
		return reader.failed ? SB_QUOTE_MALFORMED : SB_QUOTE_SELECTION;
	read.pcr_digest = sb_read_2b(&reader, SB_TPM_DIGEST_MAX);
	if (!sb_read_whole(&reader))
		return SB_QUOTE_MALFORMED;
	*quote = read;
	return SB_QUOTE_OK;
}

int sb_tpm_signature_parse(const uint8_t *data, size_t length, struct sb_tpm_signature *signature)
{
	struct sb_reader reader = { data, length, length > SB_SIGNATURE_MAX };
	struct sb_tpm_signature read = { .scheme = sb_read_u16(&reader) };

	read.hash = sb_read_u16(&reader);
	switch (read.scheme) {
	case SB_TPM_ALG_ECDSA:
		read.r = sb_read_2b(&reader, 48);
		read.s = sb_read_2b(&reader, 48);
		break;
	case SB_TPM_ALG_RSASSA:
	case SB_TPM_ALG_RSAPSS:
		read.rsa = sb_read_2b(&reader, SB_TPM_RSA_MAX);
		break;
	default:
		return -EBADMSG;
	}
	if (!sb_read_whole(&reader))
		return -EBADMSG;
	*signature = read;
	return 0;
}

static bool equal(struct sb_span span, const uint8_t *data, size_t length)
{
	return span.length == length && memcmp(span.data, data, length) == 0;
}

/* The digest is by the hash of the key's scheme (TPM 2.0 part 3, TPM2_Quote). */
static bool digest_fits(const struct sb_quote *quote, const struct sb_quote_policy *policy)
{
	struct sb_span parts[SB_QUOTE_PCRS];
	uint8_t digest[SB_TPM_DIGEST_MAX];
	size_t count = 0, length;

	for (unsigned int pcr = 0; pcr < SB_QUOTE_PCRS; pcr++)
		if (policy->pcrs & 1U << pcr)
			parts[count++] = (struct sb_span){ policy->values[pcr], 32 };
	length = sb_hash(policy->ak->scheme_hash, parts, count, digest);
	return equal(quote->pcr_digest, digest, length);
}

static bool firmware_fits(const struct sb_quote *quote, const struct sb_quote_policy *policy)
{
	if (!policy->firmware)
		return true;
	for (size_t i = 0; i < policy->firmware_count; i++)
		if (policy->firmware[i] == quote->firmware)
			return true;
	return false;
}

bool sb_quote_is_signed(const struct sb_quote *quote, const struct sb_tpm_signature *signature,
			const struct sb_tpm_public *ak)
{
	uint8_t bytes[SB_TPM_DIGEST_MAX];
	struct sb_span digest = { bytes, sb_hash(ak->scheme_hash, &quote->whole, 1, bytes) };
	int result;

	if (ak->type == SB_TPM_ALG_ECC)
		result = sb_ecdsa_verify(ak->curve, ak->x, ak->y, digest, signature->r, signature->s);
	else
		result = sb_rsa_verify(ak->modulus, ak->exponent, ak->scheme, ak->scheme_hash, digest,
				       signature->rsa);
	/* One node must not refuse for want of memory what all others accept: it stops. */
	if (result == -ENOMEM)
		abort();
	return result == 0;
}

enum sb_quote_verdict sb_quote_match(const struct sb_quote *quote,
				     const struct sb_tpm_signature *signature,
				     const struct sb_quote_policy *policy)
{
	const struct sb_tpm_public *ak = policy->ak;
	uint8_t name[SB_TPM_NAME_MAX];
	size_t length;

	if (sb_ak_check(ak) != SB_AK_OK || signature->scheme != ak->scheme ||
	    signature->hash != ak->scheme_hash)
		return SB_QUOTE_SCHEME;
	if (!policy->pcrs || quote->pcrs != policy->pcrs)
		return SB_QUOTE_SELECTION;
	if (!equal(quote->extra, policy->extra, sizeof(policy->extra)))
		return SB_QUOTE_EXTRA;
	length = sb_tpm_qualified_name(ak, policy->hierarchy, name);
	if (!equal(quote->signer, name, length))
		return SB_QUOTE_SIGNER;
	if (!digest_fits(quote, policy))
		return SB_QUOTE_PCR_DIGEST;
	if (!firmware_fits(quote, policy))
		return SB_QUOTE_FIRMWARE;
	return SB_QUOTE_OK;
}

enum sb_quote_verdict sb_quote_check(const struct sb_quote *quote,
				     const struct sb_tpm_signature *signature,
				     const struct sb_quote_policy *policy)
{
	enum sb_quote_verdict verdict = sb_quote_match(quote, signature, policy);

	if (verdict != SB_QUOTE_OK)
		return verdict;
	return sb_quote_is_signed(quote, signature, policy->ak) ? SB_QUOTE_OK : SB_QUOTE_SIGNATURE;
}

int sb_quote_order(const struct sb_quote_clock *a, const struct sb_quote_clock *b)
{
	if (a->reset_count != b->reset_count)
		return a->reset_count < b->reset_count ? -1 : 1;
	if (a->restart_count != b->restart_count)
		return a->restart_count < b->restart_count ? -1 : 1;
	return (a->clock > b->clock) - (a->clock < b->clock);
}

const char *sb_quote_name(enum sb_quote_verdict verdict)
{
	static const char *const names[] = {
		[SB_QUOTE_OK] = "ok", [SB_QUOTE_MALFORMED] = "quote-malformed", [SB_QUOTE_MAGIC] = "quote-not-by-tpm",
		[SB_QUOTE_TYPE] = "quote-other-type", [SB_QUOTE_SELECTION] = "quote-other-pcrs",
		[SB_QUOTE_SCHEME] = "quote-other-scheme", [SB_QUOTE_SIGNATURE] = "quote-bad-signature",
		[SB_QUOTE_EXTRA] = "quote-for-other", [SB_QUOTE_SIGNER] = "quote-other-signer",
		[SB_QUOTE_PCR_DIGEST] = "quote-other-values", [SB_QUOTE_FIRMWARE] = "quote-other-firmware",
	};

	_Static_assert(SB_ARRAY_SIZE(names) == SB_QUOTE_VERDICTS, "a name for each verdict");
	return (unsigned int)verdict < SB_QUOTE_VERDICTS ? names[verdict] : "unknown";
}
