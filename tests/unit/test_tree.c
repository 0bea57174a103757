// SPDX-License-Identifier: Apache-2.0
/* The tree against a naive model, whatever the history and however it is cut into batches. */
#include "tree_model.h"

#include <errno.h>

#include "tree/memory.h"

static void put(struct sb_memory *memory, struct model *model, unsigned int number, uint32_t value)
{
	uint8_t key[255], bytes[300];
	size_t length = model_key(number, key);

	model->value[number] = value;
	if (value)
		assert_int_equal(sb_memory_put(memory, key, length, bytes, model_value(value, bytes)), 0);
	else
		assert_int_equal(sb_memory_remove(memory, key, length), 0);
}

static void assert_root(struct sb_memory *memory, const struct model *model)
{
	uint8_t want[32], got[32], again[32];

	model_root(model, want);
	assert_int_equal(sb_memory_root(memory, got), 0);
	assert_memory_equal(got, want, 32);
	assert_int_equal(sb_tree_root(sb_memory_pages(memory), again), 0);
	assert_memory_equal(again, want, 32);
}

static void test_small(void **state)
{
	struct sb_memory *memory = sb_memory_new();
	struct model model = {};

	assert_root(memory, &model);
	put(memory, &model, 1, 7);
	assert_root(memory, &model);
	put(memory, &model, 1, 8);
	assert_root(memory, &model);
	put(memory, &model, 2, 8);
	assert_root(memory, &model);
	put(memory, &model, 1, 0);
	assert_root(memory, &model);
	/* what is not there can be removed */
	put(memory, &model, 3, 0);
	put(memory, &model, 1, 0);
	assert_root(memory, &model);
	put(memory, &model, 2, 0);
	assert_root(memory, &model);
	/* the last word counts */
	put(memory, &model, 2, 1);
	put(memory, &model, 2, 0);
	put(memory, &model, 2, 3);
	put(memory, &model, 4, 3);
	put(memory, &model, 4, 0);
	assert_root(memory, &model);
	sb_memory_free(memory);
}

/* As many keys as come, or go, at random, in batches of up to most changes. */
static void histories(unsigned int keys, unsigned int most, unsigned int batches, unsigned int keep, uint64_t seed)
{
	struct sb_memory *memory = sb_memory_new();
	struct model model = {};

	for (unsigned int batch = 0; batch < batches; batch++) {
		unsigned int changes = model_random(&seed) % (most + 1);

		for (unsigned int i = 0; i < changes; i++) {
			bool stays = model_random(&seed) % 100 < keep;

			put(memory, &model, model_random(&seed) % keys, stays ? 1 + model_random(&seed) % 5000 : 0);
		}
		assert_root(memory, &model);
	}
	sb_memory_free(memory);
}

static void test_histories(void **state)
{
	histories(MODEL_KEYS, 60, 150, 70, 1);
	histories(MODEL_KEYS, 400, 40, 50, 2);
	histories(MODEL_KEYS, 1, 300, 60, 3);
	for (uint64_t seed = 10; seed < 60; seed++)
		histories(5, 3, 60, 40, seed);
}

/* Taking away what was added leads back to every root, in any order. */
static void test_way_back(void **state)
{
	struct sb_memory *memory = sb_memory_new();
	uint8_t root[MODEL_KEYS][32], got[32];
	struct model model = {};

	for (unsigned int i = 0; i < MODEL_KEYS; i++) {
		assert_int_equal(sb_memory_root(memory, root[i]), 0);
		put(memory, &model, i, i + 1);
	}
	assert_root(memory, &model);
	for (unsigned int i = MODEL_KEYS; i-- > 0; ) {
		put(memory, &model, i, 0);
		assert_int_equal(sb_memory_root(memory, got), 0);
		assert_memory_equal(got, root[i], 32);
	}
	sb_memory_free(memory);
}

static void test_order(void **state)
{
	uint8_t want[32], got[32];

	for (unsigned int step = 1; step < 60; step += 2) {
		struct sb_memory *memory = sb_memory_new();
		struct model model = {};

		/* odd, and no multiple of 5: a permutation */
		if (step % 5 == 0) {
			sb_memory_free(memory);
			continue;
		}
		for (unsigned int i = 0; i < MODEL_KEYS; i++) {
			put(memory, &model, i * step % MODEL_KEYS, i * step % MODEL_KEYS + 1);
			if (i % step == 0)
				assert_int_equal(sb_memory_root(memory, got), 0);
		}
		assert_int_equal(sb_memory_root(memory, step == 1 ? want : got), 0);
		if (step > 1)
			assert_memory_equal(got, want, 32);
		sb_memory_free(memory);
	}
}

/* Pages that count what is written, and how many there are. */
struct counted {
	struct sb_pages pages;
	const struct sb_pages *below;
	unsigned int puts, live;
};

static int counted_get(void *context, const uint8_t *path, unsigned int depth, const uint8_t **data, size_t *length)
{
	struct counted *counted = context;

	return counted->below->get(counted->below->context, path, depth, data, length);
}

static int counted_put(void *context, const uint8_t *path, unsigned int depth, const uint8_t *data, size_t length)
{
	struct counted *counted = context;
	const uint8_t *old;
	size_t old_length;

	counted->puts++;
	counted->live += counted_get(context, path, depth, &old, &old_length) == -ENOENT;
	return counted->below->put(counted->below->context, path, depth, data, length);
}

static int counted_remove(void *context, const uint8_t *path, unsigned int depth)
{
	struct counted *counted = context;

	const uint8_t *old;
	size_t old_length;

	counted->puts++;
	counted->live--;
	assert_int_equal(counted_get(context, path, depth, &old, &old_length), 0);
	return counted->below->remove(counted->below->context, path, depth);
}

/* A batch writes the pages on its ways once, nothing when nothing changes, and leaves no page behind. */
static void test_writes(void **state)
{
	struct sb_memory *memory = sb_memory_new();
	struct counted counted = { { &counted, counted_get, counted_put, counted_remove, NULL },
				   sb_memory_pages(memory), 0, 0 };
	struct sb_tree_work *work = sb_tree_work_new();
	struct sb_batch batch = {};
	struct model model = {};
	uint8_t key[255], value[300], root[32], want[32];

	for (unsigned int twice = 0; twice < 2; twice++) {
		counted.puts = 0;
		for (unsigned int i = 0; i < MODEL_KEYS; i++) {
			model.value[i] = i + 1;
			sb_batch_put(&batch, key, model_key(i, key), value, model_value(i + 1, value));
		}
		assert_int_equal(sb_tree_apply(&counted.pages, work, &batch, root), 0);
		sb_batch_reset(&batch);
	}
	assert_int_equal(counted.puts, 0);
	for (unsigned int i = 0; i < 50; i++) {
		model.value[7] = i + 2000;
		sb_batch_put(&batch, key, model_key(7, key), value, model_value(i + 2000, value));
	}
	assert_int_equal(sb_tree_apply(&counted.pages, work, &batch, root), 0);
	model_root(&model, want);
	assert_memory_equal(root, want, 32);
	/* 400 records: two or three pages deep, four where two paths are alike */
	assert_in_range(counted.puts, 2, 4);
	for (unsigned int i = 0; i < MODEL_KEYS; i++) {
		sb_batch_reset(&batch);
		sb_batch_remove(&batch, key, model_key(i, key));
		assert_int_equal(sb_tree_apply(&counted.pages, work, &batch, root), 0);
	}
	assert_int_equal(counted.live, 0);
	sb_batch_free(&batch);
	sb_tree_work_free(work);
	sb_memory_free(memory);
}

static void test_bounds(void **state)
{
	struct sb_memory *memory = sb_memory_new();
	static uint8_t big[SB_TREE_VALUE_MAX + 1];
	uint8_t root[32];

	assert_int_equal(sb_memory_put(memory, big, 0, big, 1), -EINVAL);
	assert_int_equal(sb_memory_put(memory, big, 256, big, 1), -EINVAL);
	assert_int_equal(sb_memory_put(memory, big, 1, big, 0), -EINVAL);
	assert_int_equal(sb_memory_put(memory, big, 1, big, sizeof(big)), -EINVAL);
	assert_int_equal(sb_memory_remove(memory, big, 0), -EINVAL);
	assert_int_equal(sb_memory_remove(memory, big, 256), -EINVAL);
	assert_int_equal(sb_memory_put(memory, big, 255, big, SB_TREE_VALUE_MAX), 0);
	assert_int_equal(sb_memory_root(memory, root), 0);
	sb_memory_free(memory);
}

/* A page of the disk that is no page is found out, whatever it is. */
static void test_page_decode(void **state)
{
	uint8_t data[SB_PAGE_MAX], again[SB_PAGE_MAX];
	struct sb_page page, read;
	size_t length;

	sb_page_clear(&page);
	for (unsigned int slot = 0; slot < 16; slot += 3) {
		uint8_t hash[32] = { (uint8_t)(slot + 1) };
		struct sb_page_key key = { (const uint8_t *)"a key of some bytes", 3 + slot };

		sb_page_set(&page, slot, hash, slot % 2 ? &key : NULL);
	}
	sb_page_rehash(&page, 0xffff);
	length = sb_page_encode(&page, data);
	assert_int_equal(sb_page_decode(data, length, &read), 0);
	sb_page_root(&read);
	assert_memory_equal(read.hash[1], page.hash[1], sizeof(page.hash) - sizeof(page.hash[0]));
	assert_int_equal(sb_page_encode(&read, again), length);
	assert_memory_equal(again, data, length);
	for (size_t n = 0; n < length; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, data, n);
		assert_int_equal(sb_page_decode(copy, n, &read), -EUCLEAN);
		free(copy);
	}
	assert_int_equal(sb_page_decode(data, length + 1, &read), -EUCLEAN);
	data[2] |= data[0];
	data[3] |= data[1];
	assert_int_equal(sb_page_decode(data, length, &read), -EUCLEAN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_histories),
		cmocka_unit_test(test_way_back),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_page_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
