// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as what is encrypted to a zone or to a device. The first byte chooses: 0, as they come: nobody who
 * lacks the key has made one. 1 and 2, as the padded text of one that somebody with the key has sealed: it comes back
 * as it went in. Nothing is out of bounds.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "owner/envelope.h"
#include "owner/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

static void same(uint8_t *text, size_t length, const uint8_t *data, size_t size)
{
	demand(length == size && (!size || memcmp(text, data, size) == 0));
	sb_private_release(text, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[32] = { 1 }, id[32] = { 2 }, seed[32] = { 3 };
	struct sb_about about = { SB_PURPOSE_ZONE, "plant", id, sizeof(id) };
	uint8_t box_key[32], box_secret[32], *sealed, *text;
	size_t length, sealed_length;

	if (size < 2)
		return 0;
	demand(sodium_init() >= 0);
	crypto_box_seed_keypair(box_key, box_secret, seed);
	about.purpose = data[1] % SB_PURPOSES;
	if (data[0] % 3 == 0) {
		demand(sb_envelope_open(key, &about, data + 2, size - 2, &text, &length) < 0);
		demand(sb_sealed_box_open(box_key, box_secret, data + 2, size - 2, &text, &length) < 0);
	} else if (data[0] % 3 == 1) {
		if (sb_envelope_seal(key, &about, data + 2, size - 2, &sealed, &sealed_length) < 0)
			return 0;
		demand(sb_envelope_open(key, &about, sealed, sealed_length, &text, &length) == 0);
		same(text, length, data + 2, size - 2);
		sealed[data[1] % sealed_length] ^= 1;
		demand(sb_envelope_open(key, &about, sealed, sealed_length, &text, &length) < 0);
		free(sealed);
	} else {
		if (sb_sealed_box_make(box_key, data + 2, size - 2, &sealed, &sealed_length) < 0)
			return 0;
		demand(sb_sealed_box_open(box_key, box_secret, sealed, sealed_length, &text, &length) == 0);
		same(text, length, data + 2, size - 2);
		free(sealed);
	}
	return 0;
}
