// SPDX-License-Identifier: Apache-2.0
/* The store on the disk: what was committed is there, whatever came in between. */
#include "tree_model.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tree/memory.h"
#include "tree/store.h"

#define HEIGHTS	1500

static char directory[64];

/* In memory where there is such a place: what is killed here is a process, not the machine. */
static int make_directory(void **state)
{
	snprintf(directory, sizeof(directory), "%s/sb-store-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char path[128];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	return rmdir(directory);
}

static struct sb_store *reopen(struct sb_store *store)
{
	struct sb_store *new = NULL;

	sb_store_close(store);
	assert_int_equal(sb_store_open(directory, 1 << 28, &new), 0);
	return new;
}

/* The changes of a height, always the same. */
struct change {
	size_t key_length, value_length;	/* no value: goes */
	uint8_t key[255], value[300];
};

static bool change_of(unsigned int height, unsigned int number, struct change *change)
{
	uint64_t seed = height * 1000 + number;
	uint32_t value;

	if (number >= 1 + height * 7 % 40)
		return false;
	model_random(&seed);
	change->key_length = model_key(model_random(&seed) % MODEL_KEYS, change->key);
	value = model_random(&seed) % 4 ? 1 + model_random(&seed) % 5000 : 0;
	change->value_length = value ? model_value(value, change->value) : 0;
	return true;
}

/* The block of a height, up to its commit: 0 or what failed. */
static int make_block(struct sb_store *store, unsigned int height)
{
	struct change change;
	int rc = sb_store_begin(store);

	for (unsigned int i = 0; !rc && change_of(height, i, &change); i++) {
		if (change.value_length)
			rc = sb_store_put(store, change.key, change.key_length, change.value, change.value_length);
		else
			rc = sb_store_remove(store, change.key, change.key_length);
		if (rc == -ENOENT)
			rc = 0;
	}
	if (!rc)
		rc = sb_store_note(store, "height", 6, &height, sizeof(height));
	return rc;
}

static void make_roots(uint8_t root[HEIGHTS + 1][32])
{
	struct sb_memory *memory = sb_memory_new();
	struct change change;

	memset(root[0], 0, 32);
	for (unsigned int height = 1; height <= HEIGHTS; height++) {
		for (unsigned int i = 0; change_of(height, i, &change); i++) {
			if (change.value_length)
				sb_memory_put(memory, change.key, change.key_length, change.value, change.value_length);
			else
				sb_memory_remove(memory, change.key, change.key_length);
		}
		assert_int_equal(sb_memory_root(memory, root[height]), 0);
	}
	sb_memory_free(memory);
}

static int take_record(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
		       size_t value_length)
{
	return sb_memory_put(context, key, key_length, value, value_length);
}

/* The state is that of the height: head, pages, records and note. */
static void assert_state(struct sb_store *store, unsigned int height, const uint8_t root[32])
{
	struct sb_memory *memory = sb_memory_new();
	struct sb_view *view;
	uint8_t got[32];
	const uint8_t *note;
	size_t length;

	assert_int_equal(sb_view_open(store, &view), 0);
	assert_int_equal(sb_view_height(view), height);
	sb_view_root(view, got);
	assert_memory_equal(got, root, 32);
	assert_int_equal(sb_tree_root(sb_view_pages(view), got), 0);
	assert_memory_equal(got, root, 32);
	assert_int_equal(sb_view_each(view, NULL, 0, NULL, 0, take_record, memory), 0);
	assert_int_equal(sb_memory_root(memory, got), 0);
	assert_memory_equal(got, root, 32);
	if (height) {
		assert_int_equal(sb_view_note(view, "height", 6, &note, &length), 0);
		assert_int_equal(length, sizeof(height));
		assert_memory_equal(note, &height, sizeof(height));
	}
	sb_view_close(view);
	sb_memory_free(memory);
}

static void test_reopen(void **state)
{
	static uint8_t root[HEIGHTS + 1][32];
	struct sb_store *store = reopen(NULL);
	uint8_t got[32];

	make_roots(root);
	assert_state(store, 0, root[0]);
	for (unsigned int height = 1; height <= 40; height++) {
		assert_int_equal(make_block(store, height), 0);
		/* in two steps, too */
		assert_int_equal(sb_store_root(store, got), 0);
		assert_memory_equal(got, root[height], 32);
		/* nobody sees it before it is committed */
		assert_state(store, height - 1, root[height - 1]);
		if (height % 3 == 0) {
			sb_store_abort(store);
			assert_state(store, height - 1, root[height - 1]);
			assert_int_equal(make_block(store, height), 0);
		}
		assert_int_equal(sb_store_commit(store, height), 0);
		assert_state(store, height, root[height]);
		store = reopen(store);
		assert_state(store, height, root[height]);
	}
	sb_store_close(store);
}

/* Builds blocks and says which are committed, until it is killed. */
static void builder(int out)
{
	struct sb_store *store = NULL;
	struct sb_view *view;
	unsigned int height;

	if (sb_store_open(directory, 1 << 28, &store) || sb_view_open(store, &view))
		_exit(1);
	height = (unsigned int)sb_view_height(view);
	sb_view_close(view);
	while (++height <= HEIGHTS)
		if (make_block(store, height) || sb_store_commit(store, height) ||
		    write(out, &height, sizeof(height)) != sizeof(height))
			_exit(2);
	_exit(0);
}

/* Lets a builder say that a few blocks are committed, and kills it somewhere behind. Returns the last one. */
static unsigned int kill_builder(uint64_t *seed, unsigned int last)
{
	unsigned int blocks = model_random(seed) % 6, height;
	int ends[2], status;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (!pid) {
		close(ends[0]);
		builder(ends[1]);
	}
	close(ends[1]);
	while (blocks-- && read(ends[0], &height, sizeof(height)) == sizeof(height))
		last = height;
	/* not a wait for something, but a moment that nobody chose */
	for (volatile uint32_t spin = model_random(seed) % 800000; spin; spin--)
		;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	while (read(ends[0], &height, sizeof(height)) == sizeof(height))
		last = height;
	close(ends[0]);
	return last;
}

static void test_killed(void **state)
{
	static uint8_t root[HEIGHTS + 1][32];
	unsigned int last = 0, rounds = 0, behind = 0;
	uint64_t seed = (uint64_t)getpid();

	make_roots(root);
	for (; rounds < 60 && last < HEIGHTS; rounds++) {
		struct sb_store *store;
		struct sb_view *view;
		uint64_t height;

		last = kill_builder(&seed, last);
		store = reopen(NULL);
		assert_int_equal(sb_view_open(store, &view), 0);
		height = sb_view_height(view);
		sb_view_close(view);
		/* what it said is there; one more may be, which it had no time to say */
		assert_in_range(height, last, last + 1);
		behind += height != last;
		assert_state(store, (unsigned int)height, root[height]);
		last = (unsigned int)height;
		sb_store_close(store);
	}
	printf("killed %u times, at height %u at the end, %u times between commit and word\n", rounds, last, behind);
}

/* Runs in a process of its own, which ends with the result. */
static int in_child(int (*run)(void))
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (!pid)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int die_with_all_views(void)
{
	struct sb_store *store = NULL;
	struct sb_view *view;

	if (sb_store_open(directory, 1 << 28, &store))
		return 1;
	for (unsigned int i = 0; i < SB_STORE_VIEWS_MAX; i++)
		if (sb_view_open(store, &view))
			return 2;
	if (sb_view_open(store, &view) != -EAGAIN)
		return 3;
	return kill(getpid(), SIGKILL);
}

static int open_and_look(void)
{
	struct sb_store *store = NULL;
	struct sb_view *view;

	return sb_store_open(directory, 1 << 28, &store) || sb_view_open(store, &view);
}

/* Views of processes that died count no longer, for who opens the store and for who has it open. */
static void test_dead_readers(void **state)
{
	struct sb_view *view[SB_STORE_VIEWS_MAX];
	struct sb_store *store = reopen(NULL);

	/* while somebody has the store open, LMDB does not begin its list anew */
	assert_int_equal(in_child(die_with_all_views), -SIGKILL);
	assert_int_equal(in_child(open_and_look), 0);
	assert_int_equal(in_child(die_with_all_views), -SIGKILL);
	for (unsigned int i = 0; i < SB_STORE_VIEWS_MAX; i++)
		assert_int_equal(sb_view_open(store, &view[i]), 0);
	for (unsigned int i = 0; i < SB_STORE_VIEWS_MAX; i++)
		sb_view_close(view[i]);
	sb_store_close(store);
}

static int list(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t value_length)
{
	char *out = context;

	assert_int_equal(key_length, value_length);
	assert_memory_equal(key, value, key_length);
	snprintf(out + strlen(out), 100 - strlen(out), "%.*s ", (int)key_length, (const char *)key);
	return key_length == 4 && !memcmp(key, "stop", 4) ? -ENOENT : 0;
}

static void assert_list(struct sb_view *view, const char *prefix, const char *after, const char *want)
{
	char out[100] = "";

	assert_int_equal(sb_view_each(view, prefix, strlen(prefix), after, strlen(after), list, out),
			 strstr(want, "stop") ? -ENOENT : 0);
	assert_string_equal(out, want);
}

static void test_each(void **state)
{
	static const char *const names[] = { "z/1", "d/2", "d/10", "d", "d/1", "e", "stop" };
	struct sb_store *store = reopen(NULL);
	struct sb_view *view;

	assert_int_equal(sb_store_begin(store), 0);
	assert_list(sb_store_pending(store), "", "", "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(sb_store_put(store, names[i], strlen(names[i]), names[i], strlen(names[i])), 0);
	/* a block sees its own changes */
	assert_list(sb_store_pending(store), "d/", "", "d/1 d/10 d/2 ");
	assert_int_equal(sb_store_commit(store, 1), 0);
	assert_null(sb_store_pending(store));
	assert_int_equal(sb_view_open(store, &view), 0);
	assert_list(view, "", "", "d d/1 d/10 d/2 e stop ");
	assert_list(view, "d", "", "d d/1 d/10 d/2 ");
	assert_list(view, "d/", "", "d/1 d/10 d/2 ");
	assert_list(view, "d/", "d/1", "d/10 d/2 ");
	assert_list(view, "d/", "d/11", "d/2 ");
	assert_list(view, "d/", "d/2", "");
	assert_list(view, "d/", "a", "d/1 d/10 d/2 ");
	assert_list(view, "d/", "x", "");
	assert_list(view, "", "stop", "z/1 ");
	assert_list(view, "zz", "", "");
	sb_view_close(view);
	sb_store_close(store);
}

static void test_proofs(void **state)
{
	static uint8_t proof[SB_PROOF_MAX];
	struct sb_store *store = reopen(NULL);
	struct sb_view *view;
	uint8_t root[32], key[255], value[300];
	size_t length, key_length, value_length;
	bool present;

	assert_int_equal(sb_store_begin(store), 0);
	for (unsigned int i = 0; i < MODEL_KEYS; i += 2) {
		key_length = model_key(i, key);
		assert_int_equal(sb_store_put(store, key, key_length, value, model_value(i + 1, value)), 0);
	}
	assert_int_equal(sb_store_commit(store, 5), 0);
	assert_int_equal(sb_view_open(store, &view), 0);
	sb_view_root(view, root);
	for (unsigned int i = 0; i < MODEL_KEYS; i++) {
		key_length = model_key(i, key);
		value_length = model_value(i + 1, value);
		assert_int_equal(sb_tree_prove(sb_view_pages(view), key, key_length, proof, sizeof(proof), &length,
					       &present), 0);
		assert_int_equal(present, i % 2 == 0);
		if (present)
			assert_int_equal(sb_proof_verify_existence(SB_LEAF_VAR_PROTO, root, key, key_length, value,
								   value_length, proof, length), 0);
		else
			assert_int_equal(sb_proof_verify_absence(SB_LEAF_VAR_PROTO, root, key, key_length, proof,
								 length), 0);
	}
	sb_view_close(view);
	sb_store_close(store);
}

static void test_order_of_calls(void **state)
{
	static const uint8_t zeros[32];
	struct sb_store *store = reopen(NULL);
	const uint8_t *value;
	uint8_t root[32];
	size_t length;

	assert_int_equal(sb_store_put(store, "k", 1, "v", 1), -EINVAL);
	assert_int_equal(sb_store_commit(store, 1), -EINVAL);
	assert_int_equal(sb_store_begin(store), 0);
	assert_int_equal(sb_store_begin(store), -EINVAL);
	assert_int_equal(sb_store_put(store, "", 0, "v", 1), -EINVAL);
	assert_int_equal(sb_store_put(store, "k", 1, "", 0), -EINVAL);
	assert_int_equal(sb_store_remove(store, "k", 1), -ENOENT);
	assert_int_equal(sb_store_put(store, "k", 1, "v", 1), 0);
	assert_int_equal(sb_store_note(store, "n", 1, "x", 1), 0);
	assert_int_equal(sb_store_commit(store, 7), 0);
	/* heights go up */
	assert_int_equal(sb_store_begin(store), 0);
	assert_int_equal(sb_store_put(store, "k", 1, "w", 1), 0);
	assert_int_equal(sb_store_commit(store, 7), -EINVAL);
	assert_int_equal(sb_store_begin(store), 0);
	assert_int_equal(sb_view_get(sb_store_pending(store), "k", 1, &value, &length), 0);
	assert_memory_equal(value, "v", 1);
	/* all records go, notes stay */
	assert_int_equal(sb_store_put(store, "l", 1, "w", 1), 0);
	assert_int_equal(sb_store_clear(store), 0);
	assert_int_equal(sb_store_root(store, root), 0);
	assert_memory_equal(root, zeros, 32);
	assert_int_equal(sb_store_commit(store, 8), 0);
	store = reopen(store);
	assert_int_equal(sb_store_begin(store), 0);
	assert_int_equal(sb_view_get(sb_store_pending(store), "k", 1, &value, &length), -ENOENT);
	assert_int_equal(sb_view_note(sb_store_pending(store), "n", 1, &value, &length), 0);
	assert_int_equal(sb_store_note(store, "n", 1, NULL, 0), 0);
	assert_int_equal(sb_store_note(store, "n", 1, NULL, 0), 0);
	assert_int_equal(sb_view_note(sb_store_pending(store), "n", 1, &value, &length), -ENOENT);
	sb_store_close(store);
}

/* A full map fails the block, and leaves the one before. */
static void test_full(void **state)
{
	static uint8_t value[SB_TREE_VALUE_MAX];
	struct sb_store *store = NULL;
	struct sb_view *view;
	uint8_t root[32], got[32];
	uint32_t i;
	int rc = 0;

	assert_int_equal(sb_store_open(directory, 1 << 21, &store), 0);
	assert_int_equal(sb_store_begin(store), 0);
	assert_int_equal(sb_store_put(store, "first", 5, "v", 1), 0);
	assert_int_equal(sb_store_root(store, root), 0);
	assert_int_equal(sb_store_commit(store, 1), 0);
	assert_int_equal(sb_store_begin(store), 0);
	for (i = 0; !rc && i < 100; i++)
		rc = sb_store_put(store, &i, sizeof(i), value, sizeof(value));
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(sb_store_put(store, "k", 1, "v", 1), -ENOSPC);
	assert_int_equal(sb_store_root(store, got), -ENOSPC);
	assert_int_equal(sb_store_commit(store, 2), -ENOSPC);
	assert_null(sb_store_pending(store));
	assert_int_equal(sb_view_open(store, &view), 0);
	assert_int_equal(sb_view_height(view), 1);
	sb_view_root(view, got);
	assert_memory_equal(got, root, 32);
	sb_view_close(view);
	/* removing always works */
	assert_int_equal(sb_store_begin(store), 0);
	assert_int_equal(sb_store_remove(store, "first", 5), 0);
	assert_int_equal(sb_store_commit(store, 2), 0);
	sb_store_close(store);
}

/* Changes a byte at the end of a table's first value. */
static void damage(const char *table)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;
	MDB_cursor *cursor;
	MDB_val key, value, other;
	uint8_t copy[SB_PAGE_MAX];

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 4), 0);
	assert_int_equal(mdb_env_set_mapsize(env, 1 << 28), 0);
	assert_int_equal(mdb_env_open(env, directory, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_dbi_open(txn, table, 0, &dbi), 0);
	assert_int_equal(mdb_cursor_open(txn, dbi, &cursor), 0);
	assert_int_equal(mdb_cursor_get(cursor, &key, &value, MDB_FIRST), 0);
	memcpy(copy, value.mv_data, value.mv_size);
	/* of a page: a byte of a hash; of the head: a byte of the root */
	copy[strcmp(table, "pages") ? value.mv_size - 1 : 4 + 5] ^= 1;
	other = (MDB_val){ value.mv_size, copy };
	assert_int_equal(mdb_cursor_put(cursor, &key, &other, MDB_CURRENT), 0);
	mdb_cursor_close(cursor);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void test_damaged(void **state)
{
	static const char *const tables[] = { "pages", "head" };
	struct sb_store *store = reopen(NULL), *none = NULL;

	assert_int_equal(make_block(store, 39), 0);
	assert_int_equal(sb_store_commit(store, 39), 0);
	sb_store_close(store);
	for (size_t i = 0; i < 2; i++) {
		damage(tables[i]);
		assert_int_equal(sb_store_open(directory, 1 << 28, &none), -EUCLEAN);
		assert_null(none);
		damage(tables[i]);
		sb_store_close(reopen(NULL));
	}
	assert_int_equal(sb_store_open("/nowhere/at/all", 0, &none), -ENOENT);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reopen, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_killed, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_dead_readers, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_each, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_proofs, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_order_of_calls, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_full, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(test_damaged, make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
