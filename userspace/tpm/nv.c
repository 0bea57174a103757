// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "tpm/tpm_internal.h"

#define PIECE	512	/* every TPM reads so much of NV at once (PC Client profile, TPM_PT_NV_BUFFER_MAX) */

int sb_tpm_list_handles(struct sb_tpm *tpm, uint32_t first, uint32_t last, uint32_t *handles, size_t room,
			size_t *count, struct sb_error *error)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc = Esys_GetCapability(tpm->esys, NO_SESSION, TPM2_CAP_HANDLES, first,
					TPM2_MAX_CAP_HANDLES, &more, &data);

	if (rc != TSS2_RC_SUCCESS)
		return sb_tpm_fail(error, "listing the TPM's handles", rc);
	*count = 0;
	for (uint32_t i = 0; i < data->data.handles.count && *count < room; i++)
		if (data->data.handles.handle[i] >= first && data->data.handles.handle[i] <= last)
			handles[(*count)++] = data->data.handles.handle[i];
	Esys_Free(data);
	return 0;
}

bool sb_tpm_has_handle(const uint32_t *handles, size_t count, uint32_t wanted)
{
	for (size_t i = 0; i < count; i++)
		if (handles[i] == wanted)
			return true;
	return false;
}

static TSS2_RC read_pieces(struct sb_tpm *tpm, ESYS_TR index, ESYS_TR authority, uint8_t *out, size_t length)
{
	for (size_t at = 0; at < length;) {
		uint16_t size = (uint16_t)(length - at < PIECE ? length - at : PIECE);
		TPM2B_MAX_NV_BUFFER *data = NULL;
		TSS2_RC rc = Esys_NV_Read(tpm->esys, authority, index, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
					  size, (uint16_t)at, &data);

		if (rc == TSS2_RC_SUCCESS && data->size != size)
			rc = TSS2_ESYS_RC_BAD_SIZE;
		if (rc == TSS2_RC_SUCCESS)
			memcpy(out + at, data->buffer, size);
		Esys_Free(data);
		if (rc != TSS2_RC_SUCCESS)
			return rc;
		at += size;
	}
	return TSS2_RC_SUCCESS;
}

int sb_tpm_read_nv(struct sb_tpm *tpm, uint32_t index, const char *what, uint8_t *out, size_t room, size_t *length,
		   struct sb_error *error)
{
	TPM2B_NV_PUBLIC *public = NULL;
	ESYS_TR handle = ESYS_TR_NONE, authority;
	TSS2_RC rc = Esys_TR_FromTPMPublic(tpm->esys, index, NO_SESSION, &handle);

	if (rc == TSS2_RC_SUCCESS)
		rc = Esys_NV_ReadPublic(tpm->esys, handle, NO_SESSION, &public, NULL);
	if (rc == TSS2_RC_SUCCESS && public->nvPublic.dataSize > room)
		rc = TSS2_ESYS_RC_BAD_SIZE;
	if (rc == TSS2_RC_SUCCESS) {
		TPMA_NV attributes = public->nvPublic.attributes;

		authority = !(attributes & TPMA_NV_AUTHREAD) && (attributes & TPMA_NV_OWNERREAD) ?
			    ESYS_TR_RH_OWNER : handle;
		rc = read_pieces(tpm, handle, authority, out, public->nvPublic.dataSize);
	}
	if (rc == TSS2_RC_SUCCESS)
		*length = public->nvPublic.dataSize;
	Esys_Free(public);
	if (handle != ESYS_TR_NONE)
		Esys_TR_Close(tpm->esys, &handle);
	return rc == TSS2_RC_SUCCESS ? 0 : sb_tpm_fail(error, what, rc);
}
