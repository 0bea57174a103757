/* SPDX-License-Identifier: Apache-2.0 */
/* The proofs of an application's answers, for an app hash over its one store. */
#ifndef SB_LEDGER_APP_PROVE_H
#define SB_LEDGER_APP_PROVE_H

#include "ledger/app.h"
#include "tree/store.h"

/* Memory of an answer's own. 0 or -ENOMEM; the outputs are set together. */
int sb_app_copy(const void *data, size_t length, uint8_t **out, size_t *out_length);

/*
 * That the view has what the answer holds at @key: its value, or none. By two simple:v operations; absence, and
 * what lies too deep for them, by ICS-23's and the store's. 0, or an error of the store; some operations may be
 * there then.
 */
int sb_app_prove(struct sb_view *view, const uint8_t *key, size_t length, struct sb_app_answer *answer);

#endif
