/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs that a key has a value, or none, under a root: ICS-23 CommitmentProof (cosmos.ics23.v1), existence
 * and non-existence, for sparse trees of SHA-256.
 *
 * One form only is read: the one that the encoder writes. Unknown, repeated, misplaced, empty or default
 * fields, varints longer than they must be, other hashes or prefixes and trailing bytes are -EBADMSG.
 * On top of ICS-23's rules every step must lie on the side that the path of the key says, so a proof also
 * binds a record to its place. No memory is allocated, and the work is bounded by SB_PROOF_MAX.
 */
#ifndef SB_TREE_PROOF_H
#define SB_TREE_PROOF_H

#include "tree/page.h"

#define SB_PROOF_DEPTH_MAX	256
/* A step is 41 bytes at most, what is around the steps of an existence proof less than 64. */
#define SB_EXISTENCE_MAX	(64 + SB_TREE_KEY_MAX + SB_TREE_VALUE_MAX + 41 * SB_PROOF_DEPTH_MAX)
#define SB_PROOF_MAX		(64 + SB_TREE_HASH_LEN + 2 * SB_EXISTENCE_MAX)

/* The data of CometBFT's simple:v operation. */
#define SB_SIMPLE_DEPTH_MAX	62
#define SB_SIMPLE_MAX		(96 + SB_TREE_HASH_LEN + 34 * SB_SIMPLE_DEPTH_MAX)

/* A record and its way up. The pointers are somebody else's memory. */
struct sb_existence {
	const uint8_t *key, *value;
	size_t key_length, value_length;
	enum sb_leaf_format format;
	unsigned int depth;
	/* from the leaf up */
	const uint8_t *sibling[SB_PROOF_DEPTH_MAX];
	bool right[SB_PROOF_DEPTH_MAX];		/* we are the right child, the sibling is left */
};

enum sb_proof_kind {
	SB_PROOF_EXISTENCE = 1,
	SB_PROOF_ABSENCE = 2,
};

struct sb_proof {
	enum sb_proof_kind kind;
	struct sb_existence exist;			/* of an existence proof */
	/* of an absence proof; neither neighbour: the tree is empty */
	const uint8_t *path;				/* of the absent key, SB_TREE_HASH_LEN bytes */
	bool has_left, has_right;
	struct sb_existence left, right;
};

/* 0 or -EBADMSG. The proof points into data. */
int sb_proof_decode(const uint8_t *data, size_t length, struct sb_proof *proof);

/* 0, with *length; -ENOSPC when room is too small (SB_PROOF_MAX always is enough). */
int sb_proof_encode(const struct sb_proof *proof, uint8_t *out, size_t room, size_t *length);

/*
 * 0: under root and with leaves in this format, the key has this value, or has none. -EBADMSG: no proof in
 * the form above; -EKEYREJECTED: it does not prove this.
 */
int sb_proof_verify_existence(enum sb_leaf_format format, const uint8_t root[SB_TREE_HASH_LEN],
			      const void *key, size_t key_length, const void *value, size_t value_length,
			      const uint8_t *proof, size_t length);
int sb_proof_verify_absence(enum sb_leaf_format format, const uint8_t root[SB_TREE_HASH_LEN],
			    const void *key, size_t key_length, const uint8_t *proof, size_t length);

/*
 * The root that a proof's records lead to, which is then to be compared with one that is believed, and the
 * proof to be verified under it: it says nothing by itself. Zeros for the empty tree. 0 or -EBADMSG.
 */
int sb_proof_root(enum sb_leaf_format format, const uint8_t *proof, size_t length,
		  uint8_t root[SB_TREE_HASH_LEN]);

/*
 * The same existence proof as data of a simple:v operation (tendermint.crypto.ValueOp), whose key is the
 * path. -ERANGE below SB_SIMPLE_DEPTH_MAX bits; -EINVAL for leaves that the operation does not know.
 */
int sb_proof_simple(const struct sb_existence *exist, uint8_t out[SB_SIMPLE_MAX], size_t *length);

#endif
