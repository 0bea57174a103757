// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static void free_key(struct sb_key_status *key)
{
	sb_key_status_free(key);
}

/* Sealed keys that the helper has not stored yet. */
static bool waits(const struct sb_key_status *key)
{
	for (int i = 0; i < SB_PLACES; i++)
		if (key->blob[i])
			return true;
	return false;
}

static void print_json(struct sb_cli *cli, const struct sb_key_status *key)
{
	struct sb_json *out = &cli->out;
	char number[4];

	cli_json_begin(cli);
	cli_json_state(cli, key->state);
	sb_json_signed(out, "state_detail", key->detail);
	if (key->has_current)
		sb_json_hex(out, "key_current", key->current, sizeof(key->current));
	if (key->has_next)
		sb_json_hex(out, "key_next", key->next, sizeof(key->next));
	if (key->has_old) {
		sb_json_hex(out, "key_old", key->old, sizeof(key->old));
		sb_json_number(out, "key_old_ms", key->old_ms);
	}
	if (key->has_candidate)
		sb_json_hex(out, "key_candidate", key->candidate, sizeof(key->candidate));
	if (key->changed_pcrs)
		cli_json_pcrs(cli, key->changed_pcrs);
	sb_json_number(out, "tpm_commands", key->tpm_commands);
	sb_json_number(out, "tpm_time_ms", key->tpm_time_ms);
	sb_json_number(out, "reset_count", key->reset_count);
	sb_json_number(out, "restart_count", key->restart_count);
	sb_json_bool(out, "stored", (key->has_current || key->has_candidate) && !waits(key));
	sb_json_open(out, "pcr_values", '{');
	for (int pcr = 0; pcr < SEALBOND_PCRS; pcr++) {
		if (!(key->pcr_valid & 1U << pcr))
			continue;
		snprintf(number, sizeof(number), "%d", pcr);
		sb_json_hex(out, number, key->pcr_values[pcr], 32);
	}
	sb_json_close(out, '}');
	cli_json_end(cli);
}

static void print_text(const struct sb_key_status *key)
{
	const struct sb_state_text *state = sb_state_text(key->state);
	char hex[SB_HEX_ROOM(32)], time[SB_SHORT_ROOM], pcrs[SB_PCRS_ROOM];

	printf("State:         %s. %s\n", state->name, state->sentence);
	if (state->remedy[0])
		printf("               %s\n", state->remedy);
	if (key->changed_pcrs)
		printf("Changed PCRs:  %s\n", sb_format_pcrs(pcrs, key->changed_pcrs));
	if (key->has_current)
		printf("Current key:   %s\n", sb_format_hex(hex, key->current, 32));
	if (key->has_next)
		printf("Next key:      %s\n", sb_format_hex(hex, key->next, 32));
	else if (key->has_current)
		puts("Next key:      none; the following boot makes one");
	if (key->has_old)
		printf("Old key:       %s\n               it answers for %s more, or until a reboot\n",
		       sb_format_hex(hex, key->old, 32), sb_format_duration(time, key->old_ms));
	if (key->has_candidate) {
		printf("Candidate key: %s\n", sb_format_hex(hex, key->candidate, 32));
		puts("               made in this boot, which is not approved; waits for admission by the peers:");
		puts("               sealbond identity");
	}
	if (waits(key))
		puts("               new sealed keys wait for the helper to store them");
	printf("TPM:           %u commands in %s; reset count %u, restart count %u\n", key->tpm_commands,
	       sb_format_duration(time, key->tpm_time_ms), key->reset_count, key->restart_count);
	if (key->pcr_valid)
		puts("PCRs before the cap:");
	for (int pcr = 0; pcr < SEALBOND_PCRS; pcr++)
		if (key->pcr_valid & 1U << pcr)
			printf("    %2d         %s\n", pcr, sb_format_hex(hex, key->pcr_values[pcr], 32));
}

int cli_key(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_module struct sb_module *module = NULL;
	sb_cleanup(free_key) struct sb_key_status key = { 0 };
	int code, result;

	if (argc > 1 && strcmp(argv[1], "rotate") == 0)
		return cli_key_rotate(cli, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "export") == 0)
		return cli_key_export(cli, argc - 1, argv + 1);
	if (argc > 1)
		return cli_usage(cli, "key [--json] | key rotate | key export --out DIRECTORY [--next | --blob FILE]");
	code = cli_open(cli, &module);
	if (code)
		return code;
	result = sb_module_get_key(module, &key);
	if (result < 0)
		return cli_module_fail(cli, module, result);
	if (cli->json)
		print_json(cli, &key);
	else
		print_text(&key);
	return sb_state_text(key.state)->exit_code;
}

int cli_identity(struct sb_cli *cli, int argc, char **argv)
{
	sb_cleanup_module struct sb_module *module = NULL;
	char id[SB_HEX_ROOM(32)], key[SB_HEX_ROOM(32)], four[SB_ADDRESS_ROOM], six[SB_ADDRESS_ROOM];
	char host[SB_INI_NAME_MAX];
	struct sb_status status;
	int code, result;

	(void)argv;
	if (argc > 1)
		return cli_usage(cli, "identity [--json]");
	code = cli_open(cli, &module);
	if (code)
		return code;
	result = sb_module_status(module, &status);
	if (result < 0)
		return cli_module_fail(cli, module, result);
	if (status.key.state != SEALBOND_STATE_KEYS_READY && !status.key.has_candidate)
		return cli_fail(cli, sb_state_text(status.key.state)->exit_code, "%s: %s",
				sb_state_text(status.key.state)->name, sb_state_text(status.key.state)->sentence);
	if (!status.configured)
		return cli_fail(cli, SB_EXIT_NO_HELPER, "this device is not set up yet: does the helper run?");
	if (gethostname(host, sizeof(host)) < 0 || !memchr(host, '\0', sizeof(host)) || !host[0])
		strcpy(host, "device");
	sb_format_hex(id, status.device_id, SEALBOND_ID_LEN);
	sb_format_hex(key, status.key.has_candidate ? status.key.candidate : status.key.current, SEALBOND_KEY_LEN);
	sb_format_address(four, status.overlay4.family, status.overlay4.address);
	sb_format_address(six, status.overlay6.family, status.overlay6.address);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_string(&cli->out, "name", host);
		sb_json_string(&cli->out, "device_id", id);
		sb_json_string(&cli->out, "key", key);
		sb_json_bool(&cli->out, "candidate", status.key.has_candidate);
		sb_json_string(&cli->out, "overlay4", status.overlay4.family ? four : NULL);
		sb_json_string(&cli->out, "overlay6", status.overlay6.family ? six : NULL);
		sb_json_number(&cli->out, "port", status.port);
		cli_json_end(cli);
		return SB_EXIT_OK;
	}
	if (status.key.has_candidate)
		puts("# A candidate: made in a boot that is not approved, waits for admission. Whoever puts it into\n"
		     "# its peers' file admits it; compare the key and find out why the boot has changed first.");
	printf("[peer %s]\ndevice_id = %s\nkey = %s\n", host, id, key);
	if (status.overlay4.family)
		printf("overlay4 = %s\n", four);
	if (status.overlay6.family)
		printf("overlay6 = %s\n", six);
	printf("# endpoint = ADDRESS:%u\n", status.port);
	return SB_EXIT_OK;
}
