// SPDX-License-Identifier: Apache-2.0
#include "common/blob.h"

#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/sha256.h"

static bool sum_fits(const uint8_t *data, size_t length)
{
	uint8_t sum[SB_SHA256_LEN];

	sb_digest_of(data, length - sizeof(sum), sum);
	return memcmp(sum, data + length - sizeof(sum), sizeof(sum)) == 0;
}

/* A TPM2B's own size field is that of what follows it. */
static bool is_2b(const uint8_t *part, size_t length)
{
	return length >= 2 && (size_t)(part[0] << 8 | part[1]) == length - 2;
}

int sb_blob_file_decode(const uint8_t *data, size_t length, struct sb_blob_file *blob)
{
	struct sb_blob_file read;
	size_t at = sizeof(read.header);

	if (length < sizeof(read.header) + SB_SHA256_LEN || length > SB_BLOB_MAX)
		return -EBADMSG;
	memcpy(&read.header, data, sizeof(read.header));
	if (memcmp(read.header.magic, SB_BLOB_MAGIC, sizeof(read.header.magic)) != 0 ||
	    be16toh(read.header.version) != SB_BLOB_VERSION)
		return -EBADMSG;
	read.length[SB_BLOB_PRIVATE] = be16toh(read.header.private_len);
	read.length[SB_BLOB_PUBLIC] = be16toh(read.header.public_len);
	read.length[SB_BLOB_CREATION] = be16toh(read.header.creation_len);
	read.length[SB_BLOB_HASH] = be16toh(read.header.hash_len);
	read.length[SB_BLOB_TICKET] = be16toh(read.header.ticket_len);
	for (int i = 0; i < SB_BLOB_PARTS; i++) {
		if (read.length[i] == 0 || read.length[i] > length - SB_SHA256_LEN - at)
			return -EBADMSG;
		read.part[i] = data + at;
		at += read.length[i];
		if (i != SB_BLOB_TICKET && !is_2b(read.part[i], read.length[i]))
			return -EBADMSG;
	}
	if (at != length - SB_SHA256_LEN || !sum_fits(data, length))
		return -EBADMSG;
	*blob = read;
	return 0;
}
