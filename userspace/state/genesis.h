/* SPDX-License-Identifier: Apache-2.0 */
/* A genesis as JSON text, which is the application's part (app_state) of a chain's genesis file. */
#ifndef SB_STATE_GENESIS_H
#define SB_STATE_GENESIS_H

#include "common/error.h"
#include "state/ledger.pb-c.h"

#define SB_GENESIS_TEXT_MAX	(64U << 20)

/*
 * sb_genesis_from_json() - members as in ledger.proto, bytes as hex; what it lacks is 0 or empty. Returns it, to be
 * freed by sb_message_free(), or NULL with a sentence that names the member. What the values may be is looked at
 * when the ledger begins (sb_genesis() in state/run.h), or before that by sb_genesis_check().
 */
Sealbond__Genesis *sb_genesis_from_json(const char *text, size_t length, struct sb_error *error);

/* sb_genesis_check() - would a ledger begin with it? 0, or -EINVAL with a sentence that names the member. */
int sb_genesis_check(const char *chain, const Sealbond__Genesis *genesis, struct sb_error *error);

#endif
