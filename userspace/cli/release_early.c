// SPDX-License-Identifier: Apache-2.0
/* The cap PCR of a boot to come, from the configuration that is in its initramfs. */
#include <errno.h>
#include <string.h>

#include "boot/eventlog.h"
#include "cli/release.h"
#include "common/sha256.h"

/* A file of the kernel's, which tells no size. */
static int read_log(uint8_t **log, size_t *length)
{
	sb_cleanup_fclose FILE *file = fopen(SB_EVENTLOG_PATH, "re");
	sb_cleanup_free uint8_t *data = malloc(SB_EVENTLOG_MAX + 1);
	size_t used;

	if (!file)
		return -errno;
	if (!data)
		return -ENOMEM;
	used = fread(data, 1, SB_EVENTLOG_MAX + 1, file);
	if (ferror(file) || used > SB_EVENTLOG_MAX)
		return ferror(file) ? -EIO : -EFBIG;
	*log = sb_take_ptr(data);
	*length = used;
	return 0;
}

/* What the firmware has extended before the kernel: the next boot of this machine starts there, too. */
static int firmware_value(struct sb_cli *cli, unsigned int pcr, uint8_t value[32])
{
	sb_cleanup_free uint8_t *log = NULL;
	size_t length = 0;
	int result = read_log(&log, &length);

	memset(value, 0, 32);
	if (result == -ENOENT)
		return 0;
	if (result == 0 && pcr != 0)
		result = sb_eventlog_replay(log, length, pcr, value);
	if (result < 0 || pcr == 0)
		return cli_fail(cli, result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_FAILED,
				"%s does not tell PCR %u (%s): say its value before early boot by --keep %u=HEX",
				SB_EVENTLOG_PATH, pcr, result ? strerror(-result) : "its start depends on the locality", pcr);
	return 0;
}

int release_early_config(struct sb_cli *cli, const char *path, struct sb_config *config, struct sb_security_keys *keys)
{
	sb_cleanup_free struct sb_config *image = malloc(sizeof(*image));
	struct sb_error error;
	int result;

	if (!image)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	result = sb_config_load(path, image, &error);
	if (result == 0)
		result = sb_security_load_keys(image, path, keys, &error);
	if (result < 0)
		return cli_fail(cli, result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_USAGE, "%s", error.text);
	memcpy(image->state_dir, config->state_dir, sizeof(image->state_dir));
	*config = *image;
	return 0;
}

int release_cap_value(struct sb_cli *cli, const struct sb_config *config, const struct sb_security_keys *keys,
		      const uint8_t *prior, uint8_t value[32])
{
	sb_cleanup_free struct sb_security *security = malloc(sizeof(*security));
	uint8_t before[32];
	struct sb_digest hash;
	int code = 0;

	if (!security)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	if (prior)
		memcpy(before, prior, sizeof(before));
	else
		code = firmware_value(cli, (unsigned int)config->cap_pcr, before);
	if (code)
		return code;
	sb_security_make(config, keys, security);
	sb_digest_init(&hash);
	sb_digest_update(&hash, before, sizeof(before));
	sb_digest_update(&hash, security->hash, sizeof(security->hash));
	sb_digest_final(&hash, value);
	return 0;
}
