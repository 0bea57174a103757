// SPDX-License-Identifier: Apache-2.0
#include "cmocka_all.h"

#include <string.h>

#include "device/ledger_news.h"

#define A_MESSAGE	256

/* Ids from first on, as one message. */
static void say(struct sb_news *news, bool lost, unsigned int first, unsigned int count)
{
	static uint8_t ids[A_MESSAGE * 32];

	memset(ids, 0, sizeof(ids));
	for (unsigned int i = 0; i < count; i++)
		memcpy(ids + (size_t)i * 32, &(unsigned int){ first + i }, sizeof(first));
	sb_news_add(news, lost, ids, (size_t)count * 32);
}

static unsigned int number_of(const struct sb_news_of_peer *peer)
{
	unsigned int number;

	memcpy(&number, peer->device_id, sizeof(number));
	return number;
}

/* As many peers as a device can have, in one burst: none is forgotten, and their order is kept. */
static void all_of_a_burst(void **state)
{
	struct sb_news news = { 0 }, taken;

	for (unsigned int first = 0; first < 4096; first += A_MESSAGE)
		say(&news, false, first, A_MESSAGE);
	say(&news, true, 7, 1);
	taken = sb_news_take(&news);
	assert_int_equal(news.count, 0);
	assert_int_equal(taken.count, 4097);
	assert_false(taken.missed);
	for (unsigned int i = 0; i < 4096; i++)
		assert_true(number_of(&taken.peer[i]) == i && !taken.peer[i].lost);
	assert_true(number_of(&taken.peer[4096]) == 7 && taken.peer[4096].lost);
	sb_news_free(&taken);
	say(&news, false, 1, 3);
	assert_int_equal(news.count, 3);
	sb_news_free(&news);
}

/* More than is kept is not forgotten silently, and what was asked for again has its room. */
static void more_than_is_kept(void **state)
{
	struct sb_news news = { 0 }, taken;

	for (unsigned int first = 0; first <= SB_NEWS_MAX; first += A_MESSAGE)
		say(&news, false, first, A_MESSAGE);
	taken = sb_news_take(&news);
	assert_int_equal(taken.count, SB_NEWS_MAX);
	assert_true(taken.missed);
	sb_news_free(&taken);
	for (unsigned int first = 0; first < 4096; first += A_MESSAGE)
		say(&news, false, first, A_MESSAGE);
	assert_int_equal(news.count, 4096);
	assert_false(news.missed);
	sb_news_free(&news);
}

static void no_list(void **state)
{
	const uint8_t ids[65] = { 0 };
	struct sb_news news = { 0 };

	sb_news_add(&news, false, ids, 0);
	sb_news_add(&news, false, ids, 31);
	sb_news_add(&news, false, ids, 65);
	assert_int_equal(news.count, 0);
	assert_false(news.missed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_a_burst), cmocka_unit_test(more_than_is_kept), cmocka_unit_test(no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
