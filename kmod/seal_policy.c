// SPDX-License-Identifier: GPL-2.0-only
#include "pure.h"

#include <uapi/linux/sealbond.h>

#include "crypto.h"
#include "seal_policy.h"
#include "tpm_ids.h"
#include "tpm_wire.h"

#define RELEASE_ATTRIBUTES	0x40040	/* sign, userWithAuth */

static void put_be32(struct sb_sha256 *sha, u32 v)
{
	__be32 be = cpu_to_be32(v);

	sb_sha256_update(sha, &be, sizeof(be));
}

void sb_pcr_selection(u8 out[SB_PCR_SELECTION_LEN], u32 mask)
{
	struct sb_wr w = sb_wr_of(out, SB_PCR_SELECTION_LEN);

	sb_put32(&w, 1);
	sb_put16(&w, SB_ALG_SHA256);
	sb_put8(&w, 3);
	sb_put8(&w, mask);
	sb_put8(&w, mask >> 8);
	sb_put8(&w, mask >> 16);
}

void sb_release_public(u8 out[SB_RELEASE_PUBLIC_LEN], const u8 x[SB_DIGEST_LEN],
		       const u8 y[SB_DIGEST_LEN])
{
	struct sb_wr w = sb_wr_of(out, SB_RELEASE_PUBLIC_LEN);

	sb_put16(&w, SB_ALG_ECC);
	sb_put16(&w, SB_ALG_SHA256);
	sb_put32(&w, RELEASE_ATTRIBUTES);
	sb_put2b(&w, NULL, 0);		/* authPolicy */
	sb_put16(&w, SB_ALG_NULL);		/* symmetric */
	sb_put16(&w, SB_ALG_ECDSA);
	sb_put16(&w, SB_ALG_SHA256);
	sb_put16(&w, SB_CURVE_P256);
	sb_put16(&w, SB_ALG_NULL);		/* kdf */
	sb_put2b(&w, x, SB_DIGEST_LEN);
	sb_put2b(&w, y, SB_DIGEST_LEN);
}

void sb_release_name(u8 name[SB_TPM_NAME_LEN], const u8 x[SB_DIGEST_LEN],
		     const u8 y[SB_DIGEST_LEN])
{
	u8 public[SB_RELEASE_PUBLIC_LEN];

	sb_release_public(public, x, y);
	put_unaligned_be16(SB_ALG_SHA256, name);
	sb_sha256(name + 2, public, sizeof(public));
}

void sb_pcr_digest(u8 out[SB_DIGEST_LEN], u32 mask, const u8 value[SB_PCRS][SB_DIGEST_LEN])
{
	struct sb_sha256 sha;
	unsigned int i;

	sb_sha256_init(&sha);
	for (i = 0; i < SB_PCRS; i++)
		if (mask & (1U << i))
			sb_sha256_update(&sha, value[i], SB_DIGEST_LEN);
	sb_sha256_final(&sha, out);
}

void sb_policy_pcr(u8 out[SB_DIGEST_LEN], u32 mask, const u8 value[SB_PCRS][SB_DIGEST_LEN])
{
	static const u8 zero[SB_DIGEST_LEN];
	u8 selection[SB_PCR_SELECTION_LEN], digest[SB_DIGEST_LEN];
	struct sb_sha256 sha;

	sb_pcr_selection(selection, mask);
	sb_pcr_digest(digest, mask, value);
	sb_sha256_init(&sha);
	sb_sha256_update(&sha, zero, sizeof(zero));
	put_be32(&sha, SB_CC_POLICY_PCR);
	sb_sha256_update(&sha, selection, sizeof(selection));
	sb_sha256_update(&sha, digest, sizeof(digest));
	sb_sha256_final(&sha, out);
}

void sb_policy_authorize(u8 out[SB_DIGEST_LEN], const u8 name[SB_TPM_NAME_LEN],
			 const u8 policy_ref[SB_DIGEST_LEN])
{
	static const u8 zero[SB_DIGEST_LEN];
	u8 digest[SB_DIGEST_LEN];
	struct sb_sha256 sha;

	sb_sha256_init(&sha);
	sb_sha256_update(&sha, zero, sizeof(zero));
	put_be32(&sha, SB_CC_POLICY_AUTHORIZE);
	sb_sha256_update(&sha, name, SB_TPM_NAME_LEN);
	sb_sha256_final(&sha, digest);
	/* The second step, with the reference, is there even when the reference is empty. */
	sb_approval_digest(out, digest, policy_ref);
}

void sb_approval_digest(u8 out[SB_DIGEST_LEN], const u8 policy[SB_DIGEST_LEN],
			const u8 policy_ref[SB_DIGEST_LEN])
{
	struct sb_sha256 sha;

	sb_sha256_init(&sha);
	sb_sha256_update(&sha, policy, SB_DIGEST_LEN);
	sb_sha256_update(&sha, policy_ref, SB_DIGEST_LEN);
	sb_sha256_final(&sha, out);
}

void sb_cap_digest(u8 out[SB_DIGEST_LEN], const u8 current_key[SB_DIGEST_LEN],
		   const u8 next_key[SB_DIGEST_LEN], u8 outcome)
{
	struct sb_sha256 sha;

	sb_sha256_init(&sha);
	sb_sha256_update(&sha, SB_CAP_TAG, sizeof(SB_CAP_TAG));
	sb_sha256_update(&sha, current_key, SB_DIGEST_LEN);
	sb_sha256_update(&sha, next_key, SB_DIGEST_LEN);
	sb_sha256_update(&sha, &outcome, 1);
	sb_sha256_final(&sha, out);
}

bool sb_approval_usable(const struct sb_approval *a, const u8 x[SB_DIGEST_LEN],
			const u8 y[SB_DIGEST_LEN], const u8 policy_ref[SB_DIGEST_LEN],
			u8 cap_pcr, u32 required)
{
	/* All public: plain comparison is enough. */
	return a->cap_pcr == cap_pcr && (a->pcr_mask & required) == required &&
	       !memcmp(a->release_x, x, SB_DIGEST_LEN) &&
	       !memcmp(a->release_y, y, SB_DIGEST_LEN) &&
	       !memcmp(a->policy_ref, policy_ref, SB_DIGEST_LEN);
}

u32 sb_approval_differs(const struct sb_approval *a, u32 valid,
			const u8 value[SB_PCRS][SB_DIGEST_LEN])
{
	u32 differs = a->pcr_mask & ~valid;
	unsigned int i;

	for (i = 0; i < SB_PCRS; i++)
		if ((a->pcr_mask & valid & (1U << i)) &&
		    memcmp(a->value[i], value[i], SB_DIGEST_LEN))
			differs |= 1U << i;
	return differs;
}

static unsigned int count_bits(u32 v)
{
	unsigned int n = 0;

	for (; v; v &= v - 1)
		n++;
	return n;
}

u32 sb_nearest(u32 a, u32 b, u8 cap_pcr)
{
	/* After the cap its PCR always differs, so it does not count. */
	u32 cap = 1U << cap_pcr;

	return count_bits(b & ~cap) < count_bits(a & ~cap) ? b : a;
}

u32 sb_tpm_rc(u32 rc)
{
	/* Format 1 (bit 7): bits 6 and 8 to 11 say which parameter, handle or session. */
	return rc & 0x80 ? rc & 0xbf : rc;
}

u8 sb_seal_state(int rc)
{
	if (rc == -ENODEV)
		return SEALBOND_STATE_NO_TPM;	/* the driver is unbound */
	if (rc <= 0)
		return SEALBOND_STATE_TPM_ERROR;
	switch (sb_tpm_rc(rc)) {
	case SB_RC_BAD_AUTH:
	case SB_RC_AUTH_FAIL:
		return SEALBOND_STATE_TPM_OWNER_AUTH;
	case SB_RC_LOCKOUT:
		return SEALBOND_STATE_TPM_LOCKOUT;
	case SB_RC_SIGNATURE:
		return SEALBOND_STATE_APPROVAL_INVALID;
	case SB_RC_INTEGRITY:
		return SEALBOND_STATE_BLOB_INVALID;
	case 0x901:	/* CONTEXT_GAP */
	case 0x902:	/* OBJECT_MEMORY: others hold all slots */
	case 0x903:	/* SESSION_MEMORY */
	case 0x904:	/* MEMORY */
	case 0x905:	/* SESSION_HANDLES */
	case 0x906:	/* OBJECT_HANDLES */
	case 0x908:	/* YIELDED */
	case 0x909:	/* CANCELED */
	case 0x90a:	/* TESTING */
	case 0x920:	/* NV_RATE */
	case 0x922:	/* RETRY */
	case 0x923:	/* NV_UNAVAILABLE */
		return SEALBOND_STATE_TPM_BUSY;
	default:
		return SEALBOND_STATE_TPM_ERROR;
	}
}
