/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory in which a light client keeps what it trusts (light/trust_file.h) and the evidence of
 * a fork. Files have mode 0600 and are replaced as a whole; a crash leaves the old one or the new.
 *   trust           what is trusted
 *   trust.damaged   what stood there and could not be read
 *   fork.json       two headers at one height, both proven: while it is there nothing is believed
 *   checkpoint      put there by a person: tried once trust has expired
 *   successor       the chain that the ledger goes on as (light/succession.h)
 *   trust.1, …      what was trusted of the chain before the first succession, …: evidence, not read any more
 */
#ifndef SB_LIGHT_TRUST_H
#define SB_LIGHT_TRUST_H

#include "light/succession.h"
#include "light/trust_file.h"

/*
 * sb_trust_load() - makes the directory (0700) where it is missing.
 * Out: *trust, with nothing in it but the chain where there is no file, or a damaged one (*damaged,
 * which has been put aside): then it begins again from what was provisioned.
 * Returns 0; -EINVAL: it is another chain's; or -errno.
 */
int sb_trust_load(const char *directory, const char *chain, struct sb_trust *trust, bool *damaged,
		  struct sb_error *error);

int sb_trust_save(const char *directory, const struct sb_trust *trust);

/* Two blocks of one height, and whose they are (an endpoint's URL, or where we have it from). */
struct sb_fork {
	const struct sb_light_block *block[2];
	const char *from[2];
};

/* sb_fork_save() - CometBFT's JSON, so that any tool can judge it. The first evidence stays. */
int sb_fork_save(const char *directory, const struct sb_fork *fork);
bool sb_fork_there(const char *directory);

/*
 * sb_successor_load() - 0 and *kept; -ENOENT: none, or a damaged one, which is put aside: the chain that is configured
 * will say again where the ledger goes on.
 */
int sb_successor_load(const char *directory, struct sb_succession_kept *kept, struct sb_error *error);
int sb_successor_save(const char *directory, const struct sb_succession_kept *kept);

/* sb_trust_retire() - what is trusted of the chain @before becomes trust.N; of another chain it stays. */
int sb_trust_retire(const char *directory, const char *before, unsigned int number);

/* sb_trust_checkpoint() - the file that a person put there; to be freed. -ENOENT: none. */
int sb_trust_checkpoint(const char *directory, uint8_t **data, size_t *length);

#endif
