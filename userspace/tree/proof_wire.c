// SPDX-License-Identifier: Apache-2.0
/*
 * The wire form of proofs. Each message of cosmos.ics23.v1 has one encoding here, so most of it is constant
 * bytes: what is not a key, a value, a hash or a length is compared, not interpreted.
 */
#include "tree/proof.h"

#include <errno.h>
#include <string.h>

#define FIELD(number)	((number) << 3 | 2)	/* the tag of a field with a length */

/* The LeafOps: hash, prehash_key, prehash_value = SHA256, length where it is not 0, prefix = 00. */
static const uint8_t leaf_plain[] = { 0x08, 1, 0x10, 1, 0x18, 1, 0x2a, 1, 0x00 };
static const uint8_t leaf_var_proto[] = { 0x08, 1, 0x10, 1, 0x18, 1, 0x20, 1, 0x2a, 1, 0x00 };

/* An InnerOp up to the sibling: hash = SHA256, prefix = 01, suffix = sibling; or prefix = 01 and sibling. */
static const uint8_t step_left[] = { FIELD(4), 39, 0x08, 1, 0x12, 1, 0x01, 0x1a, SB_TREE_HASH_LEN };
static const uint8_t step_right[] = { FIELD(4), 37, 0x08, 1, 0x12, 1 + SB_TREE_HASH_LEN, 0x01 };

struct bytes {
	const uint8_t *at, *end;
};

static bool starts_with(const struct bytes *in, const void *head, size_t length)
{
	return (size_t)(in->end - in->at) >= length && !memcmp(in->at, head, length);
}

/* A field with a length of at most max and at least 1, which is minimal and has its bytes. */
static bool take_field(struct bytes *in, uint8_t tag, size_t max, struct bytes *field)
{
	const uint8_t *at = in->at;
	size_t length = 0;

	if (at == in->end || *at++ != tag)
		return false;
	for (unsigned int shift = 0; ; shift += 7) {
		if (at == in->end || shift > 21)
			return false;
		length |= (size_t)(*at & 0x7f) << shift;
		if (!(*at++ & 0x80))
			break;
	}
	/* the last byte of a minimal varint is not zero; zero itself would be an empty field */
	if (!at[-1] || length > max || length > (size_t)(in->end - at))
		return false;
	*field = (struct bytes){ at, at + length };
	in->at = at + length;
	return true;
}

static bool read_format(const struct bytes *leaf, enum sb_leaf_format *format)
{
	size_t length = leaf->end - leaf->at;

	if (length == sizeof(leaf_plain) && starts_with(leaf, leaf_plain, length))
		*format = SB_LEAF_PLAIN;
	else if (length == sizeof(leaf_var_proto) && starts_with(leaf, leaf_var_proto, length))
		*format = SB_LEAF_VAR_PROTO;
	else
		return false;
	return true;
}

static bool read_step(struct bytes *in, struct sb_existence *exist)
{
	bool right = starts_with(in, step_right, sizeof(step_right));

	if (exist->depth == SB_PROOF_DEPTH_MAX || (!right && !starts_with(in, step_left, sizeof(step_left))))
		return false;
	in->at += right ? sizeof(step_right) : sizeof(step_left);
	if (in->end - in->at < SB_TREE_HASH_LEN)
		return false;
	exist->right[exist->depth] = right;
	exist->sibling[exist->depth++] = in->at;
	in->at += SB_TREE_HASH_LEN;
	return true;
}

static bool read_existence(struct bytes in, struct sb_existence *exist)
{
	struct bytes key, value, leaf;

	if (!take_field(&in, FIELD(1), SB_TREE_KEY_MAX, &key) ||
	    !take_field(&in, FIELD(2), SB_TREE_VALUE_MAX, &value) ||
	    !take_field(&in, FIELD(3), sizeof(leaf_var_proto), &leaf) ||
	    !read_format(&leaf, &exist->format))
		return false;
	exist->key = key.at;
	exist->key_length = key.end - key.at;
	exist->value = value.at;
	exist->value_length = value.end - value.at;
	exist->depth = 0;
	while (in.at < in.end)
		if (!read_step(&in, exist))
			return false;
	return true;
}

static bool read_absence(struct bytes in, struct sb_proof *proof)
{
	struct bytes field = { NULL, NULL };

	if (!take_field(&in, FIELD(1), SB_TREE_HASH_LEN, &field) || field.end - field.at != SB_TREE_HASH_LEN)
		return false;
	proof->path = field.at;
	proof->has_left = take_field(&in, FIELD(2), SB_EXISTENCE_MAX, &field);
	if (proof->has_left && !read_existence(field, &proof->left))
		return false;
	proof->has_right = take_field(&in, FIELD(3), SB_EXISTENCE_MAX, &field);
	if (proof->has_right && !read_existence(field, &proof->right))
		return false;
	return in.at == in.end;
}

int sb_proof_decode(const uint8_t *data, size_t length, struct sb_proof *proof)
{
	struct bytes in = { data, data + length }, field;
	bool good;

	if (!length || length > SB_PROOF_MAX)
		return -EBADMSG;
	if (take_field(&in, FIELD(1), SB_EXISTENCE_MAX, &field)) {
		proof->kind = SB_PROOF_EXISTENCE;
		good = read_existence(field, &proof->exist);
	} else if (take_field(&in, FIELD(2), SB_PROOF_MAX, &field)) {
		proof->kind = SB_PROOF_ABSENCE;
		good = read_absence(field, proof);
	} else {
		return -EBADMSG;
	}
	return good && in.at == in.end ? 0 : -EBADMSG;
}

static size_t varint_size(size_t value)
{
	size_t size = 1;

	for (; value >= 0x80; value >>= 7)
		size++;
	return size;
}

static size_t field_size(size_t length)
{
	return 1 + varint_size(length) + length;
}

static uint8_t *write_bytes(uint8_t *at, const void *bytes, size_t length)
{
	memcpy(at, bytes, length);
	return at + length;
}

static uint8_t *write_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *write_head(uint8_t *at, uint8_t tag, size_t length)
{
	*at++ = tag;
	return write_varint(at, length);
}

static uint8_t *write_field(uint8_t *at, uint8_t tag, const void *bytes, size_t length)
{
	return write_bytes(write_head(at, tag, length), bytes, length);
}

static size_t leaf_size(enum sb_leaf_format format)
{
	return format == SB_LEAF_VAR_PROTO ? sizeof(leaf_var_proto) : sizeof(leaf_plain);
}

static size_t existence_size(const struct sb_existence *exist)
{
	size_t size = field_size(exist->key_length) + field_size(exist->value_length) +
		      field_size(leaf_size(exist->format));

	for (unsigned int i = 0; i < exist->depth; i++)
		size += (exist->right[i] ? sizeof(step_right) : sizeof(step_left)) + SB_TREE_HASH_LEN;
	return size;
}

static uint8_t *write_existence(uint8_t *at, uint8_t tag, const struct sb_existence *exist)
{
	const uint8_t *leaf = exist->format == SB_LEAF_VAR_PROTO ? leaf_var_proto : leaf_plain;

	at = write_head(at, tag, existence_size(exist));
	at = write_field(at, FIELD(1), exist->key, exist->key_length);
	at = write_field(at, FIELD(2), exist->value, exist->value_length);
	at = write_field(at, FIELD(3), leaf, leaf_size(exist->format));
	for (unsigned int i = 0; i < exist->depth; i++) {
		if (exist->right[i])
			at = write_bytes(at, step_right, sizeof(step_right));
		else
			at = write_bytes(at, step_left, sizeof(step_left));
		at = write_bytes(at, exist->sibling[i], SB_TREE_HASH_LEN);
	}
	return at;
}

int sb_proof_encode(const struct sb_proof *proof, uint8_t *out, size_t room, size_t *length)
{
	size_t inner;

	if (proof->kind == SB_PROOF_EXISTENCE) {
		if (field_size(existence_size(&proof->exist)) > room)
			return -ENOSPC;
		*length = write_existence(out, FIELD(1), &proof->exist) - out;
		return 0;
	}
	inner = field_size(SB_TREE_HASH_LEN);
	if (proof->has_left)
		inner += field_size(existence_size(&proof->left));
	if (proof->has_right)
		inner += field_size(existence_size(&proof->right));
	if (field_size(inner) > room)
		return -ENOSPC;
	*length = field_size(inner);
	out = write_head(out, FIELD(2), inner);
	out = write_field(out, FIELD(1), proof->path, SB_TREE_HASH_LEN);
	if (proof->has_left)
		out = write_existence(out, FIELD(2), &proof->left);
	if (proof->has_right)
		write_existence(out, FIELD(3), &proof->right);
	return 0;
}

/*
 * ValueOp{1: key, 2: Proof{1: total, 2: index, 3: leaf_hash, 4: aunts}}: the tree as a full one of our
 * depth, in which we are the leaf whose number is the first bits of the path. CometBFT's
 * crypto/merkle/proof_value.go hashes the key with its length, so the key here is the path.
 */
int sb_proof_simple(const struct sb_existence *exist, uint8_t out[SB_SIMPLE_MAX], size_t *length)
{
	uint8_t path[SB_TREE_HASH_LEN], leaf[SB_TREE_HASH_LEN], digest[SB_TREE_HASH_LEN];
	uint64_t total, index = 0;
	uint8_t inner[SB_SIMPLE_MAX], *at = inner;

	if (exist->format != SB_LEAF_VAR_PROTO)
		return -EINVAL;
	if (exist->depth > SB_SIMPLE_DEPTH_MAX)
		return -ERANGE;
	sb_tree_digest(exist->key, exist->key_length, path);
	sb_tree_digest(exist->value, exist->value_length, digest);
	sb_tree_leaf(exist->format, path, digest, leaf);
	total = UINT64_C(1) << exist->depth;
	for (unsigned int i = exist->depth; i-- > 0; )
		index = index << 1 | exist->right[i];
	*at++ = 0x08;
	at = write_varint(at, total);
	if (index) {
		*at++ = 0x10;
		at = write_varint(at, index);
	}
	at = write_field(at, FIELD(3), leaf, sizeof(leaf));
	for (unsigned int i = 0; i < exist->depth; i++)
		at = write_field(at, FIELD(4), exist->sibling[i], SB_TREE_HASH_LEN);
	*length = field_size(sizeof(path)) + field_size(at - inner);
	out = write_field(out, FIELD(1), path, sizeof(path));
	write_field(out, FIELD(2), inner, at - inner);
	return 0;
}
