/* SPDX-License-Identifier: Apache-2.0 */
/* What the link role says of peers while the ledger role's thread is busy. Pure; its caller has the lock. */
#ifndef SB_LEDGER_NEWS_H
#define SB_LEDGER_NEWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SB_NEWS_MAX	16384	/* peers that are spoken of: of the most that there can be, four times all */

struct sb_news_of_peer {
	bool lost;		/* else seen */
	uint8_t device_id[32];
};

/* Zeros: nothing. */
struct sb_news {
	struct sb_news_of_peer *peer;
	size_t count, room;
	bool missed;		/* there was more: the link role is to be asked again, for all of them */
};

/* One message of it: device ids, one behind the other. What is no such list is left alone. */
void sb_news_add(struct sb_news *news, bool lost, const uint8_t *ids, size_t length);

/* Hands over everything, to be freed, and has nothing then. */
struct sb_news sb_news_take(struct sb_news *news);
void sb_news_free(struct sb_news *news);

#endif
