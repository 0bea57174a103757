// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "device/message.h"

static int code_of(int result)
{
	return result == -ENOTCONN ? SB_EXIT_NO_HELPER : cli_code_of(result);
}

static void print_json(struct sb_cli *cli, const struct sb_key_status *key)
{
	cli_json_begin(cli);
	sb_json_hex(&cli->out, "key_current", key->current, sizeof(key->current));
	if (key->has_old)
		sb_json_hex(&cli->out, "key_old", key->old, sizeof(key->old));
	sb_json_number(&cli->out, "key_old_ms", key->old_ms);
	cli_json_end(cli);
}

/*
 * Grants name the key that the ledger knows. One that it has not taken would leave the device alone as soon as the kernel
 * forgets the old one. Where the helper knows no record, nothing speaks against it.
 */
static int check_ledger(struct sb_cli *cli, const struct sb_key_status *key)
{
	sb_cleanup_free struct sb_ledger_reply *reply = calloc(1, sizeof(*reply));
	struct sb_error error = { "" };

	if (!reply)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	if (!key->has_next || cli_helper_ledger(cli, SB_CONTROL_LEDGER, reply, &error) < 0 || !reply->admitted ||
	    memcmp(reply->next, key->next, sizeof(reply->next)) == 0)
		return 0;
	return cli_fail(cli, SB_EXIT_FAILED, "the ledger has not taken the next key, and would not follow: %s",
			reply->why[0] ? reply->why : "wait for the next heartbeat (sealbond attest sends it now)");
}

/* By the helper, since the files have to follow. */
int cli_key_rotate(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_module struct sb_module *module = NULL;
	char hex[SB_HEX_ROOM(SEALBOND_KEY_LEN)], time[SB_SHORT_ROOM];
	struct sb_status status;
	struct sb_error error;
	int result, code;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "key rotate [--json]");
	code = cli_open(cli, &module);
	if (code)
		return code;
	result = sb_module_status(module, &status);
	if (result < 0)
		return cli_module_fail(cli, module, result);
	code = check_ledger(cli, &status.key);
	if (code)
		return code;
	result = cli_helper(cli, SB_CONTROL_ROTATE_KEY, &error);
	if (result < 0)
		return cli_fail(cli, code_of(result), "%s", error.text);
	result = sb_module_status(module, &status);
	if (result < 0)
		return cli_module_fail(cli, module, result);
	if (cli->json) {
		print_json(cli, &status.key);
		return SB_EXIT_OK;
	}
	printf("The bond key is %s now.\n", sb_format_hex(hex, status.key.current, SEALBOND_KEY_LEN));
	if (status.key.has_old)
		printf("The old one answers for %s more, but not after a reboot: give the new one to every peer before\n"
		       "(sealbond identity, or a new grant).\n", sb_format_duration(time, status.key.old_ms));
	return SB_EXIT_OK;
}
