/* SPDX-License-Identifier: Apache-2.0 */
/* The tpm role's longer answers, from an open TPM. */
#ifndef SB_DEVICE_TPM_ANSWERS_H
#define SB_DEVICE_TPM_ANSWERS_H

#include "device/message.h"
#include "tpm/tpm.h"

void sb_answer_failure(struct sb_tpm_failure *failure, int result, const struct sb_error *error);

/* Into answers of zeros. 0, or an errno of tpm/tpm.h, which the caller puts into the answer's failure. */
int sb_answer_identity(struct sb_tpm *tpm, struct sb_identity_answer *answer, struct sb_error *error);
int sb_answer_iak(struct sb_tpm *tpm, struct sb_iak_answer *answer, struct sb_error *error);

#endif
