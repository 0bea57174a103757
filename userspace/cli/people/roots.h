/* SPDX-License-Identifier: Apache-2.0 */
/* Manufacturers' roots that an enroller believes: a file of its own, which no ledger has to know. */
#ifndef SB_CLI_PEOPLE_ROOTS_H
#define SB_CLI_PEOPLE_ROOTS_H

#include "cli/people/people.h"
#include "state/cert.h"

#define CLI_ROOTS_MAX	256

struct cli_roots {
	uint8_t *data;				/* one behind the other */
	struct sb_span root[CLI_ROOTS_MAX];	/* in it */
	size_t count;
};

/*
 * cli_roots_read() - a file of certificates: PEM, any number, with whatever text stands between them; or one in DER.
 * Each has to be one that a chain can end at. Out: *roots, for cli_roots_free(). 0 or the exit code.
 */
int cli_roots_read(struct sb_cli *cli, const char *path, struct cli_roots *roots);
void cli_roots_free(struct cli_roots *roots);

/*
 * cli_roots_judge() - do the enrolment's certificates lead from its EK to one of these roots, at @now (seconds, a proven
 * block's time)? By the ledger's own rules for chains; SB_CHAIN_MALFORMED also where it has none.
 */
enum sb_chain_verdict cli_roots_judge(const struct cli_roots *roots, const Sealbond__Device *enrolment, int64_t now);

#endif
