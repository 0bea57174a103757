// SPDX-License-Identifier: Apache-2.0
#include "owner/envelope.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "owner/private.h"

#define VERSION		1
#define NONCE		crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define MAC		crypto_aead_xchacha20poly1305_ietf_ABYTES
#define BOX_STEP	512
#define ABOUT_MAX	(32 + 1 + 255 + 1 + 255)

_Static_assert(SB_ENVELOPE_EXTRA == 1 + NONCE + MAC, "what an envelope adds");
_Static_assert(SB_ZONE_KEY_LEN == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "a zone's key");

static const struct {
	const char *name;
	size_t step, most;	/* of the padded text */
} purposes[SB_PURPOSES] = {
	[SB_PURPOSE_ZONE] = { "sealbond zone v1", 4096, SB_ZONE_SEALED_MAX - SB_ENVELOPE_EXTRA },
	[SB_PURPOSE_PROFILE] = { "sealbond profile v1", 1024, SB_PROFILE_SEALED_MAX - SB_ENVELOPE_EXTRA },
	[SB_PURPOSE_ENDPOINTS] = { "sealbond endpoints v2", 0, 0 },
};

/* Name with its NUL || chain's length || chain || id's length || id. */
static size_t associated(const struct sb_about *about, uint8_t out[ABOUT_MAX])
{
	const char *name = purposes[about->purpose].name;
	size_t chain = strlen(about->chain), at = strlen(name) + 1;

	if (chain > UINT8_MAX || about->id_length > UINT8_MAX)
		abort();
	memcpy(out, name, at);
	out[at++] = (uint8_t)chain;
	memcpy(out + at, about->chain, chain);
	at += chain;
	out[at++] = (uint8_t)about->id_length;
	memcpy(out + at, about->id, about->id_length);
	return at + about->id_length;
}

/* The text with 0x80 and zeros behind it: to whole steps, and never beyond `most`, which may cut the last one. */
static int pad(const uint8_t *text, size_t length, size_t step, size_t most, uint8_t **padded, size_t *size)
{
	size_t whole;

	if (length >= most)
		return -EMSGSIZE;
	whole = (length / step + 1) * step;
	if (whole > most)
		whole = most;
	*padded = calloc(1, whole);
	if (!*padded)
		return -ENOMEM;
	if (length)
		memcpy(*padded, text, length);
	(*padded)[length] = 0x80;
	*size = whole;
	return 0;
}

/* How long the text is in its padding; -EBADMSG where it is none. */
static int unpad(const uint8_t *padded, size_t size, size_t *length)
{
	while (size && padded[size - 1] == 0)
		size--;
	if (size == 0 || padded[size - 1] != 0x80)
		return -EBADMSG;
	*length = size - 1;
	return 0;
}

int sb_envelope_seal(const uint8_t key[SB_ZONE_KEY_LEN], const struct sb_about *about, const uint8_t *text,
		     size_t length, uint8_t **sealed, size_t *sealed_length)
{
	uint8_t extra[ABOUT_MAX], *padded, *out;
	size_t size, extra_length = associated(about, extra);
	int result = pad(text, length, purposes[about->purpose].step, purposes[about->purpose].most, &padded, &size);

	if (result < 0)	/* also of a purpose that is shared, which has no room here */
		return result;
	out = malloc(SB_ENVELOPE_EXTRA + size);
	if (out) {
		out[0] = VERSION;
		randombytes_buf(out + 1, NONCE);
		crypto_aead_xchacha20poly1305_ietf_encrypt(out + 1 + NONCE, NULL, padded, size, extra, extra_length,
							   NULL, out + 1, key);
		*sealed = out;
		*sealed_length = SB_ENVELOPE_EXTRA + size;
	}
	sb_private_release(padded, size);
	return out ? 0 : -ENOMEM;
}

int sb_envelope_open(const uint8_t key[SB_ZONE_KEY_LEN], const struct sb_about *about, const uint8_t *sealed,
		     size_t sealed_length, uint8_t **text, size_t *length)
{
	uint8_t extra[ABOUT_MAX], *out;
	size_t extra_length = associated(about, extra), size;

	if (sealed_length <= SB_ENVELOPE_EXTRA || sealed_length > purposes[about->purpose].most + SB_ENVELOPE_EXTRA ||
	    sealed[0] != VERSION)
		return -EBADMSG;
	size = sealed_length - SB_ENVELOPE_EXTRA;
	out = malloc(size);
	if (!out)
		return -ENOMEM;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed + 1 + NONCE, size + MAC, extra,
						       extra_length, sealed + 1, key) != 0 ||
	    unpad(out, size, length) < 0) {
		sb_private_release(out, size);
		return -EBADMSG;
	}
	*text = out;
	return 0;
}

#define SHARED_HEAD	(1 + 1 + NONCE)
#define SHARED_KEY	16	/* it is the key of one text */
#define SHARED_SLOT	(SHARED_KEY + MAC)

static size_t shared_room(size_t count)
{
	return SB_ENVELOPE_SHARED_LEN - SHARED_HEAD - count * SHARED_SLOT - MAC;
}

/* The text's key; the name of the purpose is among what is hashed. */
static void shared_key(const uint8_t from[SHARED_KEY], const uint8_t *extra, size_t extra_length,
		       uint8_t key[SB_ZONE_KEY_LEN])
{
	crypto_generichash(key, SB_ZONE_KEY_LEN, extra, extra_length, from, SHARED_KEY);
}

int sb_envelope_share(const uint8_t *const keys[], size_t count, const struct sb_about *about, const uint8_t *text,
		      size_t length, uint8_t sealed[SB_ENVELOPE_SHARED_LEN])
{
	uint8_t extra[ABOUT_MAX], once[SHARED_KEY], key[SB_ZONE_KEY_LEN], *padded, *slot = sealed + SHARED_HEAD;
	size_t extra_length = associated(about, extra), size;
	int result;

	if (!count || count > SB_ENVELOPE_READERS)
		return -EINVAL;
	result = pad(text, length, shared_room(count), shared_room(count), &padded, &size);
	if (result < 0)
		return result;
	sealed[0] = VERSION;
	sealed[1] = (uint8_t)count;
	randombytes_buf(sealed + 2, NONCE);
	randombytes_buf(once, sizeof(once));
	for (size_t i = 0; i < count; i++, slot += SHARED_SLOT)
		crypto_aead_xchacha20poly1305_ietf_encrypt(slot, NULL, once, sizeof(once), extra, extra_length, NULL,
							   sealed + 2, keys[i]);
	shared_key(once, extra, extra_length, key);
	crypto_aead_xchacha20poly1305_ietf_encrypt(slot, NULL, padded, size, extra, extra_length, NULL, sealed + 2, key);
	sodium_memzero(once, sizeof(once));
	sodium_memzero(key, sizeof(key));
	sb_private_release(padded, size);
	return 0;
}

int sb_envelope_open_shared(const uint8_t key[SB_ZONE_KEY_LEN], const struct sb_about *about, const uint8_t *sealed,
			    size_t sealed_length, uint8_t **text, size_t *length)
{
	uint8_t extra[ABOUT_MAX], once[SHARED_KEY], own[SB_ZONE_KEY_LEN], *out;
	size_t extra_length = associated(about, extra), count, size, i = 0;
	const uint8_t *slots = sealed + SHARED_HEAD;
	int rc;

	if (sealed_length != SB_ENVELOPE_SHARED_LEN || sealed[0] != VERSION || !sealed[1] || sealed[1] > SB_ENVELOPE_READERS)
		return -EBADMSG;
	count = sealed[1];
	size = shared_room(count);
	while (i < count && crypto_aead_xchacha20poly1305_ietf_decrypt(once, NULL, NULL, slots + i * SHARED_SLOT, SHARED_SLOT,
								       extra, extra_length, sealed + 2, key) != 0)
		i++;
	if (i == count)
		return -EBADMSG;
	out = malloc(size);
	if (!out)
		return -ENOMEM;
	shared_key(once, extra, extra_length, own);
	rc = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, slots + count * SHARED_SLOT, size + MAC, extra,
							extra_length, sealed + 2, own);
	sodium_memzero(once, sizeof(once));
	sodium_memzero(own, sizeof(own));
	if (rc != 0 || unpad(out, size, length) < 0) {
		sb_private_release(out, size);
		return -EBADMSG;
	}
	*text = out;
	return 0;
}

int sb_sealed_box_make(const uint8_t box_key[32], const uint8_t *text, size_t length, uint8_t **sealed,
		       size_t *sealed_length)
{
	uint8_t *padded, *out;
	size_t size;
	int result = pad(text, length, BOX_STEP, SB_MEMBERSHIP_SEALED_MAX - crypto_box_SEALBYTES, &padded, &size);

	if (result < 0)
		return result;
	out = malloc(size + crypto_box_SEALBYTES);
	result = out ? 0 : -ENOMEM;
	/* Fails for a box key of small order only. */
	if (out && crypto_box_seal(out, padded, size, box_key) != 0)
		result = -EINVAL;
	sb_private_release(padded, size);
	if (result < 0) {
		free(out);
		return result;
	}
	*sealed = out;
	*sealed_length = size + crypto_box_SEALBYTES;
	return 0;
}

int sb_sealed_box_open(const uint8_t box_key[32], const uint8_t box_secret[32], const uint8_t *sealed,
		       size_t sealed_length, uint8_t **text, size_t *length)
{
	uint8_t *out;
	size_t size;

	if (sealed_length <= crypto_box_SEALBYTES || sealed_length > SB_MEMBERSHIP_SEALED_MAX)
		return -EBADMSG;
	size = sealed_length - crypto_box_SEALBYTES;
	out = malloc(size);
	if (!out)
		return -ENOMEM;
	if (crypto_box_seal_open(out, sealed, sealed_length, box_key, box_secret) != 0 ||
	    unpad(out, size, length) < 0) {
		sb_private_release(out, size);
		return -EBADMSG;
	}
	*text = out;
	return 0;
}
