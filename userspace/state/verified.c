// SPDX-License-Identifier: Apache-2.0
#include "state/verified.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAYS	4	/* places of an id: the oldest in them makes room */
#define SETS	(SB_VERIFIED_KEPT / WAYS)
_Static_assert((SETS & (SETS - 1)) == 0, "a power of two");

struct set {
	uint8_t id[WAYS][32];	/* zero: free; nobody finds what hashes to zero */
};

struct sb_verified {
	pthread_mutex_t lock;
	uint8_t next[SETS];	/* where the next id goes */
	struct set set[SETS];
};

struct sb_verified *sb_verified_new(void)
{
	struct sb_verified *verified = calloc(1, sizeof(*verified));

	if (verified)
		pthread_mutex_init(&verified->lock, NULL);
	return verified;
}

void sb_verified_free(struct sb_verified *verified)
{
	if (!verified)
		return;
	pthread_mutex_destroy(&verified->lock);
	free(verified);
}

/* Who crowds one set makes others be looked at twice, and pays with a good signature for each. */
static size_t set_of(const uint8_t id[32])
{
	uint32_t number;

	memcpy(&number, id, sizeof(number));
	return number & (SETS - 1);
}

static bool find(const struct set *set, const uint8_t id[32])
{
	for (unsigned int i = 0; i < WAYS; i++)
		if (memcmp(set->id[i], id, 32) == 0)
			return true;
	return false;
}

bool sb_verified_has(struct sb_verified *verified, const uint8_t id[32])
{
	bool there;

	if (!verified)
		return false;
	pthread_mutex_lock(&verified->lock);
	there = find(&verified->set[set_of(id)], id);
	pthread_mutex_unlock(&verified->lock);
	return there;
}

void sb_verified_add(struct sb_verified *verified, const uint8_t id[32])
{
	size_t at = set_of(id);

	if (!verified)
		return;
	pthread_mutex_lock(&verified->lock);
	if (!find(&verified->set[at], id)) {
		memcpy(verified->set[at].id[verified->next[at]], id, 32);
		verified->next[at] = (uint8_t)((verified->next[at] + 1) % WAYS);
	}
	pthread_mutex_unlock(&verified->lock);
}
