/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint: the ledger's members say which header stands at a height. For a device that trusts
 * nothing younger than the trusting period: it believes the members whom it has verified last,
 * whoever hands it their word.
 *
 * A recovery is a checkpoint that says more: the ledger was restored from a backup, and this block follows
 * the one at a lower height that it names. Between the two there is nothing: what the chain had there is lost.
 *
 * A record, integers big endian:
 *   "SBCP" 1 (one byte), or "SBCP" 2 for a recovery
 *   length of the chain id (1), chain id
 *   height (8), header hash (32), time of the header: seconds (8), nanoseconds (4)
 *   of a recovery: height (8) and header hash (32) of the last block before it
 *   number of members (1), threshold (4), each member: key (32), weight (4)
 *   number of signatures (1), each: key (32), signature (64); the keys ascend
 * The members are those who hold from this checkpoint on; none: they stay who they were. Their
 * keys ascend, too. What is signed, by BIP-340 over secp256k1, is
 *   SHA-256("sealbond checkpoint v1" NUL || the record up to the signatures).
 * A list of checkpoints is one record after the other, the heights ascending. Pure.
 */
#ifndef SB_LIGHT_CHECKPOINT_H
#define SB_LIGHT_CHECKPOINT_H

#include "common/error.h"
#include "light/block.h"
#include "light/bytes.h"
#include "state/reader.h"

#define SB_MEMBERS_MAX		128
#define SB_CHECKPOINTS_MAX	16
#define SB_MEMBER_KEY_LEN	32	/* x-only, BIP-340 */
#define SB_MEMBER_SIG_LEN	64
#define SB_CHECKPOINT_MAX	(104 + SB_CHAIN_NAME_MAX + SB_MEMBERS_MAX * (36 + 96))	/* bytes of a record */

/* The abci_query path that endpoints answer it on, as a list; and the one that takes a member's. */
#define SB_CHECKPOINT_PATH	"/checkpoint"
#define SB_CHECKPOINT_PUT_PATH	"/checkpoint/put"

struct sb_member_key {
	uint8_t key[SB_MEMBER_KEY_LEN];
	uint32_t weight;		/* more than 0 */
};

/* Keys ascending. The threshold is the weight that decides, from 1 to the sum. */
struct sb_members {
	size_t count;
	uint32_t threshold;
	struct sb_member_key member[SB_MEMBERS_MAX];
};

struct sb_checkpoint {
	char chain[SB_CHAIN_NAME_MAX + 1];
	int64_t height;
	uint8_t hash[SB_CHAIN_HASH_LEN];
	struct sb_chain_time time;
	int64_t after;			/* of a recovery: the last height before it; 0: it is none */
	uint8_t after_hash[SB_CHAIN_HASH_LEN];
	struct sb_members members;	/* count 0: unchanged */
	size_t signatures;
	struct {
		uint8_t key[SB_MEMBER_KEY_LEN];
		uint8_t signature[SB_MEMBER_SIG_LEN];
	} signature[SB_MEMBERS_MAX];
};

/* sb_members_sort() - by key. 0; -EINVAL: none, too many, one twice, or an impossible weight or threshold. */
int sb_members_sort(struct sb_members *members);

/* As part of a record, and of the trust store's file: number, threshold, members. */
void sb_members_put(struct sb_bytes *out, const struct sb_members *members);

/* Reads that; false for what is not in its one form. None: count 0. */
bool sb_members_get(struct sb_reader *reader, struct sb_members *members);

/*
 * sb_checkpoint_read() - one record at the start of @data.
 * Out: *checkpoint and *used. Returns 0, or -EBADMSG for what is not in the one form above.
 */
int sb_checkpoint_read(const uint8_t *data, size_t length, struct sb_checkpoint *checkpoint, size_t *used);

/* sb_checkpoint_write() - the record, behind what is in @out. The signatures' keys have to ascend. */
void sb_checkpoint_write(const struct sb_checkpoint *checkpoint, struct sb_bytes *out);

/* sb_checkpoint_message() - what members sign: 32 bytes. Returns 0 or -ENOMEM. */
int sb_checkpoint_message(const struct sb_checkpoint *checkpoint, uint8_t message[32]);

/*
 * sb_checkpoint_verify() - have members of at least the threshold's weight signed it? Signatures
 * of others do not count; one of a member that is not valid spoils it.
 * Returns 0; -ENOKEY: too few have (yet); -EKEYREJECTED; -ENOMEM.
 */
int sb_checkpoint_verify(const struct sb_checkpoint *checkpoint, const struct sb_members *members,
			 struct sb_error *error);

/*
 * sb_checkpoint_follow() - along a list, each one signed by the members that the one before left.
 * Those of heights up to @above are passed over; the list ends where too few have signed.
 * In: *members, whom we believe. Out: *last, the highest one, and *members as they are from there.
 * Returns 0; -ENOENT: none is above that height; -ENOKEY: the first that is has too few signatures;
 * -EBADMSG: not a list; -EKEYREJECTED; outputs are untouched then.
 */
int sb_checkpoint_follow(const uint8_t *data, size_t length, const char *chain, int64_t above,
			 struct sb_members *members, struct sb_checkpoint *last, struct sb_error *error);

/*
 * sb_checkpoint_recovery() - the same, up to the last recovery in the list and no further: for a device whose
 * trust has not expired, and that cannot get from what it trusts to what the ledger is now.
 * -ENOENT: none is above that height.
 */
int sb_checkpoint_recovery(const uint8_t *data, size_t length, const char *chain, int64_t above,
			   struct sb_members *members, struct sb_checkpoint *last, struct sb_error *error);

#endif
