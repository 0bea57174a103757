// SPDX-License-Identifier: Apache-2.0
/* A sealed key's file as userspace reads it: nothing that the kernel takes is read otherwise. */
#include "seal_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../userspace/common/blob.h"

static u8 file[SB_BLOB_MAX];
static size_t length;

static int setup(void **state)
{
	length = sample_blob_file(file);
	return 0;
}

static void assert_part(const struct sb_blob_file *blob, enum sb_blob_part part, const struct sb_bytes *want)
{
	assert_int_equal(blob->length[part], want->len);
	assert_memory_equal(blob->part[part], want->data, want->len);
}

static void test_same_as_kernel(void **state)
{
	struct sb_blob_file blob;
	struct sb_blob kernel;

	assert_int_equal(sb_blob_parse(&kernel, file, length), 0);
	assert_int_equal(sb_blob_file_decode(file, length, &blob), 0);
	assert_memory_equal(blob.header.key, kernel.key, SB_DIGEST_LEN);
	assert_part(&blob, SB_BLOB_PRIVATE, &kernel.private);
	assert_part(&blob, SB_BLOB_PUBLIC, &kernel.public);
	assert_part(&blob, SB_BLOB_CREATION, &kernel.creation);
	assert_part(&blob, SB_BLOB_HASH, &kernel.hash);
	assert_part(&blob, SB_BLOB_TICKET, &kernel.ticket);
}

/* On the heap, exactly so long: the sanitizer sees a byte too far. */
static int decode(size_t len)
{
	u8 *copy = malloc(len ? len : 1);
	struct sb_blob_file blob;
	int result;

	assert_non_null(copy);
	memcpy(copy, file, len);
	result = sb_blob_file_decode(copy, len, &blob);
	free(copy);
	return result;
}

static void test_lengths(void **state)
{
	size_t len;

	for (len = 0; len <= sizeof(file); len++)
		assert_int_equal(decode(len), len == length ? 0 : -EBADMSG);
}

static void test_damaged(void **state)
{
	size_t at;

	for (at = 0; at < length; at++) {
		file[at] ^= 0x40;
		assert_int_equal(decode(length), -EBADMSG);
		file[at] ^= 0x40;
	}
}

/* Lengths that lie, under a right checksum. */
static void test_lying_lengths(void **state)
{
	static const u16 values[] = { 0, 1, 2, 71, 73, 1000, 0x8000, 0xffff };
	size_t at, i;

	for (at = 16; at < 26; at += 2) {
		for (i = 0; i < ARRAY_SIZE(values); i++) {
			setup(NULL);
			if (get_unaligned_be16(file + at) == values[i])
				continue;
			put_unaligned_be16(values[i], file + at);
			sample_sum(file, length);
			assert_int_equal(decode(length), -EBADMSG);
		}
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		T(test_same_as_kernel), T(test_lengths), T(test_damaged), T(test_lying_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
