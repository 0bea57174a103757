// SPDX-License-Identifier: Apache-2.0
#include "state/journal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

#define FIRST_SLOTS	64	/* a power of two */

struct entry {
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t key_length;
	uint8_t *value;		/* NULL: removed */
	size_t length;
};

struct sb_journal {
	struct sb_records records, *below;
	struct entry *entry;
	size_t count, room;
	uint32_t *slot;		/* an entry's number and 1; 0: free */
	size_t slots;
};

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* FNV-1a; keys are hashes mostly, and who makes collisions only slows down one block. */
static size_t slot_of(const struct sb_journal *journal, const uint8_t *key, size_t length)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ key[i]) * 0x100000001b3ULL;
	hash ^= hash >> 32;
	return (size_t)hash & (journal->slots - 1);
}

static bool is_key(const struct entry *entry, const void *key, size_t length)
{
	return entry->key_length == length && memcmp(entry->key, key, length) == 0;
}

/* The slot of the key, or the free one where it belongs. */
static uint32_t *find_slot(struct sb_journal *journal, const void *key, size_t length)
{
	size_t at = slot_of(journal, key, length);

	while (journal->slot[at] && !is_key(&journal->entry[journal->slot[at] - 1], key, length))
		at = (at + 1) & (journal->slots - 1);
	return &journal->slot[at];
}

static void grow(struct sb_journal *journal)
{
	free(journal->slot);
	journal->slots *= 2;
	journal->slot = must(calloc(journal->slots, sizeof(*journal->slot)));
	for (size_t i = 0; i < journal->count; i++)
		*find_slot(journal, journal->entry[i].key, journal->entry[i].key_length) = (uint32_t)i + 1;
}

static struct entry *entry_for(struct sb_journal *journal, const void *key, size_t length)
{
	uint32_t *slot = find_slot(journal, key, length);
	struct entry *entry;

	if (*slot)
		return &journal->entry[*slot - 1];
	if (journal->count == journal->room) {
		journal->room = journal->room ? 2 * journal->room : FIRST_SLOTS / 2;
		journal->entry = must(realloc(journal->entry, journal->room * sizeof(*journal->entry)));
	}
	entry = &journal->entry[journal->count++];
	*slot = (uint32_t)journal->count;
	*entry = (struct entry){ .key_length = length };
	memcpy(entry->key, key, length);
	if (2 * journal->count > journal->slots)
		grow(journal);
	return entry;
}

static int journal_get(void *context, const void *key, size_t key_length, const uint8_t **value, size_t *length)
{
	struct sb_journal *journal = context;
	const struct entry *entry;
	uint32_t slot;

	if (!key_length || key_length > SB_RECORD_KEY_MAX)
		return -EINVAL;
	slot = *find_slot(journal, key, key_length);
	if (!slot)
		return journal->below->get(journal->below->context, key, key_length, value, length);
	entry = &journal->entry[slot - 1];
	if (!entry->value)
		return -ENOENT;
	*value = entry->value;
	*length = entry->length;
	return 0;
}

static int journal_put(void *context, const void *key, size_t key_length, const void *value, size_t length)
{
	struct sb_journal *journal = context;
	struct entry *entry;
	uint8_t *copy;

	if (!key_length || key_length > SB_RECORD_KEY_MAX || !length || length > SB_RECORD_MAX)
		return -EINVAL;
	copy = must(malloc(length));
	memcpy(copy, value, length);
	entry = entry_for(journal, key, key_length);
	free(entry->value);
	entry->value = copy;
	entry->length = length;
	return 0;
}

/* -ENOENT from below when there is none is not known here: removing what is not there is allowed. */
static int journal_remove(void *context, const void *key, size_t key_length)
{
	struct sb_journal *journal = context;
	struct entry *entry;

	if (!key_length || key_length > SB_RECORD_KEY_MAX)
		return -EINVAL;
	entry = entry_for(journal, key, key_length);
	free(sb_take_ptr(entry->value));
	entry->length = 0;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct entry *one = *(const struct entry *const *)a, *other = *(const struct entry *const *)b;
	size_t shorter = one->key_length < other->key_length ? one->key_length : other->key_length;
	int order = memcmp(one->key, other->key, shorter);

	return order ? order : (one->key_length > other->key_length) - (one->key_length < other->key_length);
}

/* Those with the prefix, ascending; to be freed. */
static const struct entry **sorted(const struct sb_journal *journal, const void *prefix, size_t length, size_t *count)
{
	const struct entry **list = must(malloc((journal->count + 1) * sizeof(*list)));

	*count = 0;
	for (size_t i = 0; i < journal->count; i++)
		if (journal->entry[i].key_length >= length &&
		    (!length || memcmp(journal->entry[i].key, prefix, length) == 0))
			list[(*count)++] = &journal->entry[i];
	qsort(list, *count, sizeof(*list), by_key);
	return list;
}

/* What is below comes in its order; the changes before it are told first. */
struct merge {
	const struct entry **list;
	size_t at, count;
	int (*each)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length);
	void *context;
};

static int tell(struct merge *merge)
{
	const struct entry *entry = merge->list[merge->at++];

	return entry->value ? merge->each(merge->context, entry->key, entry->key_length, entry->value, entry->length) : 0;
}

static int merge_one(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct merge *merge = context;
	struct entry below = { .key_length = key_length };
	const struct entry *other = &below;
	int result = 0;

	if (key_length > SB_RECORD_KEY_MAX)
		return -EUCLEAN;
	memcpy(below.key, key, key_length);
	while (!result && merge->at < merge->count && by_key(&merge->list[merge->at], &other) < 0)
		result = tell(merge);
	if (result)
		return result;
	if (merge->at < merge->count && is_key(merge->list[merge->at], key, key_length))
		return tell(merge);
	return merge->each(merge->context, key, key_length, value, length);
}

static int journal_each(void *context, const void *prefix, size_t prefix_length,
			int (*each)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value,
				    size_t length), void *each_context)
{
	struct sb_journal *journal = context;
	struct merge merge = { .each = each, .context = each_context };
	sb_cleanup_free const struct entry **list = sorted(journal, prefix, prefix_length, &merge.count);
	int result;

	merge.list = list;
	result = journal->below->each(journal->below->context, prefix, prefix_length, merge_one, &merge);
	while (!result && merge.at < merge.count)
		result = tell(&merge);
	return result;
}

static int journal_block_hash(void *context, uint64_t height, uint8_t hash[32], int64_t *seconds)
{
	struct sb_journal *journal = context;

	return journal->below->block_hash(journal->below->context, height, hash, seconds);
}

struct sb_journal *sb_journal_new(struct sb_records *below)
{
	struct sb_journal *journal = must(calloc(1, sizeof(*journal)));

	journal->below = below;
	journal->slots = FIRST_SLOTS;
	journal->slot = must(calloc(journal->slots, sizeof(*journal->slot)));
	journal->records = (struct sb_records){ journal, journal_get, journal_put, journal_remove, journal_each,
						journal_block_hash, below->verified };
	return journal;
}

void sb_journal_free(struct sb_journal *journal)
{
	if (!journal)
		return;
	sb_journal_drop(journal);
	free(journal->entry);
	free(journal->slot);
	free(journal);
}

struct sb_records *sb_journal_records(struct sb_journal *journal)
{
	return &journal->records;
}

int sb_journal_flush(struct sb_journal *journal)
{
	struct sb_records *below = journal->below;
	size_t count;
	sb_cleanup_free const struct entry **list = sorted(journal, NULL, 0, &count);
	int result = 0;

	for (size_t i = 0; i < count && !result; i++) {
		const struct entry *entry = list[i];

		result = entry->value ?
			below->put(below->context, entry->key, entry->key_length, entry->value, entry->length) :
			below->remove(below->context, entry->key, entry->key_length);
		/* Put and removed again, all above. */
		if (result == -ENOENT && !entry->value)
			result = 0;
	}
	if (!result)
		sb_journal_drop(journal);
	return result;
}

void sb_journal_drop(struct sb_journal *journal)
{
	for (size_t i = 0; i < journal->count; i++)
		free(journal->entry[i].value);
	/* A block with very many changes leaves no large table behind for the next ones to clear. */
	if (journal->slots > 64 * FIRST_SLOTS && journal->count) {
		free(journal->slot);
		journal->slots = FIRST_SLOTS;
		journal->slot = must(calloc(journal->slots, sizeof(*journal->slot)));
	} else if (journal->count) {
		memset(journal->slot, 0, journal->slots * sizeof(*journal->slot));
	}
	journal->count = 0;
}

size_t sb_journal_count(const struct sb_journal *journal)
{
	return journal->count;
}
