// SPDX-License-Identifier: Apache-2.0
#include "ledger/waits.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOTS	256

struct sb_waits {
	pthread_mutex_t lock;
	struct sb_tx_wait *slot[SLOTS];	/* by the id's first byte */
	bool closed;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct sb_waits *sb_waits_new(void)
{
	struct sb_waits *waits = calloc(1, sizeof(*waits));

	if (waits)
		pthread_mutex_init(&waits->lock, NULL);
	return waits;
}

void sb_waits_free(struct sb_waits *waits)
{
	if (!waits)
		return;
	pthread_mutex_destroy(&waits->lock);
	free(waits);
}

void sb_waits_add(struct sb_waits *waits, struct sb_tx_wait *wait, unsigned int ms)
{
	wait->state = SB_WAIT_OPEN;
	wait->parked = false;
	wait->deadline = now_ms() + ms;
	pthread_mutex_lock(&waits->lock);
	wait->next = waits->slot[wait->id[0]];
	waits->slot[wait->id[0]] = wait;
	pthread_mutex_unlock(&waits->lock);
}

void sb_waits_remove(struct sb_waits *waits, struct sb_tx_wait *wait)
{
	struct sb_tx_wait **at;

	pthread_mutex_lock(&waits->lock);
	at = &waits->slot[wait->id[0]];
	while (*at && *at != wait)
		at = &(*at)->next;
	if (*at)
		*at = wait->next;
	pthread_mutex_unlock(&waits->lock);
}

bool sb_waits_park(struct sb_waits *waits, struct sb_tx_wait *wait)
{
	bool parked;

	pthread_mutex_lock(&waits->lock);
	if (wait->state == SB_WAIT_OPEN && waits->closed)
		wait->state = SB_WAIT_EXPIRED;
	parked = wait->state == SB_WAIT_OPEN;
	if (parked) {
		wait->parked = true;
		wait->park(wait->context);
	}
	pthread_mutex_unlock(&waits->lock);
	return parked;
}

/* With the lock held. */
static void end(struct sb_tx_wait *wait, enum sb_wait_state state)
{
	wait->state = state;
	if (wait->parked)
		wait->wake(wait->context);
	wait->parked = false;
}

void sb_waits_hear(struct sb_waits *waits, const struct sb_chain_event *event)
{
	pthread_mutex_lock(&waits->lock);
	for (size_t i = 0; i < event->block->count; i++) {
		for (struct sb_tx_wait *wait = waits->slot[event->ids[i][0]]; wait; wait = wait->next) {
			if (wait->state != SB_WAIT_OPEN || memcmp(wait->id, event->ids[i], 32) != 0)
				continue;
			wait->height = event->block->header.height;
			wait->result = event->results[i];
			end(wait, SB_WAIT_DONE);
		}
	}
	pthread_mutex_unlock(&waits->lock);
}

void sb_waits_expire(struct sb_waits *waits, bool all)
{
	uint64_t now = now_ms();

	pthread_mutex_lock(&waits->lock);
	waits->closed |= all;
	for (size_t i = 0; i < SLOTS; i++)
		for (struct sb_tx_wait *wait = waits->slot[i]; wait; wait = wait->next)
			if (wait->state == SB_WAIT_OPEN && (all || now >= wait->deadline))
				end(wait, SB_WAIT_EXPIRED);
	pthread_mutex_unlock(&waits->lock);
}
