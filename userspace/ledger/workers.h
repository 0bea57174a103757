/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that share pieces of work which do not depend on each other: as many as there are processors, with the
 * one that asks. Where there is one processor, or no thread to be had, that one does everything.
 */
#ifndef SB_LEDGER_WORKERS_H
#define SB_LEDGER_WORKERS_H

#include <stddef.h>

struct sb_workers;

struct sb_workers *sb_workers_new(void);	/* NULL: no memory */
void sb_workers_free(struct sb_workers *workers);

/* Calls each for 0 to count - 1, in no order, and returns when all are done. One caller at a time goes first. */
void sb_workers_run(struct sb_workers *workers, size_t count, void (*each)(void *context, size_t index),
		    void *context);

#endif
