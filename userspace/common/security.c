// SPDX-License-Identifier: Apache-2.0
#include "common/security.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "sealbond/limits.h"

/* With its NUL, so that no other hash of ours can be taken for this one. */
static const char tag[] = "sealbond security configuration v1";

/* 14 lines of up to 200 bytes, then a line for each grant key and each exception. */
_Static_assert(14 * 200 + SB_GRANT_KEYS_MAX * 140 + SB_EXCEPTIONS_MAX * 280 < SB_SECURITY_MAX,
	       "the longest record fits");

static void put(struct sb_security *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct sb_security *out, const char *format, ...)
{
	size_t room = sizeof(out->text) - out->length;
	va_list arguments;
	int written;

	va_start(arguments, format);
	written = vsnprintf(out->text + out->length, room, format, arguments);
	va_end(arguments);
	/* The assertion above says that it fits; a hash over less than everything must not come out of this. */
	if (written < 0 || (size_t)written >= room)
		abort();
	out->length += (size_t)written;
}

static const char *yes_no(bool value)
{
	return value ? "yes" : "no";
}

static int compare_points(const void *a, const void *b)
{
	return memcmp(a, b, 64);
}

/* k of n: which file a key is in, and in which order they are named, means nothing. */
static void put_grant_keys(struct sb_security *out, const struct sb_config *config,
			   const struct sb_security_keys *keys)
{
	uint8_t points[SB_GRANT_KEYS_MAX][64];
	char hex[SB_HEX_ROOM(64)];

	memcpy(points, keys->grant, sizeof(points));
	qsort(points, config->grant_keys_count, sizeof(points[0]), compare_points);
	put(out, "grant_threshold %u\n", (unsigned int)config->threshold);
	put(out, "grant_static %s\n", yes_no(sb_security_static_grants(config)));
	for (size_t i = 0; i < config->grant_keys_count; i++)
		put(out, "grant_key %s\n", sb_format_hex(hex, points[i], 64));
}

static void put_remote(struct sb_security *out, const struct sb_prefix *remote)
{
	char text[SB_ADDRESS_ROOM];
	struct sb_prefix masked = *remote;
	unsigned int bits = remote->length;

	if (!remote->family) {
		put(out, " remote any");
		return;
	}
	/* Bits behind the prefix match nothing. */
	for (unsigned int i = 0; i < sizeof(masked.address); i++, bits -= bits < 8 ? bits : 8)
		masked.address[i] &= bits >= 8 ? 0xff : (uint8_t)(0xff00 >> bits);
	put(out, " remote %s/%u", sb_format_address(text, masked.family, masked.address), masked.length);
}

static void put_exception(struct sb_security *out, const struct sb_exception *e)
{
	static const char *const dirs[] = { "both", "in", "out", "both" };

	put(out, "exception %s kind %s dir %s", e->name, sb_exception_kind_words[e->kind], dirs[e->dir & 3]);
	/* Last of its kind of value and of printable bytes without blanks: "*" is the word for any. */
	put(out, " interface %s%s", e->interface[0] ? "=" : "*", e->interface);
	put(out, " proto %u", (unsigned int)e->proto);
	put_remote(out, &e->remote);
	put(out, " local_port %u remote_port %u rate %u bytes %u\n", (unsigned int)e->local_port,
	    (unsigned int)e->remote_port, (unsigned int)(e->rate ? e->rate : SB_EXC_RATE),
	    (unsigned int)(e->bytes ? e->bytes : SB_EXC_BYTES));
}

static int compare_exceptions(const void *a, const void *b)
{
	return strcmp(((const struct sb_exception *)a)->name, ((const struct sb_exception *)b)->name);
}

void sb_security_order(struct sb_config *config)
{
	qsort(config->exceptions, config->exceptions_count, sizeof(config->exceptions[0]), compare_exceptions);
}

static void put_exceptions(struct sb_security *out, const struct sb_config *config)
{
	const struct sb_exception *order[SB_EXCEPTIONS_MAX];

	for (size_t i = 0; i < config->exceptions_count; i++) {
		size_t at = i;

		for (; at > 0 && compare_exceptions(order[at - 1], &config->exceptions[i]) > 0; at--)
			order[at] = order[at - 1];
		order[at] = &config->exceptions[i];
	}
	for (size_t i = 0; i < config->exceptions_count; i++)
		put_exception(out, order[i]);
}

bool sb_security_static_grants(const struct sb_config *config)
{
	return config->grant_keys_count > 0 && config->grants[0];
}

void sb_security_make(const struct sb_config *config, const struct sb_security_keys *keys,
		      struct sb_security *out)
{
	static const char *const modes[] = { "off", "observe", "enforce" };
	char hex[SB_HEX_ROOM(64)], pcrs[SB_PCRS_ROOM];
	uint8_t fleet[SB_SHA256_LEN];
	struct sb_digest hash;

	sb_config_id(config->fleet, fleet);
	out->length = 0;
	put(out, "mode %s\n", modes[config->mode]);
	put(out, "lock %s\n", yes_no(config->lock));
	put(out, "pcrs %s\n", sb_format_pcrs(pcrs, config->pcrs));
	put(out, "cap_pcr %u\n", (unsigned int)config->cap_pcr);
	put(out, "release_key %s\n", sb_format_hex(hex, keys->release, 64));
	put(out, "fleet %s\n", sb_format_hex(hex, fleet, sizeof(fleet)));
	put(out, "allow_virtual_tpm %s\n", yes_no(config->allow_virtual_tpm));
	/* Only when it is so: a configuration from before there was this key keeps its hash, and its approvals. */
	if (config->late_keys)
		put(out, "late_keys yes\n");
	put_grant_keys(out, config, keys);
	put(out, "trust_root none\n");
	put_exceptions(out, config);
	sb_digest_init(&hash);
	sb_digest_update(&hash, tag, sizeof(tag));
	sb_digest_update(&hash, out->text, out->length);
	sb_digest_final(&hash, out->hash);
}
