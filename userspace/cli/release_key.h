/* SPDX-License-Identifier: Apache-2.0 */
/* The release key with libcrypto. All return 0 or a negative errno with a sentence. */
#ifndef SB_RELEASE_KEY_H
#define SB_RELEASE_KEY_H

#include "common/approval.h"
#include "common/error.h"

/* Makes a P-256 key; writes both PEM files, neither of which may exist. The private one has mode 0600. */
int sb_release_key_make(const char *private_path, const char *public_path, struct sb_error *error);

/* Signs everything else in the approval with the private key of a PEM file; fills release_key and signature. */
int sb_release_sign(const char *private_path, struct sb_approval_file *approval, struct sb_error *error);

/* 0 when the approval's signature is by its own release_key, else -EBADMSG. */
int sb_release_verify(const struct sb_approval_file *approval);

/*
 * The same for any message: ECDSA with SHA-256 by a P-256 key in a PEM file.
 * Out: the key's point (x, y) and the signature (r, s; s in its lower form).
 */
int sb_key_sign(const char *private_path, const uint8_t *message, size_t length, uint8_t point[64],
		uint8_t signature[64], struct sb_error *error);

/* 0, or -EBADMSG when it is no signature of the message by this point. */
int sb_key_verify(const uint8_t point[64], const uint8_t *message, size_t length, const uint8_t signature[64]);

#endif
