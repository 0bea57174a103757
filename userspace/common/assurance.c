// SPDX-License-Identifier: Apache-2.0
#include "common/assurance.h"

#include <linux/sealbond.h>
#include <string.h>

#define BENCH	(SEALBOND_GAP_LATE_KEYS | SEALBOND_GAP_UNSIGNED_GRANTS | SEALBOND_GAP_VIRTUAL_TPM)

const char *sb_assurance_word(uint32_t gaps)
{
	if (gaps & BENCH)
		return "bench";
	return gaps ? "partial" : "full";
}

uint32_t sb_assurance_gaps(const struct sb_assurance_system *system)
{
	uint32_t gaps = 0;

	/* The one in brackets is in force. */
	if (!system->lockdown || !strstr(system->lockdown, "[confidentiality]"))
		gaps |= SEALBOND_GAP_LOCKDOWN;
	if (!system->modules_disabled || system->modules_disabled[0] != '1')
		gaps |= SEALBOND_GAP_MODULES_LOADABLE;
	if (system->signing_key)
		gaps |= SEALBOND_GAP_SIGNING_KEY;
	return gaps;
}

bool sb_assurance_dkms_key(const char *text, char *path, size_t room)
{
	static const char name[] = "mok_signing_key=";
	bool found = false;

	while (*text) {
		const char *line = text + strspn(text, " \t"), *end = line + strcspn(line, "\n");

		if (strncmp(line, name, sizeof(name) - 1) == 0) {
			const char *value = line + sizeof(name) - 1;
			char quote = *value == '"' || *value == '\'' ? *value : '\0';
			size_t length;

			value += quote ? 1 : 0;
			for (length = 0; value + length < end; length++)
				if (quote ? value[length] == quote : strchr(" \t#", value[length]) != NULL)
					break;
			if (length > 0 && length < room) {
				memcpy(path, value, length);
				path[length] = '\0';
				found = true;
			}
		}
		text = *end ? end + 1 : end;
	}
	return found;
}
