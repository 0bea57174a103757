// SPDX-License-Identifier: Apache-2.0
/*
 * The ledger's store at a number of records:
 *   tree_bench N BATCH [DIR]
 * Fills a tree with N records (keys of 34 bytes, values of 200), then updates records at random in batches of
 * BATCH, hashing each key and value and computing the root after each batch, in memory and in LMDB, where a
 * batch is a commit on the disk. DIR (build/tree_bench) is made for that and removed. Prints updates in a
 * second and the sizes of proofs, one JSON object a line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tree/memory.h"
#include "tree/store.h"

#define KEY_LENGTH	34
#define VALUE_LENGTH	200
#define SECONDS		5.0
#define SAMPLES		10001

static void fail(const char *what, int rc)
{
	fprintf(stderr, "tree_bench: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static double now(clockid_t clock)
{
	struct timespec time;

	clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static uint64_t random_state = 1;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* A record's key as the ledger has them: a tag and an id that looks random. */
static void make_key(uint64_t number, uint8_t key[KEY_LENGTH])
{
	memcpy(key, "d/", 2);
	sb_tree_digest(&number, sizeof(number), key + 2);
}

static void make_value(uint64_t salt, uint8_t value[VALUE_LENGTH])
{
	memset(value, 'v', VALUE_LENGTH);
	memcpy(value, &salt, sizeof(salt));
}

/* Memory or store: what the bench does with it. */
struct target {
	const char *name;
	void *context;
	int (*begin)(void *context);
	int (*put)(void *context, const uint8_t *key, const uint8_t *value);
	int (*commit)(void *context, uint64_t height);
	uint64_t height;
};

static int memory_begin(void *context)
{
	(void)context;
	return 0;
}

static int memory_put(void *context, const uint8_t *key, const uint8_t *value)
{
	return sb_memory_put(context, key, KEY_LENGTH, value, VALUE_LENGTH);
}

static int memory_commit(void *context, uint64_t height)
{
	uint8_t root[SB_TREE_HASH_LEN];

	(void)height;
	return sb_memory_root(context, root);
}

static int store_begin(void *context)
{
	return sb_store_begin(context);
}

static int store_put(void *context, const uint8_t *key, const uint8_t *value)
{
	return sb_store_put(context, key, KEY_LENGTH, value, VALUE_LENGTH);
}

static int store_commit(void *context, uint64_t height)
{
	return sb_store_commit(context, height);
}

static void run_batch(struct target *target, const uint64_t *number, uint64_t count)
{
	uint8_t key[KEY_LENGTH], value[VALUE_LENGTH];
	int rc = target->begin(target->context);

	for (uint64_t i = 0; !rc && i < count; i++) {
		make_key(number[i], key);
		make_value(next_random(), value);
		rc = target->put(target->context, key, value);
	}
	if (!rc)
		rc = target->commit(target->context, ++target->height);
	if (rc)
		fail(target->name, rc);
}

static void report(const char *target, const char *name, double value, const char *what)
{
	printf("{\"name\": \"%s_%s\", \"value\": %.1f, \"what\": \"%s\"}\n", target, name, value, what);
	fflush(stdout);
}

/* Both clocks, since others may use the machine: the first says what one core did. */
static void report_rate(const char *target, const char *name, uint64_t count, double wall, double processor)
{
	char whole[64];

	report(target, name, (double)count / processor, "a second of processor time");
	snprintf(whole, sizeof(whole), "%s_wall", name);
	report(target, whole, (double)count / wall, "a second");
}

static void fill(struct target *target, uint64_t records)
{
	static uint64_t number[10000];
	double wall = now(CLOCK_MONOTONIC), processor = now(CLOCK_PROCESS_CPUTIME_ID);

	for (uint64_t at = 0; at < records; ) {
		uint64_t count = 0;

		while (count < sizeof(number) / sizeof(number[0]) && at < records)
			number[count++] = at++;
		run_batch(target, number, count);
	}
	report_rate(target->name, "inserts", records, now(CLOCK_MONOTONIC) - wall,
	       now(CLOCK_PROCESS_CPUTIME_ID) - processor);
}

static void update(struct target *target, uint64_t records, uint64_t batch)
{
	double wall = now(CLOCK_MONOTONIC), processor = now(CLOCK_PROCESS_CPUTIME_ID), start = wall;
	uint64_t *number = calloc(batch, sizeof(*number)), count = 0;

	if (!number)
		fail("memory", -ENOMEM);
	while (now(CLOCK_MONOTONIC) - start < SECONDS) {
		for (uint64_t i = 0; i < batch; i++)
			number[i] = next_random() % records;
		run_batch(target, number, batch);
		count += batch;
	}
	report_rate(target->name, "updates", count, now(CLOCK_MONOTONIC) - wall, now(CLOCK_PROCESS_CPUTIME_ID) - processor);
	free(number);
}

static int by_size(const void *a, const void *b)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

/* Of SAMPLES keys, those that are there or those behind; the values of the records in a proof are not counted. */
static void proofs(const struct sb_pages *pages, const uint8_t root[SB_TREE_HASH_LEN], uint64_t records, bool there)
{
	static uint8_t out[SB_PROOF_MAX];
	static int size[SAMPLES];
	double start, made = 0, verified = 0;
	const char *name;

	for (unsigned int i = 0; i < SAMPLES; i++) {
		const uint8_t *value = NULL;
		uint8_t key[KEY_LENGTH];
		struct sb_page_key whole = { key, KEY_LENGTH };
		size_t length, value_length = 0;
		struct sb_proof proof;
		bool present;
		int rc;

		make_key(there ? i % records : records + i, key);
		start = now(CLOCK_PROCESS_CPUTIME_ID);
		rc = sb_tree_prove(pages, key, KEY_LENGTH, out, sizeof(out), &length, &present);
		made += now(CLOCK_PROCESS_CPUTIME_ID) - start;
		if (!rc && present != there)
			rc = -EUCLEAN;
		if (!rc && present)
			rc = pages->value(pages->context, &whole, &value, &value_length);
		start = now(CLOCK_PROCESS_CPUTIME_ID);
		if (!rc)
			rc = present ? sb_proof_verify_existence(SB_LEAF_VAR_PROTO, root, key, KEY_LENGTH, value,
								 value_length, out, length) :
				       sb_proof_verify_absence(SB_LEAF_VAR_PROTO, root, key, KEY_LENGTH, out,
							       length);
		verified += now(CLOCK_PROCESS_CPUTIME_ID) - start;
		if (!rc)
			rc = sb_proof_decode(out, length, &proof);
		if (rc)
			fail("proof", rc);
		size[i] = (int)length - VALUE_LENGTH * (there ? 1 : proof.has_left + proof.has_right);
	}
	qsort(size, SAMPLES, sizeof(size[0]), by_size);
	name = there ? "existence" : "absence";
	report(name, "proof_bytes", size[SAMPLES / 2], "without values, median");
	report(name, "proof_bytes_most", size[SAMPLES - 1], "without values");
	report(name, "proof_made_us", made / SAMPLES * 1e6, "processor time");
	report(name, "proof_verified_us", verified / SAMPLES * 1e6, "processor time");
}

static void run_memory(uint64_t records, uint64_t batch)
{
	struct target target = { "memory", sb_memory_new(), memory_begin, memory_put, memory_commit, 0 };
	uint8_t root[SB_TREE_HASH_LEN];

	if (!target.context)
		fail("memory", -ENOMEM);
	fill(&target, records);
	update(&target, records, batch);
	sb_tree_root(sb_memory_pages(target.context), root);
	proofs(sb_memory_pages(target.context), root, records, true);
	proofs(sb_memory_pages(target.context), root, records, false);
	sb_memory_free(target.context);
}

static void remove_store(const char *directory)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char path[4096];
	struct stat info;

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		if (!i && !stat(path, &info))
			report("lmdb", "file_mib", (double)info.st_size / (1 << 20), "on the disk");
		unlink(path);
	}
	rmdir(directory);
}

static void run_store(const char *directory, uint64_t records, uint64_t batch)
{
	struct target target = { "lmdb", NULL, store_begin, store_put, store_commit, 0 };
	struct sb_store *store;
	int rc;

	if (mkdir(directory, 0700))
		fail(directory, -errno);
	rc = sb_store_open(directory, 0, &store);
	if (rc)
		fail(directory, rc);
	target.context = store;
	fill(&target, records);
	update(&target, records, batch);
	sb_store_close(store);
	remove_store(directory);
}

int main(int argc, char **argv)
{
	uint64_t records = argc > 2 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t batch = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;

	if (argc < 3 || argc > 4 || !records || !batch) {
		fprintf(stderr, "usage: tree_bench N BATCH [DIR]\n");
		return 2;
	}
	run_memory(records, batch);
	run_store(argc > 3 ? argv[3] : "build/tree_bench", records, batch);
	return 0;
}
