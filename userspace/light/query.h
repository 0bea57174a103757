/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer to abci_query proves under an app hash. The app hash is the Merkle root over an
 * application's stores (each leaf: its name, and SHA-256 of its root), a store is a sparse tree of
 * userspace/tree. Two operations prove: the key's in the store, then the store's. Pure.
 */
#ifndef SB_LIGHT_QUERY_H
#define SB_LIGHT_QUERY_H

#include "common/error.h"
#include "light/block.h"
#include "light/merkle.h"

#define SB_QUERY_STORE		"sealbond"
#define SB_QUERY_PATH		"/store/" SB_QUERY_STORE "/key"
#define SB_QUERY_OPS		2

#define SB_OP_SIMPLE		"simple:v"	/* tendermint.crypto.ValueOp */
#define SB_OP_ICS23		"ics23:smt"	/* cosmos.ics23.v1.CommitmentProof */

struct sb_proof_op {
	char type[16];
	uint8_t *key, *data;
	size_t key_length, data_length;
};

/* Owns what it points to. */
struct sb_query_answer {
	uint32_t code;			/* the application's: 0, or why it does not answer */
	char log[256];
	int64_t height;			/* of the state; the next header has its app hash */
	uint8_t *key, *value;
	size_t key_length, value_length;
	unsigned int ops;
	struct sb_proof_op op[SB_QUERY_OPS];
};

void sb_query_answer_free(struct sb_query_answer *answer);

/*
 * sb_query_verify() - does the answer prove that @key has the answer's value, or none?
 * The answer's own key must be @key or, as stock verifiers want it, SHA-256 of it.
 * Out: *present. Returns 0; -EBADMSG: no such operations, or not in their one form; -EKEYREJECTED:
 * they do not prove it.
 */
int sb_query_verify(const struct sb_app_hash *app, const void *key, size_t key_length,
		    const struct sb_query_answer *answer, bool *present, struct sb_error *error);

/* sb_query_app_hash() - of an application whose one store has this root. */
void sb_query_app_hash(const uint8_t root[32], uint8_t app[32]);

/* ValueOp in its one form: fields ascending, zeros left out. False for anything else. */
struct sb_value_op {
	const uint8_t *key;
	size_t key_length;
	struct sb_merkle_proof proof;
};
bool sb_value_op_read(const uint8_t *data, size_t length, struct sb_value_op *op);

#endif
