/* SPDX-License-Identifier: Apache-2.0 */
/* A naive model of the tree, from its definition: all leaves sorted, everything hashed anew each time. */
#ifndef TESTS_TREE_MODEL_H
#define TESTS_TREE_MODEL_H

#include "cmocka_all.h"

#include <openssl/sha.h>
#include <openssl/evp.h>

#define MODEL_KEYS 400

/* Key i has the value with this number; 0: none. */
struct model {
	uint32_t value[MODEL_KEYS];
};

struct model_leaf {
	uint8_t path[32], hash[32];
};

static inline void model_hash(const void *data, size_t length, uint8_t out[32])
{
	assert_int_equal(EVP_Digest(data, length, out, NULL, EVP_sha256(), NULL), 1);
}

/* Keys of 1 to 255 bytes. */
static inline size_t model_key(unsigned int number, uint8_t key[255])
{
	size_t length = 4 + number * 29 % 252;

	memset(key, 'k', length);
	memcpy(key, &number, sizeof(number));
	return length;
}

static inline size_t model_value(uint32_t number, uint8_t value[300])
{
	size_t length = 4 + number % 297;

	memset(value, 'v', length);
	memcpy(value, &number, sizeof(number));
	return length;
}

static inline int model_order(const void *a, const void *b)
{
	return memcmp(a, b, 32);
}

static inline void model_node(const struct model_leaf *leaf, size_t count, unsigned int depth, uint8_t out[32])
{
	uint8_t both[65] = { 1 };
	size_t left = 0;

	if (count <= 1) {
		memcpy(out, count ? leaf->hash : (const uint8_t[32]){}, 32);
		return;
	}
	while (left < count && !(leaf[left].path[depth / 8] >> (7 - depth % 8) & 1))
		left++;
	model_node(leaf, left, depth + 1, both + 1);
	model_node(leaf + left, count - left, depth + 1, both + 33);
	model_hash(both, sizeof(both), out);
}

static inline void model_root(const struct model *model, uint8_t root[32])
{
	struct model_leaf leaf[MODEL_KEYS];
	size_t count = 0;

	for (unsigned int i = 0; i < MODEL_KEYS; i++) {
		uint8_t text[67] = { 0, 32, [34] = 32 }, key[255], value[300];

		if (!model->value[i])
			continue;
		model_hash(key, model_key(i, key), text + 2);
		model_hash(value, model_value(model->value[i], value), text + 35);
		memcpy(leaf[count].path, text + 2, 32);
		model_hash(text, sizeof(text), leaf[count++].hash);
	}
	qsort(leaf, count, sizeof(leaf[0]), model_order);
	model_node(leaf, count, 0, root);
}

/* A sequence of its own, so that a failure can be had again. */
static inline uint32_t model_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

#endif
