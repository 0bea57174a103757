/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands of sealbond share. Each returns the program's exit code (docs/cli.md). */
#ifndef SB_CLI_H
#define SB_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "common/cleanup.h"
#include "common/config.h"
#include "common/json.h"
#include "common/peers.h"
#include "common/states.h"
#include "kernel/module.h"

struct sb_cli {
	const char *config_path;
	bool json;
	bool quiet;		/* cli_fail() says nothing: what is tried by the way */
	struct sb_json out;	/* for --json, on stdout */
};

int cli_status(struct sb_cli *cli, int argc, char **argv);
int cli_key(struct sb_cli *cli, int argc, char **argv);
int cli_peers(struct sb_cli *cli, int argc, char **argv);
int cli_key_rotate(struct sb_cli *cli, int argc, char **argv);
int cli_key_export(struct sb_cli *cli, int argc, char **argv);
int cli_identity(struct sb_cli *cli, int argc, char **argv);
int cli_drops(struct sb_cli *cli, int argc, char **argv);
int cli_exceptions(struct sb_cli *cli, int argc, char **argv);
int cli_suggest(struct sb_cli *cli, int argc, char **argv);
int cli_monitor(struct sb_cli *cli, int argc, char **argv);
int cli_lock(struct sb_cli *cli, int argc, char **argv);
int cli_mode(struct sb_cli *cli, int argc, char **argv);
int cli_rotate(struct sb_cli *cli, int argc, char **argv);
int cli_down(struct sb_cli *cli, int argc, char **argv);
int cli_reload(struct sb_cli *cli, int argc, char **argv);
int cli_release(struct sb_cli *cli, int argc, char **argv);
int cli_grant(struct sb_cli *cli, int argc, char **argv);
int cli_early(struct sb_cli *cli, int argc, char **argv);
/* people.c: the commands of people, which are a program of its own: sealbond-people. */
int cli_people(struct sb_cli *cli, int argc, char **argv);
int cli_enrol(struct sb_cli *cli, int argc, char **argv);
int cli_attest(struct sb_cli *cli, int argc, char **argv);
int cli_lease(struct sb_cli *cli, int argc, char **argv);
int cli_endpoints(struct sb_cli *cli, int argc, char **argv);

/* say.c */

/* Takes --json and --config FILE out of the arguments, wherever they are; returns how many are left. */
int cli_take_common(struct sb_cli *cli, int argc, char **argv);

/* Says what went wrong, on stderr and with --json on stdout; returns code. */
int cli_fail(struct sb_cli *cli, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same for a call of the module that returned a negative errno. */
int cli_module_fail(struct sb_cli *cli, const struct sb_module *module, int result);
/* An option or argument that is not understood; returns SB_EXIT_USAGE. */
int cli_usage(struct sb_cli *cli, const char *usage);
#ifdef __clang_analyzer__	/* see sb_fail() */
#define cli_fail(cli, code, ...) ({ int sb_code = (code); (void)(cli); sb_code; })
#define cli_usage(cli, usage) ((void)(cli), (void)(usage), SB_EXIT_USAGE)
#endif
/* Opens the module or says why not; 0 or the exit code. */
int cli_open(struct sb_cli *cli, struct sb_module **module);
/* The configuration, or its error said; 0 or SB_EXIT_USAGE. */
int cli_config(struct sb_cli *cli, struct sb_config *config);
/* The peers' file where it can be read; else an empty list. To be freed. */
void cli_peer_list(struct sb_cli *cli, struct sb_peer_list *list);
/* A peer's name, or the first 16 digits of its id. */
const char *cli_peer_name(const struct sb_peer_list *list, const uint8_t *device_id, char room[17]);

/* Whole objects: sb_json_open(…, NULL, '{') with a newline at the end. */
void cli_json_begin(struct sb_cli *cli);
void cli_json_end(struct sb_cli *cli);
void cli_json_pcrs(struct sb_cli *cli, uint32_t changed);	/* "changed_pcrs": [ numbers ] */
void cli_json_state(struct sb_cli *cli, unsigned int state);

/* helper.c: asks the helper; 0 or a negative errno with the sentence, -ENOTCONN when it does not run. */
int cli_helper(struct sb_cli *cli, unsigned int verb, struct sb_error *text);

/* The same for what the ledger role knows: of SB_CONTROL_LEDGER and SB_CONTROL_LEDGER_NOW. */
struct sb_ledger_reply;
int cli_helper_ledger(struct sb_cli *cli, unsigned int verb, struct sb_ledger_reply *reply, struct sb_error *text);

/*
 * status_lease.c: the lease's part of status. In JSON an object "lease", null without a ledger or an answer. Returns the
 * state's exit code, 0 without a ledger or an answer.
 */
int cli_status_lease(struct sb_cli *cli, bool helper_answers);

/* bonds.c: every peer's line or object, for status and peers. */
struct cli_bonds {
	struct sb_cli *cli;
	struct sb_peer_list names;
	bool wide;		/* peers, not status */
	unsigned int count, live, ended, rest, held;	/* held: of them all, past their lease */
};
int cli_bonds(struct sb_cli *cli, struct sb_module *module, bool wide, struct cli_bonds *bonds);

/* For loops that end at ^C: set by a signal. */
extern volatile int cli_stopped;
void cli_catch_stop(void);

/* What a negative errno exits with: SB_EXIT_PERMISSION or SB_EXIT_FAILED. */
int cli_code_of(int result);

/*
 * "... key --out FILE": a pair of P-256 keys, the public one beside it. what: the key's name for people;
 * use: where its public part is configured. Returns the exit code.
 */
int cli_make_key(struct sb_cli *cli, int argc, char **argv, const char *usage, const char *what,
		 const char *use);

#endif
