/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_CLI_INIT_H
#define SB_CLI_INIT_H

#include "state/ledger.pb-c.h"

/* What a ledger has that nobody has said otherwise. overlay6: a prefix of its own, with its length. */
void cli_init_parameters(Sealbond__Parameters *parameters, const uint8_t overlay6[17]);

#endif
