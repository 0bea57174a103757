// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as blob and as approval. The first byte chooses: as they are, as a blob
 * whose checksum is made right (else nothing would come past it), or as edits (position,
 * value) of well-formed files. What is accepted is written again and must be the same, and what the
 * kernel takes as a blob userspace reads, too, with the same parts.
 */
#include "../unit/seal_files.h"
#include "../../userspace/common/blob.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void check_blob(const u8 *data, size_t len)
{
	u8 again[SB_BLOB_MAX], name[SB_TPM_NAME_LEN];
	struct sb_blob_file user;
	struct sb_blob blob;
	int n, read = sb_blob_file_decode(data, len, &user);

	if (sb_blob_parse(&blob, data, len))
		return;
	if (read || memcmp(user.header.key, blob.key, SB_DIGEST_LEN) ||
	    user.part[SB_BLOB_TICKET] != blob.ticket.data ||
	    user.length[SB_BLOB_TICKET] != blob.ticket.len)
		abort();
	sb_blob_name(name, &blob);
	n = sb_blob_build(again, &blob);
	if (n < 0 || (size_t)n != len || memcmp(again, data, len))
		abort();
}

static void check_approval(const u8 *data, size_t len)
{
	struct sb_approval approval;
	u32 mask;

	if (sb_approval_parse(&approval, data, len))
		return;
	for (mask = approval.pcr_mask; mask; mask &= mask - 1)
		len -= SB_DIGEST_LEN;
	if (len != sizeof(struct sb_approval_header) ||
	    !(approval.pcr_mask & (1U << approval.cap_pcr)))
		abort();
}

static void edit(u8 *file, size_t len, const u8 *edits, size_t size)
{
	for (; len && size >= 3; edits += 3, size -= 3)
		file[get_unaligned_be16(edits) % len] = edits[2];
}

/* A copy of just that length on the heap, so that a byte too far is seen. */
static void check(void (*parser)(const u8 *, size_t), const u8 *data, size_t len)
{
	u8 *copy = malloc(len ? len : 1);

	if (len)
		memcpy(copy, data, len);
	parser(copy, len);
	free(copy);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 file[SB_BLOB_MAX + 64] = {};
	size_t len;

	if (!size)
		return 0;
	switch (*data++ & 3) {
	case 0:
		check(check_blob, data, size - 1);
		check(check_approval, data, size - 1);
		break;
	case 1:
		len = min_t(size_t, size - 1, sizeof(file));
		memcpy(file, data, len);
		if (len >= SB_HASH_LEN)
			sample_sum(file, len);
		check(check_blob, file, len);
		break;
	case 2:
		len = sample_blob_file(file);
		edit(file, len - SB_HASH_LEN, data, size - 1);
		sample_sum(file, len);
		check(check_blob, file, len);
		break;
	default:
		len = sample_approval_file(file);
		edit(file, len, data, size - 1);
		check(check_approval, file, len);
		break;
	}
	return 0;
}
