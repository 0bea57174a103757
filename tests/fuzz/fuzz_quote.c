// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as a key, a quote and its signature; the first byte chooses. Nothing that was read
 * is out of bounds, and nothing passes that no key has signed.
 */
#include <stdlib.h>
#include <string.h>

#include "state/quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_area(const uint8_t *data, size_t size)
{
	uint8_t name[SB_TPM_NAME_MAX];
	struct sb_tpm_public public;

	if (sb_tpm_public_parse(data, size, &public) < 0)
		return;
	if (sb_tpm_name(&public, name) > sizeof(name) || public.whole.length != size)
		abort();
	(void)sb_ak_check(&public);
}

/* length of the quote, length of the signature, both, and then the key's area. */
static void check_quote(const uint8_t *data, size_t size)
{
	size_t quote_length, signature_length;
	static uint8_t values[SB_QUOTE_PCRS][32];
	struct sb_quote_policy policy = { .hierarchy = SB_TPM_RH_ENDORSEMENT_HANDLE, .values = (const uint8_t (*)[32])values };
	struct sb_tpm_signature signature;
	struct sb_tpm_public ak;
	struct sb_quote quote;

	if (size < 4)
		return;
	quote_length = (size_t)data[0] << 8 | data[1];
	signature_length = (size_t)data[2] << 8 | data[3];
	data += 4;
	size -= 4;
	if (quote_length + signature_length > size)
		return;
	if (sb_quote_parse(data, quote_length, &quote) != SB_QUOTE_OK ||
	    sb_tpm_signature_parse(data + quote_length, signature_length, &signature) < 0 ||
	    sb_tpm_public_parse(data + quote_length + signature_length, size - quote_length - signature_length, &ak) < 0)
		return;
	policy.ak = &ak;
	policy.pcrs = quote.pcrs;
	if (quote.extra.length == SB_QUOTE_EXTRA_LEN)
		memcpy(policy.extra, quote.extra.data, SB_QUOTE_EXTRA_LEN);
	(void)sb_quote_check(&quote, &signature, &policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (!size)
		return 0;
	/* Of just that length on the heap, so that a byte too far is seen. */
	copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		check_area(copy, size - 1);
	else
		check_quote(copy, size - 1);
	free(copy);
	return 0;
}
