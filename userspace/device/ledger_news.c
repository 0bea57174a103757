// SPDX-License-Identifier: Apache-2.0
#include "device/ledger_news.h"

#include <stdlib.h>
#include <string.h>

#define ID	sizeof(((struct sb_news_of_peer *)0)->device_id)

static bool make_room(struct sb_news *news, size_t more)
{
	size_t room = news->room ? news->room : 64;
	void *grown;

	if (news->count + more > SB_NEWS_MAX)
		return false;
	while (room < news->count + more)
		room *= 2;
	if (room == news->room)
		return true;
	grown = realloc(news->peer, room * sizeof(*news->peer));
	if (!grown)
		return false;
	news->peer = grown;
	news->room = room;
	return true;
}

void sb_news_add(struct sb_news *news, bool lost, const uint8_t *ids, size_t length)
{
	if (!length || length % ID)
		return;
	if (!make_room(news, length / ID)) {
		news->missed = true;
		return;
	}
	for (; length; ids += ID, length -= ID) {
		struct sb_news_of_peer *peer = &news->peer[news->count++];

		peer->lost = lost;
		memcpy(peer->device_id, ids, ID);
	}
}

struct sb_news sb_news_take(struct sb_news *news)
{
	struct sb_news taken = *news;

	memset(news, 0, sizeof(*news));
	return taken;
}

void sb_news_free(struct sb_news *news)
{
	free(news->peer);
	memset(news, 0, sizeof(*news));
}
