/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of [ledger]; for config.c alone. */
#ifndef SB_CONFIG_LEDGER_H
#define SB_CONFIG_LEDGER_H

#include "common/field.h"

#define SB_LEDGER_FIELDS	9
extern const struct sb_field sb_ledger_fields[SB_LEDGER_FIELDS];

#endif
