// SPDX-License-Identifier: Apache-2.0
/* What the helper knows of the ledger and of this device on it. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "device/message.h"
#include "state/codes.h"

static int ask(struct sb_cli *cli, unsigned int verb, struct sb_ledger_reply *reply)
{
	struct sb_error error = { "" };
	int result = cli_helper_ledger(cli, verb, reply, &error);

	if (result == 0)
		return 0;
	return cli_fail(cli, result == -ENOTCONN ? SB_EXIT_NO_HELPER : cli_code_of(result), "%s", error.text);
}

static void time_text(char out[32], int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm parts;

	if (!gmtime_r(&when, &parts) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &parts))
		snprintf(out, 32, "?");
}

static void print_endpoints_json(struct sb_cli *cli, const struct sb_ledger_reply *reply)
{
	sb_json_number(&cli->out, "endpoints_known", reply->endpoints_known);
	sb_json_open(&cli->out, "endpoints", '[');
	for (size_t i = 0; i < reply->endpoints; i++) {
		sb_json_open(&cli->out, NULL, '{');
		sb_json_string(&cli->out, "url", reply->endpoint[i].url);
		sb_json_bool(&cli->out, "learned", reply->endpoint[i].learned);
		sb_json_signed(&cli->out, "height", reply->endpoint[i].height);
		sb_json_number(&cli->out, "latency_us", reply->endpoint[i].latency_us);
		sb_json_number(&cli->out, "failures", reply->endpoint[i].failures);
		sb_json_string(&cli->out, "trouble", reply->endpoint[i].text[0] ? reply->endpoint[i].text : NULL);
		sb_json_close(&cli->out, '}');
	}
	sb_json_close(&cli->out, ']');
}

static void print_json(struct sb_cli *cli, const struct sb_ledger_reply *reply)
{
	const struct sb_state_text *text = sb_ledger_state_text(reply->state);

	cli_json_begin(cli);
	sb_json_string(&cli->out, "state", text->name);
	sb_json_string(&cli->out, "sentence", text->sentence);
	sb_json_string(&cli->out, "remedy", text->remedy);
	sb_json_number(&cli->out, "exit", (uint64_t)text->exit_code);
	sb_json_string(&cli->out, "chain", reply->chain);
	if (reply->has_device)
		sb_json_hex(&cli->out, "device_id", reply->device_id, sizeof(reply->device_id));
	sb_json_bool(&cli->out, "lease", reply->has_lease);
	sb_json_number(&cli->out, "lease_ms", reply->lease_ms);
	sb_json_number(&cli->out, "hold_ms", reply->hold_ms);
	sb_json_number(&cli->out, "hold_left_ms", reply->hold_left_ms);
	sb_json_number(&cli->out, "held_peers", reply->held);
	if (reply->has_quote) {
		sb_json_signed(&cli->out, "last_quote", reply->quote_seconds);
		sb_json_number(&cli->out, "last_quote_age_ms", reply->quote_age_ms);
	}
	sb_json_number(&cli->out, "next_heartbeat_ms", reply->beat_ms);
	sb_json_number(&cli->out, "heartbeats", reply->beats);
	sb_json_number(&cli->out, "refused", reply->beats_refused);
	sb_json_string(&cli->out, "last_code", sb_tx_name(reply->last_code));
	sb_json_signed(&cli->out, "height", reply->height);
	sb_json_signed(&cli->out, "time", reply->seconds);
	sb_json_number(&cli->out, "header_age_ms", reply->head_age_ms);
	sb_json_bool(&cli->out, "witnessed", reply->witnessed);
	sb_json_number(&cli->out, "zone_devices", reply->roster);
	sb_json_number(&cli->out, "granted_peers", reply->peers);
	sb_json_number(&cli->out, "profile_version", reply->profile_version);
	sb_json_string(&cli->out, "profile", reply->profile[0] ? reply->profile : NULL);
	sb_json_number(&cli->out, "bytes_in", reply->bytes_in);
	sb_json_number(&cli->out, "bytes_out", reply->bytes_out);
	sb_json_string(&cli->out, "why", reply->why[0] ? reply->why : NULL);
	sb_json_string(&cli->out, "trouble", reply->text[0] ? reply->text : NULL);
	print_endpoints_json(cli, reply);
	cli_json_end(cli);
}

static void print_lease(const struct sb_ledger_reply *reply)
{
	char left[SB_SHORT_ROOM], hold[SB_SHORT_ROOM], next[SB_SHORT_ROOM], id[SB_HEX_ROOM(32)];

	if (reply->has_device)
		printf("device      %s\n", sb_format_hex(id, reply->device_id, sizeof(reply->device_id)));
	if (reply->has_lease)
		printf("lease       %s left; next heartbeat in %s\n", sb_format_duration(left, reply->lease_ms),
		       sb_format_duration(next, reply->beat_ms));
	if (reply->has_quote)
		printf("last quote  %s ago\n", sb_format_duration(left, reply->quote_age_ms));
	if (reply->hold_ms)
		printf("on loss     bonds are held for %s beyond the lease\n", sb_format_duration(hold, reply->hold_ms));
	else
		puts("on loss     bonds end with the lease");
	if (reply->held)
		printf("held        %u bonds beyond a lease, since the ledger is lost\n", reply->held);
	if (reply->hold_left_ms)
		printf("            for another %s\n", sb_format_duration(hold, reply->hold_left_ms));
	printf("zone        %u devices beside this one, %u with a grant\n", reply->roster, reply->peers);
	if (reply->profile[0])
		printf("profile     %s\n", reply->profile);
	printf("heartbeats  %llu since the helper's start, %llu refused\n", (unsigned long long)reply->beats,
	       (unsigned long long)reply->beats_refused);
}

static void print_head(const struct sb_ledger_reply *reply)
{
	char when[32], age[SB_SHORT_ROOM];

	time_text(when, reply->seconds);
	if (reply->height)
		printf("ledger      %s at height %lld, %s, heard %s ago%s\n", reply->chain, (long long)reply->height, when,
		       sb_format_duration(age, reply->head_age_ms), reply->witnessed ? ", by two endpoints" : "");
	else
		printf("ledger      %s: nothing is proven yet\n", reply->chain);
}

static void print_text(const struct sb_ledger_reply *reply)
{
	const struct sb_state_text *text = sb_ledger_state_text(reply->state);

	printf("state       %s: %s\n", text->name, text->sentence);
	if (text->remedy[0])
		printf("            %s\n", text->remedy);
	if (reply->why[0])
		printf("reason      %s\n", reply->why);
	if (reply->text[0])
		printf("last        %s\n", reply->text);
	print_head(reply);
	print_lease(reply);
}

static int run(struct sb_cli *cli, int argc, unsigned int verb, const char *usage)
{
	sb_cleanup_free struct sb_ledger_reply *reply = calloc(1, sizeof(*reply));
	int code;

	if (argc > 1)
		return cli_usage(cli, usage);
	if (!reply)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	code = ask(cli, verb, reply);
	if (code)
		return code;
	if (cli->json)
		print_json(cli, reply);
	else
		print_text(reply);
	return sb_ledger_state_text(reply->state)->exit_code;
}

int cli_lease(struct sb_cli *cli, int argc, char **argv)
{
	(void)argv;
	return run(cli, argc, SB_CONTROL_LEDGER, "lease");
}

int cli_enrol(struct sb_cli *cli, int argc, char **argv)
{
	(void)argv;
	return run(cli, argc, SB_CONTROL_LEDGER_NOW, "enrol");
}

int cli_attest(struct sb_cli *cli, int argc, char **argv)
{
	(void)argv;
	return run(cli, argc, SB_CONTROL_LEDGER_NOW, "attest");
}

int cli_endpoints(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_free struct sb_ledger_reply *reply = calloc(1, sizeof(*reply));
	char in[SB_SHORT_ROOM], out[SB_SHORT_ROOM];
	int code;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "ledger");
	if (!reply)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	code = ask(cli, SB_CONTROL_LEDGER, reply);
	if (code)
		return code;
	if (cli->json) {
		print_json(cli, reply);
		return SB_EXIT_OK;
	}
	print_head(reply);
	for (size_t i = 0; i < reply->endpoints; i++) {
		printf("endpoint    %s%s: height %lld, %u.%u ms\n", reply->endpoint[i].url,
		       reply->endpoint[i].learned ? " (from the ledger)" : "", (long long)reply->endpoint[i].height,
		       reply->endpoint[i].latency_us / 1000, reply->endpoint[i].latency_us % 1000 / 100);
		if (reply->endpoint[i].failures || reply->endpoint[i].text[0])
			printf("            %u failures; %s\n", reply->endpoint[i].failures, reply->endpoint[i].text);
	}
	printf("traffic     %s in, %s out since the helper's start\n", sb_format_size(in, reply->bytes_in),
	       sb_format_size(out, reply->bytes_out));
	return SB_EXIT_OK;
}
