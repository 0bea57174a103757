/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of the tpm library only. */
#ifndef SB_TPM_INTERNAL_H
#define SB_TPM_INTERNAL_H

#include <stdbool.h>
#include <tss2/tss2_esys.h>

#include "tpm/tpm.h"

struct sb_tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
};

#define NO_SESSION	ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE

/* A key in a slot of the TPM, or a persistent one. */
struct sb_tpm_key {
	ESYS_TR handle;		/* ESYS_TR_NONE: none */
	bool transient;		/* to be flushed */
};

/* Gives the slot back; nothing to do for none. */
void sb_tpm_key_close(struct sb_tpm *tpm, struct sb_tpm_key *key);

/* tpm.c: takes the TCTI over, which free() frees; also for tests that speak to an emulator. */
int sb_tpm_adopt(struct sb_tpm **tpm, TSS2_TCTI_CONTEXT *tcti, const char *name, struct sb_error *error);

/* rc.c: the TPM's response code as a negative errno (tpm.h), with a sentence. */
int sb_tpm_fail(struct sb_error *error, const char *what, TSS2_RC rc);
/* A format-1 code without the number of its session, handle or parameter: TPM2_RC_INTEGRITY. */
bool sb_tpm_rc_is(TSS2_RC rc, TSS2_RC format1);

/* primary.c: a key under a hierarchy with an empty password. *public is to be freed by Esys_Free; may be NULL. */
int sb_tpm_primary(struct sb_tpm *tpm, const TPM2B_PUBLIC *template, const char *what, struct sb_tpm_key *key,
		   TPM2B_PUBLIC **public, struct sb_error *error);
/* The public area as bytes, and the key's Name; false when one does not fit. */
bool sb_tpm_describe(struct sb_tpm *tpm, ESYS_TR key, const TPM2B_PUBLIC *public, uint8_t *area, size_t *area_length,
		     uint8_t *name, size_t *name_length);

/* nv.c */
/* Which handles of a range there are; at most room of them are told. */
int sb_tpm_list_handles(struct sb_tpm *tpm, uint32_t first, uint32_t last, uint32_t *handles, size_t room,
			size_t *count, struct sb_error *error);
bool sb_tpm_has_handle(const uint32_t *handles, size_t count, uint32_t wanted);
/* A whole NV index, in pieces of the TPM's size, by its own empty password or the owner's. */
int sb_tpm_read_nv(struct sb_tpm *tpm, uint32_t index, const char *what, uint8_t *out, size_t room, size_t *length,
		   struct sb_error *error);

/* ek.c: the endorsement key itself, with its description; to be closed. */
int sb_tpm_ek_open(struct sb_tpm *tpm, struct sb_ek *ek, struct sb_tpm_key *key, struct sb_error *error);
/* ak.c: the attestation key itself. */
int sb_tpm_ak_open(struct sb_tpm *tpm, struct sb_ak *ak, struct sb_tpm_key *key, struct sb_error *error);

#endif
