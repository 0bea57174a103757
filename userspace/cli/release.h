/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of sealbond release share. Functions return 0 or the program's exit code, its reason said. */
#ifndef SB_CLI_RELEASE_H
#define SB_CLI_RELEASE_H

#include "cli/cli.h"
#include "common/security.h"
#include "sealbond/blob.h"

int cli_release_approve(struct sb_cli *cli, int argc, char **argv);
int cli_release_check(struct sb_cli *cli, int argc, char **argv);

/*
 * This boot's PCRs: as the module read them before the cap; those that it did not read, as the TPM has them
 * now. For the cap PCR that is wrong after a cap, and a warning says so.
 * Out: values[pcr] of those in pcrs.
 */
int release_running(struct sb_cli *cli, uint32_t pcrs, unsigned int cap_pcr, uint8_t values[SB_PCRS][32]);

/* --secure-boot; SB_SECURE_BOOT_ASK: as this machine has it now. */
enum release_secure_boot { SB_SECURE_BOOT_ASK, SB_SECURE_BOOT_OFF, SB_SECURE_BOOT_ON };
/* "on" or "off"; false for another word. */
bool release_secure_boot_word(const char *word, enum release_secure_boot *choice);

/*
 * What the boot of an image will measure, predicted from its file (boot/predict.h).
 * Out: values[pcr] of SB_PREDICTED_PCRS.
 */
int release_predict(struct sb_cli *cli, const char *path, enum release_secure_boot secure_boot,
		    uint8_t values[SB_PCRS][32]);

/*
 * The configuration that early boot in an image has, for what an approval is made of; state_dir stays.
 * The keys it names are looked for beside it where they are not in their places.
 */
int release_early_config(struct sb_cli *cli, const char *path, struct sb_config *config, struct sb_security_keys *keys);
/*
 * The cap PCR of such a boot as the cap finds it: SHA-256(prior || hash of the configuration).
 * prior: NULL for what this machine's firmware has measured into it.
 */
int release_cap_value(struct sb_cli *cli, const struct sb_config *config, const struct sb_security_keys *keys,
		      const uint8_t *prior, uint8_t value[32]);

/* The image that the firmware starts when no boot entry says otherwise, on a mounted boot partition; NULL: none found. */
const char *release_default_image(void);

#endif
