// SPDX-License-Identifier: Apache-2.0
/* Changes: down to the slots that a batch touches, and up again with the hashes. */
#include "tree/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * A page under change. Its keys are copied: what the keeper showed goes away with the first put below, and
 * a leaf that comes up from a page below has its key there only until the next one is loaded.
 */
struct level {
	struct sb_page page;
	uint16_t dirty;
	uint8_t keys[SB_PAGE_SLOTS * (1 + SB_TREE_KEY_MAX)];
	uint8_t risen[SB_PAGE_SLOTS][SB_TREE_KEY_MAX];
};

struct sb_tree_work {
	struct level level[SB_TREE_PAGES];
	uint8_t out[SB_PAGE_MAX];
};

struct job {
	const struct sb_pages *pages;
	struct sb_tree_work *work;
	const struct sb_batch *batch;
};

/* Changes [from, to): those that go through one page or one slot. */
struct range {
	size_t from, to;
};

struct sb_tree_work *sb_tree_work_new(void)
{
	return malloc(sizeof(struct sb_tree_work));
}

void sb_tree_work_free(struct sb_tree_work *work)
{
	free(work);
}

/* Loads a page; -ENOENT where there is none. */
static int load(const struct sb_pages *pages, const uint8_t *path, unsigned int depth, struct level *level)
{
	const uint8_t *data;
	uint8_t *keys = level->keys;
	size_t length;
	int rc = pages->get(pages->context, path, depth, &data, &length);

	if (rc)
		return rc;
	rc = sb_page_decode(data, length, &level->page);
	if (rc)
		return rc;
	for (unsigned int slot = 0; slot < SB_PAGE_SLOTS; slot++) {
		struct sb_page_key *key = &level->page.key[slot];

		if (!(level->page.leaves >> slot & 1))
			continue;
		memcpy(keys, key->data, key->length);
		key->data = keys;
		keys += key->length;
	}
	level->dirty = 0;
	return 0;
}

static bool same_key(const struct sb_page_key *a, const struct sb_page_key *b)
{
	return a->length == b->length && !memcmp(a->data, b->data, a->length);
}

static void set(struct level *level, unsigned int slot, const uint8_t *hash, const struct sb_page_key *key)
{
	sb_page_set(&level->page, slot, hash, key);
	level->dirty |= (uint16_t)(1U << slot);
}

static int apply_page(const struct job *job, unsigned int depth, struct range changes, bool exists);

/* Takes what became of the page below a slot into the slot. */
static void take_up(struct level *level, const struct level *child, unsigned int slot)
{
	int lone = sb_page_lone(&child->page, 1);
	struct sb_page_key key;

	if (sb_page_empty(&child->page, 1)) {
		set(level, slot, NULL, NULL);
	} else if (lone >= 0) {
		key = child->page.key[lone];
		memcpy(level->risen[slot], key.data, key.length);
		key.data = level->risen[slot];
		set(level, slot, child->page.hash[1], &key);
	} else {
		set(level, slot, child->page.hash[1], NULL);
	}
}

/* The slot is a page, and stays one if enough is left in it. */
static int apply_inner(const struct job *job, unsigned int depth, unsigned int slot, struct range changes)
{
	struct level *level = &job->work->level[depth], *child = level + 1;
	const uint8_t *path = job->batch->change[changes.from].path;
	int rc;

	if (depth + 1 == SB_TREE_PAGES)
		return -EUCLEAN;
	rc = load(job->pages, path, depth + 1, child);
	if (rc)
		return rc == -ENOENT ? -EUCLEAN : rc;
	rc = apply_page(job, depth + 1, changes, true);
	if (!rc && child->dirty)
		take_up(level, child, slot);
	return rc;
}

/* The slot becomes a page, of a leaf that was there (unless none stays) and of at least two records in all. */
static int split(const struct job *job, unsigned int depth, unsigned int slot, struct range changes, bool stays)
{
	struct level *level = &job->work->level[depth], *child = level + 1;
	const struct sb_page_key *key = &level->page.key[slot];
	uint8_t path[SB_TREE_HASH_LEN];
	int rc;

	/* two keys with one hash: nobody has them */
	if (depth + 1 == SB_TREE_PAGES)
		return -EUCLEAN;
	sb_page_clear(&child->page);
	child->dirty = 0;
	if (stays) {
		sb_tree_digest(key->data, key->length, path);
		set(child, sb_page_slot(path, depth + 1), level->page.hash[SB_PAGE_SLOTS + slot], key);
	}
	rc = apply_page(job, depth + 1, changes, false);
	if (!rc)
		take_up(level, child, slot);
	return rc;
}

/* The slot is empty or a leaf. */
static int apply_outer(const struct job *job, unsigned int depth, unsigned int slot, struct range changes)
{
	struct level *level = &job->work->level[depth];
	bool was = level->page.leaves >> slot & 1, stays = was;
	const struct sb_change *only = NULL;
	size_t puts = 0;

	for (size_t i = changes.from; i < changes.to; i++) {
		const struct sb_change *change = &job->batch->change[i];
		struct sb_page_key key = sb_change_key(job->batch, change);

		if (stays && same_key(&key, &level->page.key[slot]))
			stays = false;
		if (!change->removed) {
			only = change;
			puts++;
		}
	}
	if (puts + stays > 1)
		return split(job, depth, slot, changes, stays);
	if (only) {
		struct sb_page_key key = sb_change_key(job->batch, only);

		/* a value that stays as it is touches nothing */
		if (!was || memcmp(only->leaf, level->page.hash[SB_PAGE_SLOTS + slot], SB_TREE_HASH_LEN) != 0)
			set(level, slot, only->leaf, &key);
	} else if (was && !stays) {
		set(level, slot, NULL, NULL);
	}
	return 0;
}

/* Writes the page that has changed, or removes what has collapsed. The page at the top stays while it has a leaf. */
static int store(const struct job *job, unsigned int depth, const uint8_t *path, bool exists)
{
	const struct sb_pages *pages = job->pages;
	const struct sb_page *page = &job->work->level[depth].page;

	if (sb_page_empty(page, 1) || (depth && sb_page_lone(page, 1) >= 0))
		return exists ? pages->remove(pages->context, path, depth) : 0;
	return pages->put(pages->context, path, depth, job->work->out, sb_page_encode(page, job->work->out));
}

/* The page is loaded. Recursion is at most SB_TREE_PAGES deep and its frames are small. */
static int apply_page(const struct job *job, unsigned int depth, struct range changes, bool exists)
{
	const struct sb_change *change = job->batch->change;
	struct level *level = &job->work->level[depth];
	struct range part = { changes.from, changes.from };
	int rc;

	for (; part.from < changes.to; part.from = part.to) {
		unsigned int slot = sb_page_slot(change[part.from].path, depth);

		while (part.to < changes.to && sb_page_slot(change[part.to].path, depth) == slot)
			part.to++;
		if (level->page.inners >> slot & 1)
			rc = apply_inner(job, depth, slot, part);
		else
			rc = apply_outer(job, depth, slot, part);
		if (rc)
			return rc;
	}
	if (!level->dirty)
		return 0;
	sb_page_rehash(&level->page, level->dirty);
	return store(job, depth, change[changes.from].path, exists);
}

int sb_tree_apply(const struct sb_pages *pages, struct sb_tree_work *work, struct sb_batch *batch,
		  uint8_t root[SB_TREE_HASH_LEN])
{
	static const uint8_t any[SB_TREE_HASH_LEN];
	struct job job = { pages, work, batch };
	struct level *top = &work->level[0];
	bool exists = true;
	int rc;

	sb_batch_sort(batch);
	rc = load(pages, any, 0, top);
	if (rc == -ENOENT) {
		sb_page_clear(&top->page);
		top->dirty = 0;
		exists = false;
	} else if (rc) {
		return rc;
	}
	rc = apply_page(&job, 0, (struct range){ 0, batch->count }, exists);
	if (rc)
		return rc;
	if (!top->dirty)
		sb_page_root(&top->page);
	memcpy(root, top->page.hash[1], SB_TREE_HASH_LEN);
	return 0;
}

int sb_tree_root(const struct sb_pages *pages, uint8_t root[SB_TREE_HASH_LEN])
{
	static const uint8_t any[SB_TREE_HASH_LEN];
	struct sb_page page;
	const uint8_t *data;
	size_t length;
	int rc = pages->get(pages->context, any, 0, &data, &length);

	if (rc == -ENOENT) {
		memset(root, 0, SB_TREE_HASH_LEN);
		return 0;
	}
	if (!rc)
		rc = sb_page_decode(data, length, &page);
	if (rc)
		return rc;
	sb_page_root(&page);
	memcpy(root, page.hash[1], SB_TREE_HASH_LEN);
	return 0;
}
