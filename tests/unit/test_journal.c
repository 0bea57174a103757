// SPDX-License-Identifier: Apache-2.0
/* Changes above records: seen through it, gone when dropped, below when flushed; in one order. */
#include "records_world.h"

#include <stdio.h>

#include "state/journal.h"

static void put(struct sb_records *records, const char *key, const char *value)
{
	assert_int_equal(records->put(records->context, key, strlen(key), value, strlen(value)), 0);
}

static void removes(struct sb_records *records, const char *key)
{
	assert_int_equal(records->remove(records->context, key, strlen(key)), 0);
}

static int write_one(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	char *text = context;
	int at = (int)strlen(text);

	sprintf(text + at, "%.*s=%.*s ", (int)key_length, (const char *)key, (int)length, (const char *)value);
	return key_length == 4 && memcmp(key, "stop", 4) == 0 ? 7 : 0;
}

static int list(struct sb_records *records, const char *prefix, char text[512])
{
	text[0] = 0;
	return records->each(records->context, prefix, strlen(prefix), write_one, text);
}

static void layers(void **state)
{
	struct record_world world;
	struct sb_journal *block, *tx;
	struct sb_records *low, *high;
	const uint8_t *value;
	size_t length;
	char text[512];

	record_world_init(&world);
	put(&world.records, "a1", "x");
	put(&world.records, "a3", "x");
	put(&world.records, "b1", "x");
	block = sb_journal_new(&world.records);
	tx = sb_journal_new(sb_journal_records(block));
	low = sb_journal_records(block);
	high = sb_journal_records(tx);

	put(low, "a2", "y");
	removes(low, "a3");
	put(high, "a3", "z");
	put(high, "a0", "z");
	put(high, "a4", "z");
	removes(high, "a1");
	assert_int_equal(list(high, "a", text), 0);
	assert_string_equal(text, "a0=z a2=y a3=z a4=z ");
	assert_int_equal(list(low, "a", text), 0);
	assert_string_equal(text, "a1=x a2=y ");
	assert_int_equal(high->get(high->context, "a1", 2, &value, &length), -ENOENT);
	assert_int_equal(low->get(low->context, "a1", 2, &value, &length), 0);

	sb_journal_drop(tx);
	assert_int_equal(list(high, "", text), 0);
	assert_string_equal(text, "a1=x a2=y b1=x ");
	put(high, "a1", "new");
	removes(high, "never there");
	assert_int_equal(sb_journal_flush(tx), 0);
	assert_int_equal(sb_journal_flush(block), 0);
	assert_int_equal(list(&world.records, "", text), 0);
	assert_string_equal(text, "a1=new a2=y b1=x ");
	assert_int_equal(sb_journal_count(block), 0);
	sb_journal_free(tx);
	sb_journal_free(block);
	record_world_free(&world);
}

static void stops(void **state)
{
	struct record_world world;
	struct sb_journal *journal;
	char text[512];

	record_world_init(&world);
	put(&world.records, "u", "1");
	journal = sb_journal_new(&world.records);
	put(sb_journal_records(journal), "stop", "1");
	put(sb_journal_records(journal), "t", "1");
	assert_int_equal(list(sb_journal_records(journal), "", text), 7);
	assert_string_equal(text, "stop=1 ");
	sb_journal_free(journal);
	record_world_free(&world);
}

static void many(void **state)
{
	struct record_world world;
	struct sb_journal *journal;
	struct sb_records *records;
	char key[16];

	record_world_init(&world);
	journal = sb_journal_new(&world.records);
	records = sb_journal_records(journal);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5000; i++) {
			sprintf(key, "%d", i * 7919 % 5000);
			put(records, key, i % 2 ? "odd" : "even");
		}
		assert_int_equal(sb_journal_count(journal), 5000);
		assert_int_equal(sb_journal_flush(journal), 0);
		assert_int_equal(world.count, 5000);
	}
	sb_journal_free(journal);
	record_world_free(&world);
}

static void bounds(void **state)
{
	static uint8_t large[SB_RECORD_MAX + 1];
	struct record_world world;
	struct sb_journal *journal;
	struct sb_records *records;

	record_world_init(&world);
	journal = sb_journal_new(&world.records);
	records = sb_journal_records(journal);
	assert_int_equal(records->put(records->context, large, SB_RECORD_KEY_MAX + 1, "x", 1), -EINVAL);
	assert_int_equal(records->put(records->context, large, 0, "x", 1), -EINVAL);
	assert_int_equal(records->put(records->context, "x", 1, large, sizeof(large)), -EINVAL);
	assert_int_equal(records->put(records->context, "x", 1, large, 0), -EINVAL);
	assert_int_equal(records->put(records->context, large, SB_RECORD_KEY_MAX, large, SB_RECORD_MAX), 0);
	sb_journal_free(journal);
	record_world_free(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers), cmocka_unit_test(stops), cmocka_unit_test(many), cmocka_unit_test(bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
