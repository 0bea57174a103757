// SPDX-License-Identifier: Apache-2.0
#include "ledger/workers.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX	15

struct sb_workers {
	pthread_mutex_t turn;		/* held by the one that asks */
	pthread_mutex_t lock;		/* what follows */
	pthread_cond_t begun, ended;
	void (*each)(void *context, size_t index);
	void *context;
	size_t next, count;		/* the next piece; how many there are */
	unsigned int busy, round;	/* threads at work; counts the calls */
	bool stop;
	unsigned int threads;
	pthread_t thread[THREADS_MAX];
};

/* With the lock held before and after. */
static void work(struct sb_workers *workers)
{
	while (workers->next < workers->count) {
		size_t index = workers->next++;

		pthread_mutex_unlock(&workers->lock);
		workers->each(workers->context, index);
		pthread_mutex_lock(&workers->lock);
	}
}

static void *thread(void *context)
{
	struct sb_workers *workers = context;
	unsigned int seen = 0;

	pthread_mutex_lock(&workers->lock);
	for (;;) {
		while (!workers->stop && workers->round == seen)
			pthread_cond_wait(&workers->begun, &workers->lock);
		if (workers->stop)
			break;
		seen = workers->round;
		workers->busy++;
		work(workers);
		if (!--workers->busy)
			pthread_cond_signal(&workers->ended);
	}
	pthread_mutex_unlock(&workers->lock);
	return NULL;
}

struct sb_workers *sb_workers_new(void)
{
	struct sb_workers *workers = calloc(1, sizeof(*workers));
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (!workers)
		return NULL;
	pthread_mutex_init(&workers->turn, NULL);
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->begun, NULL);
	pthread_cond_init(&workers->ended, NULL);
	while (workers->threads < THREADS_MAX && (long)workers->threads + 1 < processors &&
	       !pthread_create(&workers->thread[workers->threads], NULL, thread, workers))
		workers->threads++;
	return workers;
}

void sb_workers_free(struct sb_workers *workers)
{
	if (!workers)
		return;
	pthread_mutex_lock(&workers->lock);
	workers->stop = true;
	pthread_cond_broadcast(&workers->begun);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned int i = 0; i < workers->threads; i++)
		pthread_join(workers->thread[i], NULL);
	pthread_cond_destroy(&workers->ended);
	pthread_cond_destroy(&workers->begun);
	pthread_mutex_destroy(&workers->lock);
	pthread_mutex_destroy(&workers->turn);
	free(workers);
}

void sb_workers_run(struct sb_workers *workers, size_t count, void (*each)(void *context, size_t index),
		    void *context)
{
	pthread_mutex_lock(&workers->turn);
	pthread_mutex_lock(&workers->lock);
	workers->each = each;
	workers->context = context;
	workers->next = 0;
	workers->count = count;
	workers->round++;
	if (count > 1)
		pthread_cond_broadcast(&workers->begun);
	work(workers);
	/* A thread that only wakes up now finds nothing to do. */
	while (workers->busy)
		pthread_cond_wait(&workers->ended, &workers->lock);
	pthread_mutex_unlock(&workers->lock);
	pthread_mutex_unlock(&workers->turn);
}
