/* SPDX-License-Identifier: Apache-2.0 */
/* The one application of a daemon: main.c opens it, whichever file of this program defines it. */
#ifndef SB_LEDGER_APP_OPEN_H
#define SB_LEDGER_APP_OPEN_H

#include "ledger/app.h"

#define SB_RECOVERY_FILE	"recovery"	/* of the home: what the members have to sign after a restore */

/* Opens what the application keeps below home. 0, or -errno with a sentence. */
int sb_ledger_app_open(const char *home, struct sb_app *app, struct sb_error *error);

/* After the last call of the application. */
void sb_ledger_app_close(struct sb_app *app);

#endif
