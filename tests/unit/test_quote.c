// SPDX-License-Identifier: Apache-2.0
/* Each check of an attestation key and of a quote: what breaks it, and nothing else, is refused by its name. */
#include "tpm_world.h"

#include <errno.h>

#include "common/cleanup.h"

#define PCRS	(1U << 0 | 1U << 4 | 1U << 7 | 1U << 14)

static struct tpm_key ak;
static uint8_t values[SB_QUOTE_PCRS][32];
static struct sb_quote_policy policy;
static struct quote_said said;

static void refill(struct tpm_key *key)
{
	struct sb_span parts[4] = { { values[0], 32 }, { values[4], 32 }, { values[7], 32 }, { values[14], 32 } };

	policy = (struct sb_quote_policy){ .ak = &key->public, .hierarchy = SB_TPM_RH_ENDORSEMENT_HANDLE, .pcrs = PCRS,
					   .values = (const uint8_t (*)[32])values };
	memset(policy.extra, 0xe7, sizeof(policy.extra));
	said = (struct quote_said){ .magic = 0xff544347, .type = 0x8018, .bank_count = 1, .bank = SB_TPM_ALG_SHA256,
				    .extra_length = 32, .clock = { 123456789, 5, 2, true }, .safe = 1,
				    .firmware = 0x2016051100162800, .pcrs = PCRS, .select_size = 3 };
	memcpy(said.extra, policy.extra, sizeof(said.extra));
	said.signer.length = sb_tpm_qualified_name(&key->public, SB_TPM_RH_ENDORSEMENT_HANDLE, said.signer.data);
	sb_hash(SB_TPM_ALG_SHA256, parts, 4, said.pcr_digest);
}

static enum sb_quote_verdict judge_bytes(const struct bytes *quote_bytes, const struct bytes *signature_bytes)
{
	struct sb_tpm_signature signature;
	struct sb_quote quote;
	enum sb_quote_verdict verdict = sb_quote_parse(quote_bytes->data, quote_bytes->length, &quote);

	if (verdict != SB_QUOTE_OK)
		return verdict;
	if (sb_tpm_signature_parse(signature_bytes->data, signature_bytes->length, &signature) < 0)
		return SB_QUOTE_MALFORMED;
	return sb_quote_check(&quote, &signature, &policy);
}

static enum sb_quote_verdict judge(const struct tpm_key *key)
{
	struct bytes quote, signature;

	build_quote(&said, &quote);
	sign(key, quote.data, quote.length, &signature);
	return judge_bytes(&quote, &signature);
}

#define REFUSED(change, want) do {							\
	refill(&ak);									\
	change;										\
	assert_string_equal(sb_quote_name(judge(&ak)), sb_quote_name(want));		\
} while (0)

static void each_check(void **state)
{
	static const uint64_t allowed[] = { 1, 0x2016051100162800 }, other[] = { 1, 2 };
	struct tpm_template t = AK_TEMPLATE;
	struct tpm_key stranger;

	REFUSED((void)0, SB_QUOTE_OK);
	REFUSED(said.magic ^= 1, SB_QUOTE_MAGIC);
	REFUSED(said.type = 0x8017, SB_QUOTE_TYPE);
	REFUSED(said.safe = 2, SB_QUOTE_MALFORMED);
	REFUSED(said.bank = SB_TPM_ALG_SHA1, SB_QUOTE_SELECTION);
	REFUSED(said.bank_count = 2, SB_QUOTE_SELECTION);
	REFUSED(said.bank_count = 0, SB_QUOTE_SELECTION);
	REFUSED(said.pcrs |= 1U << 16, SB_QUOTE_SELECTION);
	REFUSED(said.pcrs &= ~1U, SB_QUOTE_SELECTION);
	REFUSED((said.select_size = 4, said.pcrs |= 1U << 24), SB_QUOTE_SELECTION);
	REFUSED(policy.pcrs = 0, SB_QUOTE_SELECTION);
	REFUSED(policy.pcrs = said.pcrs = 0, SB_QUOTE_SELECTION);
	REFUSED(said.extra[31] ^= 1, SB_QUOTE_EXTRA);
	REFUSED(said.extra_length = 31, SB_QUOTE_EXTRA);
	REFUSED(said.signer.data[5] ^= 1, SB_QUOTE_SIGNER);
	REFUSED(said.signer.length++, SB_QUOTE_SIGNER);
	REFUSED(said.signer.length = sb_tpm_qualified_name(&ak.public, 0x40000001, said.signer.data), SB_QUOTE_SIGNER);
	REFUSED(said.signer.length = sb_tpm_name(&ak.public, said.signer.data), SB_QUOTE_SIGNER);
	REFUSED(said.pcr_digest[0] ^= 1, SB_QUOTE_PCR_DIGEST);
	REFUSED((policy.firmware = allowed, policy.firmware_count = 2), SB_QUOTE_OK);
	REFUSED((policy.firmware = other, policy.firmware_count = 2), SB_QUOTE_FIRMWARE);
	REFUSED((policy.firmware = other, policy.firmware_count = 0), SB_QUOTE_FIRMWARE);

	refill(&ak);
	values[4][0] ^= 1;
	assert_int_equal(judge(&ak), SB_QUOTE_PCR_DIGEST);
	values[4][0] ^= 1;
	make_ec_key(&stranger, &t);
	assert_int_equal(judge(&stranger), SB_QUOTE_SIGNATURE);
	free_key(&stranger);
}

static void signatures(void **state)
{
	struct bytes quote, signature;
	uint8_t order[32] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
			      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };
	static const size_t at[] = { 6, 40 };	/* r and s behind their lengths */

	refill(&ak);
	build_quote(&said, &quote);
	for (size_t i = 0; i < 2; i++) {
		sign(&ak, quote.data, quote.length, &signature);
		memset(signature.data + at[i], 0, 32);
		assert_int_equal(judge_bytes(&quote, &signature), SB_QUOTE_SIGNATURE);
		memcpy(signature.data + at[i], order, 32);
		assert_int_equal(judge_bytes(&quote, &signature), SB_QUOTE_SIGNATURE);
		memset(signature.data + at[i], 0xff, 32);
		assert_int_equal(judge_bytes(&quote, &signature), SB_QUOTE_SIGNATURE);
	}
	sign(&ak, quote.data, quote.length, &signature);
	signature.data[1] = SB_TPM_ALG_RSASSA;
	assert_int_equal(judge_bytes(&quote, &signature), SB_QUOTE_MALFORMED);
	sign(&ak, quote.data, quote.length, &signature);
	signature.data[3] = SB_TPM_ALG_SHA384;
	assert_int_equal(judge_bytes(&quote, &signature), SB_QUOTE_SCHEME);
	sign(&ak, quote.data, quote.length, &signature);
	put_be(&signature, 0, 1);
	assert_int_equal(judge_bytes(&quote, &signature), SB_QUOTE_MALFORMED);
}

/* Every cut and every added byte is seen; no changed bit passes. */
static void bytes_count(void **state)
{
	struct bytes quote, signature, changed;

	refill(&ak);
	build_quote(&said, &quote);
	sign(&ak, quote.data, quote.length, &signature);
	for (size_t cut = 0; cut < quote.length; cut++) {
		changed = quote;
		changed.length = cut;
		assert_int_equal(judge_bytes(&changed, &signature), SB_QUOTE_MALFORMED);
	}
	changed = quote;
	put_be(&changed, 0, 1);
	assert_int_equal(judge_bytes(&changed, &signature), SB_QUOTE_MALFORMED);
	for (size_t bit = 0; bit < 8 * quote.length; bit++) {
		changed = quote;
		changed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(judge_bytes(&changed, &signature), SB_QUOTE_OK);
	}
	for (size_t bit = 0; bit < 8 * signature.length; bit++) {
		changed = signature;
		changed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(judge_bytes(&quote, &changed), SB_QUOTE_OK);
	}
}

static void attestation_keys(void **state)
{
	static const struct {
		uint32_t flip;
		enum sb_ak_verdict want;
	} attributes[] = {
		{ 0, SB_AK_OK }, { SB_TPM_FIXED_TPM, SB_AK_NOT_FIXED_TPM }, { SB_TPM_FIXED_PARENT, SB_AK_NOT_FIXED_PARENT },
		{ SB_TPM_SENSITIVE_DATA_ORIGIN, SB_AK_NOT_MADE_INSIDE }, { SB_TPM_RESTRICTED, SB_AK_NOT_RESTRICTED },
		{ SB_TPM_SIGN, SB_AK_NOT_SIGN }, { SB_TPM_DECRYPT, SB_AK_DECRYPT }, { SB_TPM_NO_DA, SB_AK_OK },
	};
	struct tpm_template t;
	struct tpm_key key;

	for (size_t i = 0; i < SB_ARRAY_SIZE(attributes); i++) {
		t = (struct tpm_template)AK_TEMPLATE;
		t.attributes ^= attributes[i].flip;
		make_ec_key(&key, &t);
		assert_string_equal(sb_ak_name(sb_ak_check(&key.public)), sb_ak_name(attributes[i].want));
		/* And a quote by such a key is not taken either. */
		refill(&key);
		assert_int_equal(judge(&key) == SB_QUOTE_OK, attributes[i].want == SB_AK_OK);
		free_key(&key);
	}
	t = (struct tpm_template)AK_TEMPLATE;
	t.curve = SB_TPM_CURVE_P384;
	make_ec_key(&key, &t);
	assert_int_equal(sb_ak_check(&key.public), SB_AK_ALGORITHM);
	free_key(&key);
	t = (struct tpm_template)AK_TEMPLATE;
	t.scheme = SB_TPM_ALG_NULL;
	make_ec_key(&key, &t);
	assert_int_equal(sb_ak_check(&key.public), SB_AK_SCHEME);
	free_key(&key);
	t = (struct tpm_template)AK_TEMPLATE;
	t.hash = SB_TPM_ALG_SHA1;
	make_ec_key(&key, &t);
	assert_int_equal(sb_ak_check(&key.public), SB_AK_SCHEME);
	free_key(&key);
	t = (struct tpm_template)AK_TEMPLATE;
	t.symmetric = SB_TPM_ALG_AES;
	make_ec_key(&key, &t);
	assert_int_equal(sb_ak_check(&key.public), SB_AK_SCHEME);
	free_key(&key);
}

static void rsa_keys(void **state)
{
	static const uint16_t schemes[] = { SB_TPM_ALG_RSASSA, SB_TPM_ALG_RSAPSS };
	struct tpm_template t = AK_TEMPLATE;
	struct tpm_key key;

	for (size_t i = 0; i < 2; i++) {
		t.scheme = schemes[i];
		make_rsa_key(&key, &t, 2048);
		refill(&key);
		assert_int_equal(judge(&key), SB_QUOTE_OK);
		said.clock.clock++;
		assert_int_equal(judge(&key), SB_QUOTE_OK);
		key.scheme = schemes[!i];
		assert_int_equal(judge(&key), SB_QUOTE_SCHEME);
		free_key(&key);
	}
	make_rsa_key(&key, &t, 1024);
	assert_int_equal(sb_ak_check(&key.public), SB_AK_ALGORITHM);
	free_key(&key);
}

/* A public area with a changed length, a cut or a byte too many is none; most changed ones have another Name. */
static void areas(void **state)
{
	struct sb_tpm_public public;
	uint8_t name[SB_TPM_NAME_MAX], other[SB_TPM_NAME_MAX];
	struct bytes area = ak.area;

	assert_int_equal(sb_tpm_name(&ak.public, name), 34);
	for (size_t cut = 0; cut < area.length; cut++)
		assert_int_equal(sb_tpm_public_parse(area.data, cut, &public), -EBADMSG);
	put_be(&area, 0, 1);
	assert_int_equal(sb_tpm_public_parse(area.data, area.length, &public), -EBADMSG);
	area = ak.area;
	for (size_t bit = 0; bit < 8 * area.length; bit++) {
		area.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (sb_tpm_public_parse(area.data, area.length, &public) == 0) {
			sb_tpm_name(&public, other);
			assert_memory_not_equal(name, other, 34);
		}
		area.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	/* A reserved attribute. */
	area.data[5] ^= 0x20;
	assert_int_equal(sb_tpm_public_parse(area.data, area.length, &public), -EBADMSG);
}

/* What no reader of a quote may take for a selection, whoever compares it afterwards. */
static void selections(void **state)
{
	static const struct {
		uint8_t size;
		uint32_t pcrs;
		enum sb_quote_verdict want;
	} cases[] = {
		{ 3, PCRS, SB_QUOTE_OK }, { 1, 1, SB_QUOTE_OK }, { 4, PCRS, SB_QUOTE_OK }, { 0, 0, SB_QUOTE_SELECTION },
		{ 4, 1U << 24, SB_QUOTE_SELECTION }, { 5, PCRS, SB_QUOTE_SELECTION },
	};
	struct sb_quote quote;
	struct bytes bytes;

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		refill(&ak);
		said.select_size = cases[i].size;
		said.pcrs = cases[i].pcrs;
		build_quote(&said, &bytes);
		assert_int_equal(sb_quote_parse(bytes.data, bytes.length, &quote), cases[i].want);
	}
}

/* An area as long as it is, so that the sanitizer sees who reads on. */
static int parse_area(const struct bytes *area, struct sb_tpm_public *public)
{
	uint8_t *exact = malloc(area->length);
	int result;

	assert_non_null(exact);
	memcpy(exact, area->data, area->length);
	result = sb_tpm_public_parse(exact, area->length, public);
	free(exact);
	return result;
}

/* Bytes of a public area that are otherwise: what no key of ours has is no key. */
struct odd_area {
	size_t at, length;
	const char *bytes;
	int want;
};

#define ODD(at, bytes, want)	{ at, sizeof(bytes) - 1, bytes, want }

static void try_areas(const struct bytes *good, const struct odd_area *odd, size_t count)
{
	struct sb_tpm_public public;
	struct bytes area;

	for (size_t i = 0; i < count; i++) {
		area = *good;
		memcpy(area.data + odd[i].at, odd[i].bytes, odd[i].length);
		if (parse_area(&area, &public) != odd[i].want)
			fail_msg("case %zu", i);
	}
}

static void odd_ec_areas(void **state)
{
	static const struct odd_area odd[] = {
		ODD(0, "\x00\x23", 0),
		ODD(12, "\x00\x14", -EBADMSG),		/* RSASSA */
		ODD(12, "\x00\x1b", -EBADMSG),		/* SM2 */
		ODD(18, "\x00\x20", -EBADMSG),		/* a KDF */
		ODD(16, "\x00\x10", -EBADMSG),		/* BN P256 */
		ODD(2, "\x00\x04", -EBADMSG),		/* a Name by SHA-1 */
	};
	struct tpm_template t = AK_TEMPLATE;
	struct sb_tpm_public public;
	struct bytes area;
	struct tpm_key key;

	try_areas(&ak.area, odd, SB_ARRAY_SIZE(odd));
	/* No coordinates. */
	area.length = 0;
	put(&area, ak.area.data, 20);
	put_be(&area, 0, 2);
	put(&area, ak.area.data + 54, 34);
	assert_int_equal(parse_area(&area, &public), -EBADMSG);
	area = ak.area;
	area.length = 54;
	put_be(&area, 0, 2);
	assert_int_equal(parse_area(&area, &public), -EBADMSG);
	/* A policy that is no digest. */
	area.length = 0;
	put(&area, ak.area.data, 8);
	put_2b(&area, "polic", 5);
	put(&area, ak.area.data + 10, ak.area.length - 10);
	assert_int_equal(parse_area(&area, &public), -EBADMSG);
	/* Neither RSA nor ECC; and another block cipher than AES. */
	t.scheme = SB_TPM_ALG_NULL;
	make_ec_key(&key, &t);
	try_areas(&key.area, &(struct odd_area)ODD(0, "\x00\x25", -EBADMSG), 1);
	free_key(&key);
	t.symmetric = SB_TPM_ALG_AES;
	make_ec_key(&key, &t);
	try_areas(&key.area, &(struct odd_area)ODD(10, "\x00\x26", -EBADMSG), 1);
	free_key(&key);
}

static void odd_rsa_areas(void **state)
{
	static const struct odd_area odd[] = {
		ODD(18, "\0\0\0\0", 0), ODD(18, "\0\1\0\1", 0), ODD(18, "\0\0\0\3", 0),
		ODD(18, "\0\0\0\1", -EBADMSG), ODD(18, "\0\0\0\4", -EBADMSG),
		ODD(12, "\x00\x18", -EBADMSG),		/* ECDSA */
		ODD(16, "\x0c\x00", -EBADMSG),		/* 3072 bits, and fewer there */
		ODD(24, "\x7f", -EBADMSG),		/* 2047 */
		ODD(24 + 255, "\x02", -EBADMSG),	/* an even modulus */
	};
	struct tpm_template t = AK_TEMPLATE;
	struct sb_tpm_public public;
	struct tpm_key key;
	struct bytes area;

	t.scheme = SB_TPM_ALG_RSASSA;
	make_rsa_key(&key, &t, 2048);
	try_areas(&key.area, odd, SB_ARRAY_SIZE(odd));
	area = key.area;
	memcpy(area.data + 18, "\0\0\0\3", 4);
	assert_int_equal(sb_tpm_public_parse(area.data, area.length, &public), 0);
	assert_int_equal(sb_ak_check(&public), SB_AK_ALGORITHM);
	/* None of no bits. */
	area = key.area;
	area.length = 16;
	put_be(&area, 0, 2 + 4 + 2);
	assert_int_equal(parse_area(&area, &public), -EBADMSG);
	free_key(&key);
}

static void order(void **state)
{
	static const struct sb_quote_clock rising[] = {
		{ 5, 0, 0, true }, { 9, 0, 0, false }, { 1, 0, 1, true }, { 0, 1, 0, false }, { 3, 1, 0, true },
		{ 0, 0xffffffff, 0, true }, { 0, 0xffffffff, 0xffffffff, true },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(rising); i++)
		for (size_t j = 0; j < SB_ARRAY_SIZE(rising); j++)
			assert_int_equal(sb_quote_order(&rising[i], &rising[j]), (i > j) - (i < j));
}

static int set_up(void **state)
{
	struct tpm_template t = AK_TEMPLATE;

	make_ec_key(&ak, &t);
	for (size_t i = 0; i < sizeof(values); i++)
		values[i / 32][i % 32] = (uint8_t)(i * 7);
	return 0;
}

static int tear_down(void **state)
{
	free_key(&ak);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_check), cmocka_unit_test(signatures), cmocka_unit_test(bytes_count),
		cmocka_unit_test(attestation_keys), cmocka_unit_test(rsa_keys), cmocka_unit_test(areas), cmocka_unit_test(order),
		cmocka_unit_test(selections), cmocka_unit_test(odd_ec_areas), cmocka_unit_test(odd_rsa_areas),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
