// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "boot/predict.h"
#include "cli/release.h"
#include "cli/release_key.h"
#include "common/approval.h"
#include "common/file.h"

#define FILE_ROOM	(SB_PATH_ROOM + 64)
#define USAGE		"release approve --key release.pem [--out DIRECTORY] [--image FILE.efi] [--secure-boot on|off] " \
			"[--pcrs 4,7,...] [--keep PCR=HEX]... [--from-running 0,2,7] [--early-config FILE]"

struct request {
	const char *key, *out, *image, *early;
	struct sb_security_keys early_keys;
	enum release_secure_boot secure_boot;
	uint32_t pcrs;			/* 0: the configuration's */
	uint32_t kept;			/* with their values */
	uint8_t values[SB_PCRS][32];
	bool says_running;
	uint32_t running;		/* of --from-running */
};

static bool parse_keep(const char *text, struct request *request)
{
	const char *equals = strchr(text, '=');
	char number[4] = { 0 };
	uint64_t pcr;

	if (!equals || equals - text >= (ptrdiff_t)sizeof(number))
		return false;
	memcpy(number, text, (size_t)(equals - text));
	if (sb_parse_u64(number, &pcr) < 0 || pcr >= SB_PCRS || sb_parse_hex(equals + 1, request->values[pcr], 32) < 0)
		return false;
	request->kept |= 1U << pcr;
	return true;
}

static int parse(struct sb_cli *cli, int argc, char **argv, struct request *request)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *word = argv[i], *value = argv[i + 1];
		bool right = true;

		if (strcmp(word, "--key") == 0)
			request->key = value;
		else if (strcmp(word, "--out") == 0)
			request->out = value;
		else if (strcmp(word, "--image") == 0)
			request->image = value;
		else if (strcmp(word, "--early-config") == 0)
			request->early = value;
		else if (strcmp(word, "--secure-boot") == 0)
			right = release_secure_boot_word(value, &request->secure_boot);
		else if (strcmp(word, "--pcrs") == 0)
			right = sb_parse_pcrs(value, &request->pcrs) == 0;
		else if (strcmp(word, "--keep") == 0)
			right = parse_keep(value, request);
		else if (strcmp(word, "--from-running") == 0)
			right = request->says_running = sb_parse_pcrs(value, &request->running) == 0;
		else
			return cli_usage(cli, USAGE);
		if (!right)
			return cli_fail(cli, SB_EXIT_USAGE, "%s %s: not understood; usage: sealbond %s", word, value, USAGE);
	}
	if (argc % 2 == 0 || !request->key)
		return cli_usage(cli, USAGE);
	if (request->out && strlen(request->out) >= FILE_ROOM)
		return cli_fail(cli, SB_EXIT_USAGE, "%s: too long", request->out);
	return 0;
}

/* With --early-config, what was said of the cap PCR is its value before the configuration. Then it counts as said. */
static int fill_cap(struct sb_cli *cli, struct request *request, const struct sb_config *config)
{
	uint8_t *value = request->values[config->cap_pcr];
	uint32_t bit = 1U << config->cap_pcr;
	uint8_t prior[32];
	int code;

	if (!request->early)
		return 0;
	memcpy(prior, value, sizeof(prior));
	code = release_cap_value(cli, config, &request->early_keys, request->kept & bit ? prior : NULL, value);
	if (code == 0)
		request->kept |= bit;
	return code;
}

/* What is said by hand goes before what is predicted, and this boot is asked only for the rest. */
static int fill_values(struct sb_cli *cli, struct request *request, struct sb_approval_file *approval)
{
	uint32_t rest = approval->pcrs & ~request->kept, predicted = 0;
	uint8_t values[SB_PCRS][32];
	char pcrs[SB_PCRS_ROOM];
	int code = 0;

	if (request->image) {
		predicted = SB_PREDICTED_PCRS & rest & ~request->running;
		code = release_predict(cli, request->image, request->secure_boot, values);
		if (code)
			return code;
	}
	rest &= ~predicted;
	if (request->says_running && rest & ~request->running)
		return cli_fail(cli, SB_EXIT_USAGE, "no value for PCRs %s: name them in --from-running, or say each by --keep PCR=HEX",
				sb_format_pcrs(pcrs, rest & ~request->running));
	if (rest)
		code = release_running(cli, rest, approval->cap_pcr, values);
	if (code)
		return code;
	for (int pcr = 0; pcr < SB_PCRS; pcr++)
		if (approval->pcrs & 1U << pcr)
			memcpy(approval->values[pcr], request->kept & 1U << pcr ? request->values[pcr] : values[pcr], 32);
	request->running = rest;
	return 0;
}

static void print_text(const struct request *request, const struct sb_approval_file *approval, const char *path)
{
	uint32_t cap = request->early ? 1U << approval->cap_pcr : 0, kept = request->kept & approval->pcrs & ~cap;
	uint32_t predicted = approval->pcrs & ~request->kept & ~request->running;
	char pcrs[SB_PCRS_ROOM];

	if (!request->image && !request->kept && !request->early) {
		printf("%s\napproves this boot's PCRs %s\n", path, sb_format_pcrs(pcrs, approval->pcrs));
		return;
	}
	printf("%s\napproves PCRs %s", path, sb_format_pcrs(pcrs, approval->pcrs));
	if (predicted)
		printf("; %s from %s", sb_format_pcrs(pcrs, predicted), request->image);
	if (cap)
		printf("; %s from %s", sb_format_pcrs(pcrs, cap), request->early);
	if (kept)
		printf("; %s as given", sb_format_pcrs(pcrs, kept));
	if (request->running)
		printf("; %s as in this boot", sb_format_pcrs(pcrs, request->running));
	putchar('\n');
}

static int write_approval(struct sb_cli *cli, const struct request *request, const struct sb_approval_file *approval,
			  const char *directory)
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
		if (request->image)
			sb_json_string(&cli->out, "image", request->image);
		cli_json_end(cli);
	} else {
		print_text(request, approval, path);
	}
	return SB_EXIT_OK;
}

/* An approval by another key than the device's would never be taken. */
static void check_release_key(const struct sb_config *config, const struct request *request,
			      const struct sb_approval_file *approval)
{
	uint8_t key[64];

	if (request->early)
		memcpy(key, request->early_keys.release, sizeof(key));
	else if (sb_security_load_point(config->release_key, "release_key", key, NULL) < 0)
		return;
	if (memcmp(key, approval->release_key, sizeof(key)) != 0)
		fprintf(stderr, "sealbond: warning: this is not the key of release_key = %s; this device will refuse the approval\n",
			config->release_key);
}

static int sign_and_write(struct sb_cli *cli, const struct sb_config *config, struct request *request)
{
	struct sb_approval_file approval = {
		.cap_pcr = (uint8_t)config->cap_pcr,
		.pcrs = (request->pcrs ? request->pcrs : config->pcrs) | 1U << config->cap_pcr,
	};
	char directory[FILE_ROOM], pcrs[SB_PCRS_ROOM];
	struct sb_error error;
	int code, result;

	if (config->pcrs & ~approval.pcrs)
		return cli_fail(cli, SB_EXIT_USAGE, "--pcrs lacks %s, which pcrs in [key] asks for: the kernel would refuse the approval",
				sb_format_pcrs(pcrs, config->pcrs & ~approval.pcrs));
	sb_config_id(config->fleet, approval.policy_ref);
	code = fill_cap(cli, request, config);
	if (code == 0)
		code = fill_values(cli, request, &approval);
	if (code)
		return code;
	result = sb_release_sign(request->key, &approval, &error);
	if (result < 0)
		return cli_fail(cli, result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_FAILED, "%s", error.text);
	check_release_key(config, request, &approval);
	snprintf(directory, sizeof(directory), "%s/approvals", config->state_dir);
	return write_approval(cli, request, &approval, request->out ? request->out : directory);
}

int cli_release_approve(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_free struct sb_config *config = malloc(sizeof(*config));
	struct request request = { 0 };
	int code = parse(cli, argc, argv, &request);

	if (code)
		return code;
	if (!config)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	code = cli_config(cli, config);
	if (code == 0 && request.early)
		code = release_early_config(cli, request.early, config, &request.early_keys);
	return code ? code : sign_and_write(cli, config, &request);
}
