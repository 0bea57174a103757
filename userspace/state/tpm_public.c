// SPDX-License-Identifier: Apache-2.0
#include "state/tpm_public.h"

#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "state/crypto.h"

static bool hash_known(uint16_t alg)
{
	return sb_hash_length(alg) != 0;
}

/* TPMT_SYM_DEF_OBJECT */
static void read_symmetric(struct sb_reader *reader, struct sb_tpm_public *public)
{
	public->symmetric = sb_read_u16(reader);
	if (public->symmetric == SB_TPM_ALG_NULL)
		return;
	public->symmetric_bits = sb_read_u16(reader);
	public->symmetric_mode = sb_read_u16(reader);
	if (public->symmetric != SB_TPM_ALG_AES)
		reader->failed = true;
}

/* TPMT_RSA_SCHEME, TPMT_ECC_SCHEME: what an AK or EK may have, and no other. */
static void read_scheme(struct sb_reader *reader, struct sb_tpm_public *public)
{
	public->scheme = sb_read_u16(reader);
	switch (public->scheme) {
	case SB_TPM_ALG_NULL:
		return;
	case SB_TPM_ALG_RSASSA:
	case SB_TPM_ALG_RSAPSS:
		reader->failed |= public->type != SB_TPM_ALG_RSA;
		break;
	case SB_TPM_ALG_ECDSA:
		reader->failed |= public->type != SB_TPM_ALG_ECC;
		break;
	default:
		reader->failed = true;
	}
	public->scheme_hash = sb_read_u16(reader);
}

static void read_rsa(struct sb_reader *reader, struct sb_tpm_public *public)
{
	public->bits = sb_read_u16(reader);
	public->exponent = sb_read_u32(reader);
	public->modulus = sb_read_2b(reader, SB_TPM_RSA_MAX);
	if (!public->exponent)
		public->exponent = 65537;
	/* Odd, as long as it says, and its first bit set: no key of fewer bits in a longer coat. */
	if (public->modulus.length * 8 != public->bits || !public->bits ||
	    !(public->modulus.data[0] & 0x80) ||
	    !(public->modulus.data[public->modulus.length - 1] & 1) || !(public->exponent & 1) ||
	    public->exponent < 3)
		reader->failed = true;
}

static void read_ecc(struct sb_reader *reader, struct sb_tpm_public *public)
{
	size_t length;

	public->curve = sb_read_u16(reader);
	if (sb_read_u16(reader) != SB_TPM_ALG_NULL)	/* TPMT_KDF_SCHEME */
		reader->failed = true;
	length = sb_curve_length(public->curve);
	public->x = sb_read_2b(reader, length);
	public->y = sb_read_2b(reader, length);
	if (!length || !public->x.length || !public->y.length)
		reader->failed = true;
}

int sb_tpm_public_parse(const uint8_t *data, size_t length, struct sb_tpm_public *public)
{
	struct sb_reader reader = { data, length, length > SB_TPM_PUBLIC_MAX };
	struct sb_tpm_public read = { .whole = { data, length } };

	read.type = sb_read_u16(&reader);
	read.name_alg = sb_read_u16(&reader);
	read.attributes = sb_read_u32(&reader);
	read.policy = sb_read_2b(&reader, SB_TPM_DIGEST_MAX);
	if (reader.failed || !hash_known(read.name_alg) ||
	    read.attributes & ~(uint32_t)SB_TPM_ATTRIBUTES_KNOWN ||
	    (read.policy.length && read.policy.length != sb_hash_length(read.name_alg)))
		return -EBADMSG;
	if (read.type != SB_TPM_ALG_RSA && read.type != SB_TPM_ALG_ECC)
		return -EBADMSG;
	read_symmetric(&reader, &read);
	read_scheme(&reader, &read);
	if (!reader.failed && read.type == SB_TPM_ALG_RSA)
		read_rsa(&reader, &read);
	else if (!reader.failed)
		read_ecc(&reader, &read);
	if (!sb_read_whole(&reader))
		return -EBADMSG;
	*public = read;
	return 0;
}

static void put_u16(uint8_t out[2], uint16_t value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
}

size_t sb_tpm_name(const struct sb_tpm_public *public, uint8_t name[SB_TPM_NAME_MAX])
{
	put_u16(name, public->name_alg);
	return 2 + sb_hash(public->name_alg, &public->whole, 1, name + 2);
}

size_t sb_tpm_qualified_name(const struct sb_tpm_public *public, uint32_t hierarchy,
			     uint8_t name[SB_TPM_NAME_MAX])
{
	uint8_t handle[4], own[SB_TPM_NAME_MAX];
	struct sb_span parts[2] = { { handle, sizeof(handle) }, { own, sb_tpm_name(public, own) } };

	put_u16(handle, (uint16_t)(hierarchy >> 16));
	put_u16(handle + 2, (uint16_t)hierarchy);
	put_u16(name, public->name_alg);
	return 2 + sb_hash(public->name_alg, parts, 2, name + 2);
}

static bool algorithm_fits(const struct sb_tpm_public *public)
{
	if (public->type == SB_TPM_ALG_ECC)
		return public->curve == SB_TPM_CURVE_P256;
	return public->bits >= 2048 && public->exponent == 65537;
}

enum sb_ak_verdict sb_ak_check(const struct sb_tpm_public *public)
{
	static const struct {
		uint32_t bit;
		enum sb_ak_verdict otherwise;
	} must[] = {
		{ SB_TPM_FIXED_TPM, SB_AK_NOT_FIXED_TPM }, { SB_TPM_FIXED_PARENT, SB_AK_NOT_FIXED_PARENT },
		{ SB_TPM_SENSITIVE_DATA_ORIGIN, SB_AK_NOT_MADE_INSIDE },
		{ SB_TPM_RESTRICTED, SB_AK_NOT_RESTRICTED }, { SB_TPM_SIGN, SB_AK_NOT_SIGN },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(must); i++)
		if (!(public->attributes & must[i].bit))
			return must[i].otherwise;
	if (public->attributes & SB_TPM_DECRYPT)
		return SB_AK_DECRYPT;
	if (!algorithm_fits(public))
		return SB_AK_ALGORITHM;
	/* A key with no scheme of its own would leave the choice to who asks for a quote. */
	if (public->scheme == SB_TPM_ALG_NULL || !hash_known(public->scheme_hash) ||
	    public->symmetric != SB_TPM_ALG_NULL)
		return SB_AK_SCHEME;
	return SB_AK_OK;
}

const char *sb_ak_name(enum sb_ak_verdict verdict)
{
	static const char *const names[] = {
		[SB_AK_OK] = "ok", [SB_AK_MALFORMED] = "ak-malformed",
		[SB_AK_NOT_FIXED_TPM] = "ak-not-fixed-tpm", [SB_AK_NOT_FIXED_PARENT] = "ak-not-fixed-parent",
		[SB_AK_NOT_MADE_INSIDE] = "ak-not-made-inside", [SB_AK_NOT_RESTRICTED] = "ak-not-restricted",
		[SB_AK_NOT_SIGN] = "ak-not-sign", [SB_AK_DECRYPT] = "ak-decrypt",
		[SB_AK_ALGORITHM] = "ak-algorithm", [SB_AK_SCHEME] = "ak-scheme",
	};

	_Static_assert(SB_ARRAY_SIZE(names) == SB_AK_VERDICTS, "a name for each verdict");
	return (unsigned int)verdict < SB_AK_VERDICTS ? names[verdict] : "unknown";
}
