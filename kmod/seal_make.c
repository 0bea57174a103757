// SPDX-License-Identifier: GPL-2.0-only
/* Bond keys are made and sealed. */
#include "crypto.h"
#include "seal_internal.h"
#include "tpm_ids.h"

/*
 * The answer to PCR_Read is not authenticated, that to Create is, and tells a digest of the same
 * PCRs. Where they differ the values that were read are garbled, and of no boot at all.
 */
static bool pcrs_confirmed(const struct seal *sl, const struct sb_blob *blob)
{
	struct sb_rd r = sb_rd_of(blob->creation.data, blob->creation.len);
	u8 digest[SB_DIGEST_LEN];
	const u8 *told;
	u32 banks;
	u16 len;

	sb_get16(&r);			/* TPM2B_CREATION_DATA: its size */
	for (banks = sb_get32(&r); banks && !r.bad; banks--) {
		sb_get16(&r);
		sb_get(&r, sb_get8(&r));
	}
	told = sb_get2b(&r, &len);
	sb_pcr_digest(digest, blob->pcr_mask, sl->res->pcr_value);
	return told && len == sizeof(digest) && !memcmp(told, digest, len);
}

/* A fresh key in the slot, sealed; needs the HMAC session. -ESTALE: other PCRs than were read. */
static int make(struct seal *sl, unsigned int slot)
{
	struct sb_seal_result *res = sl->res;
	u8 outside_info[SB_DIGEST_LEN];
	struct sb_blob blob = {
		.primary_kind = sl->primary_kind,
		.cap_pcr = sl->req->cap_pcr,
		.pcr_mask = sb_seal_required_pcrs(sl->req),
		.key = res->pub[slot],
		.primary_name = sl->primary.name,
		.endorsement_name = sl->endorsement_name,
	};
	int rc;

	rc = sb_random(sl->secret[slot], SB_DIGEST_LEN);
	if (rc)
		return rc;
	rc = sb_x25519_base(res->pub[slot], sl->secret[slot]);
	if (rc)
		return rc;
	sb_sha256(outside_info, res->pub[slot], SB_DIGEST_LEN);
	rc = sb_session_create(&sl->tpm, &sl->hmac, &sl->primary, sl->secret[slot],
			       sl->auth_policy, outside_info, blob.pcr_mask, &blob);
	if (rc)
		return rc;
	if (!pcrs_confirmed(sl, &blob))
		return -ESTALE;
	rc = sb_blob_build(res->new_blob[slot], &blob);
	if (rc < 0)
		return rc;
	res->new_blob_len[slot] = rc;
	return 0;
}

bool sb_seal_make_missing(struct seal *sl)
{
	unsigned int i;
	int rc;

	if (sl->has_blob[SB_KEY_CURRENT] && sl->has_blob[SB_KEY_NEXT])
		return true;
	if (!sb_seal_config_known())
		return sb_seal_fail(sl, SEALBOND_STATE_TPM_ERROR,
				    "it is not known whether the configuration was extended");
	/* With a password on the endorsement hierarchy there is no fingerprint: zeros. */
	rc = sb_seal_endorsement(sl, sl->endorsement_name);
	if (rc && sb_seal_state(rc) == SEALBOND_STATE_TPM_BUSY)
		return sb_seal_fail_rc(sl, rc, "the endorsement hierarchy could not be read");
	rc = sb_session_start(&sl->tpm, &sl->hmac, SB_SE_HMAC, &sl->primary);
	for (i = 0; i < SB_KEYS && !rc; i++)
		if (!sl->has_blob[i])
			rc = make(sl, i);
	if (rc == -ESTALE)
		return sb_seal_fail_rc(sl, rc, SB_PCRS_REFUTED);
	return rc ? sb_seal_fail_rc(sl, rc, "a key could not be made and sealed") : true;
}

/* The TPM is the one that sealed the blobs, so that their fingerprint of it holds. */
int sb_seal_make_candidate(struct seal *sl)
{
	int rc = 0;

	if (!sb_seal_config_known())
		return -EUCLEAN;
	memcpy(sl->endorsement_name, sl->blob[SB_KEY_CURRENT].endorsement_name,
	       sizeof(sl->endorsement_name));
	if (!sl->hmac.handle)
		rc = sb_session_start(&sl->tpm, &sl->hmac, SB_SE_HMAC, &sl->primary);
	return rc ?: make(sl, SB_KEY_CURRENT);
}
