/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of [ledger]; for config.c alone. */
#ifndef SB_CONFIG_LEDGER_H
#define SB_CONFIG_LEDGER_H

#include <stdbool.h>

#include "common/field.h"

#define SB_LEDGER_FIELDS	15
extern const struct sb_field sb_ledger_fields[SB_LEDGER_FIELDS];

/*
 * Adds an exception of kind LEDGER for each endpoint that is on another machine: at its address, or at [ledger]
 * networks where it is given by a name. 0, -EINVAL (a URL), -ENOSPC (too many exceptions) or -EEXIST (their names).
 */
struct sb_config;
int sb_ledger_exceptions(struct sb_config *config);

/* Is the endpoint at this URL on another machine, and given by a name? One that is longer than those of a file: as if. */
bool sb_ledger_is_named(const char *url);

/*
 * Can the helper reach the endpoint at this URL? Always, but in mode enforce only where one of the exceptions of kind
 * LEDGER leads to its address and port. One that is given by a name: where one leads to its port.
 */
bool sb_ledger_reaches(const struct sb_config *config, const char *url);

#endif
