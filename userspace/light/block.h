/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a light client looks at: CometBFT v0.38's header, commit and validator set, and their
 * hashes (spec/core/data_structures.md). Pure; all bounds are checked where bytes come in.
 */
#ifndef SB_LIGHT_BLOCK_H
#define SB_LIGHT_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SB_CHAIN_NAME_MAX	50	/* bytes of a chain id (types/genesis.go, MaxChainIDLen) */
#define SB_VALIDATORS_MAX	1024	/* of one set; the chain itself allows 10,000 */
#define SB_POWER_MAX		(INT64_MAX / 8)	/* of a whole set (types/validator_set.go) */
#define SB_BLOCK_PROTOCOL	11	/* version.block of v0.38 */

#define SB_CHAIN_HASH_LEN	32
#define SB_CHAIN_ADDRESS_LEN	20
#define SB_ED25519_KEY_LEN	32
#define SB_ED25519_SIG_LEN	64

/* A hash of 32 bytes, or none: some fields of early headers are empty. */
struct sb_chain_hash {
	uint8_t bytes[SB_CHAIN_HASH_LEN];
	bool there;
};

/* The application's, as long as it makes it: 32 bytes on a ledger of ours. */
struct sb_app_hash {
	uint8_t bytes[SB_CHAIN_HASH_LEN];
	uint8_t length;
};

/* UTC. Seconds since 1970 may be negative: "no time" is year 1. nanos: 0 to 999,999,999. */
struct sb_chain_time {
	int64_t seconds;
	int32_t nanos;
};

struct sb_block_id {
	struct sb_chain_hash hash;
	uint32_t parts;
	struct sb_chain_hash parts_hash;
};

struct sb_header {
	uint64_t block_version, app_version;
	char chain[SB_CHAIN_NAME_MAX + 1];
	int64_t height;
	struct sb_chain_time time;
	struct sb_block_id last_block;
	struct sb_chain_hash last_commit, data, validators, next_validators, consensus;
	struct sb_app_hash app;
	struct sb_chain_hash last_results, evidence;
	uint8_t proposer[SB_CHAIN_ADDRESS_LEN];
};

/* types/block.go, BlockIDFlag */
enum sb_vote_flag {
	SB_VOTE_ABSENT = 1,
	SB_VOTE_COMMIT = 2,
	SB_VOTE_NIL = 3,
};

struct sb_commit_vote {
	uint8_t flag;			/* enum sb_vote_flag */
	uint8_t address[SB_CHAIN_ADDRESS_LEN];	/* zero with ABSENT */
	struct sb_chain_time time;
	uint8_t signature[SB_ED25519_SIG_LEN];
};

struct sb_commit {
	int64_t height;
	int32_t round;
	struct sb_block_id block;
	size_t count;
	struct sb_commit_vote *votes;	/* by the index of the validator */
};

/* Only ed25519 keys: what they are is checked where they are read. */
struct sb_validator {
	uint8_t key[SB_ED25519_KEY_LEN];
	uint8_t address[SB_CHAIN_ADDRESS_LEN];	/* always made from the key, never taken over */
	int64_t power;			/* more than 0 */
};

struct sb_validator_set {
	size_t count;
	struct sb_validator *validators;	/* in the chain's order */
	int64_t power;			/* their sum, at most SB_POWER_MAX */
};

/* Owns its arrays. */
struct sb_light_block {
	struct sb_header header;
	struct sb_commit commit;
	struct sb_validator_set validators;
};

void sb_light_block_free(struct sb_light_block *block);

/* sb_time_compare() - less than, equal to or greater than 0, as memcmp. */
int sb_time_compare(struct sb_chain_time a, struct sb_chain_time b);

/* sb_time_add() - @time and so many seconds later; held at the ends of int64_t. */
struct sb_chain_time sb_time_add(struct sb_chain_time time, int64_t seconds);

/* sb_validator_address() - SHA-256 of the key, its first 20 bytes (crypto/ed25519, Address). */
void sb_validator_address(const uint8_t key[SB_ED25519_KEY_LEN],
			  uint8_t address[SB_CHAIN_ADDRESS_LEN]);

/*
 * sb_validator_set_sum() - fills power from the validators.
 * Returns 0, or -EINVAL: none, one whose power is not positive, or a sum above SB_POWER_MAX.
 */
int sb_validator_set_sum(struct sb_validator_set *set);

/* sb_header_hash() - types/block.go, Header.Hash: a Merkle root over fourteen encoded fields. */
void sb_header_hash(const struct sb_header *header, uint8_t hash[SB_CHAIN_HASH_LEN]);

/* sb_validator_set_hash() - types/validator_set.go, ValidatorSet.Hash. */
void sb_validator_set_hash(const struct sb_validator_set *set, uint8_t hash[SB_CHAIN_HASH_LEN]);

/*
 * sb_vote_bytes() - what the validator at @index has signed for this commit
 * (types/vote.go, VoteSignBytes): a CanonicalVote with its length before it.
 * Out: at most SB_VOTE_BYTES_MAX bytes. Returns their number.
 */
#define SB_VOTE_BYTES_MAX	256
size_t sb_vote_bytes(const char *chain, const struct sb_commit *commit, size_t index,
		     uint8_t out[SB_VOTE_BYTES_MAX]);

/* Fields of several messages: nothing is written for no hash; the fields of a Timestamp; of a BlockID. */
struct sb_wire;
void sb_wire_hash(struct sb_wire *wire, unsigned int field, const struct sb_chain_hash *hash);
void sb_wire_time(struct sb_wire *wire, struct sb_chain_time time);
void sb_wire_block_id(struct sb_wire *wire, const struct sb_block_id *id);

#endif
