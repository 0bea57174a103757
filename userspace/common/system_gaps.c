// SPDX-License-Identifier: Apache-2.0
/* The gaps that the module cannot see, from the files of this system. */
#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include "common/assurance.h"
#include "common/cleanup.h"
#include "common/file.h"

#define TEXT_MAX	65536

/* Files of proc and securityfs say that they are empty, and are read all the same. */
static char *read_text(const char *path, char *room, size_t size)
{
	FILE *file = fopen(path, "re");
	size_t length;

	if (!file)
		return NULL;
	length = fread(room, 1, size - 1, file);
	fclose(file);
	room[length] = '\0';
	return room;
}

static bool named_by_dkms(const char *configuration)
{
	static char text[TEXT_MAX];
	char path[256];

	return read_text(configuration, text, sizeof(text)) && sb_assurance_dkms_key(text, path, sizeof(path)) &&
	       access(path, F_OK) == 0;
}

static bool signing_key(void)
{
	static const char *const usual[] = { "/var/lib/dkms/mok.key", "/var/lib/shim-signed/mok/MOK.priv" };
	bool found = named_by_dkms("/etc/dkms/framework.conf");
	glob_t more;

	for (size_t i = 0; i < SB_ARRAY_SIZE(usual); i++)
		found = found || access(usual[i], F_OK) == 0;
	if (glob("/etc/dkms/framework.conf.d/*.conf", 0, NULL, &more) == 0) {
		for (size_t i = 0; i < more.gl_pathc; i++)
			found = found || named_by_dkms(more.gl_pathv[i]);
		globfree(&more);
	}
	return found;
}

uint32_t sb_system_gaps(void)
{
	char lockdown[128], modules[16];
	const struct sb_assurance_system system = {
		.lockdown = read_text("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown)),
		.modules_disabled = read_text("/proc/sys/kernel/modules_disabled", modules, sizeof(modules)),
		.signing_key = signing_key(),
	};

	return sb_assurance_gaps(&system);
}
