// SPDX-License-Identifier: Apache-2.0
/* sealbond: the tool for people. */
#include <string.h>

#include "cli/cli.h"

/* Alone it is the device's: how its helper sees the ledger's endpoints. */
static int ledger(struct sb_cli *cli, int argc, char **argv)
{
	return argc > 1 ? cli_people(cli, argc, argv) : cli_endpoints(cli, argc, argv);
}

static const struct command {
	const char *name;
	int (*run)(struct sb_cli *cli, int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "status", cli_status, "mode, state, assurance and bonds; the exit code is the state's" },
	{ "key", cli_key, "the bond keys: public parts, TPM commands, measured values; rotate, export" },
	{ "peers", cli_peers, "every peer with its bond" },
	{ "identity", cli_identity, "this device as a [peer] for the other side's peers' file" },
	{ "drops", cli_drops, "what was dropped and why [--follow] [--interval 2s]" },
	{ "exceptions", cli_exceptions, "what is allowed in clear, with counters" },
	{ "suggest", cli_suggest, "watched drops as exceptions [--for 60s]" },
	{ "monitor", cli_monitor, "events as they come" },
	{ "mode", cli_mode, "[off|observe|enforce [--confirm 10m]] or confirm" },
	{ "lock", cli_lock, "mode, exceptions and grant keys stay until the reboot" },
	{ "rotate", cli_rotate, "PEER... or --all: new traffic keys now" },
	{ "down", cli_down, "ends all bonds and forgets the peers; the mode stays" },
	{ "reload", cli_reload, "the helper reads its files again" },
	{ "release", cli_release, "key|approve|check|show: the release key and approvals of boot states" },
	{ "grant", cli_grant, "key|sign|show|request|admit: signed grants, by which peers come" },
	{ "enrol", cli_enrol, "asks the ledger for admission now, or shows how far it is" },
	{ "attest", cli_attest, "a heartbeat with a fresh quote, now" },
	{ "lease", cli_lease, "this device on its ledger; the exit code is its state's" },
	{ "early", cli_early, "of the initramfs: enforcement before any interface, then the keys" },
	{ "init", cli_people, "a new ledger on this machine, with one member" },
	{ "ledger", ledger, "this device's endpoints; status|show|list: a ledger, any record with its proof; backup|restore" },
	{ "member", cli_people, "who decides on a ledger: list, add, remove, propose, vote" },
	{ "owner", cli_people, "key|show: an owner's key, and the one that a device knows it by" },
	{ "enroller", cli_people, "serve|challenge|import|add|remove: who vouches for hardware" },
	{ "device", cli_people, "list|approve|suspend|revoke|offer|...: the devices of a ledger" },
	{ "zone", cli_people, "create|add|remove|show: which devices may bond" },
	{ "profile", cli_people, "set|show: a device's settings, which only its zone reads" },
	{ "reference", cli_people, "list|add|remove|root: approved boot states and trust roots" },
	{ "incident", cli_people, "list|resolve|unfreeze: what somebody has to look at" },
	{ "cluster", cli_people, "init: a new ledger with several validators, the files for each machine" },
};

static void help(FILE *stream)
{
	fputs("usage: sealbond [--config FILE] [--json] COMMAND ...\n\n", stream);
	for (size_t i = 0; i < SB_ARRAY_SIZE(commands); i++)
		fprintf(stream, "  %-11s %s\n", commands[i].name, commands[i].summary);
}

int main(int argc, char **argv)
{
	struct sb_cli cli = { .config_path = SB_CONFIG_PATH };
	const char *nearest;

	argc = cli_take_common(&cli, argc, argv);
	if (argc < 2) {
		help(stderr);
		return SB_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		help(stdout);
		return SB_EXIT_OK;
	}
	for (size_t i = 0; i < SB_ARRAY_SIZE(commands); i++) {
		int code;

		if (strcmp(commands[i].name, argv[1]) != 0)
			continue;
		code = commands[i].run(&cli, argc - 1, argv + 1);
		/* A full disk or a closed pipe must not look like success. */
		if (fflush(stdout) != 0 && code == SB_EXIT_OK)
			code = SB_EXIT_FAILED;
		return code;
	}
	nearest = sb_nearest_word(argv[1], &commands[0].name, SB_ARRAY_SIZE(commands), sizeof(commands[0]));
	return cli_fail(&cli, SB_EXIT_USAGE, "%s: no such command%s%s%s", argv[1], nearest ? "; did you mean " : "",
			nearest ? nearest : "", nearest ? "?" : "; see sealbond --help");
}
