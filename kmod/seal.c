// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/slab.h>

#include "crypto.h"
#include "seal_internal.h"
#include "tpm_ids.h"

/* A TPM whose slots are taken is asked again, each time with a hold of its own. */
#define ATTEMPTS	5
#define FIRST_PAUSE_MS	50	/* doubled each time: 0.75 s in all */

static void log_command(struct sb_tpm *tpm, u16 code, int rc, u32 us)
{
	struct sb_seal_result *res = container_of(tpm, struct seal, tpm)->res;

	res->commands++;
	if (res->n_log < ARRAY_SIZE(res->log))
		res->log[res->n_log++] = (struct sb_seal_log){
			.code = code,
			.rc = rc < 0 ? U16_MAX : rc,
			.us = us,
		};
}

/* Also forgets what was made and not told to anybody. */
static void wipe_keys(struct seal *sl)
{
	memzero_explicit(sl->secret, sizeof(sl->secret));
	memset(sl->res->pub, 0, sizeof(sl->res->pub));
	memset(sl->res->new_blob_len, 0, sizeof(sl->res->new_blob_len));
	memset(sl->res->new_blob, 0, sizeof(sl->res->new_blob));
}

static bool request_valid(const struct sb_seal_request *req)
{
	return req->cap_pcr < SB_PCRS && !(BIT(req->cap_pcr) & SB_CAP_FORBIDDEN) &&
	       req->policy_pcrs && !(req->policy_pcrs & ~SB_PCR_MASK_ALL) &&
	       !(req->policy_pcrs & BIT(req->cap_pcr)) &&
	       req->n_approvals <= SB_APPROVALS_MAX;
}

static void take_blobs(struct seal *sl)
{
	static const char * const malformed[SB_KEYS] = {
		"the current key's file is damaged or not a blob",
		"the next key's file is damaged or not a blob",
	};
	const struct sb_seal_file *file = sl->req->blob;
	unsigned int i;

	for (i = 0; i < SB_KEYS; i++) {
		sl->has_blob[i] = file[i].len;
		if (sl->has_blob[i] && sb_blob_parse(&sl->blob[i], file[i].data, file[i].len))
			sl->bad_blob = sl->bad_blob ?: malformed[i];
	}
	if (sl->bad_blob)
		return;
	if (sl->has_blob[SB_KEY_NEXT] && !sl->has_blob[SB_KEY_CURRENT])
		sl->bad_blob = "there is a next key's file but no current key's";
	else if (sl->has_blob[SB_KEY_NEXT] &&
		 !memcmp(sl->blob[0].key, sl->blob[1].key, SB_DIGEST_LEN))
		sl->bad_blob = "both files hold the same key";
}

static void take_approvals(struct seal *sl)
{
	const struct sb_seal_request *req = sl->req;
	struct sb_approval *a;
	u32 i;

	for (i = 0; i < req->n_approvals; i++) {
		a = &sl->usable[sl->n_usable];
		if (!sb_approval_parse(a, req->approvals[i].data, req->approvals[i].len) &&
		    sb_approval_usable(a, req->release_x, req->release_y, req->policy_ref,
				       req->cap_pcr, sb_seal_required_pcrs(req)))
			sl->n_usable++;
	}
}

static void take_request(struct seal *sl)
{
	const struct sb_seal_request *req = sl->req;

	sb_release_name(sl->release_name, req->release_x, req->release_y);
	sb_policy_authorize(sl->auth_policy, sl->release_name, req->policy_ref);
	take_blobs(sl);
	take_approvals(sl);
}

/*
 * What the caller is told in any case: the TPM's counters, and the PCRs with the configuration in
 * them and before the cap.
 */
static bool read_state(struct seal *sl)
{
	struct sb_seal_result *res = sl->res;
	u32 i, mask = sb_seal_required_pcrs(sl->req);
	int rc;

	rc = sb_tpm_read_clock(&sl->tpm, &res->reset_count, &res->restart_count);
	if (rc)
		return sb_seal_fail_rc(sl, rc, "the TPM's counters could not be read");
	res->clock_valid = true;
	if (!sb_seal_extend_config(sl))
		return false;
	for (i = 0; i < sl->n_usable; i++)
		mask |= sl->usable[i].pcr_mask;
	rc = sb_tpm_pcr_read(&sl->tpm, mask, res->pcr_value, &res->pcr_valid);
	if (rc)
		return sb_seal_fail_rc(sl, rc, "the PCRs could not be read");
	if (sb_seal_required_pcrs(sl->req) & ~res->pcr_valid)
		return sb_seal_fail(sl, SEALBOND_STATE_TPM_ERROR,
				    "the TPM has no SHA-256 bank with all PCRs of the policy");
	return true;
}

static bool get_keys(struct seal *sl)
{
	if (!read_state(sl))
		return false;
	if (sl->req->close)
		return sb_seal_fail(sl, SEALBOND_STATE_EARLY_CLOSED,
				    "early boot asked for the cap and for no key");
	if (sl->bad_blob)
		return sb_seal_fail(sl, SEALBOND_STATE_BLOB_INVALID, sl->bad_blob);
	if (!sl->has_blob[SB_KEY_CURRENT])
		return sb_seal_pick_primary(sl) && sb_seal_make_missing(sl);
	return sb_seal_find_primary(sl) && sb_seal_open(sl) && sb_seal_make_missing(sl);
}

static u8 outcome(const struct seal *sl)
{
	if (!sl->has_blob[SB_KEY_CURRENT])
		return SB_CAP_MADE;
	return sl->has_blob[SB_KEY_NEXT] ? SB_CAP_UNSEALED : SB_CAP_NEXT_MADE;
}

/*
 * What the cap PCR is from here on, for the watch. Nobody comes between in a hold, so that it need
 * not be asked for; where it was not known before, the watch's first reading is taken for right.
 */
static void note_cap(struct seal *sl, const u8 digest[SB_DIGEST_LEN])
{
	struct sb_seal_result *res = sl->res;
	struct sb_sha256 sha;

	if (!(res->pcr_valid & BIT(sl->req->cap_pcr)))
		return;
	sb_sha256_init(&sha);
	sb_sha256_update(&sha, res->pcr_value[sl->req->cap_pcr], SB_DIGEST_LEN);
	sb_sha256_update(&sha, digest, SB_DIGEST_LEN);
	sb_sha256_final(&sha, res->cap_value);
	res->cap_valid = true;
}

/* The cap over an authenticated session, which ends. */
static int extend(struct seal *sl, const u8 digest[SB_DIGEST_LEN])
{
	int rc = 0;

	if (!sl->primary.handle)
		return -ENOKEY;
	if (!sl->hmac.handle)
		rc = sb_session_start(&sl->tpm, &sl->hmac, SB_SE_HMAC, &sl->primary);
	if (!rc)
		rc = sb_session_extend(&sl->tpm, &sl->hmac, sl->req->cap_pcr, digest);
	if (rc)
		return rc;
	sb_seal_config_closed();
	note_cap(sl, digest);
	return 0;
}

/* The keys are there: they are only handed on when the TPM confirms the cap. */
static bool cap_keys(struct seal *sl)
{
	struct sb_seal_result *res = sl->res;
	u8 digest[SB_DIGEST_LEN];
	int rc;

	sb_cap_digest(digest, res->pub[SB_KEY_CURRENT], res->pub[SB_KEY_NEXT], outcome(sl));
	rc = extend(sl, digest);
	if (rc)
		return sb_seal_fail_rc(sl, rc, "the cap could not be extended");
	res->capped = true;
	res->cap_outcome = outcome(sl);
	return true;
}

/*
 * A boot that is not approved: a key for whoever admits it, made while nobody but the kernel can
 * have the TPM make one that looks like it.
 */
static bool cap_candidate(struct seal *sl)
{
	static const u8 none[SB_DIGEST_LEN];
	struct sb_seal_result *res = sl->res;
	u8 digest[SB_DIGEST_LEN];
	int rc;

	if (res->state != SEALBOND_STATE_BOOT_CHANGED)
		return false;
	rc = sb_seal_make_candidate(sl);
	if (!rc) {
		sb_cap_digest(digest, res->pub[SB_KEY_CURRENT], none, SB_CAP_CANDIDATE);
		rc = extend(sl, digest);
	}
	if (rc) {
		wipe_keys(sl);
		if (rc != -ESTALE)
			return false;
		/* Then nobody knows whether what has booted is approved. */
		res->changed_pcrs = 0;
		return sb_seal_fail_rc(sl, rc, SB_PCRS_REFUTED);
	}
	res->candidate = true;
	res->capped = true;
	res->cap_outcome = SB_CAP_CANDIDATE;
	return true;
}

/*
 * No keys: nothing later in this boot shall get them. A busy or absent TPM is left alone,
 * so that another run can still succeed.
 */
static void cap_failure(struct seal *sl)
{
	static const u8 none[SB_DIGEST_LEN];
	struct sb_seal_result *res = sl->res;
	u8 digest[SB_DIGEST_LEN];
	int rc;

	if (res->state == SEALBOND_STATE_NO_TPM || res->state == SEALBOND_STATE_TPM_BUSY)
		return;
	sb_cap_digest(digest, none, none, SB_CAP_NONE);
	rc = extend(sl, digest);
	if (rc) {
		/* The first may have been taken and its answer lost: then the value is not known. */
		rc = sb_tpm_extend_plain(&sl->tpm, sl->req->cap_pcr, digest);
		if (!rc)
			sb_seal_config_closed();
	}
	res->capped = !rc;
	res->cap_outcome = SB_CAP_NONE;
	/* Nothing but the cap was asked for: what is not closed must not say so. */
	if (rc && sl->req->close)
		sb_seal_fail_rc(sl, rc, "the cap could not be extended");
}

/* One hold, from the first command to the cap. */
static bool hold(struct seal *sl)
{
	bool ready;
	int rc;

	rc = sb_tpm_hold(&sl->tpm);
	if (rc)
		return sb_seal_fail_rc(sl, rc, "the TPM went away");
	ready = get_keys(sl) && cap_keys(sl);
	if (!ready) {
		wipe_keys(sl);
		if (!cap_candidate(sl))
			cap_failure(sl);
	}
	sb_session_end(&sl->tpm, &sl->hmac);
	if (sl->primary.transient)
		sb_tpm_flush(&sl->tpm, &sl->primary.handle);
	memset(&sl->primary, 0, sizeof(sl->primary));
	sb_tpm_release(&sl->tpm);
	return ready;
}

static bool hold_until_free(struct seal *sl)
{
	unsigned int attempt;
	u8 seeded;
	int rc;

	/*
	 * Early in a boot the generator may not be seeded yet, and the TPM may be what
	 * seeds it: wait before the TPM is held, not while.
	 */
	rc = sb_random(&seeded, sizeof(seeded));
	if (rc)
		return sb_seal_fail_rc(sl, rc, "the kernel's random numbers were not ready");
	for (attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (attempt)
			msleep(FIRST_PAUSE_MS << (attempt - 1));
		if (hold(sl))
			return true;
		if (sl->res->state != SEALBOND_STATE_TPM_BUSY)
			break;
	}
	return false;
}

static void run(struct seal *sl, u8 priv[SB_KEYS][SB_DIGEST_LEN])
{
	struct sb_seal_result *res = sl->res;

	res->virtual_tpm = sb_tpm_is_virtual(&sl->tpm);
	if (res->virtual_tpm && !sl->req->allow_virtual) {
		sb_seal_fail(sl, SEALBOND_STATE_TPM_VIRTUAL, "the TPM is a virtual one");
		return;
	}
	take_request(sl);
	if (!hold_until_free(sl) && !res->candidate)
		return;
	memcpy(priv, sl->secret, sizeof(sl->secret));
	if (res->candidate)
		return;
	res->state = SEALBOND_STATE_KEYS_READY;
	res->detail = 0;
	res->why = sl->has_blob[SB_KEY_CURRENT] ? "unsealed" : "made and sealed";
}

int sb_seal_run(const struct sb_seal_request *req, struct sb_seal_result *res,
		u8 priv[SB_KEYS][SB_DIGEST_LEN])
{
	u64 start = ktime_get_ns();
	struct seal *sl;
	int rc;

	if (!request_valid(req))
		return -EINVAL;
	sl = kzalloc(sizeof(*sl), GFP_KERNEL);
	if (!sl)
		return -ENOMEM;
	sl->req = req;
	sl->res = res;
	sl->tpm.sent = log_command;
	rc = sb_tpm_open(&sl->tpm);
	if (rc == -ENOMEM) {
		kfree(sl);
		return rc;
	}
	memset(res, 0, sizeof(*res));
	res->early = req->early;
	memset(priv, 0, SB_KEYS * SB_DIGEST_LEN);
	if (rc) {
		sb_seal_fail_rc(sl, rc, "there is no TPM 2.0");
	} else {
		run(sl, priv);
		sb_tpm_close(&sl->tpm);
	}
	res->duration_ns = ktime_get_ns() - start;
	kfree_sensitive(sl);
	return 0;
}
