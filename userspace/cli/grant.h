/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of "sealbond grant" only. */
#ifndef SB_CLI_GRANT_H
#define SB_CLI_GRANT_H

#include "cli/cli.h"
#include "common/grant.h"

int cli_grant_sign(struct sb_cli *cli, int argc, char **argv);
int cli_grant_show(struct sb_cli *cli, int argc, char **argv);

/* A grant's file, or what is wrong with it said: 0 or the exit code. */
int cli_grant_read(struct sb_cli *cli, const char *path, struct sb_grant_file *grant);

#endif
