/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that has a name, an exit code, a sentence and a remedy: one table each. */
#ifndef SB_STATES_H
#define SB_STATES_H

#include <stddef.h>

/* Exit codes of sealbond, beside those of the states: docs/cli.md. */
enum sb_exit {
	SB_EXIT_OK		= 0,
	SB_EXIT_FAILED		= 1,
	SB_EXIT_USAGE		= 2,
	SB_EXIT_NO_MODULE	= 3,
	SB_EXIT_PERMISSION	= 4,
	SB_EXIT_NO_HELPER	= 5,
	SB_EXIT_BOOT_UNAPPROVED_NEXT = 17,	/* of release check: the coming boot */
	SB_EXIT_LEASE_ENDED	= 25,
	SB_EXIT_NO_BOND		= 26,
};

struct sb_state_text {
	const char *name;
	int exit_code;
	const char *sentence;
	const char *remedy;	/* "" when there is nothing to do */
	int retry;		/* asking again later can help, without a reboot and without a person */
};

/* value: enum sealbond_state. Unknown values get an entry named "unknown". */
const struct sb_state_text *sb_state_text(unsigned int value);

/* What status says once the keys are ready and a peer is in the way: SB_EXIT_*, NULL otherwise. */
const struct sb_state_text *sb_peer_problem_text(int exit_code);

/* What release check says of a coming boot that no approval fits. */
const struct sb_state_text *sb_next_boot_text(void);

/* What the ledger says of this device, and what keeps us from knowing. */
enum sb_ledger_state {
	SB_LEDGER_STARTING,
	SB_LEDGER_NOT_ENROLLED,
	SB_LEDGER_ENROLLING,
	SB_LEDGER_AWAITING_APPROVAL,
	SB_LEDGER_LIVE,
	SB_LEDGER_HELD,
	SB_LEDGER_ENDED,
	SB_LEDGER_SUSPENDED,
	SB_LEDGER_FROZEN_CLONE,
	SB_LEDGER_QUARANTINED,
	SB_LEDGER_REVOKED,
	SB_LEDGER_RETIRED,
	SB_LEDGER_UNREACHABLE,
	SB_LEDGER_FORK,
	SB_LEDGER_TRUST_EXPIRED,
	SB_LEDGER_STATES
};

/* value: enum sb_ledger_state. */
const struct sb_state_text *sb_ledger_state_text(unsigned int value);

struct sb_text {
	const char *name;
	const char *sentence;
	const char *remedy;
};

const struct sb_text *sb_reason_text(unsigned int value);	/* enum sealbond_reason */
const struct sb_text *sb_gap_text(unsigned int bit);		/* bit number of enum sealbond_assurance_gap */
#define SB_GAP_BITS	9
const struct sb_text *sb_alarm_text(unsigned int bit);		/* bit number of enum sealbond_alarm */
#define SB_ALARM_BITS	6

const char *sb_mode_word(unsigned int value);		/* enum sealbond_mode */
const char *sb_algorithm_word(unsigned int value);	/* enum sealbond_algorithm */
const char *sb_bond_word(unsigned int value);		/* enum sealbond_bond_state */
const char *sb_end_word(unsigned int value);		/* enum sealbond_end */
const char *sb_dir_word(unsigned int value);		/* enum sealbond_dir */

#endif
