/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_CLI_INIT_H
#define SB_CLI_INIT_H

#include <stdbool.h>

#include "state/ledger.pb-c.h"

/* What a ledger has that nobody has said otherwise. overlay6: a prefix of its own, with its length. */
void cli_init_parameters(Sealbond__Parameters *parameters, const uint8_t overlay6[17]);

/* sealbond-ledgerd with these words (argv[0] among them, NULL at the end). Its exit code; 127: there is none. */
int cli_run_daemon(const char *const *arguments, bool quiet);

#endif
