// SPDX-License-Identifier: Apache-2.0
/* The key files that a configuration names. */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "common/p256.h"
#include "common/security.h"

#define PEM_MAX		4096

int sb_security_load_point(const char *path, const char *what, uint8_t point[64], struct sb_error *error)
{
	sb_cleanup_free uint8_t *text = NULL;
	size_t length;
	int result = sb_file_read(path, PEM_MAX, &text, &length);

	if (result < 0)
		return sb_fail(error, result, "%s %s: %s", what, path, strerror(-result));
	if (sb_p256_read_pem((char *)text, length, point, point + 32) < 0)
		return sb_fail(error, -EINVAL, "%s %s: not a P-256 public key in PEM", what, path);
	return 0;
}

static int load(const char *path, const char *beside, const char *what, uint8_t point[64],
		struct sb_error *error)
{
	const char *slash = beside ? strrchr(beside, '/') : NULL, *name = strrchr(path, '/');
	char other[2 * SB_PATH_ROOM];
	int result = sb_security_load_point(path, what, point, error);

	if (result != -ENOENT || !beside || !name)
		return result;
	snprintf(other, sizeof(other), "%.*s%s", slash ? (int)(slash - beside) : 1, slash ? beside : ".", name);
	return sb_security_load_point(other, what, point, error);
}

int sb_security_load_keys(const struct sb_config *config, const char *beside,
			  struct sb_security_keys *keys, struct sb_error *error)
{
	struct sb_security_keys read = { 0 };
	int result = load(config->release_key, beside, "release_key", read.release, error);

	for (size_t i = 0; result == 0 && i < config->grant_keys_count; i++)
		result = load(config->grant_keys[i], beside, "grant_keys", read.grant[i], error);
	if (result == 0)
		*keys = read;
	return result;
}
