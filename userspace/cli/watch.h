/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SB_WATCH_H
#define SB_WATCH_H

#include "cli/cli.h"

/*
 * Hands events over until ^C or, with for_ms not 0, until that time is over. Returns the exit
 * code; ready, where not NULL, is called once when listening has begun.
 */
int cli_watch(struct sb_cli *cli, bool handshake, uint64_t for_ms, void (*ready)(void *context),
	      void (*each)(void *context, const struct sb_event *event), void *context);

/* "udp", "tcp", … or NULL. */
const char *cli_proto_word(int proto);

#endif
