// SPDX-License-Identifier: Apache-2.0
#include "tree/store.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "tree/lmdb.h"

static const char magic[8] = "SBstore1";

/* The note of the state itself, in a table of its own. */
struct head {
	char magic[8];
	uint64_t height;	/* big endian */
	uint8_t root[SB_TREE_HASH_LEN];
};
_Static_assert(sizeof(struct head) == 48, "the head's layout is the file's");

struct sb_view {
	struct sb_store *store;
	MDB_txn *txn;
	struct sb_pages pages;
	uint64_t height;
	uint8_t root[SB_TREE_HASH_LEN];
};

struct sb_store {
	MDB_env *env;
	MDB_dbi heads, records, pages, notes;
	struct sb_view block;		/* under way while its txn is not NULL */
	struct sb_batch batch;
	struct sb_tree_work *work;
	int error;			/* of the block under way: it can only be aborted */
};

static int find(MDB_txn *txn, MDB_dbi table, const void *key, size_t key_length, const uint8_t **data,
		size_t *length)
{
	MDB_val name = { key_length, (void *)key }, value;
	int rc = sb_lmdb_error(mdb_get(txn, table, &name, &value));

	if (rc)
		return rc;
	*data = value.mv_data;
	*length = value.mv_size;
	return 0;
}

static int keep(MDB_txn *txn, MDB_dbi table, const void *key, size_t key_length, const void *data, size_t length)
{
	MDB_val name = { key_length, (void *)key }, value = { length, (void *)data };

	return sb_lmdb_error(mdb_put(txn, table, &name, &value, 0));
}

static int drop(MDB_txn *txn, MDB_dbi table, const void *key, size_t key_length)
{
	MDB_val name = { key_length, (void *)key };

	return sb_lmdb_error(mdb_del(txn, table, &name, NULL));
}

#define NAME_ROOM	(1 + SB_TREE_PAGES)

/* A page's name: "/" and the digits of the way to it. A page stands right before those below it. */
static size_t page_name(const uint8_t *path, unsigned int depth, char name[NAME_ROOM])
{
	name[0] = '/';
	for (unsigned int i = 0; i < depth; i++)
		name[1 + i] = "0123456789abcdef"[sb_page_slot(path, i)];
	return 1 + depth;
}

static int get_page(void *context, const uint8_t *path, unsigned int depth, const uint8_t **data, size_t *length)
{
	const struct sb_view *view = context;
	char name[NAME_ROOM];

	return find(view->txn, view->store->pages, name, page_name(path, depth, name), data, length);
}

static int put_page(void *context, const uint8_t *path, unsigned int depth, const uint8_t *data, size_t length)
{
	const struct sb_view *view = context;
	char name[NAME_ROOM];

	return keep(view->txn, view->store->pages, name, page_name(path, depth, name), data, length);
}

static int remove_page(void *context, const uint8_t *path, unsigned int depth)
{
	const struct sb_view *view = context;
	char name[NAME_ROOM];

	return drop(view->txn, view->store->pages, name, page_name(path, depth, name));
}

static int value_of(void *context, const struct sb_page_key *key, const uint8_t **data, size_t *length)
{
	const struct sb_view *view = context;
	int rc = find(view->txn, view->store->records, key->data, key->length, data, length);

	return rc == -ENOENT ? -EUCLEAN : rc;
}

static int read_head(struct sb_view *view)
{
	const uint8_t *data;
	struct head head;
	size_t length;
	int rc = find(view->txn, view->store->heads, magic, sizeof(magic), &data, &length);

	if (rc == -ENOENT) {
		view->height = 0;
		memset(view->root, 0, sizeof(view->root));
		return 0;
	}
	if (rc)
		return rc;
	if (length != sizeof(head))
		return -EUCLEAN;
	memcpy(&head, data, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0)
		return -EUCLEAN;
	view->height = be64toh(head.height);
	memcpy(view->root, head.root, sizeof(view->root));
	return 0;
}

static int begin(struct sb_store *store, struct sb_view *view, unsigned int flags)
{
	int dead, rc = sb_lmdb_error(mdb_txn_begin(store->env, NULL, flags, &view->txn));

	if (rc == -EAGAIN && !mdb_reader_check(store->env, &dead) && dead)
		rc = sb_lmdb_error(mdb_txn_begin(store->env, NULL, flags, &view->txn));
	if (rc) {
		view->txn = NULL;
		return rc;
	}
	view->store = store;
	view->pages = (struct sb_pages){ view, get_page, put_page, remove_page, value_of };
	rc = read_head(view);
	if (rc) {
		mdb_txn_abort(view->txn);
		view->txn = NULL;
	}
	return rc;
}

static int open_tables(struct sb_store *store, MDB_txn *txn, unsigned int flags)
{
	const struct {
		const char *name;
		MDB_dbi *table;
	} tables[] = {
		{ "head", &store->heads }, { "records", &store->records },
		{ "pages", &store->pages }, { "notes", &store->notes },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(tables); i++) {
		int rc = sb_lmdb_error(mdb_dbi_open(txn, tables[i].name, flags, tables[i].table));

		if (rc)
			return rc;
	}
	return 0;
}

/* Only a new store is written to: another process may be at work on one that is there. */
static int find_tables(struct sb_store *store, const char *directory)
{
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn));

	if (rc)
		return rc;
	rc = open_tables(store, txn, 0);
	if (!rc)
		return sb_lmdb_error(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	if (rc != -ENOENT)
		return rc;
	rc = sb_lmdb_sync_names(directory);
	if (!rc)
		rc = sb_lmdb_error(mdb_txn_begin(store->env, NULL, 0, &txn));
	if (rc)
		return rc;
	rc = open_tables(store, txn, MDB_CREATE);
	if (!rc)
		return sb_lmdb_error(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return rc;
}

/* The pages' root is the head's. */
static int check_root(struct sb_store *store)
{
	uint8_t root[SB_TREE_HASH_LEN];
	struct sb_view view;
	int rc = begin(store, &view, MDB_RDONLY);

	if (rc)
		return rc;
	rc = sb_tree_root(&view.pages, root);
	if (!rc && memcmp(root, view.root, sizeof(root)) != 0)
		rc = -EUCLEAN;
	mdb_txn_abort(view.txn);
	return rc;
}

static int set_up(struct sb_store *store, const char *directory, uint64_t map_size)
{
	int rc;

	store->work = sb_tree_work_new();
	if (!store->work)
		return -ENOMEM;
	rc = sb_lmdb_open(directory, map_size ? map_size : SB_STORE_MAP_SIZE, 4, SB_STORE_VIEWS_MAX, &store->env);
	if (rc)
		return rc;
	rc = find_tables(store, directory);
	return rc ? rc : check_root(store);
}

int sb_store_open(const char *directory, uint64_t map_size, struct sb_store **store)
{
	struct sb_store *new = calloc(1, sizeof(*new));
	int rc;

	if (!new)
		return -ENOMEM;
	rc = set_up(new, directory, map_size);
	if (rc)
		sb_store_close(new);
	else
		*store = new;
	return rc;
}

void sb_store_close(struct sb_store *store)
{
	if (!store)
		return;
	sb_store_abort(store);
	if (store->env)
		mdb_env_close(store->env);
	sb_batch_free(&store->batch);
	sb_tree_work_free(store->work);
	free(store);
}

int sb_store_begin(struct sb_store *store)
{
	if (store->block.txn)
		return -EINVAL;
	store->error = 0;
	sb_batch_reset(&store->batch);
	return begin(store, &store->block, 0);
}

/* What a block that can go on says; else the reason why it cannot. */
static int ready(const struct sb_store *store)
{
	return store->block.txn ? store->error : -EINVAL;
}

/* Half a change cannot be taken back alone. */
static int done(struct sb_store *store, int rc)
{
	if (rc)
		store->error = rc;
	return rc;
}

int sb_store_put(struct sb_store *store, const void *key, size_t key_length, const void *value,
		 size_t value_length)
{
	int rc = ready(store);

	if (!rc)
		rc = sb_batch_put(&store->batch, key, key_length, value, value_length);
	if (rc)
		return rc;
	return done(store, keep(store->block.txn, store->records, key, key_length, value, value_length));
}

int sb_store_remove(struct sb_store *store, const void *key, size_t key_length)
{
	int rc = ready(store);

	if (rc)
		return rc;
	if (!key_length || key_length > SB_TREE_KEY_MAX)
		return -EINVAL;
	rc = drop(store->block.txn, store->records, key, key_length);
	if (rc == -ENOENT)
		return rc;
	return done(store, rc ? rc : sb_batch_remove(&store->batch, key, key_length));
}

int sb_store_note(struct sb_store *store, const void *name, size_t name_length, const void *value,
		  size_t value_length)
{
	int rc = ready(store);

	if (rc)
		return rc;
	if (!name_length || name_length > SB_TREE_KEY_MAX || value_length > SB_STORE_NOTE_MAX)
		return -EINVAL;
	if (value_length)
		return done(store, keep(store->block.txn, store->notes, name, name_length, value, value_length));
	rc = drop(store->block.txn, store->notes, name, name_length);
	return done(store, rc == -ENOENT ? 0 : rc);
}

int sb_store_clear(struct sb_store *store)
{
	int rc = ready(store);

	if (rc)
		return rc;
	sb_batch_reset(&store->batch);
	rc = mdb_drop(store->block.txn, store->records, 0);
	if (!rc)
		rc = mdb_drop(store->block.txn, store->pages, 0);
	memset(store->block.root, 0, sizeof(store->block.root));
	return done(store, sb_lmdb_error(rc));
}

int sb_store_root(struct sb_store *store, uint8_t root[SB_TREE_HASH_LEN])
{
	struct sb_view *block = &store->block;
	int rc = ready(store);

	if (!rc && store->batch.count) {
		rc = done(store, sb_tree_apply(&block->pages, store->work, &store->batch, block->root));
		sb_batch_reset(&store->batch);
	}
	if (!rc)
		memcpy(root, block->root, sizeof(block->root));
	return rc;
}

int sb_store_commit(struct sb_store *store, uint64_t height)
{
	struct head head = { .height = htobe64(height) };
	int rc = sb_store_root(store, head.root);

	if (!rc && height <= store->block.height)
		rc = -EINVAL;
	memcpy(head.magic, magic, sizeof(magic));
	if (!rc)
		rc = keep(store->block.txn, store->heads, magic, sizeof(magic), &head, sizeof(head));
	if (rc) {
		sb_store_abort(store);
		return rc;
	}
	rc = sb_lmdb_error(mdb_txn_commit(store->block.txn));
	store->block.txn = NULL;
	return rc;
}

void sb_store_abort(struct sb_store *store)
{
	if (store->block.txn)
		mdb_txn_abort(store->block.txn);
	store->block.txn = NULL;
}

struct sb_view *sb_store_pending(struct sb_store *store)
{
	return store->block.txn ? &store->block : NULL;
}

int sb_view_open(struct sb_store *store, struct sb_view **view)
{
	struct sb_view *new = malloc(sizeof(*new));
	int rc;

	if (!new)
		return -ENOMEM;
	rc = begin(store, new, MDB_RDONLY);
	if (rc)
		free(new);
	else
		*view = new;
	return rc;
}

void sb_view_close(struct sb_view *view)
{
	if (!view)
		return;
	mdb_txn_abort(view->txn);
	free(view);
}

uint64_t sb_view_height(const struct sb_view *view)
{
	return view->height;
}

void sb_view_root(const struct sb_view *view, uint8_t root[SB_TREE_HASH_LEN])
{
	memcpy(root, view->root, sizeof(view->root));
}

int sb_view_get(struct sb_view *view, const void *key, size_t key_length, const uint8_t **value,
		size_t *value_length)
{
	if (!key_length || key_length > SB_TREE_KEY_MAX)
		return -EINVAL;
	return find(view->txn, view->store->records, key, key_length, value, value_length);
}

int sb_view_note(struct sb_view *view, const void *name, size_t name_length, const uint8_t **value,
		 size_t *value_length)
{
	if (!name_length || name_length > SB_TREE_KEY_MAX)
		return -EINVAL;
	return find(view->txn, view->store->notes, name, name_length, value, value_length);
}

const struct sb_pages *sb_view_pages(const struct sb_view *view)
{
	return &view->pages;
}

/* Whether a key is at or above a place, as LMDB orders them: by bytes, a beginning before the whole. */
static int order(const MDB_val *key, const void *place, size_t length)
{
	int rc = memcmp(key->mv_data, place, key->mv_size < length ? key->mv_size : length);

	return rc ? rc : (key->mv_size > length) - (key->mv_size < length);
}

/* Puts the cursor on the first key that is at or above the prefix and above `after`. */
static int seek(MDB_cursor *cursor, MDB_val *key, MDB_val *value, const MDB_val *prefix, const MDB_val *after)
{
	int rc;

	*key = after->mv_size && order(after, prefix->mv_data, prefix->mv_size) > 0 ? *after : *prefix;
	rc = mdb_cursor_get(cursor, key, value, key->mv_size ? MDB_SET_RANGE : MDB_FIRST);
	if (!rc && after->mv_size && order(key, after->mv_data, after->mv_size) == 0)
		rc = mdb_cursor_get(cursor, key, value, MDB_NEXT);
	return rc;
}

int sb_view_each(struct sb_view *view, const void *prefix, size_t prefix_length, const void *after,
		 size_t after_length, sb_view_each_fn *each, void *context)
{
	MDB_val begins = { prefix_length, prefix_length ? (void *)prefix : "" };
	MDB_val above = { after_length, (void *)after };
	MDB_val key, value;
	MDB_cursor *cursor;
	int rc, stop = 0;

	if (prefix_length > SB_TREE_KEY_MAX || after_length > SB_TREE_KEY_MAX)
		return -EINVAL;
	rc = sb_lmdb_error(mdb_cursor_open(view->txn, view->store->records, &cursor));
	if (rc)
		return rc;
	rc = sb_lmdb_error(seek(cursor, &key, &value, &begins, &above));
	while (!rc && key.mv_size >= prefix_length && !memcmp(key.mv_data, begins.mv_data, prefix_length)) {
		stop = each(context, key.mv_data, key.mv_size, value.mv_data, value.mv_size);
		if (stop)
			break;
		rc = sb_lmdb_error(mdb_cursor_get(cursor, &key, &value, MDB_NEXT));
	}
	mdb_cursor_close(cursor);
	return stop ? stop : rc == -ENOENT ? 0 : rc;
}
