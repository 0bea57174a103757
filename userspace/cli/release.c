// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/release_key.h"
#include "common/approval.h"
#include "common/file.h"
#include "common/p256.h"
#include "tpm/pcr.h"

#define FILE_ROOM	(SB_PATH_ROOM + 64)

static int make_key(struct sb_cli *cli, int argc, char **argv)
{
	char public_path[FILE_ROOM];
	struct sb_error error;
	size_t length;
	int result;

	if (argc != 3 || strcmp(argv[1], "--out") != 0)
		return cli_usage(cli, "release key --out release.pem");
	length = strlen(argv[2]);
	if (length >= SB_PATH_ROOM)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: too long", argv[2]);
	if (length > 4 && strcmp(argv[2] + length - 4, ".pem") == 0)
		length -= 4;
	snprintf(public_path, sizeof(public_path), "%.*s.pub.pem", (int)length, argv[2]);
	result = sb_release_key_make(argv[2], public_path, &error);
	if (result < 0)
		return cli_fail(cli, result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_FAILED, "%s", error.text);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "private", argv[2]);
		sb_json_string(&cli->out, "public", public_path);
		cli_json_end(cli);
	} else {
		printf("%s    the release key: keep it off the devices\n%s    its public part: release_key in [key] of each device\n",
		       argv[2], public_path);
	}
	return SB_EXIT_OK;
}

/* As the kernel read them before the cap; else as they are now, which is wrong after a cap. */
static int read_values(struct sb_cli *cli, struct sb_approval_file *approval)
{
	sb_cleanup_module struct sb_module *module = NULL;
	struct sb_key_status key = { 0 };
	struct sb_error error;
	int result;

	if (sb_module_open(&module, NULL) == 0 && sb_module_get_key(module, &key) == 0) {
		sb_key_status_free(&key);
		if ((key.pcr_valid & approval->pcrs) == approval->pcrs) {
			memcpy(approval->values, key.pcr_values, sizeof(approval->values));
			return 0;
		}
	}
	result = sb_pcr_read(approval->pcrs, approval->values, &error);
	if (result < 0)
		return cli_fail(cli, result == -ENOENT ? sb_state_text(SEALBOND_STATE_NO_TPM)->exit_code : SB_EXIT_FAILED,
				"%s", error.text);
	fprintf(stderr, "sealbond: warning: the module has not read the PCRs in this boot; approving the TPM's values of now. "
		"They are right only when nothing has extended PCR %u since the start.\n", approval->cap_pcr);
	return 0;
}

static int write_approval(struct sb_cli *cli, const struct sb_approval_file *approval, const char *directory)
{
	uint8_t bytes[SB_APPROVAL_MAX], digest[32];
	char path[FILE_ROOM + SB_PATH_ROOM], name[17];
	size_t length = sb_approval_file_encode(approval, bytes);
	char pcrs[SB_PCRS_ROOM];
	int result = sb_make_directory(directory, 0755);

	sb_approval_file_digest(approval, digest);
	snprintf(path, sizeof(path), "%s/pcrs-%s.approval", directory, sb_format_hex(name, digest, 8));
	if (result == 0)
		result = sb_file_write(path, bytes, length, 0644);
	if (result < 0)
		return cli_fail(cli, result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_FAILED, "%s: %s", path, strerror(-result));
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "approval", path);
		sb_json_hex(&cli->out, "policy_digest", digest, sizeof(digest));
		sb_json_string(&cli->out, "pcrs", sb_format_pcrs(pcrs, approval->pcrs));
		cli_json_end(cli);
	} else {
		printf("%s\napproves this boot's PCRs %s\n", path, sb_format_pcrs(pcrs, approval->pcrs));
	}
	return SB_EXIT_OK;
}

/* An approval by another key than the device's would never be taken. */
static void check_release_key(const struct sb_config *config, const struct sb_approval_file *approval)
{
	sb_cleanup_free uint8_t *text = NULL;
	uint8_t key[64];
	size_t length;

	if (sb_file_read(config->release_key, 4096, &text, &length) == 0 &&
	    sb_p256_read_pem((char *)text, length, key, key + 32) == 0 &&
	    memcmp(key, approval->release_key, sizeof(key)) != 0)
		fprintf(stderr, "sealbond: warning: this is not the key of release_key = %s; this device will refuse the approval\n",
			config->release_key);
}

static int approve(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_free struct sb_config *config = malloc(sizeof(*config));
	struct sb_approval_file approval = { 0 };
	const char *key = NULL, *out = NULL;
	char directory[FILE_ROOM];
	struct sb_error error;
	int code, result;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--key") == 0 && i + 1 < argc)
			key = argv[++i];
		else if (strcmp(argv[i], "--out") == 0 && i + 1 < argc)
			out = argv[++i];
		else
			return cli_usage(cli, "release approve --key release.pem [--out DIRECTORY]");
	}
	if (!key)
		return cli_usage(cli, "release approve --key release.pem [--out DIRECTORY]");
	if (!config)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	code = cli_config(cli, config);
	if (code)
		return code;
	approval.cap_pcr = (uint8_t)config->cap_pcr;
	approval.pcrs = config->pcrs | 1U << config->cap_pcr;
	sb_config_id(config->fleet, approval.policy_ref);
	code = read_values(cli, &approval);
	if (code)
		return code;
	result = sb_release_sign(key, &approval, &error);
	if (result < 0)
		return cli_fail(cli, result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_FAILED, "%s", error.text);
	check_release_key(config, &approval);
	snprintf(directory, sizeof(directory), "%s/approvals", config->state_dir);
	if (out && strlen(out) >= FILE_ROOM)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: too long", out);
	return write_approval(cli, &approval, out ? out : directory);
}

static void show_json(struct sb_cli *cli, const struct sb_approval_file *approval, bool valid)
{
	struct sb_json *out = &cli->out;
	uint8_t digest[32];
	char number[4];

	sb_approval_file_digest(approval, digest);
	cli_json_begin(cli);
	sb_json_bool(out, "signature_valid", valid);
	sb_json_hex(out, "policy_digest", digest, sizeof(digest));
	sb_json_hex(out, "fleet_id", approval->policy_ref, sizeof(approval->policy_ref));
	sb_json_hex(out, "release_key", approval->release_key, sizeof(approval->release_key));
	sb_json_number(out, "cap_pcr", approval->cap_pcr);
	sb_json_open(out, "pcr_values", '{');
	for (int pcr = 0; pcr < SB_PCRS; pcr++) {
		if (!(approval->pcrs & 1U << pcr))
			continue;
		snprintf(number, sizeof(number), "%d", pcr);
		sb_json_hex(out, number, approval->values[pcr], 32);
	}
	sb_json_close(out, '}');
	cli_json_end(cli);
}

static void show_text(const struct sb_approval_file *approval, bool valid)
{
	char hex[SB_HEX_ROOM(64)];
	uint8_t digest[32];

	sb_approval_file_digest(approval, digest);
	printf("Signature:     %s\n", valid ? "valid" : "NOT VALID");
	printf("Release key:   %s\n", sb_format_hex(hex, approval->release_key, 64));
	printf("Fleet id:      %s\n", sb_format_hex(hex, approval->policy_ref, 32));
	printf("Policy digest: %s\n", sb_format_hex(hex, digest, 32));
	puts("PCRs:");
	for (int pcr = 0; pcr < SB_PCRS; pcr++)
		if (approval->pcrs & 1U << pcr)
			printf("    %2d         %s%s\n", pcr, sb_format_hex(hex, approval->values[pcr], 32),
			       pcr == approval->cap_pcr ? "  (cap, before it is extended)" : "");
}

static int show(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_free uint8_t *data = NULL;
	struct sb_approval_file approval;
	size_t length;
	bool valid;
	int result;

	if (argc != 2)
		return cli_usage(cli, "release show FILE");
	result = sb_file_read(argv[1], SB_APPROVAL_MAX, &data, &length);
	if (result < 0)
		return cli_fail(cli, result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_FAILED, "%s: %s", argv[1], strerror(-result));
	if (sb_approval_file_decode(data, length, &approval) < 0)
		return cli_fail(cli, SB_EXIT_FAILED, "%s: not an approval", argv[1]);
	valid = sb_release_verify(&approval) == 0;
	if (cli->json)
		show_json(cli, &approval, valid);
	else
		show_text(&approval, valid);
	return valid ? SB_EXIT_OK : SB_EXIT_FAILED;
}

int cli_release(struct sb_cli *cli, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "key") == 0)
		return make_key(cli, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "approve") == 0)
		return approve(cli, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "show") == 0)
		return show(cli, argc - 1, argv + 1);
	return cli_usage(cli, "release key --out FILE | approve --key FILE [--out DIRECTORY] | show FILE");
}
