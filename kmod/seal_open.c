// SPDX-License-Identifier: GPL-2.0-only
/* Sealed bond keys are opened by an approval of what has booted. */
#include "crypto.h"
#include "seal_internal.h"
#include "tpm_ids.h"

/* Sets *fits to a mask of the usable approvals that fit the PCRs; not 0 when true. */
static bool match_approvals(struct seal *sl, u32 *fits)
{
	struct sb_seal_result *res = sl->res;
	u32 i, differs, nearest = SB_PCR_MASK_ALL;

	if (!sl->req->n_approvals)
		return sb_seal_fail(sl, SEALBOND_STATE_NOT_APPROVED,
				    "no boot state is approved yet");
	if (!sl->n_usable)
		return sb_seal_fail(sl, SEALBOND_STATE_APPROVAL_INVALID,
				    "no approval is for this release key, fleet and set of PCRs");
	*fits = 0;
	for (i = 0; i < sl->n_usable; i++) {
		differs = sb_approval_differs(&sl->usable[i], res->pcr_valid, res->pcr_value);
		if (!differs)
			*fits |= BIT(i);
		nearest = sb_nearest(nearest, differs, sl->req->cap_pcr);
	}
	if (*fits)
		return true;
	res->changed_pcrs = nearest;
	if (nearest == BIT(sl->req->cap_pcr))
		return sb_seal_fail(sl, SEALBOND_STATE_CAPPED,
				    "the cap was extended before; a reboot gives the keys back");
	return sb_seal_fail(sl, SEALBOND_STATE_BOOT_CHANGED,
			    "this boot state is not an approved one");
}

/* The TPM's ticket for one of the approvals that fit; *chosen is that approval. */
static bool authorize(struct seal *sl, u32 fits, const struct sb_approval **chosen,
		      struct sb_tpm_ticket *ticket)
{
	u8 policy[SB_DIGEST_LEN], digest[SB_DIGEST_LEN];
	u32 i, key;
	int rc;

	rc = sb_tpm_load_release_key(&sl->tpm, sl->req->release_x, sl->req->release_y, &key);
	if (rc)
		return sb_seal_fail_rc(sl, rc, "the TPM refused the release key");
	for (i = 0; i < sl->n_usable; i++) {
		const struct sb_approval *a = &sl->usable[i];

		if (!(fits & BIT(i)))
			continue;
		sb_policy_pcr(policy, a->pcr_mask, a->value);
		sb_approval_digest(digest, policy, a->policy_ref);
		rc = sb_tpm_verify(&sl->tpm, key, digest, a->sig_r, a->sig_s, ticket);
		if (!rc)
			*chosen = a;
		/* One with a bad signature does not spoil another that fits. */
		if (rc <= 0 || sb_tpm_rc(rc) != SB_RC_SIGNATURE)
			break;
	}
	sb_tpm_flush(&sl->tpm, &key);
	return rc ? sb_seal_fail_rc(sl, rc, "the TPM refused the approval's signature") : true;
}

/* One key through an open policy session. */
static int unseal(struct seal *sl, struct sb_session *s, unsigned int slot, bool more,
		  const struct sb_approval *a, const struct sb_tpm_ticket *ticket)
{
	u8 digest[SB_DIGEST_LEN], policy[SB_DIGEST_LEN], name[SB_TPM_NAME_LEN];
	const struct sb_blob *blob = &sl->blob[slot];
	u32 object = 0;
	int rc;

	rc = sb_tpm_load(&sl->tpm, &sl->primary, blob, &object);
	if (rc)
		return rc;
	sb_pcr_digest(digest, a->pcr_mask, a->value);
	sb_policy_pcr(policy, a->pcr_mask, a->value);
	rc = sb_session_policy(&sl->tpm, s, a->pcr_mask, digest, policy, a->policy_ref,
			       sl->release_name, ticket);
	if (!rc) {
		sb_blob_name(name, blob);
		rc = sb_session_unseal(&sl->tpm, s, object, name, more, sl->secret[slot]);
	}
	sb_tpm_flush(&sl->tpm, &object);
	if (rc)
		return rc;
	rc = sb_x25519_base(sl->res->pub[slot], sl->secret[slot]);
	if (rc || memcmp(sl->res->pub[slot], blob->key, SB_DIGEST_LEN))
		return -EKEYREJECTED;
	return 0;
}

bool sb_seal_open(struct seal *sl)
{
	const struct sb_approval *approval = NULL;
	struct sb_session policy = {};
	struct sb_tpm_ticket ticket;
	unsigned int i;
	u32 fits;
	int rc;

	for (i = 0; i < SB_KEYS; i++)
		if (sl->has_blob[i] &&
		    memcmp(sl->blob[i].policy, sl->auth_policy, SB_DIGEST_LEN))
			return sb_seal_fail(sl, SEALBOND_STATE_APPROVAL_INVALID,
					    "the key was sealed to another release key or fleet");
	if (!match_approvals(sl, &fits) || !authorize(sl, fits, &approval, &ticket))
		return false;
	rc = sb_session_start(&sl->tpm, &policy, SB_SE_POLICY, &sl->primary);
	for (i = 0; i < SB_KEYS && !rc; i++)
		if (sl->has_blob[i])
			rc = unseal(sl, &policy, i, i == 0 && sl->has_blob[1], approval, &ticket);
	sb_session_end(&sl->tpm, &policy);
	if (rc == -EKEYREJECTED)
		return sb_seal_fail(sl, SEALBOND_STATE_BLOB_INVALID,
				    "what was sealed is not the key that the file names");
	return rc ? sb_seal_fail_rc(sl, rc, "the key could not be unsealed") : true;
}

