// SPDX-License-Identifier: Apache-2.0
/* The file formats of sealbond/blob.h: what is written is read, and nothing else is. */
#include "seal_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* From a heap copy of just that length, so that the sanitizer sees a byte too far. */
static int parse_blob(const u8 *data, size_t len)
{
	u8 *copy = malloc(len ? len : 1);
	struct sb_blob blob;
	int rc;

	memcpy(copy, data, len);
	rc = sb_blob_parse(&blob, copy, len);
	free(copy);
	return rc;
}

static int parse_approval(const u8 *data, size_t len)
{
	u8 *copy = malloc(len ? len : 1);
	struct sb_approval approval;
	int rc;

	memcpy(copy, data, len);
	rc = sb_approval_parse(&approval, copy, len);
	free(copy);
	return rc;
}

static void assert_part(const struct sb_bytes *got, const u8 *want, size_t len)
{
	assert_int_equal(got->len, len);
	assert_memory_equal(got->data, want, len);
}

static void test_round_trip(void **state)
{
	u8 file[SB_BLOB_MAX], name[SB_TPM_NAME_LEN], digest[32];
	struct sample_parts p;
	struct sb_blob in, out;
	int n;

	sample_blob(&in, &p);
	n = sb_blob_build(file, &in);
	assert_in_range(n, 1, SB_BLOB_MAX);
	assert_int_equal(sb_blob_parse(&out, file, n), 0);
	assert_int_equal(out.primary_kind, SB_BLOB_PRIMARY_PERSISTENT);
	assert_int_equal(out.cap_pcr, SAMPLE_CAP);
	assert_int_equal(out.pcr_mask, SAMPLE_MASK);
	assert_memory_equal(out.key, p.key, sizeof(p.key));
	assert_memory_equal(out.primary_name, p.primary, sizeof(p.primary));
	assert_memory_equal(out.endorsement_name, p.endorsement, sizeof(p.endorsement));
	assert_memory_equal(out.policy, p.policy, sizeof(p.policy));
	assert_part(&out.private, p.private, sizeof(p.private));
	assert_part(&out.public, p.public, sizeof(p.public));
	assert_part(&out.creation, p.creation, sizeof(p.creation));
	assert_part(&out.hash, p.hash, sizeof(p.hash));
	assert_part(&out.ticket, p.ticket, sizeof(p.ticket));

	sb_blob_name(name, &out);
	sb_sha256(digest, p.public + 2, sizeof(p.public) - 2);
	assert_int_equal(get_unaligned_be16(name), 0x000b);
	assert_memory_equal(name + 2, digest, sizeof(digest));
}

static void test_blob_every_length(void **state)
{
	u8 file[SB_BLOB_MAX] = {};
	size_t len = sample_blob_file(file), n;

	assert_int_equal(parse_blob(file, len), 0);
	for (n = 0; n <= SB_BLOB_MAX; n++)
		if (n != len)
			assert_int_equal(parse_blob(file, n), -EBADMSG);
	/* Also with a checksum that fits the cut. */
	for (n = SB_HASH_LEN; n < len; n++) {
		u8 cut[SB_BLOB_MAX];

		memcpy(cut, file, n);
		sample_sum(cut, n);
		assert_int_equal(parse_blob(cut, n), -EBADMSG);
	}
}

static void test_blob_every_byte(void **state)
{
	u8 file[SB_BLOB_MAX];
	size_t len = sample_blob_file(file), i;

	for (i = 0; i < len; i++) {
		file[i] ^= 0x40;
		assert_int_equal(parse_blob(file, len), -EBADMSG);
		file[i] ^= 0x40;
	}
}

/* A field of the header changed, checksum right. */
static void test_blob_header(void **state)
{
	static const struct {
		u8 at, value;
	} bad[] = {
		{ 0, 'X' }, { 7, 0 },		/* magic */
		{ 9, 2 }, { 8, 1 },		/* version */
		{ 10, 2 },			/* kind of primary */
		{ 11, 24 }, { 11, 16 }, { 11, 23 }, { 11, 13 },	/* cap PCR */
		{ 12, 1 }, { 14, 0 },		/* PCRs: above 23; without the cap */
		{ 17, 0xff }, { 19, 0 }, { 21, 0 }, { 23, 2 }, { 25, 0 },	/* lengths */
		{ 16, 0xff }, { 24, 1 },
		{ 26, 1 }, { 31, 1 },		/* reserved */
		{ 65, 4 }, { 99, 4 },		/* the Names' algorithm */
	};
	u8 file[SB_BLOB_MAX], old;
	size_t len = sample_blob_file(file), i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		old = file[bad[i].at];
		assert_int_not_equal(old, bad[i].value);
		file[bad[i].at] = bad[i].value;
		sample_sum(file, len);
		assert_int_equal(parse_blob(file, len), -EBADMSG);
		file[bad[i].at] = old;
	}
	sample_sum(file, len);
	assert_int_equal(parse_blob(file, len), 0);
}

static void test_blob_without_fingerprint(void **state)
{
	u8 file[SB_BLOB_MAX];
	struct sample_parts p;
	struct sb_blob blob;
	int n;

	sample_blob(&blob, &p);
	memset(p.endorsement, 0, sizeof(p.endorsement));
	n = sb_blob_build(file, &blob);
	assert_true(n > 0);
	assert_int_equal(parse_blob(file, n), 0);
}

/* A sealed object with other attributes, say without fixedTPM, is not one of ours. */
static void test_blob_public_area(void **state)
{
	u8 file[SB_BLOB_MAX];
	struct sample_parts p;
	struct sb_blob blob;
	size_t i;

	for (i = 0; i < sizeof(p.public); i++) {
		sample_blob(&blob, &p);
		p.public[i] ^= 1;
		if ((i >= 12 && i < 44) || i >= 48)	/* policy, unique */
			assert_true(sb_blob_build(file, &blob) > 0);
		else
			assert_int_equal(sb_blob_build(file, &blob), -EMSGSIZE);
	}
}

static void test_blob_too_large(void **state)
{
	u8 file[SB_BLOB_MAX], big[600];
	struct sample_parts p;
	struct sb_blob blob;

	sample_2b(big, sizeof(big), 0);
	sample_blob(&blob, &p);
	blob.private = (struct sb_bytes){ big, sizeof(big) };
	assert_int_equal(sb_blob_build(file, &blob), -EMSGSIZE);
	sample_blob(&blob, &p);
	blob.ticket = (struct sb_bytes){ big, 0 };
	assert_int_equal(sb_blob_build(file, &blob), -EMSGSIZE);
}

static void test_approval(void **state)
{
	u8 file[SB_APPROVAL_MAX], value[SB_DIGEST_LEN];
	size_t len = sample_approval_file(file);
	struct sb_approval a;
	int i;

	assert_int_equal(sb_approval_parse(&a, file, len), 0);
	assert_int_equal(a.pcr_mask, SAMPLE_MASK);
	assert_int_equal(a.cap_pcr, SAMPLE_CAP);
	assert_int_equal(a.policy_ref[0], 1);
	assert_int_equal(a.release_x[31], 2);
	assert_int_equal(a.release_y[31], 3);
	assert_int_equal(a.sig_r[31], 4);
	assert_int_equal(a.sig_s[31], 5);
	for (i = 0; i < SB_PCRS; i++) {
		memset(value, SAMPLE_MASK & (1U << i) ? 0x80 | i : 0, sizeof(value));
		assert_memory_equal(a.value[i], value, sizeof(value));
	}
}

static void test_approval_every_length(void **state)
{
	u8 file[SB_APPROVAL_MAX + 1] = {};
	size_t len = sample_approval_file(file), n;

	for (n = 0; n <= sizeof(file); n++)
		assert_int_equal(parse_approval(file, n), n == len ? 0 : -EBADMSG);
}

static void test_approval_header(void **state)
{
	static const struct {
		u8 at, value;
	} bad[] = {
		{ 0, 'X' }, { 7, 0 }, { 9, 2 }, { 8, 1 },	/* magic, version */
		{ 10, 24 }, { 10, 16 }, { 10, 23 }, { 10, 13 },	/* cap PCR */
		{ 11, 1 },					/* reserved */
		{ 12, 1 }, { 14, 0x1a }, { 14, 0x5b }, { 15, 0x91 },	/* PCRs */
	};
	u8 file[SB_APPROVAL_MAX], old;
	size_t len = sample_approval_file(file), i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		old = file[bad[i].at];
		assert_int_not_equal(old, bad[i].value);
		file[bad[i].at] = bad[i].value;
		assert_int_equal(parse_approval(file, len), -EBADMSG);
		file[bad[i].at] = old;
	}
	assert_int_equal(parse_approval(file, len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_blob_every_length),
		cmocka_unit_test(test_blob_every_byte),
		cmocka_unit_test(test_blob_header),
		cmocka_unit_test(test_blob_without_fingerprint),
		cmocka_unit_test(test_blob_public_area),
		cmocka_unit_test(test_blob_too_large),
		cmocka_unit_test(test_approval),
		cmocka_unit_test(test_approval_every_length),
		cmocka_unit_test(test_approval_header),
	};

	return cmocka_run_group_tests_name("seal_blob", tests, NULL, NULL);
}
