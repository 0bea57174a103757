// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

struct rotation {
	struct sb_cli *cli;
	struct sb_module *module;
	struct sb_peer_list names;
	char **wanted;		/* NULL: all */
	bool *found;
	int wanted_count;
	struct peer {
		uint8_t id[SEALBOND_ID_LEN];
	} *peer;
	size_t count, room;
};

/* A name of the peers' file, or the first digits (8 or more) of a device id. */
static bool is_wanted(struct rotation *rotation, const struct sb_peer_status *peer)
{
	char room[17], hex[SB_HEX_ROOM(SEALBOND_ID_LEN)];
	bool wanted = false;

	if (!rotation->wanted)
		return true;
	sb_format_hex(hex, peer->device_id, SEALBOND_ID_LEN);
	for (int i = 0; i < rotation->wanted_count; i++) {
		const char *word = rotation->wanted[i];

		if (strcmp(word, cli_peer_name(&rotation->names, peer->device_id, room)) == 0 ||
		    (strlen(word) >= 8 && strncmp(word, hex, strlen(word)) == 0))
			wanted = rotation->found[i] = true;
	}
	return wanted;
}

/* Collected first: orders do not belong into a dump. */
static int on_peer(void *context, const struct sb_peer_status *peer)
{
	struct rotation *rotation = context;

	if (!is_wanted(rotation, peer))
		return 0;
	if (rotation->count == rotation->room) {
		size_t room = rotation->room ? 2 * rotation->room : 16;
		void *grown = realloc(rotation->peer, room * sizeof(*rotation->peer));

		if (!grown)
			return -ENOMEM;
		rotation->peer = grown;
		rotation->room = room;
	}
	memcpy(rotation->peer[rotation->count++].id, peer->device_id, SEALBOND_ID_LEN);
	return 0;
}

/* 0, or the exit code of the first order that failed; the others are given all the same. */
static int order(struct rotation *rotation)
{
	int code = SB_EXIT_OK;

	for (size_t i = 0; i < rotation->count; i++) {
		char room[17];
		const char *name = cli_peer_name(&rotation->names, rotation->peer[i].id, room);
		int result = sb_module_start_bond(rotation->module, rotation->peer[i].id);

		if (result < 0 && result != -EAGAIN) {
			fprintf(stderr, "sealbond: %s: %s\n", name, sb_module_error(rotation->module));
			code = result == -EPERM ? SB_EXIT_PERMISSION : SB_EXIT_FAILED;
		} else if (!rotation->cli->json) {
			printf("%s: %s\n", name, result == -EAGAIN ? "a handshake is under way already" : "handshake started");
		}
	}
	return code;
}

static int rotate(struct rotation *rotation)
{
	struct sb_cli *cli = rotation->cli;
	int code = cli_open(cli, &rotation->module), result;

	if (code)
		return code;
	result = sb_module_peers(rotation->module, on_peer, rotation);
	if (result < 0 && result != -EINTR)
		return cli_module_fail(cli, rotation->module, result);
	for (int i = 0; i < rotation->wanted_count; i++)
		if (!rotation->found[i])
			return cli_fail(cli, SB_EXIT_USAGE, "there is no peer %s; see sealbond peers", rotation->wanted[i]);
	code = order(rotation);
	if (cli->json) {
		cli_json_begin(cli);
		sb_json_number(&cli->out, "started", rotation->count);
		sb_json_number(&cli->out, "exit", (uint64_t)code);
		cli_json_end(cli);
	}
	return code;
}

int cli_rotate(struct sb_cli *cli, int argc, char **argv)
{
	struct rotation rotation = { .cli = cli };
	sb_cleanup_free bool *found = calloc((size_t)argc, sizeof(*found));
	bool all = argc == 2 && strcmp(argv[1], "--all") == 0;
	int code;

	if (argc < 2 || (argv[1][0] == '-' && !all))
		return cli_usage(cli, "rotate PEER... | --all");
	if (!found)
		return cli_fail(cli, SB_EXIT_FAILED, "out of memory");
	rotation.found = found;
	rotation.wanted = all ? NULL : argv + 1;
	rotation.wanted_count = all ? 0 : argc - 1;
	cli_peer_list(cli, &rotation.names);
	code = rotate(&rotation);
	sb_module_close(rotation.module);
	sb_peers_free(&rotation.names);
	free(rotation.peer);
	return code;
}
