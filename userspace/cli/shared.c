// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

void cli_json_pcrs(struct sb_cli *cli, uint32_t changed)
{
	sb_json_open(&cli->out, "changed_pcrs", '[');
	for (unsigned int pcr = 0; pcr < SEALBOND_PCRS; pcr++)
		if (changed & 1U << pcr)
			sb_json_number(&cli->out, NULL, pcr);
	sb_json_close(&cli->out, ']');
}

void cli_json_state(struct sb_cli *cli, unsigned int state)
{
	const struct sb_state_text *text = sb_state_text(state);

	sb_json_string(&cli->out, "state", text->name);
	sb_json_string(&cli->out, "sentence", text->sentence);
	sb_json_string(&cli->out, "remedy", text->remedy);
}

int cli_module_fail(struct sb_cli *cli, const struct sb_module *module, int result)
{
	if (result == -EPERM)
		return cli_fail(cli, SB_EXIT_PERMISSION, "not permitted: this needs root (CAP_NET_ADMIN)");
	return cli_fail(cli, cli_code_of(result), "%s", sb_module_error(module));
}

int cli_open(struct sb_cli *cli, struct sb_module **module)
{
	struct sb_error error;
	int result = sb_module_open(module, &error);

	if (result == 0)
		return 0;
	return cli_fail(cli, result == -ENOENT ? SB_EXIT_NO_MODULE : cli_code_of(result), "%s", error.text);
}

int cli_config(struct sb_cli *cli, struct sb_config *config)
{
	struct sb_error error;
	int result = sb_config_load(cli->config_path, config, &error);

	if (result == 0)
		return 0;
	return cli_fail(cli, result == -EACCES ? SB_EXIT_PERMISSION : SB_EXIT_USAGE, "%s", error.text);
}

void cli_peer_list(struct sb_cli *cli, struct sb_peer_list *list)
{
	sb_cleanup_free struct sb_config *config = malloc(sizeof(*config));

	*list = (struct sb_peer_list){ 0 };
	if (config && sb_config_load(cli->config_path, config, NULL) == 0)
		(void)sb_peers_load(config->peers_file, list, NULL);
}

const char *cli_peer_name(const struct sb_peer_list *list, const uint8_t *device_id, char room[17])
{
	const struct sb_peer_entry *peer = sb_peers_by_id(list, device_id);

	return peer ? peer->name : sb_format_hex(room, device_id, 8);
}
