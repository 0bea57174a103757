/* SPDX-License-Identifier: Apache-2.0 */
/* ABCI on a socket: a thread for each connection, until a signal comes or the application cannot go on. */
#ifndef SB_ABCI_SERVE_H
#define SB_ABCI_SERVE_H

#include <stdbool.h>

#include "abci/abci.h"

/* url: unix:///PATH, tcp://ADDR:PORT or tcp://[ADDR6]:PORT. Is it one? */
bool sb_abci_is_url(const char *url);

/*
 * SIGTERM and SIGINT have to be blocked. 0: a signal came, after the requests under way; else what the application
 * or the system could not do, with a sentence.
 */
int sb_abci_serve(const char *home, const char *url, const struct sb_app *app, const struct sb_abci_options *options,
		  struct sb_error *error);

#endif
