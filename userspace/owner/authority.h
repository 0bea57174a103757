/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The secret side of a zone's membership (state/membership.h): people hold it, devices and nodes never do.
 * Secrets are wiped; what libsodium does with them takes the same time whatever they are. sodium_init() must
 * have been called.
 */
#ifndef SB_OWNER_AUTHORITY_H
#define SB_OWNER_AUTHORITY_H

#include "state/membership.h"

/* sb_zone_authority_new() - a random secret, and its point. */
void sb_zone_authority_new(uint8_t secret[32], uint8_t authority[SB_TAG_LEN]);

/* sb_zone_authority() - the point of a secret; -EBADMSG where the secret is zero or not below the order. */
int sb_zone_authority(const uint8_t secret[32], uint8_t authority[SB_TAG_LEN]);

/* sb_tag_make() - a device's tag. Returns 0, or -EBADMSG for a secret as above. */
int sb_tag_make(const uint8_t secret[32], const char *chain, const uint8_t device[32], uint8_t tag[SB_TAG_LEN]);

/* sb_tag_make_for() - the same of a conduit for some protocols and ports; NULL: for everything. */
int sb_tag_make_for(const uint8_t secret[32], const char *chain, const uint8_t device[32],
		    const struct sb_tag_rules *rules, uint8_t tag[SB_TAG_LEN]);

/*
 * sb_tag_prove() - a device's tag and its proof, for whoever knows the authority's point. Each proof is made
 * with fresh randomness, so that two for one device differ.
 */
int sb_tag_prove(const uint8_t secret[32], const char *chain, const uint8_t device[32], uint8_t tag[SB_TAG_LEN],
		 uint8_t proof[SB_TAG_PROOF_LEN]);

/* sb_tag_prove_for() - the same of a conduit for some protocols and ports. */
int sb_tag_prove_for(const uint8_t secret[32], const char *chain, const uint8_t device[32],
		     const struct sb_tag_rules *rules, uint8_t tag[SB_TAG_LEN], uint8_t proof[SB_TAG_PROOF_LEN]);

#endif
