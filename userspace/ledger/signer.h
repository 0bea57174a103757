/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The validator's key, and what it has signed last. Both files have the form of CometBFT's privval
 * (priv_validator_key.json, priv_validator_state.json), so that a chain can move to it with its key.
 *
 * A signature leaves this file only when the note of what it signs is on the disk; after that, nothing else
 * is signed at that height, in this process or a later one. One thread signs.
 */
#ifndef SB_LEDGER_SIGNER_H
#define SB_LEDGER_SIGNER_H

#include <limits.h>

#include "common/error.h"
#include "light/block.h"

struct sb_signer {
	uint8_t *secret;	/* 64 bytes, in memory that is not swapped or dumped */
	uint8_t key[SB_ED25519_KEY_LEN], address[SB_CHAIN_ADDRESS_LEN];
	char state_path[PATH_MAX];
	/* the last vote; height 0: none yet */
	int64_t height;
	int32_t round;
	uint8_t signature[SB_ED25519_SIG_LEN];
	uint8_t bytes[SB_VOTE_BYTES_MAX];
	size_t length;
};

/* Makes a key and an empty note; -EEXIST where there is either: a validator's key is never replaced. */
int sb_signer_create(const char *key_path, const char *state_path, struct sb_error *error);

/*
 * Reads both. tip: the chain's height, next: that of its next block; a note that is missing, or older than the chain, is refused, and so is
 * one that is more than the next block ahead: then the chain is the older one.
 */
int sb_signer_open(const char *key_path, const char *state_path, int64_t tip, int64_t next, struct sb_signer *signer,
		   struct sb_error *error);
void sb_signer_close(struct sb_signer *signer);

/* Writes a note that votes up to this commit's are given, where there is none: for when it is lost for good. */
int sb_signer_recover(const char *state_path, const char *chain, const struct sb_commit *commit,
		      struct sb_error *error);

/*
 * Signs the only vote of a commit, whose flag, address and time are set: fills its signature. The same bytes
 * as before get the same signature; others at a height that was signed, or below, -EPERM.
 */
int sb_signer_vote(struct sb_signer *signer, const char *chain, struct sb_commit *commit, struct sb_error *error);

#endif
