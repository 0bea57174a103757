/* SPDX-License-Identifier: Apache-2.0 */
/* The one application of a daemon: main.c opens it, whichever file of this program defines it. */
#ifndef SB_LEDGER_APP_OPEN_H
#define SB_LEDGER_APP_OPEN_H

#include <stdio.h>

#include "ledger/app.h"
#include "light/block.h"

#define SB_RECOVERY_FILE	"recovery"	/* of the home: what the members have to sign after a restore */

/* Opens what the application keeps below home. 0, or -errno with a sentence. */
int sb_ledger_app_open(const char *home, struct sb_app *app, struct sb_error *error);

/* After the last call of the application. */
void sb_ledger_app_close(struct sb_app *app);

struct sb_app_exported {
	char chain[SB_CHAIN_NAME_MAX + 1];
	int64_t height;		/* of the state; the chain that goes on with it begins above */
	size_t records;
};

/* Writes the state of a home that nobody works on as an app_state. 0, or -errno with a sentence. */
int sb_ledger_app_export(const char *home, FILE *out, struct sb_app_exported *exported, struct sb_error *error);

#endif
