/* SPDX-License-Identifier: Apache-2.0 */
/* Grants (sealbond/grant.h): the bytes that are signed, and the file. */
#ifndef SB_GRANT_FILE_H
#define SB_GRANT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sealbond/grant.h"

struct sb_grant_file {
	struct sb_grant_body body;	/* in its own byte order */
	size_t count;
	struct sb_grant_signature signature[SB_GRANT_KEYS_MAX];	/* ascending by key id */
};

#define SB_GRANT_MESSAGE_LEN	(sizeof(SB_GRANT_TAG) + sizeof(struct sb_grant_body))

/* Magic, version and nothing else; no signature. */
void sb_grant_file_init(struct sb_grant_file *grant);

/* What is signed with ECDSA and SHA-256: the tag with its NUL, and the body. */
void sb_grant_file_message(const struct sb_grant_file *grant, uint8_t message[SB_GRANT_MESSAGE_LEN]);

/* Writes the file; returns its length, at most SB_GRANT_MAX. */
size_t sb_grant_file_encode(const struct sb_grant_file *grant, uint8_t out[SB_GRANT_MAX]);

/* Reads a file of exactly length bytes; 0 or -EBADMSG. The signatures are not checked. */
int sb_grant_file_decode(const uint8_t *data, size_t length, struct sb_grant_file *grant);

/* The first bytes of SHA-256(x || y). */
void sb_grant_key_id(const uint8_t point[SB_GRANT_POINT_LEN], uint8_t id[SB_GRANT_KEY_ID_LEN]);

/* Adds a signature in its place: 0, -EEXIST (this key has signed) or -E2BIG. */
int sb_grant_file_add(struct sb_grant_file *grant, const uint8_t id[SB_GRANT_KEY_ID_LEN],
		      const uint8_t signature[64]);

uint64_t sb_grant_file_duration(const struct sb_grant_file *grant);	/* ms, with the hold */
uint64_t sb_grant_file_hold(const struct sb_grant_file *grant);		/* of it, at its end */
bool sb_grant_file_static(const struct sb_grant_file *grant);		/* answers no request */

#endif
