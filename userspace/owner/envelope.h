/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encryption of what the ledger keeps but may not read: under a zone's key, XChaCha20-Poly1305 (an AEAD with
 * random 24-byte nonces), with what it is and of whom as associated data; and to a device's box key, a sealed
 * box of libsodium (X25519, XSalsa20-Poly1305). Both are padded to steps, so that a length tells little.
 * sodium_init() must have been called.
 */
#ifndef SB_OWNER_ENVELOPE_H
#define SB_OWNER_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#define SB_ZONE_KEY_LEN		32
#define SB_ENVELOPE_EXTRA	(1 + 24 + 16)	/* version, nonce, authenticator */
#define SB_ZONE_SEALED_MAX	60000		/* bytes of Zone.sealed */
#define SB_PROFILE_SEALED_MAX	4096
#define SB_MEMBERSHIP_SEALED_MAX 4096

/* What is inside: the associated data's third part. A name, and the step that it is padded to. */
enum sb_purpose {
	SB_PURPOSE_ZONE,	/* of a zone's id, 16 bytes: steps of 4,096 bytes */
	SB_PURPOSE_PROFILE,	/* of a device's id: steps of 1,024 bytes */
	SB_PURPOSE_ENDPOINTS,	/* of a device's id, for sb_envelope_share() */
	SB_PURPOSES
};

struct sb_about {
	enum sb_purpose purpose;
	const char *chain;	/* at most 255 bytes */
	const uint8_t *id;	/* a zone's or a device's */
	size_t id_length;	/* at most 255 */
};

/*
 * sb_envelope_seal() - version 1 || nonce || ciphertext, of the text padded as ISO/IEC 7816-4 says. Out: *sealed,
 * to be freed by the caller. Returns 0, -EMSGSIZE where it would be longer than the ledger takes, -ENOMEM.
 */
int sb_envelope_seal(const uint8_t key[SB_ZONE_KEY_LEN], const struct sb_about *about, const uint8_t *text,
		     size_t length, uint8_t **sealed, size_t *sealed_length);

/*
 * sb_envelope_open() - 0, -EBADMSG for another key, another place, or what was changed, -ENOMEM. Out: *text, to
 * be freed by sb_private_release().
 */
int sb_envelope_open(const uint8_t key[SB_ZONE_KEY_LEN], const struct sb_about *about, const uint8_t *sealed,
		     size_t sealed_length, uint8_t **text, size_t *length);

#define SB_ENVELOPE_READERS	8
#define SB_ENVELOPE_SHARED_LEN	512	/* bytes, always */

/*
 * sb_envelope_share() - for whoever has one of up to eight zones' keys: version 1 || count || nonce || count keys ||
 * ciphertext. A key of 16 bytes is encrypted to each of them, and from it comes the text's; with the same nonce, as no
 * two of these keys are the same. Out: sealed. Returns 0, or -EMSGSIZE where the text has more than 469 - 32 * count bytes.
 * sb_envelope_open_shared() - with one of the keys; 0, -EBADMSG, -ENOMEM, and *text as of sb_envelope_open().
 */
int sb_envelope_share(const uint8_t *const keys[], size_t count, const struct sb_about *about, const uint8_t *text,
		      size_t length, uint8_t sealed[SB_ENVELOPE_SHARED_LEN]);
int sb_envelope_open_shared(const uint8_t key[SB_ZONE_KEY_LEN], const struct sb_about *about, const uint8_t *sealed,
			    size_t sealed_length, uint8_t **text, size_t *length);

/*
 * sb_sealed_box_make(), sb_sealed_box_open() - to a device's box key, padded to steps of 512 bytes. Anybody can
 * make one: who made it is told by the transaction that it came in. Results and memory as above.
 */
int sb_sealed_box_make(const uint8_t box_key[32], const uint8_t *text, size_t length, uint8_t **sealed,
		       size_t *sealed_length);
int sb_sealed_box_open(const uint8_t box_key[32], const uint8_t box_secret[32], const uint8_t *sealed,
		       size_t sealed_length, uint8_t **text, size_t *length);

#endif
