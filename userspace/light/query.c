// SPDX-License-Identifier: Apache-2.0
#include "light/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/sha256.h"
#include "tree/proof.h"

#define FIELD(number)	((number) << 3 | 2)	/* a field with a length */

struct bytes {
	const uint8_t *at, *end;
};

/* Minimal, at most nine bytes. */
static bool take_varint(struct bytes *in, uint64_t *value)
{
	uint64_t read = 0;

	for (unsigned int shift = 0; shift < 63; shift += 7) {
		uint8_t byte;

		if (in->at == in->end)
			return false;
		byte = *in->at++;
		read |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		*value = read;
		return byte || !shift;
	}
	return false;
}

static bool take_field(struct bytes *in, uint8_t tag, struct bytes *field)
{
	uint64_t length;

	if (in->at == in->end || *in->at != tag)
		return false;
	in->at++;
	if (!take_varint(in, &length) || !length || length > (uint64_t)(in->end - in->at))
		return false;
	*field = (struct bytes){ in->at, in->at + length };
	in->at += length;
	return true;
}

/* A number that is left out where it is 0. */
static bool take_number(struct bytes *in, uint8_t tag, uint64_t *value)
{
	*value = 0;
	if (in->at == in->end || *in->at != tag)
		return true;
	in->at++;
	return take_varint(in, value) && *value;
}

static bool take_hash(struct bytes *in, uint8_t tag, const uint8_t **hash)
{
	struct bytes field = { NULL, NULL };

	if (!take_field(in, tag, &field) || field.end - field.at != SB_MERKLE_LEN)
		return false;
	*hash = field.at;
	return true;
}

bool sb_value_op_read(const uint8_t *data, size_t length, struct sb_value_op *op)
{
	struct bytes in = { data, data + length }, key = { NULL, NULL }, proof = { NULL, NULL };
	struct sb_merkle_proof *read = &op->proof;

	if (!take_field(&in, FIELD(1), &key) || !take_field(&in, FIELD(2), &proof) || in.at != in.end)
		return false;
	op->key = key.at;
	op->key_length = (size_t)(key.end - key.at);
	if (!take_number(&proof, 1 << 3, &read->total) || !take_number(&proof, 2 << 3, &read->index) ||
	    !take_hash(&proof, FIELD(3), &read->leaf))
		return false;
	for (read->aunts = 0; proof.at != proof.end; read->aunts++)
		if (read->aunts == SB_MERKLE_AUNTS || !take_hash(&proof, FIELD(4), &read->aunt[read->aunts]))
			return false;
	return true;
}

/* The leaf of ValueOp, and of a store: key and SHA-256 of the value, each with its length. */
static void value_leaf(const uint8_t *key, size_t key_length, const void *value, size_t value_length,
		       uint8_t out[SB_MERKLE_LEN])
{
	uint8_t leaf[2 * 256], *at = leaf;

	if (key_length >= 128)
		abort();
	*at++ = (uint8_t)key_length;
	memcpy(at, key, key_length);
	at += key_length;
	*at++ = SB_SHA256_LEN;
	sb_digest_of(value, value_length, at);
	sb_merkle_leaf(leaf, (size_t)(at + SB_SHA256_LEN - leaf), out);
}

void sb_query_app_hash(const uint8_t root[32], uint8_t app[32])
{
	value_leaf((const uint8_t *)SB_QUERY_STORE, strlen(SB_QUERY_STORE), root, SB_TREE_HASH_LEN, app);
}

static bool same(const void *a, size_t a_length, const void *b, size_t b_length)
{
	return a_length == b_length && (!a_length || memcmp(a, b, a_length) == 0);
}

/* An operation with the key, whose leaf is that of key and value. Out: the root it leads to. */
static bool simple_root(const struct sb_proof_op *from, const void *key, size_t key_length,
			const void *value, size_t value_length, struct sb_value_op *op,
			uint8_t root[SB_MERKLE_LEN])
{
	uint8_t leaf[SB_MERKLE_LEN];

	if (!sb_value_op_read(from->data, from->data_length, op) ||
	    !same(from->key, from->key_length, key, key_length) ||
	    !same(op->key, op->key_length, key, key_length))
		return false;
	value_leaf(key, key_length, value, value_length, leaf);
	return memcmp(leaf, op->proof.leaf, sizeof(leaf)) == 0 && sb_merkle_climb(&op->proof, root);
}

/* A record's place in its tree is the beginning of its path, one bit a level. */
static bool in_place(const struct sb_merkle_proof *proof, const uint8_t path[SB_TREE_HASH_LEN])
{
	uint64_t index = 0;

	if (proof->aunts > SB_SIMPLE_DEPTH_MAX || proof->total != UINT64_C(1) << proof->aunts)
		return false;
	for (unsigned int i = 0; i < proof->aunts; i++)
		index = index << 1 | (path[i / 8] >> (7 - i % 8) & 1);
	return index == proof->index;
}

/* The store's root, by whatever proves the key's value or absence under it. */
static int store_root(const struct sb_proof_op *op, const void *key, size_t key_length,
		      const uint8_t path[SB_TREE_HASH_LEN], const struct sb_query_answer *answer,
		      uint8_t root[SB_TREE_HASH_LEN])
{
	struct sb_value_op value;
	int result;

	if (strcmp(op->type, SB_OP_SIMPLE) == 0) {
		if (!answer->value_length ||
		    !simple_root(op, path, SB_TREE_HASH_LEN, answer->value, answer->value_length, &value, root) ||
		    !in_place(&value.proof, path))
			return -EKEYREJECTED;
		return 0;
	}
	if (strcmp(op->type, SB_OP_ICS23) != 0)
		return -EBADMSG;
	if (!same(op->key, op->key_length, key, key_length) &&
	    !same(op->key, op->key_length, path, SB_TREE_HASH_LEN))
		return -EKEYREJECTED;
	result = sb_proof_root(SB_LEAF_VAR_PROTO, op->data, op->data_length, root);
	if (result < 0)
		return result;
	if (answer->value_length)
		return sb_proof_verify_existence(SB_LEAF_VAR_PROTO, root, key, key_length, answer->value,
						 answer->value_length, op->data, op->data_length);
	return sb_proof_verify_absence(SB_LEAF_VAR_PROTO, root, key, key_length, op->data, op->data_length);
}

int sb_query_verify(const struct sb_app_hash *app, const void *key, size_t key_length,
		    const struct sb_query_answer *answer, bool *present, struct sb_error *error)
{
	uint8_t path[SB_TREE_HASH_LEN], root[SB_TREE_HASH_LEN], reached[SB_MERKLE_LEN];
	struct sb_value_op store;
	int result;

	if (!answer->ops)
		return sb_fail(error, -EBADMSG, "bad-answer: the answer has no proof");
	sb_tree_digest(key, key_length, path);
	if (!same(answer->key, answer->key_length, key, key_length) &&
	    !same(answer->key, answer->key_length, path, sizeof(path)))
		return sb_fail(error, -EKEYREJECTED, "wrong-proof: the answer is for another key");
	if (answer->ops != SB_QUERY_OPS)
		return sb_fail(error, -EBADMSG, "wrong-proof: %u proof operations, %d are needed",
			       answer->ops, SB_QUERY_OPS);
	result = store_root(&answer->op[0], key, key_length, path, answer, root);
	if (result < 0)
		return sb_fail(error, result, "wrong-proof: the operation %s does not prove it",
			       answer->op[0].type);
	if (strcmp(answer->op[1].type, SB_OP_SIMPLE) != 0 ||
	    !simple_root(&answer->op[1], SB_QUERY_STORE, strlen(SB_QUERY_STORE), root, sizeof(root), &store,
			 reached))
		return sb_fail(error, -EKEYREJECTED, "wrong-proof: the record is in no store " SB_QUERY_STORE);
	if (app->length != sizeof(reached) || memcmp(app->bytes, reached, sizeof(reached)) != 0)
		return sb_fail(error, -EKEYREJECTED, "wrong-proof: it leads to another app hash");
	*present = answer->value_length != 0;
	return 0;
}

void sb_query_answer_free(struct sb_query_answer *answer)
{
	for (unsigned int i = 0; i < SB_QUERY_OPS; i++) {
		free(answer->op[i].key);
		free(answer->op[i].data);
	}
	free(answer->key);
	free(answer->value);
	memset(answer, 0, sizeof(*answer));
}
