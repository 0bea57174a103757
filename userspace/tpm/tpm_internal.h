/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_TPM_INTERNAL_H
#define SB_TPM_INTERNAL_H

#include <tss2/tss2_esys.h>

struct sb_tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
};

#endif
