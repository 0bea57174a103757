// SPDX-License-Identifier: Apache-2.0
#include "ledger/blocks_internal.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/sha256.h"

static const char magic[8] = "SBchain1";
static const char pending_name[] = "pending";

static const char *const names[SB_BLOCKS_ALL] = { "blocks", "commits", "results", "app_hashes", "txs", "hashes", "head",
					 "gaps" };

/* The note of the state itself. */
struct head {
	char magic[8];
	uint64_t height;	/* big endian */
};

/* Before the block that is pending. */
struct pending {
	uint64_t seconds;	/* big endian, as all here */
	uint32_t nanos;
} __attribute__((packed));

/* Of a gap, by its next height. */
struct gap_note {
	uint64_t last;
	uint8_t validator[SB_ED25519_KEY_LEN];
};
_Static_assert(sizeof(struct gap_note) == 40, "this layout is the file's");
_Static_assert(sizeof(struct head) == 16 && sizeof(struct pending) == 12 && sizeof(struct sb_blocks_place) == 16,
	       "these layouts are the file's");

static int keep(MDB_txn *txn, MDB_dbi table, const void *key, size_t key_length, const void *data, size_t length)
{
	MDB_val name = { key_length, (void *)key }, value = { length, (void *)data };

	return sb_lmdb_error(mdb_put(txn, table, &name, &value, 0));
}

static int find(MDB_txn *txn, MDB_dbi table, const void *key, size_t key_length, MDB_val *value)
{
	MDB_val name = { key_length, (void *)key };

	return sb_lmdb_error(mdb_get(txn, table, &name, value));
}

static int open_tables(struct sb_blocks *blocks, MDB_txn *txn)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < SB_BLOCKS_ALL; i++)
		rc = sb_lmdb_error(mdb_dbi_open(txn, names[i], MDB_CREATE, &blocks->table[i]));
	return rc;
}

static int read_tip(struct sb_blocks *blocks, MDB_txn *txn, int64_t *height)
{
	struct head head;
	MDB_val value;
	int rc = find(txn, blocks->table[SB_BLOCKS_HEAD], magic, sizeof(magic), &value);

	if (rc == -ENOENT) {
		*height = 0;
		return 0;
	}
	if (rc)
		return rc;
	if (value.mv_size != sizeof(head))
		return -EUCLEAN;
	memcpy(&head, value.mv_data, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0)
		return -EUCLEAN;
	*height = (int64_t)be64toh(head.height);
	return 0;
}

static int set_up(struct sb_blocks *blocks, const char *directory, uint64_t map_size)
{
	int64_t height;
	MDB_txn *txn;
	int rc = sb_lmdb_open(directory, map_size ? map_size : SB_BLOCKS_MAP_SIZE, SB_BLOCKS_ALL, 126, &blocks->env);

	if (!rc)
		rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, 0, &txn));
	if (rc)
		return rc;
	rc = open_tables(blocks, txn);
	if (!rc)
		rc = read_tip(blocks, txn, &height);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = sb_lmdb_error(mdb_txn_commit(txn));
	return rc ? rc : sb_lmdb_sync_names(directory);
}

int sb_blocks_open(const char *directory, uint64_t map_size, struct sb_blocks **blocks)
{
	struct sb_blocks *new = calloc(1, sizeof(*new));
	int rc;

	if (!new)
		return -ENOMEM;
	rc = set_up(new, directory, map_size);
	if (rc)
		sb_blocks_close(new);
	else
		*blocks = new;
	return rc;
}

void sb_blocks_close(struct sb_blocks *blocks)
{
	if (!blocks)
		return;
	if (blocks->env)
		mdb_env_close(blocks->env);
	free(blocks);
}

static int finish(MDB_txn *txn, int rc)
{
	if (!rc)
		return sb_lmdb_error(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return rc;
}

int sb_blocks_start(struct sb_blocks *blocks, const uint8_t app_hash[SB_APP_HASH_LEN])
{
	uint64_t name = 0;
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, 0, &txn));

	if (rc)
		return rc;
	rc = keep(txn, blocks->table[SB_BLOCKS_APP_HASH], &name, sizeof(name), app_hash, SB_APP_HASH_LEN);
	return finish(txn, rc);
}

static int keep_pending(struct sb_blocks *blocks, MDB_txn *txn, const uint8_t *block, size_t length,
			struct sb_chain_time vote)
{
	struct pending head = { htobe64((uint64_t)vote.seconds), htobe32((uint32_t)vote.nanos) };
	MDB_val name = { sizeof(pending_name), (void *)pending_name };
	MDB_val value = { sizeof(head) + length, NULL };
	int rc = sb_lmdb_error(mdb_put(txn, blocks->table[SB_BLOCKS_HEAD], &name, &value, MDB_RESERVE));

	if (!rc) {
		memcpy(value.mv_data, &head, sizeof(head));
		memcpy((uint8_t *)value.mv_data + sizeof(head), block, length);
	}
	return rc;
}

int sb_blocks_pend(struct sb_blocks *blocks, const uint8_t *block, size_t length, struct sb_chain_time vote)
{
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, 0, &txn));

	return rc ? rc : finish(txn, keep_pending(blocks, txn, block, length, vote));
}

static int each_gap(MDB_cursor *cursor, struct sb_gap gaps[SB_GAPS_MAX], size_t *count)
{
	MDB_val name, value;
	struct gap_note note;
	uint64_t next;
	int rc;

	*count = 0;
	for (rc = mdb_cursor_get(cursor, &name, &value, MDB_FIRST); !rc;
	     rc = mdb_cursor_get(cursor, &name, &value, MDB_NEXT)) {
		if (name.mv_size != sizeof(next) || value.mv_size != sizeof(note))
			return -EUCLEAN;
		if (*count == SB_GAPS_MAX)
			return -E2BIG;
		memcpy(&next, name.mv_data, sizeof(next));
		memcpy(&note, value.mv_data, sizeof(note));
		gaps[*count] = (struct sb_gap){ (int64_t)be64toh(note.last), (int64_t)be64toh(next), { 0 } };
		memcpy(gaps[(*count)++].validator, note.validator, sizeof(note.validator));
	}
	return rc == MDB_NOTFOUND ? 0 : sb_lmdb_error(rc);
}

int sb_blocks_read_gaps(struct sb_blocks *blocks, MDB_txn *txn, struct sb_gap gaps[SB_GAPS_MAX], size_t *count)
{
	MDB_cursor *cursor;
	int rc = sb_lmdb_error(mdb_cursor_open(txn, blocks->table[SB_BLOCKS_GAPS], &cursor));

	if (rc)
		return rc;
	rc = each_gap(cursor, gaps, count);
	mdb_cursor_close(cursor);
	return rc;
}

int sb_blocks_gaps(struct sb_blocks *blocks, struct sb_gap gaps[SB_GAPS_MAX], size_t *count)
{
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, MDB_RDONLY, &txn));

	if (rc)
		return rc;
	rc = sb_blocks_read_gaps(blocks, txn, gaps, count);
	mdb_txn_abort(txn);
	return rc;
}

/* The height that follows the tip. */
static int next_height(struct sb_blocks *blocks, MDB_txn *txn, int64_t tip, int64_t *next)
{
	struct sb_gap gaps[SB_GAPS_MAX];
	size_t count;
	int rc = sb_blocks_read_gaps(blocks, txn, gaps, &count);

	*next = !rc && count && gaps[count - 1].last == tip ? gaps[count - 1].next : tip + 1;
	return rc;
}

static int resume(struct sb_blocks *blocks, MDB_txn *txn, const struct sb_gap *gap)
{
	struct gap_note note = { .last = htobe64((uint64_t)gap->last) };
	uint64_t name = htobe64((uint64_t)gap->next);
	struct sb_gap gaps[SB_GAPS_MAX];
	int64_t tip, next;
	size_t count;
	int rc = read_tip(blocks, txn, &tip);

	if (!rc)
		rc = sb_blocks_read_gaps(blocks, txn, gaps, &count);
	if (!rc && count == SB_GAPS_MAX)
		rc = -E2BIG;
	if (!rc)
		rc = next_height(blocks, txn, tip, &next);
	if (!rc && (gap->last != tip || gap->next <= tip + 1))
		rc = -EINVAL;
	if (!rc && next != tip + 1)
		rc = -EEXIST;
	memcpy(note.validator, gap->validator, sizeof(note.validator));
	return rc ? rc : keep(txn, blocks->table[SB_BLOCKS_GAPS], &name, sizeof(name), &note, sizeof(note));
}

int sb_blocks_resume(struct sb_blocks *blocks, const struct sb_gap *gap, const uint8_t *block, size_t length,
		     struct sb_chain_time vote)
{
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, 0, &txn));

	if (rc)
		return rc;
	rc = resume(blocks, txn, gap);
	return finish(txn, rc ? rc : keep_pending(blocks, txn, block, length, vote));
}

static int copy_of(const void *data, size_t length, uint8_t **copy)
{
	*copy = malloc(length + 1);
	if (!*copy)
		return -ENOMEM;
	memcpy(*copy, data, length);
	return 0;
}

int sb_blocks_pending(struct sb_blocks *blocks, uint8_t **block, size_t *length, struct sb_chain_time *vote)
{
	struct pending head;
	MDB_val value;
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, MDB_RDONLY, &txn));

	if (rc)
		return rc;
	rc = find(txn, blocks->table[SB_BLOCKS_HEAD], pending_name, sizeof(pending_name), &value);
	if (!rc && value.mv_size < sizeof(head))
		rc = -EUCLEAN;
	if (!rc)
		rc = copy_of((uint8_t *)value.mv_data + sizeof(head), value.mv_size - sizeof(head), block);
	if (!rc) {
		memcpy(&head, value.mv_data, sizeof(head));
		*length = value.mv_size - sizeof(head);
		vote->seconds = (int64_t)be64toh(head.seconds);
		vote->nanos = (int32_t)be32toh(head.nanos);
	}
	mdb_txn_abort(txn);
	return rc;
}

static int keep_txs(struct sb_blocks *blocks, MDB_txn *txn, const struct sb_blocks_new *new)
{
	struct sb_blocks_place place = { .height = htobe64((uint64_t)new->height) };
	uint8_t id[SB_SHA256_LEN];
	int rc = 0;

	for (size_t i = 0; !rc && i < new->block->count; i++) {
		place.index = htobe32((uint32_t)i);
		place.code = htobe32(new->results[i].code);
		sb_digest_of(new->block->txs[i].data, new->block->txs[i].length, id);
		rc = keep(txn, blocks->table[SB_BLOCKS_TXS], id, sizeof(id), &place, sizeof(place));
	}
	return rc;
}

/* Of no transactions there is nothing to keep, and a value of no bytes says so. */
static int keep_results(struct sb_blocks *blocks, MDB_txn *txn, uint64_t name, const struct sb_blocks_new *new)
{
	sb_cleanup_free uint8_t *data = NULL;
	size_t length;
	int rc = sb_results_encode(new->results, new->block->count, &data, &length);

	return rc ? rc : keep(txn, blocks->table[SB_BLOCKS_RESULTS], &name, sizeof(name), data, length);
}

static int keep_all(struct sb_blocks *blocks, MDB_txn *txn, const struct sb_blocks_new *new)
{
	uint64_t name = htobe64((uint64_t)new->height);
	MDB_val pending = { sizeof(pending_name), (void *)pending_name };
	struct head head = { .height = name };
	sb_cleanup_free uint8_t *commit = NULL;
	size_t length;
	int rc = sb_commit_encode(new->commit, &commit, &length);

	memcpy(head.magic, magic, sizeof(magic));
	if (!rc)
		rc = keep(txn, blocks->table[SB_BLOCKS_COMMIT], &name, sizeof(name), commit, length);
	if (!rc)
		rc = keep(txn, blocks->table[SB_BLOCKS_BLOCK], &name, sizeof(name), new->bytes, new->length);
	if (!rc)
		rc = keep_results(blocks, txn, name, new);
	if (!rc)
		rc = keep(txn, blocks->table[SB_BLOCKS_APP_HASH], &name, sizeof(name), new->app_hash,
			  sizeof(new->app_hash));
	if (!rc)
		rc = keep(txn, blocks->table[SB_BLOCKS_HASHES], new->commit->block.hash.bytes,
			  sizeof(new->commit->block.hash.bytes), &name, sizeof(name));
	if (!rc)
		rc = keep_txs(blocks, txn, new);
	if (!rc)
		rc = sb_lmdb_error(mdb_del(txn, blocks->table[SB_BLOCKS_HEAD], &pending, NULL));
	if (!rc || rc == -ENOENT)
		rc = keep(txn, blocks->table[SB_BLOCKS_HEAD], magic, sizeof(magic), &head, sizeof(head));
	return rc;
}

int sb_blocks_append(struct sb_blocks *blocks, const struct sb_blocks_new *new)
{
	int64_t tip, next;
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, 0, &txn));

	if (rc)
		return rc;
	rc = read_tip(blocks, txn, &tip);
	if (!rc)
		rc = next_height(blocks, txn, tip, &next);
	if (!rc && new->height != next)
		rc = -EINVAL;
	if (!rc)
		rc = keep_all(blocks, txn, new);
	return finish(txn, rc);
}

int sb_blocks_tip(struct sb_blocks *blocks, int64_t *height)
{
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, MDB_RDONLY, &txn));

	if (rc)
		return rc;
	rc = read_tip(blocks, txn, height);
	mdb_txn_abort(txn);
	return rc;
}

int sb_blocks_get(struct sb_blocks *blocks, enum sb_blocks_table table, int64_t height, uint8_t **data,
		  size_t *length)
{
	uint64_t name = htobe64((uint64_t)height);
	MDB_val value;
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, MDB_RDONLY, &txn));

	if (rc)
		return rc;
	rc = find(txn, blocks->table[table], &name, sizeof(name), &value);
	if (!rc)
		rc = copy_of(value.mv_data, value.mv_size, data);
	if (!rc)
		*length = value.mv_size;
	mdb_txn_abort(txn);
	return rc;
}

int sb_blocks_find_tx(struct sb_blocks *blocks, const uint8_t id[32], struct sb_tx_place *place)
{
	struct sb_blocks_place found;
	MDB_val value;
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, MDB_RDONLY, &txn));

	if (rc)
		return rc;
	rc = find(txn, blocks->table[SB_BLOCKS_TXS], id, SB_SHA256_LEN, &value);
	if (!rc && value.mv_size != sizeof(found))
		rc = -EUCLEAN;
	if (!rc) {
		memcpy(&found, value.mv_data, sizeof(found));
		*place = (struct sb_tx_place){ (int64_t)be64toh(found.height), be32toh(found.index),
					       be32toh(found.code) };
	}
	mdb_txn_abort(txn);
	return rc;
}

int sb_blocks_find(struct sb_blocks *blocks, const uint8_t hash[32], int64_t *height)
{
	uint64_t found;
	MDB_val value;
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, MDB_RDONLY, &txn));

	if (rc)
		return rc;
	rc = find(txn, blocks->table[SB_BLOCKS_HASHES], hash, SB_CHAIN_HASH_LEN, &value);
	if (!rc && value.mv_size != sizeof(found))
		rc = -EUCLEAN;
	if (!rc) {
		memcpy(&found, value.mv_data, sizeof(found));
		*height = (int64_t)be64toh(found);
	}
	mdb_txn_abort(txn);
	return rc;
}
