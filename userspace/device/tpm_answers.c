// SPDX-License-Identifier: Apache-2.0
#include "device/tpm_answers.h"

#include <stdio.h>
#include <string.h>

#include "common/frame.h"

_Static_assert(SB_IDENTITY_CERTIFICATES == SB_TPM_CERTIFICATES_MAX &&
	       SB_IDENTITY_CERTIFICATE_BYTES == SB_TPM_CERTIFICATES_ROOM &&
	       sizeof(((struct sb_quote_answer *)0)->attest) == SB_TPM_ATTEST_MAX &&
	       sizeof(((struct sb_quote_answer *)0)->signature) == SB_TPM_SIGNED_MAX &&
	       sizeof(((struct sb_activate_answer *)0)->secret) == SB_TPM_SECRET_MAX &&
	       sizeof(((struct sb_identity_answer *)0)->ek_public) == SB_TPM_AREA_MAX &&
	       sizeof(((struct sb_iak_answer *)0)->public) == SB_TPM_AREA_MAX &&
	       sizeof(((struct sb_iak_answer *)0)->info) == SB_TPM_ATTEST_MAX &&
	       sizeof(((struct sb_iak_answer *)0)->signature) == SB_TPM_WORD_SIGNED_MAX,
	       "messages have room for what the library gives");
_Static_assert(sizeof(struct sb_identity_answer) <= SB_FRAME_MAX && sizeof(struct sb_iak_answer) <= SB_FRAME_MAX,
	       "the longest answers are frames");

void sb_answer_failure(struct sb_tpm_failure *failure, int result, const struct sb_error *error)
{
	failure->error = result;
	if (result == 0)
		return;
	failure->state = sb_tpm_state(result);
	snprintf(failure->text, sizeof(failure->text), "%.255s", error->text);
}

static void put_certificates(struct sb_certificates_answer *answer, const struct sb_tpm_certificates *certificates)
{
	answer->count = (uint16_t)certificates->count;
	answer->used = (uint16_t)certificates->used;
	memcpy(answer->length, certificates->length, sizeof(answer->length));
	memcpy(answer->data, certificates->data, certificates->used);
}

int sb_answer_identity(struct sb_tpm *tpm, struct sb_identity_answer *answer, struct sb_error *error)
{
	struct sb_tpm_certificates certificates = { 0 };
	struct sb_ek ek;
	struct sb_ak ak;
	int result = sb_tpm_ek(tpm, &ek, error);

	if (result == 0)
		result = sb_tpm_ak(tpm, &ak, error);
	if (result == 0)
		result = sb_tpm_ek_certificates(tpm, &ek, &certificates, error);
	if (result)
		return result;
	sb_device_id(ek.name, ek.name_length, answer->device_id);
	answer->ek_profile = ek.profile;
	answer->ek_length = (uint16_t)ek.area_length;
	memcpy(answer->ek_public, ek.area, ek.area_length);
	answer->ak_length = (uint16_t)ak.area_length;
	memcpy(answer->ak_public, ak.area, ak.area_length);
	memcpy(answer->ak_name, ak.name, sizeof(ak.name));
	put_certificates(&answer->certificates, &certificates);
	return 0;
}

int sb_answer_iak(struct sb_tpm *tpm, struct sb_iak_answer *answer, struct sb_error *error)
{
	struct sb_iak iak;
	int result = sb_tpm_iak(tpm, &iak, error);

	if (result)
		return result;
	answer->public_length = (uint16_t)iak.area_length;
	memcpy(answer->public, iak.area, iak.area_length);
	answer->info_length = (uint16_t)iak.info_length;
	memcpy(answer->info, iak.info, iak.info_length);
	answer->signature_length = (uint16_t)iak.signature_length;
	memcpy(answer->signature, iak.signature, iak.signature_length);
	put_certificates(&answer->certificates, &iak.certificates);
	return 0;
}
