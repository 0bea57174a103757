// SPDX-License-Identifier: Apache-2.0
#include "tree/page.h"

#include <errno.h>
#include <string.h>

/* The slots below each node. */
static const uint16_t below[2 * SB_PAGE_SLOTS] = {
	0, 0xffff, 0x00ff, 0xff00, 0x000f, 0x00f0, 0x0f00, 0xf000,
	0x0003, 0x000c, 0x0030, 0x00c0, 0x0300, 0x0c00, 0x3000, 0xc000,
	0x0001, 0x0002, 0x0004, 0x0008, 0x0010, 0x0020, 0x0040, 0x0080,
	0x0100, 0x0200, 0x0400, 0x0800, 0x1000, 0x2000, 0x4000, 0x8000,
};

static uint16_t taken(const struct sb_page *page, unsigned int node)
{
	return (page->leaves | page->inners) & below[node];
}

bool sb_page_empty(const struct sb_page *page, unsigned int node)
{
	return !taken(page, node);
}

int sb_page_lone(const struct sb_page *page, unsigned int node)
{
	uint16_t slots = taken(page, node);

	if (!slots || slots & (slots - 1) || !(slots & page->leaves))
		return -1;
	return __builtin_ctz(slots);
}

/* Node's hash is its own, not nothing or its only leaf's. */
static bool is_hashed(const struct sb_page *page, unsigned int node)
{
	return taken(page, node) && sb_page_lone(page, node) < 0;
}

/* Node's hash is in the encoded page: the root's is the parent's business. */
static bool is_stored(const struct sb_page *page, unsigned int node)
{
	return node >= SB_PAGE_SLOTS ? taken(page, node) : is_hashed(page, node);
}

/* What a node that is not hashed stands for: nothing, or the leaf below it. */
static void stand_in(struct sb_page *page, unsigned int node)
{
	int slot = sb_page_lone(page, node);

	if (slot < 0)
		memset(page->hash[node], 0, SB_TREE_HASH_LEN);
	else
		memcpy(page->hash[node], page->hash[SB_PAGE_SLOTS + slot], SB_TREE_HASH_LEN);
}

void sb_page_clear(struct sb_page *page)
{
	memset(page, 0, sizeof(*page));
}

int sb_page_decode(const uint8_t *data, size_t length, struct sb_page *page)
{
	const uint8_t *end = data + length;

	if (length < 4)
		return -EUCLEAN;
	page->leaves = (uint16_t)(data[0] << 8 | data[1]);
	page->inners = (uint16_t)(data[2] << 8 | data[3]);
	if (page->leaves & page->inners)
		return -EUCLEAN;
	data += 4;
	for (unsigned int node = 2; node < 2 * SB_PAGE_SLOTS; node++) {
		if (!is_stored(page, node))
			continue;
		if (end - data < SB_TREE_HASH_LEN)
			return -EUCLEAN;
		memcpy(page->hash[node], data, SB_TREE_HASH_LEN);
		data += SB_TREE_HASH_LEN;
	}
	for (unsigned int slot = 0; slot < SB_PAGE_SLOTS; slot++) {
		if (!(page->leaves >> slot & 1))
			continue;
		if (data == end || !*data || end - data < 1 + *data)
			return -EUCLEAN;
		page->key[slot] = (struct sb_page_key){ data + 1, *data };
		data += 1 + *data;
	}
	if (data != end)
		return -EUCLEAN;
	for (unsigned int node = 2; node < 2 * SB_PAGE_SLOTS; node++)
		if (!is_stored(page, node))
			stand_in(page, node);
	/* the root's own is not there; sb_page_root makes it */
	memset(page->hash[1], 0, SB_TREE_HASH_LEN);
	return 0;
}

size_t sb_page_encode(const struct sb_page *page, uint8_t out[SB_PAGE_MAX])
{
	uint8_t *at = out;

	*at++ = page->leaves >> 8;
	*at++ = page->leaves & 0xff;
	*at++ = page->inners >> 8;
	*at++ = page->inners & 0xff;
	for (unsigned int node = 2; node < 2 * SB_PAGE_SLOTS; node++) {
		if (!is_stored(page, node))
			continue;
		memcpy(at, page->hash[node], SB_TREE_HASH_LEN);
		at += SB_TREE_HASH_LEN;
	}
	for (unsigned int slot = 0; slot < SB_PAGE_SLOTS; slot++) {
		if (!(page->leaves >> slot & 1))
			continue;
		*at++ = (uint8_t)page->key[slot].length;
		memcpy(at, page->key[slot].data, page->key[slot].length);
		at += page->key[slot].length;
	}
	return at - out;
}

void sb_page_set(struct sb_page *page, unsigned int slot, const uint8_t *hash, const struct sb_page_key *key)
{
	uint16_t bit = (uint16_t)(1U << slot);

	page->leaves &= ~bit;
	page->inners &= ~bit;
	if (!hash) {
		memset(page->hash[SB_PAGE_SLOTS + slot], 0, SB_TREE_HASH_LEN);
		return;
	}
	memcpy(page->hash[SB_PAGE_SLOTS + slot], hash, SB_TREE_HASH_LEN);
	if (key) {
		page->leaves |= bit;
		page->key[slot] = *key;
	} else {
		page->inners |= bit;
	}
}

static void rehash_node(struct sb_page *page, unsigned int node)
{
	if (is_hashed(page, node))
		sb_tree_inner(page->hash[2 * node], page->hash[2 * node + 1], page->hash[node]);
	else
		stand_in(page, node);
}

void sb_page_rehash(struct sb_page *page, uint16_t dirty)
{
	for (unsigned int node = SB_PAGE_SLOTS - 1; node >= 1; node--)
		if (below[node] & dirty)
			rehash_node(page, node);
}

void sb_page_root(struct sb_page *page)
{
	rehash_node(page, 1);
}
