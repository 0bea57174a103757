/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes that wait above other records: read through it, they are made already; dropped, they never were.
 * One journal stands for a block, one above it for each transaction. Not for several threads.
 */
#ifndef SB_STATE_JOURNAL_H
#define SB_STATE_JOURNAL_H

#include "state/run.h"

struct sb_journal;

/* below has to stay. No memory, here and later, ends the process. */
struct sb_journal *sb_journal_new(struct sb_records *below);

/* The changes are dropped. NULL is allowed. */
void sb_journal_free(struct sb_journal *journal);

/* The records with the changes; belong to the journal. */
struct sb_records *sb_journal_records(struct sb_journal *journal);

/* Makes the changes below, ascending by key, and forgets them. 0 or the first error from below. */
int sb_journal_flush(struct sb_journal *journal);
void sb_journal_drop(struct sb_journal *journal);

size_t sb_journal_count(const struct sb_journal *journal);

#endif
