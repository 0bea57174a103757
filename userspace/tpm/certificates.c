// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "tpm/tpm_internal.h"

#define CHAIN_FIRST	0x01c00100
#define CHAIN_LAST	0x01c001ff
#define INDEX_MAX	4096	/* bytes of one index; real ones have up to 2,000 */

/* The whole length of a DER SEQUENCE at the beginning; 0 when there is none. */
static size_t sequence_length(const uint8_t *data, size_t length)
{
	size_t head, body;

	if (length < 2 || data[0] != 0x30)
		return 0;
	if (data[1] < 0x80) {
		head = 2;
		body = data[1];
	} else if (data[1] == 0x81 && length >= 3) {
		head = 3;
		body = data[2];
	} else if (data[1] == 0x82 && length >= 4) {
		head = 4;
		body = (size_t)data[2] << 8 | data[3];
	} else {
		return 0;
	}
	return body > 0 && body <= length - head ? head + body : 0;
}

int sb_nv_certificates(const uint8_t *data, size_t length, struct sb_tpm_certificates *certificates)
{
	static const uint8_t stored[] = { 0x10, 0x01, 0x00 }, full[] = { 0x10, 0x02 };
	size_t at = 0, one;

	/* TCG PC Client 1.2, TCG_PCCLIENT_STORED_CERT and TCG_FULL_CERT */
	if (length > 7 && memcmp(data, stored, sizeof(stored)) == 0)
		at = memcmp(data + 5, full, sizeof(full)) == 0 ? 7 : 5;
	while ((one = sequence_length(data + at, length - at)) > 0) {
		if (certificates->count == SB_TPM_CERTIFICATES_MAX ||
		    one > sizeof(certificates->data) - certificates->used)
			return -EMSGSIZE;
		memcpy(certificates->data + certificates->used, data + at, one);
		certificates->length[certificates->count++] = (uint16_t)one;
		certificates->used += one;
		at += one;
	}
	return 0;
}

/* The issuers' certificates may be spread over indices so that one begins in the middle of a certificate. */
static int add_chain(struct sb_tpm *tpm, struct sb_tpm_certificates *certificates, struct sb_error *error)
{
	sb_cleanup_free uint8_t *all = malloc(SB_TPM_CERTIFICATES_ROOM);
	uint32_t handles[16];
	size_t count, used = 0, length;
	int result = sb_tpm_list_handles(tpm, CHAIN_FIRST, CHAIN_LAST, handles, SB_ARRAY_SIZE(handles), &count, error);

	if (!all)
		return sb_fail(error, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count && result == 0; i++) {
		/* One that cannot be read, or no longer fits: who checks may have the issuer already. */
		if (sb_tpm_read_nv(tpm, handles[i], "reading an issuer's certificate", all + used,
				   SB_TPM_CERTIFICATES_ROOM - used, &length, NULL) < 0)
			break;
		used += length;
	}
	if (result == 0)
		(void)sb_nv_certificates(all, used, certificates);
	return result;
}

int sb_tpm_ek_certificates(struct sb_tpm *tpm, const struct sb_ek *ek, struct sb_tpm_certificates *certificates,
			   struct sb_error *error)
{
	sb_cleanup_free uint8_t *data = malloc(INDEX_MAX);
	size_t length;
	int result;

	if (!data)
		return sb_fail(error, -ENOMEM, "out of memory");
	memset(certificates, 0, sizeof(*certificates));
	if (!ek->certificate)
		return 0;
	result = sb_tpm_read_nv(tpm, ek->certificate, "reading the EK's certificate", data, INDEX_MAX, &length, error);
	if (result < 0)
		return result;
	(void)sb_nv_certificates(data, length, certificates);
	/* Without its own, the issuers' say nothing. */
	return certificates->count ? add_chain(tpm, certificates, error) : 0;
}
