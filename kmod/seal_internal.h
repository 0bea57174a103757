/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files of one hold of the TPM only. */
#ifndef SB_SEAL_INTERNAL_H
#define SB_SEAL_INTERNAL_H

#include <uapi/linux/sealbond.h>

#include "seal.h"
#include "seal_policy.h"
#include "tpm_session.h"

#define SB_PCRS_REFUTED	"the PCRs that were read are not those that a key was made with"

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

/* Why the hold gives no keys. Both return false, for their callers to return. */
static inline bool sb_seal_fail(struct seal *sl, u8 state, const char *why)
{
	sl->res->state = state;
	sl->res->detail = 0;
	sl->res->why = why;
	return false;
}

/* rc: what a TPM command returned. */
static inline bool sb_seal_fail_rc(struct seal *sl, int rc, const char *why)
{
	sb_seal_fail(sl, sb_seal_state(rc), why);
	sl->res->detail = rc;
	return false;
}

static inline u32 sb_seal_required_pcrs(const struct sb_seal_request *req)
{
	return req->policy_pcrs | BIT(req->cap_pcr);
}

/* All of these say by their result whether the hold goes on; where not, they have failed it. */

/* seal_config.c: the configuration's hash goes into its PCR, unless it is there already. */
bool sb_seal_extend_config(struct seal *sl);
/* seal_config.c: false where the driver failed with it, so that no key's creation data tells. */
bool sb_seal_config_known(void);
/* seal_config.c: the cap is extended; no hash is taken any more. */
void sb_seal_config_closed(void);

/*
 * seal_primary.c: the storage key in sl->primary. pick: where there is no blob; find: the one
 * that the current blob names.
 */
bool sb_seal_pick_primary(struct seal *sl);
bool sb_seal_find_primary(struct seal *sl);
/*
 * The Name of the endorsement hierarchy's primary: tells one TPM from another, cleared or not.
 * Returns as the functions of tpm_cmd.h.
 */
int sb_seal_endorsement(struct seal *sl, u8 name[SB_TPM_NAME_LEN]);

/* seal_open.c: all blobs unsealed into sl->secret and res->pub, by an approval that fits. */
bool sb_seal_open(struct seal *sl);

/* seal_make.c: keys without a blob. */
bool sb_seal_make_missing(struct seal *sl);
/* A candidate in the slot SB_KEY_CURRENT. Changes no state; returns as tpm_cmd.h's functions. */
int sb_seal_make_candidate(struct seal *sl);

#endif
