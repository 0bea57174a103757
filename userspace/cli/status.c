// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "cli/early.h"
#include "common/assurance.h"
#include "common/file.h"
#include "device/message.h"

#define HELD_MAX	4096

struct helper {
	int result;		/* of cli_helper */
	struct sb_error text;
};

static const char *helper_word(const struct helper *helper)
{
	switch (helper->result) {
	case 0:
		return "running";
	case -EACCES:
		return "unknown";
	case -ENOTCONN:
		return "not-running";
	default:
		return "not-answering";
	}
}

static void print_local(const struct sb_status *status)
{
	char id[SB_HEX_ROOM(SEALBOND_ID_LEN)], address[SB_ADDRESS_ROOM], name[IF_NAMESIZE] = "?";

	if (!status->configured) {
		puts("Device:     not set up yet");
		return;
	}
	if_indextoname(status->sb0_ifindex, name);
	printf("Device:     %s\n", sb_format_hex(id, status->device_id, SEALBOND_ID_LEN));
	printf("Overlay:    %s", name);
	if (status->overlay4.family)
		printf(" %s", sb_format_address(address, AF_INET, status->overlay4.address));
	if (status->overlay6.family)
		printf(" %s", sb_format_address(address, AF_INET6, status->overlay6.address));
	printf(", UDP port %u\n", status->port);
}

static void print_text(const struct sb_status *status, const struct helper *helper)
{
	const struct sb_state_text *state = sb_state_text(status->key.state);
	bool approved = helper->result == 0 && strcmp(helper->text.text, SB_NOTE_APPROVED) == 0;
	char text[SB_PCRS_ROOM];

	printf("Mode:       %s", sb_mode_word(status->mode));
	if (status->reverting)
		printf(" (reverts in %s unless confirmed: sealbond mode confirm)", sb_format_duration(text, status->revert_ms));
	if (status->locked)
		printf(" (locked until the reboot)");
	printf("\nState:      %s. %s\n", state->name, state->sentence);
	if (status->key.changed_pcrs)
		printf("            PCRs that differ: %s\n", sb_format_pcrs(text, status->key.changed_pcrs));
	if (status->key.detail)
		printf("            code: %s0x%x\n", status->key.detail < 0 ? "-" : "",
		       (unsigned int)(status->key.detail < 0 ? -status->key.detail : status->key.detail));
	if (state->remedy[0])
		printf("            %s\n", approved ? "Reboot: an approval fits this boot now." : state->remedy);
	if (status->key.has_candidate && !status->bonds)
		puts("            A candidate key waits for admission by the peers: sealbond identity");
	for (unsigned int bit = 0; bit < SB_ALARM_BITS; bit++)
		if (status->key.alarms & 1U << bit)
			printf("Alarm:      %s: %s\n            %s\n", sb_alarm_text(bit)->name,
			       sb_alarm_text(bit)->sentence, sb_alarm_text(bit)->remedy);
	printf("Assurance:  %s\n", sb_assurance_word(status->assurance));
	for (unsigned int bit = 0; bit < SB_GAP_BITS; bit++)
		if (status->assurance & 1U << bit)
			printf("            %s: %s %s\n", sb_gap_text(bit)->name, sb_gap_text(bit)->sentence,
			       sb_gap_text(bit)->remedy);
	print_local(status);
	printf("Helper:     %s%s%s\n", helper_word(helper), helper->text.text[0] ? ": " : "", helper->text.text);
	if (status->grant_keys)
		printf("Grants:     a peer needs %u of %zu signatures\n", status->grant_threshold, status->grant_keys);
	printf("Bonds:      %u live of %u peers\n", status->bonds, status->peers);
}

/* The names, and what to do about each in the same order. */
static void json_gaps(struct sb_json *out, uint32_t gaps)
{
	sb_json_open(out, "gaps", '[');
	for (unsigned int bit = 0; bit < SB_GAP_BITS; bit++)
		if (gaps & 1U << bit)
			sb_json_string(out, NULL, sb_gap_text(bit)->name);
	sb_json_close(out, ']');
	sb_json_open(out, "remedies", '[');
	for (unsigned int bit = 0; bit < SB_GAP_BITS; bit++)
		if (gaps & 1U << bit)
			sb_json_string(out, NULL, sb_gap_text(bit)->remedy);
	sb_json_close(out, ']');
}

static void print_json(struct sb_cli *cli, const struct sb_status *status, const struct helper *helper)
{
	struct sb_json *out = &cli->out;
	char text[SB_PCRS_ROOM];

	sb_json_string(out, "version", status->version);
	sb_json_string(out, "mode", sb_mode_word(status->mode));
	if (status->reverting)
		sb_json_number(out, "mode_revert_ms", status->revert_ms);
	cli_json_state(cli, status->key.state);
	sb_json_signed(out, "state_detail", status->key.detail);
	sb_json_bool(out, "candidate", status->key.has_candidate);
	if (status->has_config_hash)
		sb_json_hex(out, "config_hash", status->config_hash, sizeof(status->config_hash));
	if (status->key.changed_pcrs)
		cli_json_pcrs(cli, status->key.changed_pcrs);
	sb_json_open(out, "alarms", '[');
	for (unsigned int bit = 0; bit < SB_ALARM_BITS; bit++)
		if (status->key.alarms & 1U << bit)
			sb_json_string(out, NULL, sb_alarm_text(bit)->name);
	sb_json_close(out, ']');
	sb_json_bool(out, "locked", status->locked);
	sb_json_string(out, "assurance", sb_assurance_word(status->assurance));
	json_gaps(out, status->assurance);
	if (status->configured) {
		sb_json_hex(out, "device_id", status->device_id, SEALBOND_ID_LEN);
		sb_json_string(out, "overlay4", status->overlay4.family ?
			       sb_format_address(text, AF_INET, status->overlay4.address) : NULL);
		sb_json_string(out, "overlay6", status->overlay6.family ?
			       sb_format_address(text, AF_INET6, status->overlay6.address) : NULL);
		sb_json_number(out, "port", status->port);
	}
	sb_json_string(out, "helper", helper_word(helper));
	sb_json_string(out, "helper_note", helper->text.text);
	sb_json_number(out, "peers_count", status->peers);
	sb_json_number(out, "bonds_live", status->bonds);
	sb_json_number(out, "grant_keys", status->grant_keys);
	sb_json_number(out, "grant_threshold", status->grant_threshold);
}

/* The first line is the reason, the others what to do. */
static void print_held(const char *text)
{
	const char *head = "Held:       ";

	while (*text) {
		int length = (int)strcspn(text, "\n");

		printf("%s%.*s\n", head, length, text);
		head = "            ";
		text += length + (text[length] == '\n');
	}
}

/* The keys first, without which there is no lease; then the lease, without which there is no bond. */
static int code_of(const struct sb_status *status, int lease_code, const struct cli_bonds *bonds, int bonds_result)
{
	int code = sb_state_text(status->key.state)->exit_code;

	if (code || lease_code)
		return code ? code : lease_code;
	if (bonds_result < 0)
		return bonds_result == -EPERM ? SB_EXIT_PERMISSION : SB_EXIT_FAILED;
	if (bonds->ended)
		return SB_EXIT_LEASE_ENDED;
	return bonds->rest ? SB_EXIT_NO_BOND : SB_EXIT_OK;
}

int cli_status(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_module struct sb_module *module = NULL;
	sb_cleanup_free uint8_t *held = NULL;
	struct helper helper = { 0 };
	struct cli_bonds bonds;
	struct sb_status status;
	const struct sb_state_text *problem;
	int code, lease_code, result;
	size_t length;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "status [--json]");
	if (sb_file_read(EARLY_HELD_PATH, HELD_MAX, &held, &length) < 0)
		held = NULL;
	if (held && !cli->json)
		print_held((char *)held);
	if (held && sb_module_open(&module, NULL) < 0)
		return cli_fail(cli, SB_EXIT_NO_MODULE, "network devices are held since early boot: %.*s",
				(int)strcspn((char *)held, "\n"), (char *)held);
	code = module ? 0 : cli_open(cli, &module);
	if (code)
		return code;
	result = sb_module_status(module, &status);
	if (result < 0)
		return cli_module_fail(cli, module, result);
	status.assurance |= sb_system_gaps();
	helper.result = cli_helper(cli, SB_CONTROL_STATUS, &helper.text);
	if (cli->json) {
		cli_json_begin(cli);
		print_json(cli, &status, &helper);
		sb_json_string(&cli->out, "held", (char *)held);
	} else {
		print_text(&status, &helper);
	}
	lease_code = cli_status_lease(cli, helper.result == 0);
	result = cli_bonds(cli, module, false, &bonds);
	code = code_of(&status, lease_code, &bonds, result);
	/* The lease has said its own. */
	problem = lease_code && code == lease_code ? NULL : sb_peer_problem_text(code);
	if (cli->json) {
		sb_json_string(&cli->out, "problem", problem ? problem->name : NULL);
		sb_json_number(&cli->out, "exit", (uint64_t)code);
		cli_json_end(cli);
	} else if (problem) {
		printf("\n%s: %s\n    %s\n", problem->name, problem->sentence, problem->remedy);
	} else if (result == -EPERM) {
		puts("(the list of peers needs root)");
	}
	return code;
}
