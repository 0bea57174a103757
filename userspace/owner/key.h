/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of people: secp256k1, public keys x-only, signatures BIP-340. An owner has one master key and a key for
 * each device that follows from it: child = P + t G with P the master's public key and t = tagged hash (BIP-340)
 * "sealbond owner key v1" of P || chain id's length, one byte || chain id || device id. So a device that knows
 * P names its owner's key itself, the owner finds the secret again from the master's, and who does not know P
 * cannot tell that two keys are of one owner. Who knows P and the secret of one child knows the master's: a
 * child's secret never leaves the owner's process.
 */
#ifndef SB_OWNER_KEY_H
#define SB_OWNER_KEY_H

#include <stddef.h>
#include <stdint.h>

#define SB_PERSON_KEY_LEN	32
#define SB_PERSON_SECRET_LEN	32
#define SB_PERSON_SIGNATURE_LEN	64

/* sb_person_key_new() - a random secret, and its public key. 0 or -EIO. */
int sb_person_key_new(uint8_t secret[SB_PERSON_SECRET_LEN], uint8_t key[SB_PERSON_KEY_LEN]);

/* sb_person_key() - the public key of a secret; -EBADMSG where it is zero or not below the order. */
int sb_person_key(const uint8_t secret[SB_PERSON_SECRET_LEN], uint8_t key[SB_PERSON_KEY_LEN]);

/* sb_owner_key() - the owner's key for a device, from the master's public key. 0 or -EBADMSG. */
int sb_owner_key(const uint8_t master[SB_PERSON_KEY_LEN], const char *chain, const uint8_t device[32],
		 uint8_t key[SB_PERSON_KEY_LEN]);

/* sb_owner_secret() - the same key's secret, from the master's. 0 or -EBADMSG. */
int sb_owner_secret(const uint8_t master_secret[SB_PERSON_SECRET_LEN], const char *chain,
		    const uint8_t device[32], uint8_t secret[SB_PERSON_SECRET_LEN]);

/*
 * sb_person_sign() - BIP-340 over 32 bytes, with fresh auxiliary randomness; verified before it is given out, so
 * that a fault in the calculation does not give the secret away. 0, -EBADMSG for the secret, -EIO.
 */
int sb_person_sign(const uint8_t secret[SB_PERSON_SECRET_LEN], const uint8_t digest[32],
		   uint8_t signature[SB_PERSON_SIGNATURE_LEN]);

#endif
