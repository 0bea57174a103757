// SPDX-License-Identifier: Apache-2.0
/* This device's lease, as status shows it beside the kernel's states. */
#include <errno.h>

#include "cli/cli.h"
#include "device/message.h"

static void print_lease(const struct sb_ledger_reply *reply, const struct sb_state_text *state)
{
	char text[SB_SHORT_ROOM];

	printf("Lease:      %s. %s\n", state->name, state->sentence);
	if (reply->has_lease)
		printf("            ends in %s", sb_format_duration(text, reply->lease_ms));
	if (reply->has_quote)
		printf("%slast quote %s ago", reply->has_lease ? "; " : "            ",
		       sb_format_duration(text, reply->quote_age_ms));
	if (reply->has_lease || reply->has_quote)
		putchar('\n');
	if (state->remedy[0])
		printf("            %s\n", state->remedy);
	if (reply->why[0])
		printf("            reason: %s\n", reply->why);
	if (reply->text[0])
		printf("            last: %s\n", reply->text);
}

static void json_lease(struct sb_json *out, const struct sb_ledger_reply *reply, const struct sb_state_text *state)
{
	sb_json_open(out, "lease", '{');
	sb_json_string(out, "state", state->name);
	sb_json_string(out, "sentence", state->sentence);
	sb_json_string(out, "remedy", state->remedy);
	sb_json_number(out, "exit", (uint64_t)state->exit_code);
	sb_json_bool(out, "live", reply->has_lease);
	sb_json_number(out, "ends_in_ms", reply->lease_ms);
	sb_json_number(out, "hold_ms", reply->hold_ms);
	if (reply->has_quote)
		sb_json_number(out, "last_quote_age_ms", reply->quote_age_ms);
	sb_json_string(out, "why", reply->why[0] ? reply->why : NULL);
	sb_json_string(out, "trouble", reply->text[0] ? reply->text : NULL);
	sb_json_close(out, '}');
}

int cli_status_lease(struct sb_cli *cli, bool helper_answers)
{
	sb_cleanup_free struct sb_ledger_reply *reply = calloc(1, sizeof(*reply));
	struct sb_error error = { "" };
	const struct sb_state_text *state;
	int result = -ENOTCONN;

	if (helper_answers && reply)
		result = cli_helper_ledger(cli, SB_CONTROL_LEDGER, reply, &error);
	if (result < 0) {
		if (cli->json)
			sb_json_string(&cli->out, "lease", NULL);
		/* Without a ledger there is nothing to say. */
		else if (helper_answers && result != -EOPNOTSUPP)
			printf("Lease:      unknown: %s\n", error.text);
		return 0;
	}
	state = sb_ledger_state_text(reply->state);
	if (cli->json)
		json_lease(&cli->out, reply, state);
	else
		print_lease(reply, state);
	return state->exit_code;
}
