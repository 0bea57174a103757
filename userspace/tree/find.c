// SPDX-License-Identifier: Apache-2.0
/* Ways down, for proofs. */
#include "tree/tree.h"

#include <errno.h>
#include <string.h>

static int load(const struct sb_pages *pages, const uint8_t *path, unsigned int depth, struct sb_page *page)
{
	const uint8_t *data;
	size_t length;
	int rc = pages->get(pages->context, path, depth, &data, &length);

	if (rc)
		return rc == -ENOENT && depth ? -EUCLEAN : rc;
	return sb_page_decode(data, length, page);
}

static void end_at(struct sb_tree_way *way, const struct sb_page_key *key)
{
	memcpy(way->key, key->data, key->length);
	way->key_length = key->length;
}

/* Down one page; true where the way ends in it. */
static bool walk_page(const struct sb_page *page, unsigned int slot, struct sb_tree_way *way)
{
	for (int up = 3; up >= 0; up--) {
		unsigned int node = (SB_PAGE_SLOTS + slot) >> up;
		int lone = sb_page_lone(page, node);

		memcpy(way->sibling[way->depth++], page->hash[node ^ 1], SB_TREE_HASH_LEN);
		if (sb_page_empty(page, node))
			return true;
		if (lone >= 0) {
			end_at(way, &page->key[lone]);
			return true;
		}
	}
	return false;
}

int sb_tree_find(const struct sb_pages *pages, const uint8_t path[SB_TREE_HASH_LEN], struct sb_tree_way *way)
{
	struct sb_page page;
	int rc, lone;

	way->depth = 0;
	way->key_length = 0;
	for (unsigned int depth = 0; depth < SB_TREE_PAGES; depth++) {
		rc = load(pages, path, depth, &page);
		if (rc)
			return rc == -ENOENT ? 0 : rc;
		/* a tree of one record is its leaf */
		lone = sb_page_lone(&page, 1);
		if (!depth && lone >= 0) {
			end_at(way, &page.key[lone]);
			return 0;
		}
		if (walk_page(&page, sb_page_slot(path, depth), way))
			return 0;
	}
	return -EUCLEAN;
}

/* The nearest slot beside one, in a direction; -1 where there is none. */
static int beside(const struct sb_page *page, unsigned int slot, bool above)
{
	unsigned int taken = page->leaves | page->inners;

	taken &= above ? ~((2U << slot) - 1) : (1U << slot) - 1;
	if (!taken)
		return -1;
	return above ? __builtin_ctz(taken) : 31 - __builtin_clz(taken);
}

/* The lowest slot that is not empty, or the highest. */
static int outermost(const struct sb_page *page, bool lowest)
{
	unsigned int taken = page->leaves | page->inners;

	if (!taken)
		return -1;
	return lowest ? __builtin_ctz(taken) : 31 - __builtin_clz(taken);
}

static void put_slot(uint8_t path[SB_TREE_HASH_LEN], unsigned int depth, unsigned int slot)
{
	uint8_t *byte = &path[depth / 2];

	*byte = depth & 1 ? (*byte & 0xf0) | (uint8_t)slot : (*byte & 0x0f) | (uint8_t)(slot << 4);
}

/* The leaf below a slot that is nearest to where we came from: the lowest when that was below. */
static int nearest(const struct sb_pages *pages, uint8_t path[SB_TREE_HASH_LEN], unsigned int depth, int slot,
		   bool above, uint8_t *key, size_t *key_length)
{
	struct sb_page page;
	int rc;

	for (; depth < SB_TREE_PAGES; depth++) {
		rc = load(pages, path, depth, &page);
		if (rc)
			return rc;
		if (slot < 0)
			slot = outermost(&page, above);
		if (slot < 0)
			return -EUCLEAN;
		if (page.leaves >> slot & 1) {
			memcpy(key, page.key[slot].data, page.key[slot].length);
			*key_length = page.key[slot].length;
			return 0;
		}
		put_slot(path, depth, (unsigned int)slot);
		slot = -1;
	}
	return -EUCLEAN;
}

int sb_tree_neighbour(const struct sb_pages *pages, const uint8_t path[SB_TREE_HASH_LEN], bool above,
		      uint8_t key[SB_TREE_KEY_MAX], size_t *key_length)
{
	uint8_t way[SB_TREE_HASH_LEN], leaf[SB_TREE_HASH_LEN];
	unsigned int depth, best_depth = 0;
	struct sb_page page;
	int rc, best = -1;

	memcpy(way, path, sizeof(way));
	for (depth = 0; depth < SB_TREE_PAGES; depth++) {
		unsigned int slot = sb_page_slot(path, depth);
		int next;

		rc = load(pages, path, depth, &page);
		if (rc)
			return rc;
		next = beside(&page, slot, above);
		if (next >= 0) {
			best = next;
			best_depth = depth;
		}
		if (page.inners >> slot & 1)
			continue;
		if (page.leaves >> slot & 1) {
			sb_tree_digest(page.key[slot].data, page.key[slot].length, leaf);
			if (above ? memcmp(leaf, path, sizeof(leaf)) > 0 : memcmp(leaf, path, sizeof(leaf)) < 0) {
				best = (int)slot;
				best_depth = depth;
			}
		}
		break;
	}
	if (depth == SB_TREE_PAGES)
		return -EUCLEAN;
	if (best < 0)
		return -ENOENT;
	return nearest(pages, way, best_depth, best, above, key, key_length);
}
