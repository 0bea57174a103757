/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The security configuration: what of sealbond.conf decides who gets in and what gets out, without
 * what differs from device to device (addresses, endpoints, paths). Early boot has its hash extended
 * into the cap PCR before a key opens, so that an approval binds it. docs/keys.md has the format.
 */
#ifndef SB_SECURITY_H
#define SB_SECURITY_H

#include <stddef.h>
#include <stdint.h>

#include "common/config.h"
#include "common/error.h"

#define SB_SECURITY_MAX		32768	/* bytes: every list at its longest */

/* The contents of the key files that a configuration names: x, y. */
struct sb_security_keys {
	uint8_t release[64];
	uint8_t grant[SB_GRANT_KEYS_MAX][64];	/* config->grant_keys_count of them */
};

struct sb_security {
	char text[SB_SECURITY_MAX];	/* lines, without a NUL */
	size_t length;
	uint8_t hash[SB_SHA256_LEN];	/* SHA-256("sealbond security configuration v1" 00 text) */
};

/*
 * The record of a loaded configuration: the same for every way to write the same meaning. Pure.
 * In: config as sb_config_load left it; keys of its files.
 */
void sb_security_make(const struct sb_config *config, const struct sb_security_keys *keys,
		      struct sb_security *out);

/* Sorts the exceptions as the record has them: by name. Their order decides whose budget pays first. */
void sb_security_order(struct sb_config *config);

/* Do grants count that answer no request? They do while they come from files. */
bool sb_security_static_grants(const struct sb_config *config);

/*
 * Reads a P-256 public key (PEM). what: the configuration's word for it, in messages.
 * Returns 0 or a negative errno with a sentence; point is untouched on failure.
 */
int sb_security_load_point(const char *path, const char *what, uint8_t point[64], struct sb_error *error);

/*
 * Reads the key files of a configuration. beside: NULL, or the path of the configuration's own file:
 * a key file that is not there is then looked for in that file's directory, for configurations that
 * lie somewhere else than where they will be used.
 */
int sb_security_load_keys(const struct sb_config *config, const char *beside,
			  struct sb_security_keys *keys, struct sb_error *error);

#endif
