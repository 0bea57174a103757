// SPDX-License-Identifier: Apache-2.0
/*
 * The recovery of a restored chain (light/checkpoint.h): what the members have to sign stands in a file of the home,
 * and the chain does not go on before those of its last state have signed it with their threshold's weight.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/file.h"
#include "ledger/ledger_app.h"
#include "ledger/ledger_app_internal.h"
#include "tree/hash.h"

struct leaf {
	uint8_t path[SB_TREE_HASH_LEN], hash[SB_TREE_HASH_LEN];
};

struct leaves {
	struct leaf *leaf;
	size_t count, room;
};

static int add_leaf(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct leaves *leaves = context;
	struct leaf *leaf;
	uint8_t digest[SB_TREE_HASH_LEN];

	if (leaves->count == leaves->room) {
		size_t room = leaves->room ? 2 * leaves->room : 1024;

		leaf = reallocarray(leaves->leaf, room, sizeof(*leaf));
		if (!leaf)
			return -ENOMEM;
		leaves->leaf = leaf;
		leaves->room = room;
	}
	leaf = &leaves->leaf[leaves->count++];
	sb_tree_digest(key, key_length, leaf->path);
	sb_tree_digest(value, length, digest);
	sb_tree_leaf(SB_LEAF_VAR_PROTO, leaf->path, digest, leaf->hash);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return memcmp(((const struct leaf *)a)->path, ((const struct leaf *)b)->path, SB_TREE_HASH_LEN);
}

/* docs/ledger-store.md: a subtree with one record is its leaf. At most 256 deep. */
static void root_of(const struct leaf *leaf, size_t count, unsigned int depth, uint8_t root[SB_TREE_HASH_LEN])
{
	uint8_t right[SB_TREE_HASH_LEN];
	size_t ones = 0;

	if (count < 2) {
		memset(root, 0, SB_TREE_HASH_LEN);
		if (count)
			memcpy(root, leaf->hash, SB_TREE_HASH_LEN);
		return;
	}
	while (ones < count && !(leaf[ones].path[depth / 8] >> (7 - depth % 8) & 1))
		ones++;
	root_of(leaf, ones, depth + 1, root);
	root_of(leaf + ones, count - ones, depth + 1, right);
	sb_tree_inner(root, right, root);
}

static int check_view(struct sb_ledger_app *app, struct sb_view *view)
{
	uint8_t root[SB_TREE_HASH_LEN], wanted[SB_TREE_HASH_LEN];
	struct leaves leaves = { .count = 0 };
	struct sb_app_time time;
	int rc = sb_app_read_time(view, &time);

	if (!rc && (time.height != (int64_t)sb_view_height(view) || !app->chain[0]))
		rc = -EBADMSG;
	if (!rc)
		rc = sb_view_each(view, NULL, 0, NULL, 0, add_leaf, &leaves);
	if (!rc) {
		qsort(leaves.leaf, leaves.count, sizeof(*leaves.leaf), by_path);
		root_of(leaves.leaf, leaves.count, 0, root);
		sb_view_root(view, wanted);
		rc = memcmp(root, wanted, sizeof(root)) == 0 ? 0 : -EBADMSG;
	}
	free(leaves.leaf);
	return rc;
}

int sb_app_verify(void *context, struct sb_error *error)
{
	struct sb_ledger_app *app = context;
	struct sb_view *view;
	int rc = sb_view_open(app->store, &view);

	if (!rc) {
		rc = check_view(app, view);
		sb_view_close(view);
	}
	return rc ? sb_fail(error, rc, rc == -EBADMSG ? "the backup's records are not those that its state's hash commits to: "
			    "it is damaged, or somebody has changed it. Take another one" : "the state cannot be read: %s",
			    strerror(-rc)) : 0;
}

static int members_of(struct sb_ledger_app *app, struct sb_members *members, struct sb_error *error)
{
	struct sb_view *view;
	int rc = sb_view_open(app->store, &view);

	if (!rc) {
		rc = sb_app_members(view, members);
		sb_view_close(view);
	}
	return rc ? sb_fail(error, rc, "the ledger's members cannot be read: %s", strerror(-rc)) : 0;
}

static void fill(struct sb_ledger_app *app, const struct sb_app_recovery *recovery, struct sb_checkpoint *record)
{
	strcpy(record->chain, app->chain);
	record->height = recovery->height;
	record->time = (struct sb_chain_time){ recovery->seconds, recovery->nanos };
	memcpy(record->hash, recovery->hash, sizeof(record->hash));
	record->after = recovery->after;
	memcpy(record->after_hash, recovery->after_hash, sizeof(record->after_hash));
}

int sb_app_resume(void *context, const struct sb_app_recovery *recovery, struct sb_error *error)
{
	sb_cleanup(sb_bytes_free) struct sb_bytes bytes = { .data = NULL };
	sb_cleanup_free struct sb_checkpoint *record = calloc(1, sizeof(*record));
	struct sb_ledger_app *app = context;
	int rc;

	if (!record)
		return sb_fail(error, -ENOMEM, "out of memory");
	rc = members_of(app, &record->members, error);
	if (rc)
		return rc;
	fill(app, recovery, record);
	sb_checkpoint_write(record, &bytes);
	rc = bytes.failed ? -ENOMEM : sb_file_create(app->recovery_path, bytes.data, bytes.length, 0644);
	return rc ? sb_fail(error, rc, "%s: %s", app->recovery_path, strerror(-rc)) : 0;
}

/* Both are on the heap, for their size. */
struct work {
	struct sb_checkpoint record, wanted;
	struct sb_members members;
};

static int read_record(struct sb_ledger_app *app, struct work *work, struct sb_error *error)
{
	sb_cleanup_free uint8_t *data = NULL;
	size_t length, used;
	int rc = sb_file_read(app->recovery_path, SB_CHECKPOINT_MAX, &data, &length);

	if (!rc)
		rc = sb_checkpoint_read(data, length, &work->record, &used);
	if (!rc && used != length)
		rc = -EBADMSG;
	return rc ? sb_fail(error, rc, "%s: %s: this ledger was restored from a backup, and goes on when its members have "
			    "signed that file; restore it again if it is lost", app->recovery_path,
			    rc == -EBADMSG ? "not a recovery" : strerror(-rc)) : 0;
}

/* Beside the signatures it is byte for byte what the restore has written. */
static bool is_wanted(struct work *work)
{
	uint8_t left[32], right[32];

	work->wanted.members = work->members;
	return sb_checkpoint_message(&work->record, left) == 0 && sb_checkpoint_message(&work->wanted, right) == 0 &&
	       memcmp(left, right, sizeof(left)) == 0;
}

int sb_app_recovered(void *context, const struct sb_app_recovery *recovery, struct sb_error *error)
{
	sb_cleanup_free struct work *work = calloc(1, sizeof(*work));
	struct sb_ledger_app *app = context;
	struct sb_error why = { "" };
	int rc;

	if (!work)
		return sb_fail(error, -ENOMEM, "out of memory");
	rc = members_of(app, &work->members, error);
	if (!rc)
		rc = read_record(app, work, error);
	if (rc)
		return rc;
	fill(app, recovery, &work->wanted);
	if (!is_wanted(work))
		return sb_fail(error, -EBADMSG, "%s is of another restore, or of other members than this ledger has",
			       app->recovery_path);
	rc = sb_checkpoint_verify(&work->record, &work->members, &why);
	if (rc)
		return sb_fail(error, rc == -ENOKEY ? -EKEYREJECTED : rc, "this ledger was restored from a backup and goes on "
			       "when its members have signed %s (sealbond member recovery FILE --key MEMBER): %.160s",
			       app->recovery_path, why.text);
	return sb_app_keep_recovery(app, &work->record, &work->members, error);
}
