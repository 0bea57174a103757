// SPDX-License-Identifier: Apache-2.0
/* Where the values of an approval come from: this boot, and an image's file. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "boot/predict.h"
#include "cli/release.h"
#include "common/file.h"
#include "tpm/pcr.h"

/* UEFI 2.10, 3.3: four bytes of attributes, then 1 while signatures are enforced. */
#define SECURE_BOOT_VARIABLE	"/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"

int release_running(struct sb_cli *cli, uint32_t pcrs, unsigned int cap_pcr, uint8_t values[SB_PCRS][32])
{
	sb_cleanup_module struct sb_module *module = NULL;
	struct sb_key_status key = { 0 };
	struct sb_error error;
	uint32_t known = 0;
	int result;

	if (sb_module_open(&module, NULL) == 0 && sb_module_get_key(module, &key) == 0) {
		sb_key_status_free(&key);
		known = key.pcr_valid & pcrs;
	}
	result = sb_pcr_read(pcrs & ~known, values, &error);
	if (result < 0)
		return cli_fail(cli, result == -ENOENT ? sb_state_text(SEALBOND_STATE_NO_TPM)->exit_code : SB_EXIT_FAILED,
				"%s", error.text);
	for (int pcr = 0; pcr < SB_PCRS; pcr++)
		if (known & 1U << pcr)
			memcpy(values[pcr], key.pcr_values[pcr], 32);
	if (pcrs & ~known & 1U << cap_pcr)
		fprintf(stderr, "sealbond: warning: the module has not read the PCRs in this boot; taking the TPM's values of now. "
			"They are right only when nothing has extended PCR %u since the start.\n", cap_pcr);
	return 0;
}

bool release_secure_boot_word(const char *word, enum release_secure_boot *choice)
{
	if (strcmp(word, "on") != 0 && strcmp(word, "off") != 0)
		return false;
	*choice = strcmp(word, "on") == 0 ? SB_SECURE_BOOT_ON : SB_SECURE_BOOT_OFF;
	return true;
}

static int ask_secure_boot(struct sb_cli *cli, enum release_secure_boot *choice)
{
	sb_cleanup_fclose FILE *file = NULL;
	uint8_t value[5];

	if (*choice != SB_SECURE_BOOT_ASK)
		return 0;
	file = fopen(SECURE_BOOT_VARIABLE, "re");
	if (!file || fread(value, 1, sizeof(value), file) != sizeof(value))
		return cli_fail(cli, SB_EXIT_FAILED, "cannot tell whether Secure Boot is on (is efivarfs mounted?); "
				"say --secure-boot on or --secure-boot off");
	*choice = value[4] == 1 ? SB_SECURE_BOOT_ON : SB_SECURE_BOOT_OFF;
	return 0;
}

int release_predict(struct sb_cli *cli, const char *path, enum release_secure_boot secure_boot,
		    uint8_t values[SB_PCRS][32])
{
	sb_cleanup_free struct sb_uki *uki = malloc(sizeof(*uki));
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_error error;
	size_t length;
	int result = sb_file_read(path, SB_UKI_MAX, &data, &length);

	if (result < 0)
		return cli_fail(cli, result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_FAILED, "%s: %s", path, strerror(-result));
	if (!uki)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	if (sb_uki_read(data, length, uki, &error) < 0)
		return cli_fail(cli, SB_EXIT_FAILED, "%s: %s", path, error.text);
	result = ask_secure_boot(cli, &secure_boot);
	if (result)
		return result;
	if (secure_boot == SB_SECURE_BOOT_ON && uki->stub != SB_STUB_252)
		return cli_fail(cli, SB_EXIT_FAILED, "%s: what systemd's stub %u does under Secure Boot is not known here: "
				"approve this image while it runs", path, uki->stub);
	sb_predict(uki, secure_boot == SB_SECURE_BOOT_ON, values);
	return 0;
}

const char *release_default_image(void)
{
	static const char *const paths[] = {
		"/efi/EFI/BOOT/BOOTX64.EFI", "/boot/efi/EFI/BOOT/BOOTX64.EFI", "/boot/EFI/BOOT/BOOTX64.EFI",
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(paths); i++)
		if (access(paths[i], F_OK) == 0)
			return paths[i];
	return NULL;
}
