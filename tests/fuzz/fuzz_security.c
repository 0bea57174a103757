// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as a configuration; what is taken gets a record. Nothing in the file may add a line
 * to it or leave one out, and the same configuration in the record's own order gives the same record.
 */
#include <stdlib.h>
#include <string.h>

#include "common/security.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sb_security made, again;
	static const struct sb_security_keys keys = { .release = { 1 }, .grant = { { 2 }, { 1 } } };
	static struct sb_config config;
	size_t lines = 0, words = 0;

	if (sb_config_parse("c", (const char *)data, size, &config, NULL) < 0)
		return 0;
	sb_security_make(&config, &keys, &made);
	demand(made.length < SB_SECURITY_MAX && made.text[made.length - 1] == '\n');
	for (size_t i = 0; i < made.length; i++) {
		unsigned char at = (unsigned char)made.text[i];

		demand(at == '\n' || (at >= ' ' && at < 0x7f));
		lines += at == '\n';
		words += at == ' ' || at == '\n';
	}
	demand(lines == 10 + config.grant_keys_count + config.exceptions_count);
	demand(words == 2 * (10 + config.grant_keys_count) + 20 * config.exceptions_count);
	sb_security_order(&config);
	sb_security_make(&config, &keys, &again);
	demand(again.length == made.length && memcmp(again.text, made.text, made.length) == 0);
	return 0;
}
