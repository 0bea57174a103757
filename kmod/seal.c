// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <uapi/linux/sealbond.h>

#include "crypto.h"
#include "seal.h"
#include "seal_policy.h"
#include "tpm_ids.h"
#include "tpm_session.h"

/* A TPM whose slots are taken is asked again, each time with a hold of its own. */
#define ATTEMPTS	5
#define FIRST_PAUSE_MS	50	/* doubled each time: 0.75 s in all */

struct seal {
	const struct sb_seal_request *req;
	struct sb_seal_result *res;
	struct sb_tpm tpm;

	/* From the request. */
	bool has_blob[SB_KEYS];
	struct sb_blob blob[SB_KEYS];
	const char *bad_blob;		/* what is wrong with them, or NULL */
	u32 n_usable;
	struct sb_approval usable[SB_APPROVALS_MAX];
	u8 release_name[SB_TPM_NAME_LEN];
	u8 auth_policy[SB_DIGEST_LEN];

	/* During a hold. */
	struct sb_tpm_key primary;	/* handle 0: none */
	u8 primary_kind;
	u8 endorsement_name[SB_TPM_NAME_LEN];
	struct sb_session hmac;
	u8 secret[SB_KEYS][SB_DIGEST_LEN];
};

static bool fail(struct seal *sl, u8 state, const char *why)
{
	sl->res->state = state;
	sl->res->detail = 0;
	sl->res->why = why;
	return false;
}

/* rc: what a TPM command returned. */
static bool fail_rc(struct seal *sl, int rc, const char *why)
{
	fail(sl, sb_seal_state(rc), why);
	sl->res->detail = rc;
	return false;
}

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

static u32 required_pcrs(const struct sb_seal_request *req)
{
	return req->policy_pcrs | BIT(req->cap_pcr);
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
				       req->cap_pcr, required_pcrs(req)))
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

/* What the caller is told in any case: the TPM's counters, and the PCRs before the cap. */
static bool read_state(struct seal *sl)
{
	struct sb_seal_result *res = sl->res;
	u32 i, mask = required_pcrs(sl->req);
	int rc;

	rc = sb_tpm_read_clock(&sl->tpm, &res->reset_count, &res->restart_count);
	if (rc)
		return fail_rc(sl, rc, "the TPM's counters could not be read");
	res->clock_valid = true;
	for (i = 0; i < sl->n_usable; i++)
		mask |= sl->usable[i].pcr_mask;
	rc = sb_tpm_pcr_read(&sl->tpm, mask, res->pcr_value, &res->pcr_valid);
	if (rc)
		return fail_rc(sl, rc, "the PCRs could not be read");
	if (required_pcrs(sl->req) & ~res->pcr_valid)
		return fail(sl, SEALBOND_STATE_TPM_ERROR,
			    "the TPM has no SHA-256 bank with all PCRs of the policy");
	return true;
}

static int get_primary(struct seal *sl, u8 kind, struct sb_tpm_key *key)
{
	if (kind == SB_BLOB_PRIMARY_PERSISTENT)
		return sb_tpm_read_storage_key(&sl->tpm, SB_TPM_SRK, key);
	return sb_tpm_create_primary(&sl->tpm, SB_TPM_RH_OWNER, key);
}

static bool primary_failed(struct seal *sl, int rc)
{
	switch (rc) {
	case -EPROTOTYPE:
		return fail_rc(sl, rc, "the storage key at 0x81000001 is RSA; a P-256 one is needed");
	case -EKEYREJECTED:
		return fail_rc(sl, rc, "the key at 0x81000001 is not a P-256 storage key");
	}
	return fail_rc(sl, rc, "there is no storage key and none could be made");
}

/* No blob: the persistent storage key if there is one, else one from the template. */
static bool pick_primary(struct seal *sl)
{
	int rc;

	sl->primary_kind = SB_BLOB_PRIMARY_PERSISTENT;
	rc = get_primary(sl, sl->primary_kind, &sl->primary);
	if (rc > 0 && sb_tpm_rc(rc) == SB_RC_HANDLE) {
		sl->primary_kind = SB_BLOB_PRIMARY_MADE;
		rc = get_primary(sl, sl->primary_kind, &sl->primary);
	}
	return rc ? primary_failed(sl, rc) : true;
}

/* The Name of the endorsement hierarchy's primary: tells one TPM from another, cleared or not. */
static int endorsement(struct seal *sl, u8 name[SB_TPM_NAME_LEN])
{
	struct sb_tpm_key key;
	int rc;

	rc = sb_tpm_create_primary(&sl->tpm, SB_TPM_RH_ENDORSEMENT, &key);
	if (rc)
		return rc;
	memcpy(name, key.name, SB_TPM_NAME_LEN);
	sb_tpm_flush(&sl->tpm, &key.handle);
	return 0;
}

/* No storage key of this TPM is the blob's: was the TPM cleared, or is it another one? */
static bool primary_lost(struct seal *sl)
{
	u8 name[SB_TPM_NAME_LEN];
	int rc = endorsement(sl, name);

	if (rc && sb_seal_state(rc) == SEALBOND_STATE_TPM_BUSY)
		return fail_rc(sl, rc, "the endorsement hierarchy could not be read");
	if (!rc && !memcmp(name, sl->blob[SB_KEY_CURRENT].endorsement_name, sizeof(name)))
		return fail(sl, SEALBOND_STATE_TPM_CLEARED,
			    "this TPM's storage key is another one than when the key was sealed");
	fail(sl, SEALBOND_STATE_SEALED_ELSEWHERE, "the key was sealed by another TPM");
	sl->res->detail = rc;
	return false;
}

static bool is_primary_of(const struct sb_tpm_key *key, const struct sb_blob *blob)
{
	return !memcmp(key->name, blob->primary_name, SB_TPM_NAME_LEN);
}

/* The storage key that the current blob names; a next blob must name the same. */
static bool find_primary(struct seal *sl)
{
	const struct sb_blob *blob = &sl->blob[SB_KEY_CURRENT];
	struct sb_tpm_key made;
	int rc;

	sl->primary_kind = blob->primary_kind;
	rc = get_primary(sl, sl->primary_kind, &sl->primary);
	if (sl->primary_kind == SB_BLOB_PRIMARY_PERSISTENT &&
	    (rc ? sb_seal_state(rc) != SEALBOND_STATE_TPM_BUSY :
		  !is_primary_of(&sl->primary, blob))) {
		/* It may have been evicted or replaced; the template may give it again. */
		rc = get_primary(sl, SB_BLOB_PRIMARY_MADE, &made);
		if (!rc) {
			sl->primary = made;
			sl->primary_kind = SB_BLOB_PRIMARY_MADE;
		}
	}
	if (rc)
		return primary_failed(sl, rc);
	if (!is_primary_of(&sl->primary, blob))
		return primary_lost(sl);
	if (sl->has_blob[SB_KEY_NEXT] && !is_primary_of(&sl->primary, &sl->blob[SB_KEY_NEXT]))
		return fail(sl, SEALBOND_STATE_BLOB_INVALID,
			    "the next key was not sealed with the current one");
	return true;
}

/* Sets *fits to a mask of the usable approvals that fit the PCRs; not 0 when true. */
static bool match_approvals(struct seal *sl, u32 *fits)
{
	struct sb_seal_result *res = sl->res;
	u32 i, differs, nearest = SB_PCR_MASK_ALL;

	if (!sl->req->n_approvals)
		return fail(sl, SEALBOND_STATE_NOT_APPROVED, "no boot state is approved yet");
	if (!sl->n_usable)
		return fail(sl, SEALBOND_STATE_APPROVAL_INVALID,
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
		return fail(sl, SEALBOND_STATE_CAPPED,
			    "the cap was extended before; a reboot gives the keys back");
	return fail(sl, SEALBOND_STATE_BOOT_CHANGED, "this boot state is not an approved one");
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
		return fail_rc(sl, rc, "the TPM refused the release key");
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
	return rc ? fail_rc(sl, rc, "the TPM refused the approval's signature") : true;
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

static bool unseal_all(struct seal *sl)
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
			return fail(sl, SEALBOND_STATE_APPROVAL_INVALID,
				    "the key was sealed to another release key or fleet");
	if (!match_approvals(sl, &fits) || !authorize(sl, fits, &approval, &ticket))
		return false;
	rc = sb_session_start(&sl->tpm, &policy, SB_SE_POLICY, &sl->primary);
	for (i = 0; i < SB_KEYS && !rc; i++)
		if (sl->has_blob[i])
			rc = unseal(sl, &policy, i, i == 0 && sl->has_blob[1], approval, &ticket);
	sb_session_end(&sl->tpm, &policy);
	if (rc == -EKEYREJECTED)
		return fail(sl, SEALBOND_STATE_BLOB_INVALID,
			    "what was sealed is not the key that the file names");
	return rc ? fail_rc(sl, rc, "the key could not be unsealed") : true;
}

/* A fresh key in the slot, sealed; needs the HMAC session. */
static int make(struct seal *sl, unsigned int slot)
{
	struct sb_seal_result *res = sl->res;
	u8 outside_info[SB_DIGEST_LEN];
	struct sb_blob blob = {
		.primary_kind = sl->primary_kind,
		.cap_pcr = sl->req->cap_pcr,
		.pcr_mask = required_pcrs(sl->req),
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
	rc = sb_blob_build(res->new_blob[slot], &blob);
	if (rc < 0)
		return rc;
	res->new_blob_len[slot] = rc;
	return 0;
}

static bool make_missing(struct seal *sl)
{
	unsigned int i;
	int rc;

	if (sl->has_blob[SB_KEY_CURRENT] && sl->has_blob[SB_KEY_NEXT])
		return true;
	/* With a password on the endorsement hierarchy there is no fingerprint: zeros. */
	rc = endorsement(sl, sl->endorsement_name);
	if (rc && sb_seal_state(rc) == SEALBOND_STATE_TPM_BUSY)
		return fail_rc(sl, rc, "the endorsement hierarchy could not be read");
	rc = sb_session_start(&sl->tpm, &sl->hmac, SB_SE_HMAC, &sl->primary);
	for (i = 0; i < SB_KEYS && !rc; i++)
		if (!sl->has_blob[i])
			rc = make(sl, i);
	return rc ? fail_rc(sl, rc, "a key could not be made and sealed") : true;
}

static bool get_keys(struct seal *sl)
{
	if (!read_state(sl))
		return false;
	if (sl->bad_blob)
		return fail(sl, SEALBOND_STATE_BLOB_INVALID, sl->bad_blob);
	if (!sl->has_blob[SB_KEY_CURRENT])
		return pick_primary(sl) && make_missing(sl);
	return find_primary(sl) && unseal_all(sl) && make_missing(sl);
}

static u8 outcome(const struct seal *sl)
{
	if (!sl->has_blob[SB_KEY_CURRENT])
		return SB_CAP_MADE;
	return sl->has_blob[SB_KEY_NEXT] ? SB_CAP_UNSEALED : SB_CAP_NEXT_MADE;
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
	return rc;
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
		return fail_rc(sl, rc, "the cap could not be extended");
	res->capped = true;
	res->cap_outcome = outcome(sl);
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
	if (rc)
		rc = sb_tpm_extend_plain(&sl->tpm, sl->req->cap_pcr, digest);
	res->capped = !rc;
	res->cap_outcome = SB_CAP_NONE;
}

/* One hold, from the first command to the cap. */
static bool hold(struct seal *sl)
{
	bool ready;
	int rc;

	rc = sb_tpm_hold(&sl->tpm);
	if (rc)
		return fail_rc(sl, rc, "the TPM went away");
	ready = get_keys(sl) && cap_keys(sl);
	if (!ready) {
		wipe_keys(sl);
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
		return fail_rc(sl, rc, "the kernel's random numbers were not ready");
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
		fail(sl, SEALBOND_STATE_TPM_VIRTUAL, "the TPM is a virtual one");
		return;
	}
	take_request(sl);
	if (!hold_until_free(sl))
		return;
	memcpy(priv, sl->secret, sizeof(sl->secret));
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
	memset(priv, 0, SB_KEYS * SB_DIGEST_LEN);
	if (rc) {
		fail_rc(sl, rc, "there is no TPM 2.0");
	} else {
		run(sl, priv);
		sb_tpm_close(&sl->tpm);
	}
	res->duration_ns = ktime_get_ns() - start;
	kfree_sensitive(sl);
	return 0;
}
