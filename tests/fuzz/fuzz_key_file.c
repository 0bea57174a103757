// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as the file of somebody's key, with the checksum made to fit, or by the first byte as they are. What
 * is read is whole, and is written again with the same words.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sha256.h"
#include "owner/key_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

/* Nobody has a passphrase: to try one costs a second, and is not the reader's. */
static int nobody(void *context, const char *path, char room[SB_PASSPHRASE_MAX])
{
	(void)context;
	(void)path;
	(void)room;
	return -EACCES;
}

static int file_of(const uint8_t *data, size_t size, int with_checksum)
{
	int fd = memfd_create("key", 0);
	uint8_t digest[SB_SHA256_LEN];
	char line[64] = "checksum ";

	demand(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, data, size) == (ssize_t)size);
	if (!with_checksum)
		return fd;
	sb_digest_of(data, size, digest);
	for (int i = 0; i < 8; i++)
		snprintf(line + 9 + 2 * i, 3, "%02x", digest[i]);
	strcat(line, "\n");
	demand(write(fd, line, strlen(line)) == (ssize_t)strlen(line));
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sb_passphrase none = { nobody, NULL };
	struct sb_key_file file, head;
	struct sb_error error;
	uint8_t key[SB_PERSON_KEY_LEN];
	char path[64];
	int fd, result;

	if (!size)
		return 0;
	demand(sodium_init() >= 0);
	fd = file_of(data + 1, size - 1, data[0] != '0');
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	result = sb_key_file_read(path, &none, &file, &error);
	if (result == 0) {
		demand(sb_person_key(file.secret, key) == 0 && memcmp(key, file.key, sizeof(key)) == 0);
		demand(strlen(file.name) < SB_KEY_NAME_MAX && file.kind < SB_KEY_KINDS);
		demand(sb_key_file_public(path, &head, &error) == 0);
		demand(memcmp(head.key, file.key, sizeof(head.key)) == 0 && strcmp(head.name, file.name) == 0);
	} else {
		demand(error.text[0] != '\0');
	}
	close(fd);
	return 0;
}
