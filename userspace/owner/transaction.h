/* SPDX-License-Identifier: Apache-2.0 */
/* A person's transaction from what it says. */
#ifndef SB_OWNER_TRANSACTION_H
#define SB_OWNER_TRANSACTION_H

#include "owner/key.h"
#include "state/message.h"

/*
 * sb_transaction_make() - signed, for one chain and one sequence of the key's account. Out: *tx, to be freed. Returns
 * 0; -EMSGSIZE: longer than a ledger takes; -EBADMSG or -EIO of sb_person_sign().
 */
int sb_transaction_make(const uint8_t secret[SB_PERSON_SECRET_LEN], const char *chain, uint64_t sequence,
			const Sealbond__Body *body, uint8_t **tx, size_t *length);

#endif
