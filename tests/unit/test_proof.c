// SPDX-License-Identifier: Apache-2.0
/* Proofs of the tree: each verifies, and nothing that differs from it in a bit does. */
#include "tree_model.h"

#include <errno.h>

#include "tree/memory.h"
#include "tree/prove.h"

struct made {
	uint8_t root[32], key[255], value[300], *proof;
	size_t key_length, value_length, length;
	bool present;
};

/* A tree of the even keys below 2 * count. */
static struct sb_memory *tree_of(unsigned int count, uint8_t root[32])
{
	struct sb_memory *memory = sb_memory_new();
	uint8_t key[255], value[300];

	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(sb_memory_put(memory, key, model_key(2 * i, key), value,
					       model_value(2 * i + 1, value)), 0);
	assert_int_equal(sb_memory_root(memory, root), 0);
	return memory;
}

static int verify(const struct made *made, const uint8_t *proof, size_t length)
{
	if (made->present)
		return sb_proof_verify_existence(SB_LEAF_VAR_PROTO, made->root, made->key, made->key_length,
						 made->value, made->value_length, proof, length);
	return sb_proof_verify_absence(SB_LEAF_VAR_PROTO, made->root, made->key, made->key_length, proof, length);
}

/* The proof is in memory of just its length, so that the sanitizer sees a byte too far. */
static void make(const struct sb_memory *memory, unsigned int number, struct made *made)
{
	static uint8_t out[SB_PROOF_MAX];

	made->key_length = model_key(number, made->key);
	made->value_length = model_value(number + 1, made->value);
	assert_int_equal(sb_tree_prove(sb_memory_pages(memory), made->key, made->key_length, out, sizeof(out),
				       &made->length, &made->present), 0);
	made->proof = malloc(made->length);
	memcpy(made->proof, out, made->length);
	/* just enough room is enough */
	assert_int_equal(sb_tree_prove(sb_memory_pages(memory), made->key, made->key_length, out, made->length,
				       &made->length, &made->present), 0);
	assert_int_equal(sb_tree_prove(sb_memory_pages(memory), made->key, made->key_length, out,
				       made->length - 1, &made->length, &made->present), -ENOSPC);
}

static void test_all_sizes(void **state)
{
	static const unsigned int sizes[] = { 0, 1, 2, 3, 4, 5, 10, 30, 100, 200 };

	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		uint8_t root[32];
		struct sb_memory *memory = tree_of(sizes[s], root);

		for (unsigned int i = 0; i < MODEL_KEYS; i++) {
			struct made made;

			memcpy(made.root, root, 32);
			make(memory, i, &made);
			assert_int_equal(made.present, i % 2 == 0 && i < 2 * sizes[s]);
			assert_int_equal(verify(&made, made.proof, made.length), 0);
			made.present = !made.present;
			assert_int_equal(verify(&made, made.proof, made.length), -EKEYREJECTED);
			free(made.proof);
		}
		sb_memory_free(memory);
	}
}

static void flip(uint8_t *bytes, size_t bit)
{
	bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* Each bit of what is given, once. */
static void refuse_bits(const struct made *made, uint8_t *bytes, size_t length)
{
	for (size_t bit = 0; bit < 8 * length; bit++) {
		flip(bytes, bit);
		assert_int_not_equal(verify(made, made->proof, made->length), 0);
		flip(bytes, bit);
	}
	assert_int_equal(verify(made, made->proof, made->length), 0);
}

static void test_every_bit(void **state)
{
	struct made made;
	struct sb_memory *memory = tree_of(40, made.root);

	for (unsigned int number = 0; number < 80; number += 7) {
		make(memory, number, &made);
		refuse_bits(&made, made.proof, made.length);
		refuse_bits(&made, made.key, made.key_length);
		refuse_bits(&made, made.root, sizeof(made.root));
		if (made.present)
			refuse_bits(&made, made.value, made.value_length);
		free(made.proof);
	}
	sb_memory_free(memory);
}

static void test_every_length(void **state)
{
	struct made made;
	struct sb_memory *memory = tree_of(10, made.root);

	for (unsigned int number = 4; number < 6; number++) {
		make(memory, number, &made);
		for (size_t n = 0; n < made.length; n++) {
			uint8_t *part = malloc(n ? n : 1);

			memcpy(part, made.proof, n);
			assert_int_equal(verify(&made, part, n), -EBADMSG);
			free(part);
		}
		made.proof = realloc(made.proof, made.length + 1);
		for (unsigned int byte = 0; byte < 256; byte++) {
			made.proof[made.length] = (uint8_t)byte;
			assert_int_equal(verify(&made, made.proof, made.length + 1), -EBADMSG);
		}
		free(made.proof);
	}
	sb_memory_free(memory);
}

/* What the decoder takes, the encoder writes, byte by byte. */
static void test_one_form(void **state)
{
	static uint8_t out[SB_PROOF_MAX];
	struct sb_proof proof;
	struct made made;
	struct sb_memory *memory = tree_of(30, made.root);
	size_t length;

	for (unsigned int i = 0; i < 60; i++) {
		make(memory, i, &made);
		assert_int_equal(sb_proof_decode(made.proof, made.length, &proof), 0);
		assert_int_equal(sb_proof_encode(&proof, out, sizeof(out), &length), 0);
		assert_int_equal(length, made.length);
		assert_memory_equal(out, made.proof, length);
		free(made.proof);
	}
	sb_memory_free(memory);
}

/* A proof is of its own key, and of no other, not even one between the same neighbours. */
static void test_other_keys(void **state)
{
	struct made one, two;
	struct sb_memory *memory = tree_of(20, one.root);

	memcpy(two.root, one.root, 32);
	for (unsigned int i = 0; i < 60; i++) {
		make(memory, i, &one);
		for (unsigned int j = 0; j < 60; j++) {
			make(memory, j, &two);
			if (i != j)
				assert_int_equal(verify(&two, one.proof, one.length), -EKEYREJECTED);
			free(two.proof);
		}
		free(one.proof);
	}
	sb_memory_free(memory);
}

/* Depth, key and value at their limits pass; a step, a byte more does not. */
static void test_limits(void **state)
{
	static uint8_t out[SB_PROOF_MAX + 64], value[SB_TREE_VALUE_MAX + 1], key[SB_TREE_KEY_MAX + 1];
	static const uint8_t sibling[32] = { 5 };
	static struct sb_proof proof, read;
	uint8_t path[32], root[32], digest[32];
	size_t length;

	sb_tree_digest(key, SB_TREE_KEY_MAX, path);
	sb_tree_digest(value, SB_TREE_VALUE_MAX, digest);
	sb_tree_leaf(SB_LEAF_PLAIN, path, digest, root);
	proof.kind = SB_PROOF_EXISTENCE;
	proof.exist = (struct sb_existence){
		.key = key, .key_length = SB_TREE_KEY_MAX, .value = value, .value_length = SB_TREE_VALUE_MAX,
		.format = SB_LEAF_PLAIN, .depth = SB_PROOF_DEPTH_MAX,
	};
	for (unsigned int i = 0; i < 256; i++) {
		unsigned int depth = 255 - i;

		proof.exist.sibling[i] = sibling;
		proof.exist.right[i] = path[depth / 8] >> (7 - depth % 8) & 1;
		if (proof.exist.right[i])
			sb_tree_inner(sibling, root, root);
		else
			sb_tree_inner(root, sibling, root);
	}
	assert_int_equal(sb_proof_encode(&proof, out, SB_PROOF_MAX, &length), 0);
	assert_int_equal(sb_proof_verify_existence(SB_LEAF_PLAIN, root, key, SB_TREE_KEY_MAX, value,
						   SB_TREE_VALUE_MAX, out, length), 0);
	proof.exist.key_length++;
	assert_int_equal(sb_proof_encode(&proof, out, sizeof(out), &length), 0);
	assert_int_equal(sb_proof_decode(out, length, &read), -EBADMSG);
	proof.exist.key_length--;
	proof.exist.value_length++;
	assert_int_equal(sb_proof_encode(&proof, out, sizeof(out), &length), 0);
	assert_int_equal(sb_proof_decode(out, length, &read), -EBADMSG);
	/* two of the longest are an absence proof, and still have room */
	proof.exist.value_length--;
	proof.kind = SB_PROOF_ABSENCE;
	proof.path = path;
	proof.has_left = proof.has_right = true;
	proof.left = proof.right = proof.exist;
	assert_int_equal(sb_proof_encode(&proof, out, SB_PROOF_MAX, &length), 0);
	assert_int_equal(sb_proof_decode(out, length, &read), 0);
}

static void test_simple_bounds(void **state)
{
	static struct sb_existence exist;
	static const uint8_t sibling[32];
	uint8_t out[SB_SIMPLE_MAX];
	size_t length;

	exist = (struct sb_existence){
		.key = sibling, .key_length = 1, .value = sibling, .value_length = 1,
		.format = SB_LEAF_VAR_PROTO, .depth = SB_SIMPLE_DEPTH_MAX,
	};
	for (unsigned int i = 0; i < 63; i++) {
		exist.sibling[i] = sibling;
		exist.right[i] = true;
	}
	assert_int_equal(sb_proof_simple(&exist, out, &length), 0);
	assert_in_range(length, 62 * 34, sizeof(out));
	exist.depth = 63;
	assert_int_equal(sb_proof_simple(&exist, out, &length), -ERANGE);
	exist.depth = 1;
	exist.format = SB_LEAF_PLAIN;
	assert_int_equal(sb_proof_simple(&exist, out, &length), -EINVAL);
}

/* Of a key that is there, decoded; the proof's bytes stay with the caller. */
static void existence(const struct sb_memory *memory, unsigned int number, struct made *made, struct sb_proof *proof)
{
	make(memory, number, made);
	assert_true(made->present);
	assert_int_equal(sb_proof_decode(made->proof, made->length, proof), 0);
}

static int verify_again(const struct made *made, const struct sb_proof *proof)
{
	static uint8_t out[SB_PROOF_MAX];
	size_t length;

	assert_int_equal(sb_proof_encode(proof, out, sizeof(out), &length), 0);
	return verify(made, out, length);
}

/* The leaves' format is the verifier's choice, and a value is proven as a whole. */
static void test_format_and_value(void **state)
{
	static struct sb_proof proof;
	struct made made;
	struct sb_memory *memory = tree_of(10, made.root);
	uint8_t root[32];

	existence(memory, 4, &made, &proof);
	assert_int_equal(verify_again(&made, &proof), 0);
	assert_true(made.value_length > 1);
	made.value_length--;
	assert_int_equal(verify_again(&made, &proof), -EKEYREJECTED);
	made.value_length++;
	assert_int_equal(sb_proof_root(SB_LEAF_VAR_PROTO, made.proof, made.length, root), 0);
	assert_memory_equal(root, made.root, 32);
	assert_int_equal(sb_proof_root(SB_LEAF_PLAIN, made.proof, made.length, root), -EBADMSG);
	proof.exist.format = SB_LEAF_PLAIN;
	assert_int_equal(verify_again(&made, &proof), -EKEYREJECTED);
	free(made.proof);
	sb_memory_free(memory);
}

/* A record on the side that its path does not say, and the root that this leads to. */
static void test_other_side(void **state)
{
	static struct sb_proof proof;
	struct made made;
	struct sb_memory *memory = tree_of(2, made.root);
	uint8_t path[32], digest[32], leaf[32];

	existence(memory, 2, &made, &proof);
	sb_tree_digest(made.key, made.key_length, path);
	sb_tree_digest(made.value, made.value_length, digest);
	sb_tree_leaf(SB_LEAF_VAR_PROTO, path, digest, leaf);
	proof.exist.depth = 1;
	for (unsigned int right = 0; right < 2; right++) {
		proof.exist.right[0] = right;
		sb_tree_inner(right ? proof.exist.sibling[0] : leaf, right ? leaf : proof.exist.sibling[0], made.root);
		assert_int_equal(verify_again(&made, &proof), right == path[0] >> 7 ? 0 : -EKEYREJECTED);
	}
	free(made.proof);
	sb_memory_free(memory);
}

struct place {
	uint8_t path[32];
	unsigned int number;
};

static int by_path(const void *a, const void *b)
{
	return memcmp(((const struct place *)a)->path, ((const struct place *)b)->path, 32);
}

/* The records of a tree, in its order. */
static void in_order(struct place *places, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint8_t key[255];

		places[i].number = 2 * i;
		sb_tree_digest(key, model_key(2 * i, key), places[i].path);
	}
	qsort(places, count, sizeof(*places), by_path);
}

/* That a record is not there, by two others around it, or by one of them: they are not neighbours. */
static void test_not_neighbours(void **state)
{
	static struct sb_proof proof, left, right;
	static struct place places[20];
	struct made made, low, high;
	struct sb_memory *memory = tree_of(20, made.root);
	unsigned int proven = 0;

	in_order(places, 20);
	for (unsigned int at = 1; at < 19; at++) {
		existence(memory, places[at].number, &made, &proof);
		existence(memory, places[at - 1].number, &low, &left);
		existence(memory, places[at + 1].number, &high, &right);
		made.present = false;
		proof = (struct sb_proof){ .kind = SB_PROOF_ABSENCE, .path = places[at].path, .has_left = true,
					   .has_right = true, .left = left.exist, .right = right.exist };
		assert_int_equal(verify_again(&made, &proof), -EKEYREJECTED);
		proof.has_right = false;
		assert_int_equal(verify_again(&made, &proof), -EKEYREJECTED);
		proof.has_right = true;
		proof.has_left = false;
		assert_int_equal(verify_again(&made, &proof), -EKEYREJECTED);
		proof.has_right = false;
		assert_int_equal(verify_again(&made, &proof), -EKEYREJECTED);
		free(made.proof);
		free(low.proof);
		free(high.proof);
		proven++;
	}
	assert_int_equal(proven, 18);
	sb_memory_free(memory);
}

/* A field with its length as short as it can be, or by so many bytes longer. */
static size_t put_field(uint8_t *out, uint8_t tag, const void *data, size_t length, unsigned int longer)
{
	size_t at = 0, left = length;

	out[at++] = tag;
	for (; left >= 0x80; left >>= 7)
		out[at++] = (uint8_t)(left | 0x80);
	out[at++] = (uint8_t)left;
	for (; longer; longer--) {
		out[at - 1] |= 0x80;
		out[at++] = 0;
	}
	memcpy(out + at, data, length);
	return at + length;
}

static int decode_exact(const uint8_t *data, size_t length)
{
	static struct sb_proof proof;
	uint8_t *exact = malloc(length);
	int rc;

	memcpy(exact, data, length);
	rc = sb_proof_decode(exact, length, &proof);
	free(exact);
	return rc;
}

/* One part of an existence proof is left out or has an odd length; then every part of what is within. */
static void test_odd_forms(void **state)
{
	static const uint8_t leaf[] = { 0x08, 1, 0x10, 1, 0x18, 1, 0x20, 1, 0x2a, 1, 0x00 };
	static const uint8_t step[] = { 0x22, 37, 0x08, 1, 0x12, 33, 0x01, [38] = 0 };
	static uint8_t inner[16384], out[16384];
	size_t length, cut;

	for (unsigned int without = 0; without < 8; without++) {
		length = 0;
		if (without != 1)
			length += put_field(inner + length, 0x0a, "key", 3, without == 5);
		if (without != 2)
			length += put_field(inner + length, 0x12, "value", 5, without == 6);
		if (without != 3)
			length += put_field(inner + length, 0x1a, leaf, sizeof(leaf), without == 7);
		if (without != 4) {
			memcpy(inner + length, step, sizeof(step));
			length += sizeof(step);
		}
		assert_int_equal(decode_exact(out, put_field(out, 0x0a, inner, length, 0)),
				 without == 0 || without == 4 ? 0 : -EBADMSG);
		if (without)
			continue;
		for (cut = 0; cut < length; cut++)
			assert_int_equal(decode_exact(out, put_field(out, 0x0a, inner, cut, 0)),
					 cut == length - sizeof(step) ? 0 : -EBADMSG);
	}
	/* as many steps as there are bits, and one more */
	length = put_field(inner, 0x0a, "key", 3, 0);
	length += put_field(inner + length, 0x12, "value", 5, 0);
	length += put_field(inner + length, 0x1a, leaf, sizeof(leaf), 0);
	for (unsigned int i = 0; i < SB_PROOF_DEPTH_MAX; i++, length += sizeof(step))
		memcpy(inner + length, step, sizeof(step));
	assert_int_equal(decode_exact(out, put_field(out, 0x0a, inner, length, 0)), 0);
	memcpy(inner + length, step, sizeof(step));
	assert_int_equal(decode_exact(out, put_field(out, 0x0a, inner, length + sizeof(step), 0)), -EBADMSG);
	/* a length without an end */
	memset(out, 0x80, sizeof(out));
	out[0] = 0x0a;
	assert_int_equal(decode_exact(out, 40), -EBADMSG);
	out[39] = 1;
	assert_int_equal(decode_exact(out, 40), -EBADMSG);
}

/* Of nothing at all: the path alone, and a byte too few or too many of it. */
static void test_odd_absence(void **state)
{
	static const uint8_t path[40], none[32];
	uint8_t inner[80], out[96];
	struct made made = { .key_length = 1 };
	size_t length;

	for (size_t size = 31; size <= 33; size++) {
		length = put_field(inner, 0x0a, path, size, 0);
		assert_int_equal(decode_exact(out, put_field(out, 0x12, inner, length, 0)), size == 32 ? 0 : -EBADMSG);
	}
	length = put_field(inner, 0x0a, path, 32, 0);
	inner[length] = 0x22;
	assert_int_equal(decode_exact(out, put_field(out, 0x12, inner, length + 1, 0)), -EBADMSG);
	assert_int_equal(decode_exact(out, put_field(out, 0x12, "\x12\1x", 3, 0)), -EBADMSG);
	/* an empty tree has everything absent, another one has not */
	sb_tree_digest(made.key, 1, inner);
	length = put_field(inner + 32, 0x0a, inner, 32, 0);
	length = put_field(out, 0x12, inner + 32, length, 0);
	assert_int_equal(verify(&made, out, length), 0);
	memcpy(made.root, none, 32);
	made.root[0] = 1;
	assert_int_equal(verify(&made, out, length), -EKEYREJECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_sizes),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_one_form),
		cmocka_unit_test(test_other_keys),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_simple_bounds),
		cmocka_unit_test(test_format_and_value),
		cmocka_unit_test(test_other_side),
		cmocka_unit_test(test_not_neighbours),
		cmocka_unit_test(test_odd_forms),
		cmocka_unit_test(test_odd_absence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
