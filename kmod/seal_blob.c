// SPDX-License-Identifier: GPL-2.0-only
#include "pure.h"

#include "crypto.h"
#include "seal_blob.h"
#include "tpm_ids.h"
#include "tpm_wire.h"

/* Bounds of the parts, generous against what TPMs were seen to make. */
#define PRIVATE_MAX	512
#define CREATION_MAX	512
#define TICKET_MAX	128

#define SEALED_ATTRIBUTES	0x492	/* fixedTPM, fixedParent, adminWithPolicy, noDA */

static bool mask_valid(u32 mask, u8 cap_pcr)
{
	return !(mask & ~SB_PCR_MASK_ALL) && cap_pcr < SB_PCRS &&
	       !((1U << cap_pcr) & SB_CAP_FORBIDDEN) && (mask & (1U << cap_pcr));
}

static bool all_zero(const u8 *p, size_t n)
{
	u8 any = 0;

	while (n--)
		any |= *p++;
	return !any;
}

static bool name_valid(const u8 *name)
{
	return get_unaligned_be16(name) == SB_ALG_SHA256;
}

u32 sb_sealed_public(u8 out[SB_SEALED_PUBLIC_LEN], const u8 policy[SB_DIGEST_LEN],
		     const u8 *unique)
{
	struct sb_wr w = sb_wr_of(out, SB_SEALED_PUBLIC_LEN);

	sb_put16(&w, SB_ALG_KEYEDHASH);
	sb_put16(&w, SB_ALG_SHA256);
	sb_put32(&w, SEALED_ATTRIBUTES);
	sb_put2b(&w, policy, SB_DIGEST_LEN);
	sb_put16(&w, SB_ALG_NULL);
	sb_put2b(&w, unique, unique ? SB_DIGEST_LEN : 0);
	return w.len;
}

/* The public area must be ours to the byte; only policy and unique vary. */
static const u8 *sealed_policy(const struct sb_bytes *public)
{
	u8 want[SB_SEALED_PUBLIC_LEN];
	const u8 *area = public->data + 2;
	u32 len;

	if (public->len != 2 + SB_SEALED_PUBLIC_LEN)
		return NULL;
	len = sb_sealed_public(want, area + 10, area + SB_SEALED_PUBLIC_LEN - SB_DIGEST_LEN);
	return len == SB_SEALED_PUBLIC_LEN && !memcmp(area, want, len) ? area + 10 : NULL;
}

static bool take(struct sb_rd *r, struct sb_bytes *part, __be16 len, u16 max)
{
	part->len = be16_to_cpu(len);
	part->data = sb_get(r, part->len);
	return part->data && part->len && part->len <= max;
}

/* Likewise for a TPM2B: its own size field must agree. */
static bool take2b(struct sb_rd *r, struct sb_bytes *part, __be16 len, u16 max)
{
	return take(r, part, len, max) && part->len >= 2 &&
	       get_unaligned_be16(part->data) == part->len - 2;
}

static bool header_valid(const struct sb_blob_header *h)
{
	return !memcmp(h->magic, SB_BLOB_MAGIC, sizeof(h->magic)) &&
	       be16_to_cpu(h->version) == SB_BLOB_VERSION &&
	       h->primary_kind <= SB_BLOB_PRIMARY_PERSISTENT &&
	       mask_valid(be32_to_cpu(h->pcr_mask), h->cap_pcr) &&
	       all_zero(h->reserved, sizeof(h->reserved)) &&
	       name_valid(h->primary_name) &&
	       (name_valid(h->endorsement_name) ||
		all_zero(h->endorsement_name, sizeof(h->endorsement_name)));
}

int sb_blob_parse(struct sb_blob *blob, const void *data, size_t len)
{
	const struct sb_blob_header *h = data;
	struct sb_blob b = {};
	u8 sum[SB_HASH_LEN];
	struct sb_rd r;

	if (len < sizeof(*h) + sizeof(sum) || len > SB_BLOB_MAX)
		return -EBADMSG;
	if (!header_valid(h))
		return -EBADMSG;
	sb_sha256(sum, data, len - sizeof(sum));
	if (memcmp(sum, (const u8 *)data + len - sizeof(sum), sizeof(sum)))
		return -EBADMSG;

	r = sb_rd_of(data, len - sizeof(sum));
	sb_get(&r, sizeof(*h));
	if (!take2b(&r, &b.private, h->private_len, PRIVATE_MAX) ||
	    !take2b(&r, &b.public, h->public_len, 2 + SB_SEALED_PUBLIC_LEN) ||
	    !take2b(&r, &b.creation, h->creation_len, CREATION_MAX) ||
	    !take2b(&r, &b.hash, h->hash_len, 2 + SB_DIGEST_LEN) ||
	    !take(&r, &b.ticket, h->ticket_len, TICKET_MAX) || !sb_rd_done(&r))
		return -EBADMSG;
	b.policy = sealed_policy(&b.public);
	if (!b.policy)
		return -EBADMSG;
	b.primary_kind = h->primary_kind;
	b.cap_pcr = h->cap_pcr;
	b.pcr_mask = be32_to_cpu(h->pcr_mask);
	b.key = h->key;
	b.primary_name = h->primary_name;
	b.endorsement_name = h->endorsement_name;
	*blob = b;
	return 0;
}

int sb_blob_build(u8 out[SB_BLOB_MAX], const struct sb_blob *blob)
{
	struct sb_wr w = sb_wr_of(out, SB_BLOB_MAX);
	struct sb_blob_header h = {
		.magic = SB_BLOB_MAGIC,
		.version = cpu_to_be16(SB_BLOB_VERSION),
		.primary_kind = blob->primary_kind,
		.cap_pcr = blob->cap_pcr,
		.pcr_mask = cpu_to_be32(blob->pcr_mask),
		.private_len = cpu_to_be16(blob->private.len),
		.public_len = cpu_to_be16(blob->public.len),
		.creation_len = cpu_to_be16(blob->creation.len),
		.hash_len = cpu_to_be16(blob->hash.len),
		.ticket_len = cpu_to_be16(blob->ticket.len),
	};
	struct sb_blob check;
	u8 sum[SB_HASH_LEN];

	memcpy(h.key, blob->key, sizeof(h.key));
	memcpy(h.primary_name, blob->primary_name, sizeof(h.primary_name));
	memcpy(h.endorsement_name, blob->endorsement_name, sizeof(h.endorsement_name));
	sb_put(&w, &h, sizeof(h));
	sb_put(&w, blob->private.data, blob->private.len);
	sb_put(&w, blob->public.data, blob->public.len);
	sb_put(&w, blob->creation.data, blob->creation.len);
	sb_put(&w, blob->hash.data, blob->hash.len);
	sb_put(&w, blob->ticket.data, blob->ticket.len);
	if (w.bad)
		return -EMSGSIZE;
	sb_sha256(sum, out, w.len);
	sb_put(&w, sum, sizeof(sum));
	/* What could not be read again must not be stored. */
	if (w.bad || sb_blob_parse(&check, out, w.len))
		return -EMSGSIZE;
	return w.len;
}

void sb_blob_name(u8 name[SB_TPM_NAME_LEN], const struct sb_blob *blob)
{
	put_unaligned_be16(SB_ALG_SHA256, name);
	sb_sha256(name + 2, blob->public.data + 2, blob->public.len - 2);
}

int sb_approval_parse(struct sb_approval *a, const void *data, size_t len)
{
	const struct sb_approval_header *h = data;
	struct sb_rd r;
	const u8 *value;
	unsigned int i;

	if (len < sizeof(*h) || len > SB_APPROVAL_MAX)
		return -EBADMSG;
	if (memcmp(h->magic, SB_APPROVAL_MAGIC, sizeof(h->magic)) ||
	    be16_to_cpu(h->version) != SB_APPROVAL_VERSION || h->reserved ||
	    !mask_valid(be32_to_cpu(h->pcr_mask), h->cap_pcr))
		return -EBADMSG;

	memset(a, 0, sizeof(*a));
	a->pcr_mask = be32_to_cpu(h->pcr_mask);
	a->cap_pcr = h->cap_pcr;
	r = sb_rd_of(data, len);
	sb_get(&r, sizeof(*h));
	for (i = 0; i < SB_PCRS; i++) {
		if (!(a->pcr_mask & (1U << i)))
			continue;
		value = sb_get(&r, SB_DIGEST_LEN);
		if (!value)
			return -EBADMSG;
		memcpy(a->value[i], value, SB_DIGEST_LEN);
	}
	if (!sb_rd_done(&r))
		return -EBADMSG;
	memcpy(a->policy_ref, h->policy_ref, sizeof(a->policy_ref));
	memcpy(a->release_x, h->release_x, sizeof(a->release_x));
	memcpy(a->release_y, h->release_y, sizeof(a->release_y));
	memcpy(a->sig_r, h->sig_r, sizeof(a->sig_r));
	memcpy(a->sig_s, h->sig_s, sizeof(a->sig_s));
	return 0;
}
