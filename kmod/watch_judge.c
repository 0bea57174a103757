// SPDX-License-Identifier: GPL-2.0-only
#include "watch_judge.h"

#include "uapi/linux/sealbond.h"

/* TPM 2.0 part 2, table 16 */
#define RC_INITIALIZE	0x100
#define RC_FAILURE	0x101

u32 sb_watch_agreed(const struct sb_tpm_seen *a, const struct sb_tpm_seen *b)
{
	u32 agreed = 0;
	unsigned int i;

	for (i = 0; i < SB_PCRS; i++)
		if (a->pcrs & b->pcrs & BIT(i) &&
		    !memcmp(a->value[i], b->value[i], SB_DIGEST_LEN))
			agreed |= BIT(i);
	return agreed;
}

u32 sb_watch_drift(const struct sb_tpm_seen *was, const struct sb_tpm_seen *is, u32 *changed)
{
	u32 alarms = was->reset_count == is->reset_count ? 0 : SEALBOND_ALARM_RESET;
	u32 differs = was->pcrs & ~sb_watch_agreed(was, is);

	*changed = differs;
	return alarms | (differs ? SEALBOND_ALARM_PCR : 0);
}

enum sb_watch_answer sb_watch_answer(int rc)
{
	if (!rc)
		return SB_WATCH_GOOD;
	/* That is ours, and says nothing of the TPM. */
	if (rc == -ENOMEM)
		return SB_WATCH_ALIVE;
	if (rc < 0 || rc == RC_FAILURE)
		return SB_WATCH_SILENT;
	return rc == RC_INITIALIZE ? SB_WATCH_WAS_RESET : SB_WATCH_ALIVE;
}
