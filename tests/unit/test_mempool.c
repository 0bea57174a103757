// SPDX-License-Identifier: Apache-2.0
/* What waits is bounded, in order, and there once. */
#include "cmocka_all.h"

#include <errno.h>

#include "common/sha256.h"
#include "ledger/mempool.h"

static int add(struct sb_mempool *pool, const char *text)
{
	uint8_t id[32];

	sb_digest_of(text, strlen(text), id);
	return sb_mempool_add(pool, id, (const uint8_t *)text, strlen(text));
}

static void assert_order(struct sb_mempool *pool, const char *const *want, size_t count)
{
	struct sb_pool_tx *tx = NULL;
	size_t there, bytes, sum = 0;

	for (size_t i = 0; i < count; i++) {
		tx = sb_mempool_next(pool, tx);
		assert_non_null(tx);
		assert_int_equal(tx->length, strlen(want[i]));
		assert_memory_equal(tx->data, want[i], tx->length);
		sum += tx->length;
	}
	assert_null(count ? sb_mempool_next(pool, tx) : sb_mempool_next(pool, NULL));
	sb_mempool_size(pool, &there, &bytes);
	assert_int_equal(there, count);
	assert_int_equal(bytes, sum);
}

static void test_order(void **state)
{
	struct sb_mempool *pool = sb_mempool_new(10, 100);
	uint8_t id[32];

	assert_int_equal(add(pool, "one"), 0);
	assert_int_equal(add(pool, "two"), 0);
	assert_int_equal(add(pool, "three"), 0);
	assert_int_equal(add(pool, "two"), -EEXIST);
	assert_order(pool, (const char *const[]){ "one", "two", "three" }, 3);
	sb_digest_of("two", 3, id);
	assert_true(sb_mempool_has(pool, id));
	sb_mempool_remove_id(pool, id);
	sb_mempool_remove_id(pool, id);
	assert_false(sb_mempool_has(pool, id));
	assert_order(pool, (const char *const[]){ "one", "three" }, 2);
	assert_int_equal(add(pool, "two"), 0);
	sb_mempool_remove(pool, sb_mempool_next(pool, NULL));
	assert_order(pool, (const char *const[]){ "three", "two" }, 2);
	sb_mempool_remove(pool, sb_mempool_next(pool, sb_mempool_next(pool, NULL)));
	sb_mempool_remove(pool, sb_mempool_next(pool, NULL));
	assert_order(pool, NULL, 0);
	sb_mempool_free(pool);
}

static void test_bounds(void **state)
{
	struct sb_mempool *pool = sb_mempool_new(2, 10);

	assert_int_equal(add(pool, "12345678901"), -ENOSPC);
	assert_int_equal(add(pool, "1234567890"), 0);
	assert_int_equal(add(pool, "x"), -ENOSPC);
	sb_mempool_remove(pool, sb_mempool_next(pool, NULL));
	assert_int_equal(add(pool, "x"), 0);
	assert_int_equal(add(pool, "y"), 0);
	assert_int_equal(add(pool, "z"), -ENOSPC);
	sb_mempool_free(pool);
}

/* Many in few slots: each is found and goes alone. */
static void test_many(void **state)
{
	struct sb_mempool *pool = sb_mempool_new(100000, 10000000);
	struct sb_pool_tx *tx = NULL, *next;
	size_t count, bytes;
	char text[32];

	for (int i = 0; i < 50000; i++) {
		snprintf(text, sizeof(text), "tx %d", i);
		assert_int_equal(add(pool, text), 0);
	}
	for (tx = sb_mempool_next(pool, NULL); tx; tx = next) {
		next = sb_mempool_next(pool, tx);
		if (tx->data[tx->length - 1] % 2)
			sb_mempool_remove(pool, tx);
	}
	sb_mempool_size(pool, &count, &bytes);
	assert_int_equal(count, 25000);
	for (int i = 0; i < 50000; i++) {
		snprintf(text, sizeof(text), "tx %d", i);
		assert_int_equal(add(pool, text), i % 2 ? 0 : -EEXIST);
	}
	sb_mempool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order), cmocka_unit_test(test_bounds), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
