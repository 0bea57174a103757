// SPDX-License-Identifier: Apache-2.0
#include "tpm/tpm.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <tss2/tss2_tcti_device.h>

#include "common/cleanup.h"
#include "common/sha256.h"
#include "tpm/tpm_internal.h"

/* The TCTI reports every failure as an I/O error: opening the device ourselves tells which. */
static int probe(const char *node, struct sb_error *error)
{
	sb_cleanup_close int fd = open(node, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return sb_fail(error, -errno, "%s: %s", node, strerror(errno));
	return 0;
}

int sb_tpm_adopt(struct sb_tpm **tpm, TSS2_TCTI_CONTEXT *tcti, const char *name, struct sb_error *error)
{
	struct sb_tpm *opened = calloc(1, sizeof(*opened));
	TSS2_RC rc;

	if (!opened) {
		Tss2_Tcti_Finalize(tcti);
		free(tcti);
		return sb_fail(error, -ENOMEM, "out of memory");
	}
	opened->tcti = tcti;
	rc = Esys_Initialize(&opened->esys, tcti, NULL);
	if (rc != TSS2_RC_SUCCESS) {
		sb_tpm_close(opened);
		return sb_fail(error, -EIO, "%s does not answer as a TPM 2.0 (0x%x)", name, rc);
	}
	*tpm = opened;
	return 0;
}

int sb_tpm_open(struct sb_tpm **tpm, const char *node, struct sb_error *error)
{
	TSS2_TCTI_CONTEXT *tcti;
	size_t size = 0;
	TSS2_RC rc;
	int result = probe(node, error);

	if (result < 0)
		return result;
	rc = Tss2_Tcti_Device_Init(NULL, &size, node);
	if (rc != TSS2_RC_SUCCESS)
		return sb_fail(error, -EIO, "%s: no TCTI (0x%x)", node, rc);
	tcti = calloc(1, size);
	if (!tcti)
		return sb_fail(error, -ENOMEM, "out of memory");
	rc = Tss2_Tcti_Device_Init(tcti, &size, node);
	if (rc != TSS2_RC_SUCCESS) {
		free(tcti);
		return sb_fail(error, -EIO, "%s does not answer as a TPM 2.0 (0x%x)", node, rc);
	}
	return sb_tpm_adopt(tpm, tcti, node, error);
}

void sb_tpm_close(struct sb_tpm *tpm)
{
	if (!tpm)
		return;
	if (tpm->esys)
		Esys_Finalize(&tpm->esys);
	if (tpm->tcti) {
		Tss2_Tcti_Finalize(tpm->tcti);
		free(tpm->tcti);
	}
	free(tpm);
}

void sb_device_id(const uint8_t *name, size_t length, uint8_t device_id[32])
{
	struct sb_digest hash;

	sb_digest_init(&hash);
	sb_digest_update(&hash, SB_DEVICE_ID_TAG, sizeof(SB_DEVICE_ID_TAG));
	sb_digest_update(&hash, name, length);
	sb_digest_final(&hash, device_id);
}
