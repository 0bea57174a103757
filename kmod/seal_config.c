// SPDX-License-Identifier: GPL-2.0-only
#include "seal_config.h"

#include <linux/mutex.h>

#include "seal_internal.h"

/*
 * Holds of the TPM run one after the other: only they leave CLAIMED, and they do not need the
 * lock to know that nobody else does meanwhile.
 */
static DEFINE_MUTEX(lock);
static enum { NONE, CLAIMED, UNKNOWN, EXTENDED } state;
static bool closed;		/* the cap was extended: too late for a first hash */
static u8 claimed[SB_DIGEST_LEN];
static u8 claimed_pcr;

int sb_config_claim(const u8 hash[SB_DIGEST_LEN], u8 pcr)
{
	int err = 0;

	mutex_lock(&lock);
	if (state != NONE) {
		/* Public: plain comparison is enough. */
		if (pcr != claimed_pcr || memcmp(claimed, hash, sizeof(claimed)))
			err = -EEXIST;
	} else if (closed) {
		err = -EPERM;
	} else {
		memcpy(claimed, hash, sizeof(claimed));
		claimed_pcr = pcr;
		state = CLAIMED;
	}
	mutex_unlock(&lock);
	return err;
}

bool sb_config_extended(u8 hash[SB_DIGEST_LEN])
{
	bool extended;

	mutex_lock(&lock);
	extended = state == EXTENDED;
	if (extended)
		memcpy(hash, claimed, sizeof(claimed));
	mutex_unlock(&lock);
	return extended;
}

/*
 * Without a session: a forged answer gains nothing. Keys open only where the PCR has the approved
 * value, and keys that are made have it in their creation data.
 *
 * A TPM that refuses has not extended. Where the driver fails nobody can tell, so that it is not
 * tried again: a second extension would be as wrong as none.
 */
bool sb_seal_extend_config(struct seal *sl)
{
	bool due, late;
	int rc;

	mutex_lock(&lock);
	due = state == CLAIMED;
	late = closed;
	mutex_unlock(&lock);
	if (!due)
		return true;
	if (late)
		return sb_seal_fail(sl, SEALBOND_STATE_TPM_ERROR,
				    "the cap was extended before the configuration");
	rc = sb_tpm_extend_plain(&sl->tpm, claimed_pcr, claimed);
	mutex_lock(&lock);
	if (rc <= 0)
		state = rc ? UNKNOWN : EXTENDED;
	mutex_unlock(&lock);
	return rc ? sb_seal_fail_rc(sl, rc, "the configuration could not be extended") : true;
}

bool sb_seal_config_known(void)
{
	bool known;

	mutex_lock(&lock);
	known = state != UNKNOWN;
	mutex_unlock(&lock);
	return known;
}

void sb_seal_config_closed(void)
{
	mutex_lock(&lock);
	closed = true;
	mutex_unlock(&lock);
}
