// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/release.h"
#include "cli/release_key.h"
#include "common/approval.h"
#include "common/file.h"

static int make_key(struct sb_cli *cli, int argc, char **argv)
{
	return cli_make_key(cli, argc, argv, "release key --out release.pem", "the release key", "release_key in [key]");
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
		return cli_release_approve(cli, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return cli_release_check(cli, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "show") == 0)
		return show(cli, argc - 1, argv + 1);
	return cli_usage(cli, "release key --out FILE | approve --key FILE [--image FILE] [--out DIRECTORY] | check [--image FILE] | show FILE");
}
