/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zone membership that does not show the zone. A zone (or a conduit) has an authority: a secret scalar a,
 * which people hold, and the point A = a B. A device's tag is Z = a R, where R is a point that is hashed from
 * the chain and the device: without a nobody can tell whether the tags of two devices are of one zone (DDH
 * in ristretto255). A proof, made by whoever holds a, shows to those who know A that Z is A's: a Chaum-Pedersen
 * proof that log_B A = log_R Z, made non-interactive. The ledger has the tags only; A and the proofs are in
 * what is encrypted to the zone. Pure.
 *
 * A conduit for some protocols and ports has other points R: these are hashed into them, as the rules of a grant
 * (sealbond/grant.h). So a tag says for what it is, and who leaves the rules out, or changes them, has no proof.
 */
#ifndef SB_STATE_MEMBERSHIP_H
#define SB_STATE_MEMBERSHIP_H

#include <stddef.h>
#include <stdint.h>

#define SB_TAG_RULES_MAX	64	/* bytes: 8 rules of 8 */

/* Rules as they are in a grant; length 0: everything. NULL is the same. */
struct sb_tag_rules {
	uint8_t bytes[SB_TAG_RULES_MAX];
	size_t length;		/* a multiple of 8 */
};

#define SB_TAG_LEN		32	/* a ristretto255 point (RFC 9496, section 4.3) */
#define SB_TAG_PROOF_LEN	64	/* challenge and response, scalars, little endian */
#define SB_TAGS_MAX		8	/* of a device; the first is its zone's */

/*
 * sb_tag_point() - R of a device. SHA-512("sealbond tag v1", NUL || the chain id's length, one byte || chain
 * id || device id), mapped by the element derivation of RFC 9496, section 4.3.4. @chain: at most 255 bytes.
 */
void sb_tag_point(const char *chain, const uint8_t device[32], uint8_t point[SB_TAG_LEN]);

/*
 * sb_tag_point_for() - the same; with rules SHA-512("sealbond tag v2", NUL || chain and device as above || the rules'
 * length, one byte || the rules).
 */
void sb_tag_point_for(const char *chain, const uint8_t device[32], const struct sb_tag_rules *rules,
		      uint8_t point[SB_TAG_LEN]);

/* sb_tag_valid() - 0 where it is a canonical encoding of a point that is not the identity; else -EBADMSG. */
int sb_tag_valid(const uint8_t point[SB_TAG_LEN]);

/*
 * sb_tag_challenge() - the proof's hash, as a scalar: SHA-512("sealbond tag proof v1", NUL || the chain id's
 * length, one byte || chain id || device || A || Z || commitment to B || commitment to R) modulo the order. With
 * rules "v2", and these behind it, with their length as above.
 */
void sb_tag_challenge(const char *chain, const uint8_t device[32], const struct sb_tag_rules *rules,
		      const uint8_t authority[SB_TAG_LEN],
		      const uint8_t tag[SB_TAG_LEN], const uint8_t commitments[2 * SB_TAG_LEN],
		      uint8_t challenge[32]);

/*
 * sb_tag_verify() - that @tag is @authority's for @device. Only public values come in. Returns 0; -EBADMSG: a
 * point or scalar that is not canonical, or the identity; -EKEYREJECTED: it is not.
 */
int sb_tag_verify(const char *chain, const uint8_t device[32], const uint8_t tag[SB_TAG_LEN],
		  const uint8_t authority[SB_TAG_LEN], const uint8_t proof[SB_TAG_PROOF_LEN]);

/* sb_tag_verify_for() - that it is, for exactly these rules. The challenge is over A and R, which has them. */
int sb_tag_verify_for(const char *chain, const uint8_t device[32], const struct sb_tag_rules *rules,
		      const uint8_t tag[SB_TAG_LEN], const uint8_t authority[SB_TAG_LEN],
		      const uint8_t proof[SB_TAG_PROOF_LEN]);

#endif
