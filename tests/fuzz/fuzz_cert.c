// SPDX-License-Identifier: Apache-2.0
/* Arbitrary bytes as a certificate. What is read lies within them, and no root has signed it. */
#include <stdlib.h>
#include <string.h>

#include "state/cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct sb_span span, const uint8_t *data, size_t size)
{
	if (span.length && (span.data < data || span.data + span.length > data + size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of just that length on the heap, so that a byte too far is seen. */
	uint8_t *copy = malloc(size ? size : 1);
	struct sb_span chain[2];
	struct sb_tpm_public ek;
	struct sb_cert cert;
	size_t root;

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	if (sb_cert_parse(copy, size, &cert) == 0) {
		inside(cert.signed_part, copy, size);
		inside(cert.issuer, copy, size);
		inside(cert.subject, copy, size);
		inside(cert.signature, copy, size);
		inside(cert.key.modulus, copy, size);
		inside(cert.key.x, copy, size);
		ek = (struct sb_tpm_public){ .type = cert.key.type, .modulus = cert.key.modulus, .exponent = cert.key.exponent,
					     .curve = cert.key.curve, .x = cert.key.x, .y = cert.key.y };
		chain[0] = chain[1] = (struct sb_span){ copy, size };
		/* It may have signed itself; then it is a root, and no endorsement key's. */
		if (sb_chain_check(&ek, chain, 2, chain, 1, cert.not_before, &root) == SB_CHAIN_OK)
			abort();
	}
	free(copy);
	return 0;
}
