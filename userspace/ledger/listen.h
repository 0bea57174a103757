/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_LEDGER_LISTEN_H
#define SB_LEDGER_LISTEN_H

#include "common/error.h"

/* A socket that listens at ADDR:PORT, [ADDR6]:PORT or a path; or -errno with a sentence. */
int sb_listen(const char *where, struct sb_error *error);

/* Removes a path's socket. */
void sb_unlisten(const char *where);

#endif
