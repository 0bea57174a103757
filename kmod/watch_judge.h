/* SPDX-License-Identifier: GPL-2.0-only */
/* Whether the TPM is still in the state in which it gave the keys out. Pure. */
#ifndef SB_WATCH_JUDGE_H
#define SB_WATCH_JUDGE_H

#include "pure.h"

#include "sealbond/blob.h"

struct sb_tpm_seen {
	u32 pcrs;		/* which of value[] count */
	u8 value[SB_PCRS][SB_DIGEST_LEN];	/* SHA-256 bank */
	u32 reset_count;	/* TPMS_CLOCK_INFO (TPM 2.0 part 2, 10.11.1) */
};

/*
 * sb_watch_drift() - compares what is with what was.
 * Returns the alarms that follow: 0, or bits of SEALBOND_ALARM_PCR and _RESET. *changed: PCRs of
 * was->pcrs that have another value or none.
 *
 * restartCount does not count: it goes up in every resume from suspend to RAM, and a TPM restart
 * that is none changes PCRs.
 */
u32 sb_watch_drift(const struct sb_tpm_seen *was, const struct sb_tpm_seen *is, u32 *changed);

/* sb_watch_agreed() - PCRs that have the same value in both. */
u32 sb_watch_agreed(const struct sb_tpm_seen *a, const struct sb_tpm_seen *b);

enum sb_watch_answer {
	SB_WATCH_GOOD,
	SB_WATCH_ALIVE,		/* it answered, and not what was asked: busy, or asked in vain */
	SB_WATCH_SILENT,	/* no answer, or that it has failed */
	SB_WATCH_WAS_RESET,	/* it was reset, and nobody has started it up since */
};

/* sb_watch_answer() - @rc: what a TPM command returned (tpm_cmd.h). */
enum sb_watch_answer sb_watch_answer(int rc);

#endif
