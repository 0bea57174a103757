/* SPDX-License-Identifier: Apache-2.0 */
/* A well-formed blob and approval, for the tests and the fuzzer of their parsers. */
#ifndef SEAL_FILES_H
#define SEAL_FILES_H

#include "../../kmod/pure.h"

#include "../../kmod/crypto.h"
#include "../../kmod/seal_blob.h"

#define SAMPLE_MASK	0x5a90
#define SAMPLE_CAP	14

struct sample_parts {
	u8 key[32], primary[34], endorsement[34], policy[32], unique[32];
	u8 private[2 + 158], public[2 + 78], creation[2 + 153], hash[2 + 32], ticket[72];
};

static inline void sample_2b(u8 *part, size_t len, u8 fill)
{
	memset(part, fill, len);
	put_unaligned_be16(len - 2, part);
}

/* *blob points into *p. */
static inline void sample_blob(struct sb_blob *blob, struct sample_parts *p)
{
	memset(p->key, 0x11, sizeof(p->key));
	memset(p->primary, 0x22, sizeof(p->primary));
	put_unaligned_be16(0x000b, p->primary);
	memset(p->endorsement, 0x33, sizeof(p->endorsement));
	put_unaligned_be16(0x000b, p->endorsement);
	memset(p->policy, 0x44, sizeof(p->policy));
	memset(p->unique, 0x55, sizeof(p->unique));
	sample_2b(p->private, sizeof(p->private), 0x66);
	put_unaligned_be16(78, p->public);
	sb_sealed_public(p->public + 2, p->policy, p->unique);
	sample_2b(p->creation, sizeof(p->creation), 0x77);
	sample_2b(p->hash, sizeof(p->hash), 0x88);
	memset(p->ticket, 0x99, sizeof(p->ticket));
	*blob = (struct sb_blob){
		.primary_kind = SB_BLOB_PRIMARY_PERSISTENT,
		.cap_pcr = SAMPLE_CAP,
		.pcr_mask = SAMPLE_MASK,
		.key = p->key,
		.primary_name = p->primary,
		.endorsement_name = p->endorsement,
		.private = { p->private, sizeof(p->private) },
		.public = { p->public, sizeof(p->public) },
		.creation = { p->creation, sizeof(p->creation) },
		.hash = { p->hash, sizeof(p->hash) },
		.ticket = { p->ticket, sizeof(p->ticket) },
	};
}

/* Returns the length of the blob file. */
static inline size_t sample_blob_file(u8 out[SB_BLOB_MAX])
{
	struct sample_parts p;
	struct sb_blob blob;
	int n;

	sample_blob(&blob, &p);
	n = sb_blob_build(out, &blob);
	return n < 0 ? 0 : n;
}

/* The checksum made right again after a change. */
static inline void sample_sum(u8 *blob, size_t len)
{
	sb_sha256(blob + len - SB_HASH_LEN, blob, len - SB_HASH_LEN);
}

static inline size_t sample_approval_file(u8 out[SB_APPROVAL_MAX])
{
	struct sb_approval_header h = {
		.magic = SB_APPROVAL_MAGIC,
		.version = cpu_to_be16(SB_APPROVAL_VERSION),
		.cap_pcr = SAMPLE_CAP,
		.pcr_mask = cpu_to_be32(SAMPLE_MASK),
	};
	size_t n = sizeof(h);
	int i;

	memset(h.policy_ref, 1, sizeof(h.policy_ref));
	memset(h.release_x, 2, sizeof(h.release_x));
	memset(h.release_y, 3, sizeof(h.release_y));
	memset(h.sig_r, 4, sizeof(h.sig_r));
	memset(h.sig_s, 5, sizeof(h.sig_s));
	memcpy(out, &h, sizeof(h));
	for (i = 0; i < SB_PCRS; i++) {
		if (!(SAMPLE_MASK & (1U << i)))
			continue;
		memset(out + n, 0x80 | i, SB_DIGEST_LEN);
		n += SB_DIGEST_LEN;
	}
	return n;
}

#endif
