/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers of TPM 2.0 part 2 that linux/tpm.h lacks or names differently across kernels. */
#ifndef SB_TPM_IDS_H
#define SB_TPM_IDS_H

#define SB_ALG_RSA	0x0001
#define SB_ALG_AES	0x0006
#define SB_ALG_KEYEDHASH	0x0008
#define SB_ALG_SHA256	0x000b
#define SB_ALG_NULL	0x0010
#define SB_ALG_ECDSA	0x0018
#define SB_ALG_ECC	0x0023
#define SB_ALG_CFB	0x0043
#define SB_CURVE_P256	0x0003

#define SB_CC_EVICT_CONTROL	0x120
#define SB_CC_LOAD_EXTERNAL	0x167
#define SB_CC_POLICY_AUTHORIZE	0x16a
#define SB_CC_READ_PUBLIC	0x173
#define SB_CC_START_AUTH	0x176
#define SB_CC_POLICY_PCR	0x17f
#define SB_CC_READ_CLOCK	0x181

/* TPMA_OBJECT: the template's, and what a storage key that was found must have or lack. */
#define SB_STORAGE_ATTRIBUTES	0x00030472	/* and userWithAuth, noDA */
#define SB_STORAGE_MUST		0x00030072	/* restricted decrypt, fixed, made inside */
#define SB_STORAGE_MUST_NOT	0x00040000	/* sign */

/* TPMA_SESSION */
#define SB_SA_CONTINUE	0x01
#define SB_SA_DECRYPT	0x20	/* the first parameter of the command is encrypted */
#define SB_SA_ENCRYPT	0x40	/* the first parameter of the response is */

#define SB_SE_HMAC	0x00
#define SB_SE_POLICY	0x01

#endif
