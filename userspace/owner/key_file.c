// SPDX-License-Identifier: Apache-2.0
#include "owner/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/parse.h"
#include "common/sha256.h"

#define FIRST_LINE	"sealbond key v1\n"
#define FILE_MAX	2048
#define PAYLOAD_MAX	(32 + 16 + 32 + 32)	/* secret, zone, authority, zone's key */
#define NONCE		crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define MAC		crypto_aead_xchacha20poly1305_ietf_ABYTES
#define SALT		crypto_pwhash_SALTBYTES
#define CHECKSUM	8

/* Argon2id of what is written; files that want more than the most are refused, not waited for. */
#define OPERATIONS	3
#define KIBIBYTES	(64 * 1024)
#define OPERATIONS_MOST	16
#define KIBIBYTES_MOST	(1024 * 1024)

static const char *const kinds[SB_KEY_KINDS] = { "member", "owner", "enroller", "zone" };

const char *sb_key_kind_name(enum sb_key_kind kind)
{
	return kinds[kind];
}

void sb_key_file_wipe(struct sb_key_file *file)
{
	if (file)
		sodium_memzero(file, sizeof(*file));
}

int sb_secrets_protect(void)
{
	const struct rlimit none = { 0, 0 };

	if (sodium_init() < 0 || setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -EIO;
	return 0;
}

static int name_valid(const char *name)
{
	size_t length = strlen(name);

	if (length >= SB_KEY_NAME_MAX)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if ((uint8_t)name[i] < ' ' || name[i] == 0x7f)
			return -EINVAL;
	return 0;
}

int sb_key_file_new(struct sb_key_file *file, enum sb_key_kind kind, const char *name)
{
	uint8_t point[SB_TAG_LEN];

	if (name_valid(name) < 0)
		return -EINVAL;
	memset(file, 0, sizeof(*file));
	file->kind = kind;
	memcpy(file->name, name, strlen(name));
	if (kind == SB_KEY_ZONE) {
		randombytes_buf(file->zone, sizeof(file->zone));
		randombytes_buf(file->zone_key, sizeof(file->zone_key));
		sb_zone_authority_new(file->authority, point);
	}
	return sb_person_key_new(file->secret, file->key);
}

static size_t payload_length(enum sb_key_kind kind)
{
	return kind == SB_KEY_ZONE ? PAYLOAD_MAX : 32;
}

static void to_payload(const struct sb_key_file *file, uint8_t payload[PAYLOAD_MAX])
{
	memcpy(payload, file->secret, 32);
	memcpy(payload + 32, file->zone, 16);
	memcpy(payload + 48, file->authority, 32);
	memcpy(payload + 80, file->zone_key, 32);
}

static int from_payload(struct sb_key_file *file, const uint8_t payload[PAYLOAD_MAX])
{
	uint8_t key[SB_PERSON_KEY_LEN], point[SB_TAG_LEN];

	memcpy(file->secret, payload, 32);
	if (file->kind == SB_KEY_ZONE) {
		memcpy(file->zone, payload + 32, 16);
		memcpy(file->authority, payload + 48, 32);
		memcpy(file->zone_key, payload + 80, 32);
		if (sb_zone_authority(file->authority, point) < 0)
			return -EBADMSG;
	}
	if (sb_person_key(file->secret, key) < 0 || memcmp(key, file->key, sizeof(key)) != 0)
		return -EBADMSG;
	return 0;
}

/* The key that a passphrase gives. */
static int stretch(const char *passphrase, const uint8_t salt[SALT], uint64_t operations, uint64_t kibibytes,
		   uint8_t key[32])
{
	return crypto_pwhash(key, 32, passphrase, strlen(passphrase), salt, operations, kibibytes * 1024,
			     crypto_pwhash_ALG_ARGON2ID13) == 0 ? 0 : -ENOMEM;
}

/* A text that grows; it holds secrets. */
struct text {
	char data[FILE_MAX];
	size_t length;
};

static void wipe_text(struct text *text)
{
	sodium_memzero(text, sizeof(*text));
}

static void add(struct text *text, const char *words)
{
	size_t length = strlen(words);

	if (text->length + length >= sizeof(text->data))
		abort();
	memcpy(text->data + text->length, words, length + 1);
	text->length += length;
}

static void add_hex(struct text *text, const char *label, const uint8_t *bytes, size_t length)
{
	char hex[SB_HEX_ROOM(NONCE + PAYLOAD_MAX + MAC)];

	add(text, label);
	add(text, sb_format_hex(hex, bytes, length));
	add(text, "\n");
	sodium_memzero(hex, sizeof(hex));
}

static void add_checksum(struct text *text)
{
	uint8_t digest[SB_SHA256_LEN];

	sb_digest_of(text->data, text->length, digest);
	add_hex(text, "checksum ", digest, CHECKSUM);
}

static void add_head(struct text *text, const struct sb_key_file *file)
{
	add(text, FIRST_LINE "kind ");
	add(text, kinds[file->kind]);
	add(text, "\nname ");
	add(text, file->name);
	add_hex(text, "\npublic ", file->key, sizeof(file->key));
}

static int add_sealed(struct text *text, const struct sb_key_file *file, const char *passphrase)
{
	uint8_t salt[SALT], key[32], payload[PAYLOAD_MAX], sealed[NONCE + PAYLOAD_MAX + MAC];
	size_t length = payload_length(file->kind);
	char words[64];
	int result;

	randombytes_buf(salt, sizeof(salt));
	randombytes_buf(sealed, NONCE);
	snprintf(words, sizeof(words), "argon2id %d %d ", OPERATIONS, KIBIBYTES);
	add_hex(text, words, salt, sizeof(salt));
	result = stretch(passphrase, salt, OPERATIONS, KIBIBYTES, key);
	if (result < 0)
		return result;
	to_payload(file, payload);
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + NONCE, NULL, payload, length,
						   (const uint8_t *)text->data, text->length, NULL, sealed, key);
	sodium_memzero(payload, sizeof(payload));
	sodium_memzero(key, sizeof(key));
	add_hex(text, "sealed ", sealed, NONCE + length + MAC);
	return 0;
}

int sb_key_file_write(const char *path, const struct sb_key_file *file, const char *passphrase, bool replace,
		      struct sb_error *error)
{
	sb_cleanup(wipe_text) struct text text = { 0 };
	uint8_t payload[PAYLOAD_MAX];
	int result = 0;

	add_head(&text, file);
	if (passphrase && passphrase[0]) {
		result = add_sealed(&text, file, passphrase);
	} else {
		to_payload(file, payload);
		add_hex(&text, "secret ", payload, payload_length(file->kind));
		sodium_memzero(payload, sizeof(payload));
	}
	if (result < 0)
		return sb_fail(error, result, "%s: not enough memory for Argon2id (%d MiB)", path, KIBIBYTES / 1024);
	add_checksum(&text);
	result = replace ? sb_file_write(path, text.data, text.length, 0600) :
			   sb_file_create(path, text.data, text.length, 0600);
	if (result == -EEXIST)
		return sb_fail(error, result, "%s is there already: a key is never written over; name another file",
			       path);
	return result < 0 ? sb_fail(error, result, "%s: %s", path, strerror(-result)) : 0;
}

/* ---- reading */

struct lines {
	const char *at;
	int failed;
};

/* The value of the line that must come next, cut off at its end. */
static size_t take(struct lines *lines, const char *label, const char **value)
{
	size_t skip = strlen(label), length;
	const char *end;

	if (lines->failed || strncmp(lines->at, label, skip) != 0) {
		lines->failed = 1;
		return 0;
	}
	end = strchr(lines->at + skip, '\n');
	if (!end) {
		lines->failed = 1;
		return 0;
	}
	*value = lines->at + skip;
	length = (size_t)(end - *value);
	lines->at = end + 1;
	return length;
}

static void take_hex(struct lines *lines, const char *label, uint8_t *out, size_t length)
{
	char hex[SB_HEX_ROOM(NONCE + PAYLOAD_MAX + MAC)];
	const char *value;
	size_t digits = take(lines, label, &value);

	if (lines->failed)
		return;
	if (digits != 2 * length) {
		lines->failed = 1;
		return;
	}
	memcpy(hex, value, digits);
	hex[digits] = '\0';
	for (size_t i = 0; i < digits; i++)	/* one form: lower case */
		if (hex[i] >= 'A' && hex[i] <= 'F')
			lines->failed = 1;
	if (sb_parse_hex(hex, out, length) < 0)
		lines->failed = 1;
	sodium_memzero(hex, sizeof(hex));
}

static void take_head(struct lines *lines, struct sb_key_file *file)
{
	const char *value;
	size_t length;
	unsigned int kind;

	take(lines, "sealbond key v1", &value);
	length = take(lines, "kind ", &value);
	for (kind = 0; !lines->failed && kind < SB_KEY_KINDS; kind++)
		if (strlen(kinds[kind]) == length && strncmp(kinds[kind], value, length) == 0)
			break;
	lines->failed |= kind == SB_KEY_KINDS;
	file->kind = lines->failed ? SB_KEY_MEMBER : (enum sb_key_kind)kind;
	length = take(lines, "name ", &value);
	lines->failed |= length >= SB_KEY_NAME_MAX;
	if (!lines->failed)
		memcpy(file->name, value, length);
	lines->failed |= name_valid(file->name) < 0;
	take_hex(lines, "public ", file->key, sizeof(file->key));
}

/* The checksum's line is the last one and right. */
static int checksum_holds(const char *text, size_t length)
{
	uint8_t digest[SB_SHA256_LEN], said[CHECKSUM];
	size_t line = strlen("checksum ") + 2 * CHECKSUM + 1;
	struct lines lines;

	if (length <= line || strlen(text) != length)
		return 0;
	lines = (struct lines){ text + length - line, 0 };
	take_hex(&lines, "checksum ", said, sizeof(said));
	sb_digest_of(text, length - line, digest);
	return !lines.failed && lines.at == text + length && memcmp(said, digest, CHECKSUM) == 0;
}

static int take_argon(struct lines *lines, uint64_t *operations, uint64_t *kibibytes, uint8_t salt[SALT])
{
	char label[64];
	int used = 0;

	if (sscanf(lines->at, "argon2id %2" SCNu64 " %7" SCNu64 " %n", operations, kibibytes, &used) != 2 || !used)
		return -EBADMSG;
	snprintf(label, sizeof(label), "argon2id %" PRIu64 " %" PRIu64 " ", *operations, *kibibytes);
	take_hex(lines, label, salt, SALT);
	if (lines->failed || *operations < 1 || *operations > OPERATIONS_MOST || *kibibytes < 8 ||
	    *kibibytes > KIBIBYTES_MOST)
		return -EBADMSG;
	return 0;
}

static int open_sealed(const char *path, const char *text, struct lines *lines, enum sb_key_kind kind,
		       const struct sb_passphrase *passphrase, uint8_t payload[PAYLOAD_MAX], struct sb_error *error)
{
	uint8_t salt[SALT], key[32], sealed[NONCE + PAYLOAD_MAX + MAC];
	size_t length = payload_length(kind), head;
	char words[SB_PASSPHRASE_MAX] = "";
	uint64_t operations, kibibytes;
	int result = take_argon(lines, &operations, &kibibytes, salt);

	head = (size_t)(lines->at - text);
	if (result == 0)
		take_hex(lines, "sealed ", sealed, NONCE + length + MAC);
	if (result < 0 || lines->failed)
		return -EBADMSG;
	if (!passphrase || !passphrase->ask)
		return sb_fail(error, -ENOKEY, "%s needs its passphrase", path);
	result = passphrase->ask(passphrase->context, path, words);
	if (result >= 0)
		result = stretch(words, salt, operations, kibibytes, key);
	sodium_memzero(words, sizeof(words));
	if (result < 0)
		return sb_fail(error, result, "%s: no passphrase: %s", path, strerror(-result));
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(payload, NULL, NULL, sealed + NONCE, length + MAC,
						       (const uint8_t *)text, head, sealed, key) != 0)
		result = sb_fail(error, -EKEYREJECTED, "%s: wrong passphrase", path);
	sodium_memzero(key, sizeof(key));
	return result;
}

/* Opened once, looked at, and read from there: nobody puts another file in between. */
static int read_text(const char *path, bool secret, struct text *text, struct sb_error *error)
{
	sb_cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;
	ssize_t got;

	if (fd < 0 || fstat(fd, &status) < 0)
		return sb_fail(error, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return sb_fail(error, -EINVAL, "%s is no regular file", path);
	if (secret && status.st_mode & 077)
		return sb_fail(error, -EACCES, "%s may be read by others (mode %03o): chmod 600 it, and think of the "
			       "key as known if they should not have it", path, (unsigned int)status.st_mode & 0777);
	while (text->length < sizeof(text->data) - 1) {
		got = read(fd, text->data + text->length, sizeof(text->data) - 1 - text->length);
		if (got < 0)
			return sb_fail(error, -errno, "%s: %s", path, strerror(errno));
		if (got == 0)
			break;
		text->length += (size_t)got;
	}
	text->data[text->length] = '\0';
	if (!checksum_holds(text->data, text->length))
		return sb_fail(error, -EBADMSG, "%s is no key file of sealbond, or was changed or cut off", path);
	return 0;
}

static int read_payload(const char *path, const struct text *text, const struct sb_passphrase *passphrase,
			struct sb_key_file *file, struct sb_error *error)
{
	struct lines lines = { text->data, 0 };
	uint8_t payload[PAYLOAD_MAX] = { 0 };
	const char *rest;
	int result = 0;

	if (error)
		error->text[0] = '\0';
	take_head(&lines, file);
	if (!lines.failed && strncmp(lines.at, "secret ", 7) == 0)
		take_hex(&lines, "secret ", payload, payload_length(file->kind));
	else if (!lines.failed)
		result = open_sealed(path, text->data, &lines, file->kind, passphrase, payload, error);
	if (result == 0) {
		take(&lines, "checksum ", &rest);
		result = lines.failed || *lines.at || from_payload(file, payload) < 0 ? -EBADMSG : 0;
	}
	sodium_memzero(payload, sizeof(payload));
	if (result < 0 && (!error || !error->text[0]))
		(void)sb_fail(error, result, "%s: the public key is not the secret's, or a line is missing", path);
	return result;
}

int sb_key_file_read(const char *path, const struct sb_passphrase *passphrase, struct sb_key_file *file,
		     struct sb_error *error)
{
	sb_cleanup(wipe_text) struct text text = { 0 };
	struct sb_key_file read = { 0 };
	int result = read_text(path, true, &text, error);

	if (result == 0)
		result = read_payload(path, &text, passphrase, &read, error);
	if (result == 0)
		*file = read;
	sb_key_file_wipe(&read);
	return result;
}

int sb_key_file_public(const char *path, struct sb_key_file *file, struct sb_error *error)
{
	sb_cleanup(wipe_text) struct text text = { 0 };
	struct sb_key_file read = { 0 };
	struct lines lines;
	int result = read_text(path, true, &text, error);

	if (result < 0)
		return result;
	lines = (struct lines){ text.data, 0 };
	take_head(&lines, &read);
	if (lines.failed)
		return sb_fail(error, -EBADMSG, "%s is no key file of sealbond", path);
	*file = read;
	return 0;
}
