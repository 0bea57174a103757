// SPDX-License-Identifier: Apache-2.0
/*
 * Old blocks go, with everything that is kept of them, in one LMDB transaction: a crash leaves them all or none. What
 * clients begin with stays for ever: block 1, and both sides of each gap.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/sha256.h"
#include "ledger/blocks_internal.h"

static const char base_name[] = "base";

struct pruning {
	struct sb_blocks *blocks;
	MDB_txn *txn;
	const struct sb_blocks_prune *wish;
	struct sb_gap gap[SB_GAPS_MAX];
	size_t gaps;
	int64_t base;		/* the lowest that is left of those that may go */
	unsigned int gone;
};

static int drop(const struct pruning *pruning, unsigned int table, const void *key, size_t length)
{
	MDB_val name = { length, (void *)key };
	int rc = mdb_del(pruning->txn, pruning->blocks->table[table], &name, NULL);

	return rc == MDB_NOTFOUND ? 0 : sb_lmdb_error(rc);
}

/* The note of where a transaction is, unless it is in a later block as well. */
static int drop_tx(const struct pruning *pruning, const struct sb_tx *tx, uint64_t height)
{
	struct sb_blocks_place place;
	uint8_t id[SB_SHA256_LEN];
	MDB_val name = { sizeof(id), id }, value;
	int rc;

	sb_digest_of(tx->data, tx->length, id);
	rc = mdb_get(pruning->txn, pruning->blocks->table[SB_BLOCKS_TXS], &name, &value);
	if (rc)
		return rc == MDB_NOTFOUND ? 0 : sb_lmdb_error(rc);
	if (value.mv_size != sizeof(place))
		return -EUCLEAN;
	memcpy(&place, value.mv_data, sizeof(place));
	return place.height == height ? drop(pruning, SB_BLOCKS_TXS, id, sizeof(id)) : 0;
}

static int drop_block(struct pruning *pruning, const struct sb_block *block)
{
	uint64_t name = htobe64((uint64_t)block->header.height);
	uint8_t hash[SB_CHAIN_HASH_LEN];
	int rc = 0;

	sb_header_hash(&block->header, hash);
	for (size_t i = 0; !rc && i < block->count; i++)
		rc = drop_tx(pruning, &block->txs[i], name);
	if (!rc)
		rc = drop(pruning, SB_BLOCKS_HASHES, hash, sizeof(hash));
	for (unsigned int table = SB_BLOCKS_BLOCK; !rc && table <= SB_BLOCKS_APP_HASH; table++)
		rc = drop(pruning, table, &name, sizeof(name));
	pruning->gone += !rc;
	return rc;
}

static bool stays(const struct pruning *pruning, int64_t height)
{
	for (size_t i = 0; i < pruning->gaps; i++)
		if (height == pruning->gap[i].last || height == pruning->gap[i].next)
			return true;
	return pruning->wish->needed && pruning->wish->needed(pruning->wish->context, height);
}

/* From the lowest on; 1: the first that is too new, or enough for now. */
static int prune_one(struct pruning *pruning, const MDB_val *name, const MDB_val *value)
{
	const struct sb_blocks_prune *wish = pruning->wish;
	sb_cleanup_free uint8_t *bytes = NULL;
	struct sb_block block;
	uint64_t key;
	int rc;

	if (name->mv_size != sizeof(key))
		return -EUCLEAN;
	memcpy(&key, name->mv_data, sizeof(key));
	pruning->base = (int64_t)be64toh(key);
	if (pruning->base >= wish->below || pruning->gone == wish->most)
		return 1;
	if (stays(pruning, pruning->base))
		return 0;
	/* what LMDB has shown holds until the next change only */
	bytes = malloc(value->mv_size + 1);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, value->mv_data, value->mv_size);
	rc = sb_block_decode(bytes, value->mv_size, &block);
	if (rc)
		return rc == -ENOMEM ? rc : -EUCLEAN;
	rc = block.header.time.seconds >= wish->before ? 1 : drop_block(pruning, &block);
	sb_block_free(&block);
	return rc;
}

static int prune(struct pruning *pruning)
{
	uint64_t from = htobe64(2);
	MDB_val name = { sizeof(from), &from }, value;
	MDB_cursor *cursor;
	int rc = mdb_cursor_open(pruning->txn, pruning->blocks->table[SB_BLOCKS_BLOCK], &cursor);

	if (rc)
		return sb_lmdb_error(rc);
	rc = sb_lmdb_error(mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE));
	while (!rc) {
		rc = prune_one(pruning, &name, &value);
		from = htobe64((uint64_t)pruning->base + 1);
		name = (MDB_val){ sizeof(from), &from };
		if (!rc)
			rc = sb_lmdb_error(mdb_cursor_get(cursor, &name, &value, MDB_SET_RANGE));
	}
	mdb_cursor_close(cursor);
	return rc == 1 || rc == -ENOENT ? 0 : rc;
}

static int keep_base(const struct pruning *pruning)
{
	uint64_t base = htobe64((uint64_t)pruning->base);
	MDB_val name = { sizeof(base_name), (void *)base_name }, value = { sizeof(base), &base };

	return sb_lmdb_error(mdb_put(pruning->txn, pruning->blocks->table[SB_BLOCKS_HEAD], &name, &value, 0));
}

int sb_blocks_prune(struct sb_blocks *blocks, const struct sb_blocks_prune *wish)
{
	struct pruning pruning = { .blocks = blocks, .wish = wish };
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, 0, &pruning.txn));

	if (rc)
		return rc;
	rc = sb_blocks_read_gaps(blocks, pruning.txn, pruning.gap, &pruning.gaps);
	if (!rc)
		rc = prune(&pruning);
	if (!rc && pruning.gone)
		rc = keep_base(&pruning);
	if (!rc && pruning.gone)
		return sb_lmdb_error(mdb_txn_commit(pruning.txn));
	mdb_txn_abort(pruning.txn);
	return rc;
}

int sb_blocks_base(struct sb_blocks *blocks, int64_t *height)
{
	MDB_val name = { sizeof(base_name), (void *)base_name }, value;
	uint64_t base;
	MDB_txn *txn;
	int rc = sb_lmdb_error(mdb_txn_begin(blocks->env, NULL, MDB_RDONLY, &txn));

	if (rc)
		return rc;
	rc = sb_lmdb_error(mdb_get(txn, blocks->table[SB_BLOCKS_HEAD], &name, &value));
	if (!rc && value.mv_size != sizeof(base))
		rc = -EUCLEAN;
	if (!rc) {
		memcpy(&base, value.mv_data, sizeof(base));
		*height = (int64_t)be64toh(base);
	}
	mdb_txn_abort(txn);
	if (rc == -ENOENT)
		*height = 1;
	return rc == -ENOENT ? 0 : rc;
}
