// SPDX-License-Identifier: Apache-2.0
/* What a TPM's response code means for who has asked. TPM 2.0 part 2, section 6.6. */
#include <errno.h>
#include <linux/sealbond.h>
#include <tss2/tss2_rc.h>

#include "tpm/tpm_internal.h"

/* Format-1 codes carry the number of the session, handle or parameter in bits 6 and 8 to 11. */
bool sb_tpm_rc_is(TSS2_RC rc, TSS2_RC format1)
{
	return (rc & TPM2_RC_FMT1) && (rc & 0xbf) == (format1 & 0xbf);
}

static int number_of(TSS2_RC rc)
{
	if (sb_tpm_rc_is(rc, TPM2_RC_BAD_AUTH) || sb_tpm_rc_is(rc, TPM2_RC_AUTH_FAIL))
		return -EACCES;
	switch (rc & ~TSS2_RC_LAYER_MASK) {
	case TPM2_RC_LOCKOUT:
		return -ENOLCK;
	case TPM2_RC_RETRY: case TPM2_RC_YIELDED: case TPM2_RC_CANCELED: case TPM2_RC_TESTING:
	case TPM2_RC_NV_RATE: case TPM2_RC_NV_UNAVAILABLE: case TPM2_RC_MEMORY:
	case TPM2_RC_OBJECT_MEMORY: case TPM2_RC_SESSION_MEMORY:
	case TPM2_RC_OBJECT_HANDLES: case TPM2_RC_SESSION_HANDLES:
		return -EBUSY;
	}
	return rc == TSS2_TCTI_RC_NO_CONNECTION ? -ENXIO : -EIO;
}

int sb_tpm_fail(struct sb_error *error, const char *what, TSS2_RC rc)
{
	return sb_fail(error, number_of(rc), "%s: %s (0x%x)", what, Tss2_RC_Decode(rc), rc);
}

unsigned int sb_tpm_state(int result)
{
	switch (result) {
	case -ENOENT: case -ENXIO: case -ENODEV:
		return SEALBOND_STATE_NO_TPM;
	case -EBUSY: case -EAGAIN:
		return SEALBOND_STATE_TPM_BUSY;
	case -ENOLCK:
		return SEALBOND_STATE_TPM_LOCKOUT;
	case -EACCES:
		return SEALBOND_STATE_TPM_OWNER_AUTH;
	default:
		return SEALBOND_STATE_TPM_ERROR;
	}
}
