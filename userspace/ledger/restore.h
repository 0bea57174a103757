/* SPDX-License-Identifier: Apache-2.0 */
/* A home's backup, and a home out of a backup. */
#ifndef SB_LEDGER_RESTORE_H
#define SB_LEDGER_RESTORE_H

#include "ledger/chain.h"

/*
 * sb_backup_make() - of a home, also while its daemon runs, into a new file of mode 0600; secret keys only
 * with_keys. 0, or -errno with a sentence, and no file.
 */
int sb_backup_make(const char *home, const char *file, bool with_keys, struct sb_error *error);

struct sb_restore {
	const char *file, *home;
	const char *validator_key;	/* a copy of validator_key.json from elsewhere; NULL: the backup's, or a new one */
	int64_t above;			/* the least height that is known to have been signed; 0: none */
	/* out */
	struct sb_app_recovery recovery;
	bool new_key;			/* the validator's is new */
	bool grants;			/* there is a key for grants */
};

/*
 * sb_restore_run() - makes the home, which must not be there, or be empty, and checks what is in it; opens its
 * application by ledger/ledger_app.h. 0, or -errno with a sentence, and no home.
 */
int sb_restore_run(struct sb_restore *restore, struct sb_error *error);

#endif
