// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>
#include <tss2/tss2_mu.h>

#include "common/cleanup.h"
#include "common/sha256.h"
#include "tpm/tpm_internal.h"

#define TRIES	5	/* of reading, and of quoting, while PCRs change */
#define ALL	(0xffffffffU >> (32 - SB_TPM_PCRS))

static void select_pcrs(uint32_t pcrs, TPML_PCR_SELECTION *selection)
{
	TPMS_PCR_SELECTION *one = &selection->pcrSelections[0];

	memset(selection, 0, sizeof(*selection));
	selection->count = 1;
	one->hash = TPM2_ALG_SHA256;
	one->sizeofSelect = SB_TPM_PCRS / 8;
	for (int i = 0; i < SB_TPM_PCRS / 8; i++)
		one->pcrSelect[i] = (BYTE)(pcrs >> 8 * i);
}

static uint32_t mask_of(const TPML_PCR_SELECTION *selection)
{
	uint32_t mask = 0;

	for (uint32_t i = 0; i < selection->count && i < TPM2_NUM_PCR_BANKS; i++)
		for (int j = 0; j < selection->pcrSelections[i].sizeofSelect && j < 4; j++)
			if (selection->pcrSelections[i].hash == TPM2_ALG_SHA256)
				mask |= (uint32_t)selection->pcrSelections[i].pcrSelect[j] << 8 * j;
	return mask;
}

/* What one command has given; *left are the PCRs that are still missing. */
static int take_values(const TPML_PCR_SELECTION *selection, const TPML_DIGEST *digests, uint32_t *left,
		       uint8_t values[SB_TPM_PCRS][32])
{
	uint32_t got = mask_of(selection), place = 0;

	if (!got || got & ~*left)
		return -ENODATA;
	for (int pcr = 0; pcr < SB_TPM_PCRS; pcr++) {
		if (!(got & 1U << pcr))
			continue;
		if (place >= digests->count || digests->digests[place].size != 32)
			return -ENODATA;
		memcpy(values[pcr], digests->digests[place++].buffer, 32);
	}
	*left &= ~got;
	return 0;
}

/* Once through all of them, eight at a time; -EAGAIN when one was extended meanwhile. */
static int read_once(struct sb_tpm *tpm, uint32_t pcrs, uint8_t values[SB_TPM_PCRS][32], struct sb_error *error)
{
	uint32_t left = pcrs, first = 0;
	int result = 0;

	while (left && result == 0) {
		TPML_PCR_SELECTION wanted, *got = NULL;
		TPML_DIGEST *digests = NULL;
		uint32_t counter;
		TSS2_RC rc;

		select_pcrs(left, &wanted);
		rc = Esys_PCR_Read(tpm->esys, NO_SESSION, &wanted, &counter, &got, &digests);
		if (rc != TSS2_RC_SUCCESS)
			return sb_tpm_fail(error, "reading PCRs", rc);
		if (left == pcrs)
			first = counter;
		result = counter != first ? -EAGAIN : take_values(got, digests, &left, values);
		Esys_Free(got);
		Esys_Free(digests);
	}
	if (result == -ENODATA)
		sb_fail(error, result, "the TPM keeps no SHA-256 values of these PCRs: turn that bank on in the firmware");
	return result;
}

int sb_tpm_pcrs(struct sb_tpm *tpm, uint32_t pcrs, uint8_t values[SB_TPM_PCRS][32], struct sb_error *error)
{
	uint8_t read[SB_TPM_PCRS][32] = { 0 };
	int result = -EAGAIN;

	if (!pcrs || pcrs & ~ALL)
		return sb_fail(error, -EINVAL, "no mask of PCRs: 0x%x", pcrs);
	for (int i = 0; i < TRIES && result == -EAGAIN; i++)
		result = read_once(tpm, pcrs, read, error);
	if (result == -EAGAIN)
		return sb_fail(error, result, "PCRs changed each time that they were read");
	if (result == 0)
		memcpy(values, read, sizeof(read));
	return result;
}

static void digest_of(const uint8_t values[SB_TPM_PCRS][32], uint32_t pcrs, uint8_t digest[32])
{
	struct sb_digest hash;

	sb_digest_init(&hash);
	for (int pcr = 0; pcr < SB_TPM_PCRS; pcr++)
		if (pcrs & 1U << pcr)
			sb_digest_update(&hash, values[pcr], 32);
	sb_digest_final(&hash, digest);
}

/* Is the quote over these values? -EAGAIN where it is over others: they changed in between. */
static int compare(const TPM2B_ATTEST *attest, uint32_t pcrs, const uint8_t values[SB_TPM_PCRS][32],
		   struct sb_error *error)
{
	TPMS_ATTEST said;
	uint8_t digest[32];
	size_t offset = 0;

	if (Tss2_MU_TPMS_ATTEST_Unmarshal(attest->attestationData, attest->size, &offset, &said) != TSS2_RC_SUCCESS ||
	    said.type != TPM2_ST_ATTEST_QUOTE)
		return sb_fail(error, -EIO, "the TPM's quote cannot be read");
	if (mask_of(&said.attested.quote.pcrSelect) != pcrs)
		return sb_fail(error, -ENODATA, "the TPM quotes other PCRs than were asked for");
	digest_of(values, pcrs, digest);
	if (said.attested.quote.pcrDigest.size != 32 ||
	    memcmp(said.attested.quote.pcrDigest.buffer, digest, 32) != 0)
		return -EAGAIN;
	return 0;
}

static int quote_once(struct sb_tpm *tpm, ESYS_TR ak, const uint8_t extra[32], uint32_t pcrs,
		      struct sb_tpm_quote *quote, struct sb_error *error)
{
	const TPMT_SIG_SCHEME own = { .scheme = TPM2_ALG_NULL };
	TPM2B_DATA data = { .size = 32 };
	TPML_PCR_SELECTION selection;
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signature = NULL;
	TSS2_RC rc;
	int result = sb_tpm_pcrs(tpm, pcrs, quote->values, error);

	if (result < 0)
		return result;
	memcpy(data.buffer, extra, 32);
	select_pcrs(pcrs, &selection);
	rc = Esys_Quote(tpm->esys, ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &data, &own, &selection, &attest,
			&signature);
	if (rc != TSS2_RC_SUCCESS)
		return sb_tpm_fail(error, "quoting", rc);
	result = compare(attest, pcrs, quote->values, error);
	quote->signature_length = 0;
	if (result == 0 && (attest->size > sizeof(quote->attest) ||
			    Tss2_MU_TPMT_SIGNATURE_Marshal(signature, quote->signature, sizeof(quote->signature),
							   &quote->signature_length) != TSS2_RC_SUCCESS))
		result = sb_fail(error, -EIO, "the TPM's quote is longer than one of its kind can be");
	if (result == 0) {
		memcpy(quote->attest, attest->attestationData, attest->size);
		quote->attest_length = attest->size;
	}
	Esys_Free(attest);
	Esys_Free(signature);
	return result;
}

int sb_tpm_take_quote(struct sb_tpm *tpm, const uint8_t extra[32], uint32_t pcrs, struct sb_tpm_quote *quote,
		      struct sb_error *error)
{
	struct sb_tpm_quote taken = { 0 };
	struct sb_tpm_key key;
	struct sb_ak ak;
	int result;

	if (!pcrs || pcrs & ~ALL)
		return sb_fail(error, -EINVAL, "no mask of PCRs: 0x%x", pcrs);
	result = sb_tpm_ak_open(tpm, &ak, &key, error);
	if (result < 0)
		return result;
	result = -EAGAIN;
	for (int i = 0; i < TRIES && result == -EAGAIN; i++)
		result = quote_once(tpm, key.handle, extra, pcrs, &taken, error);
	sb_tpm_key_close(tpm, &key);
	if (result == -EAGAIN)
		return sb_fail(error, result, "PCRs changed during each of %d quotes", TRIES);
	if (result == 0)
		*quote = taken;
	return result;
}

int sb_tpm_read_clock(struct sb_tpm *tpm, struct sb_tpm_time *time, struct sb_error *error)
{
	TPMS_TIME_INFO *info = NULL;
	TSS2_RC rc = Esys_ReadClock(tpm->esys, NO_SESSION, &info);

	if (rc != TSS2_RC_SUCCESS)
		return sb_tpm_fail(error, "reading the TPM's clock", rc);
	*time = (struct sb_tpm_time){
		.time = info->time, .clock = info->clockInfo.clock, .reset_count = info->clockInfo.resetCount,
		.restart_count = info->clockInfo.restartCount, .safe = info->clockInfo.safe,
	};
	Esys_Free(info);
	return 0;
}
