/* SPDX-License-Identifier: GPL-2.0-only */
/* Looks at the TPM while keys are held: its counters and the PCRs that opened them. */
#ifndef SB_WATCH_TPM_H
#define SB_WATCH_TPM_H

struct sb_seal_request;
struct sb_seal_result;
struct workqueue_struct;

/*
 * On the TPM's queue alone, around a hold: the first one looks now, so that a change until here is
 * not taken for the hold's own; the second one takes over what the hold has read and changed.
 */
void sb_watch_tpm_before(void);
void sb_watch_tpm_after(const struct sb_seal_request *request,
			const struct sb_seal_result *result);

void sb_watch_tpm_init(struct workqueue_struct *tpm_queue);
/* Waits for a look that is under way; the namespaces are gone. */
void sb_watch_tpm_exit(void);

#endif
