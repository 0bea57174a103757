/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key files of people. Text, one form only (what is read is written again and compared):
 *
 *	sealbond key v1
 *	kind owner
 *	name plant north
 *	public 64 hex digits
 *	secret 64 hex digits				of a zone: 224, with its id and keys
 *	checksum 16 hex digits
 *
 * or, with a passphrase, instead of `secret`:
 *
 *	argon2id OPERATIONS KIBIBYTES SALT
 *	sealed NONCE+CIPHERTEXT
 *
 * where the key of XChaCha20-Poly1305 is Argon2id's of the passphrase, and all lines before `sealed` are its
 * associated data. The checksum is the first 8 bytes of SHA-256 over everything before its line: it finds what
 * was mistyped or cut off. A file that others than its owner may read or write is refused.
 */
#ifndef SB_OWNER_KEY_FILE_H
#define SB_OWNER_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "owner/authority.h"
#include "owner/envelope.h"
#include "owner/key.h"

enum sb_key_kind { SB_KEY_MEMBER, SB_KEY_OWNER, SB_KEY_ENROLLER, SB_KEY_ZONE, SB_KEY_KINDS };

#define SB_KEY_NAME_MAX		64	/* bytes, NUL included */
#define SB_PASSPHRASE_MAX	512

/* Secrets inside: sb_key_file_wipe() when done; NULL-safe, and fine for zeros. */
struct sb_key_file {
	enum sb_key_kind kind;
	char name[SB_KEY_NAME_MAX];		/* printable, no line ends; may be empty */
	uint8_t key[SB_PERSON_KEY_LEN];		/* public */
	uint8_t secret[SB_PERSON_SECRET_LEN];	/* signs */
	/* of a zone or a conduit */
	uint8_t zone[16];
	uint8_t authority[32];			/* secret scalar (owner/authority.h) */
	uint8_t zone_key[SB_ZONE_KEY_LEN];
};

const char *sb_key_kind_name(enum sb_key_kind kind);

/* A new one, from random bytes. 0, -EINVAL for the name, -EIO. */
int sb_key_file_new(struct sb_key_file *file, enum sb_key_kind kind, const char *name);
void sb_key_file_wipe(struct sb_key_file *file);

/*
 * Asks for the file's passphrase: its bytes into room, their number returned, or a negative errno. It is called
 * only where there is one.
 */
struct sb_passphrase {
	int (*ask)(void *context, const char *path, char room[SB_PASSPHRASE_MAX]);
	void *context;
};

/*
 * sb_key_file_read() - 0 or a negative errno with a sentence: -EACCES for a file that others may read, -EBADMSG
 * for one that is damaged, -EKEYREJECTED for the wrong passphrase.
 */
int sb_key_file_read(const char *path, const struct sb_passphrase *passphrase, struct sb_key_file *file,
		     struct sb_error *error);

/* sb_key_file_public() - kind, name and public key only, for which no passphrase is needed. */
int sb_key_file_public(const char *path, struct sb_key_file *file, struct sb_error *error);

/*
 * sb_key_file_write() - with mode 0600; replaces what is there where @replace, else -EEXIST. @passphrase NULL or
 * empty: in clear. 0 or a negative errno with a sentence.
 */
int sb_key_file_write(const char *path, const struct sb_key_file *file, const char *passphrase, bool replace,
		      struct sb_error *error);

/* sb_secrets_protect() - no core dumps, no tracing by others of the same user, sodium_init(). 0 or -EIO. */
int sb_secrets_protect(void);

#endif
