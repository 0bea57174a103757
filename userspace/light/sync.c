// SPDX-License-Identifier: Apache-2.0
#include "light/sync.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/cleanup.h"

/* Blocks above the verified one, the farthest first. */
struct pile {
	size_t count;
	struct sb_light_block blocks[SB_LIGHT_BLOCKS_HELD];
};

static void drop(struct pile *pile, size_t from)
{
	while (pile->count > from)
		sb_light_block_free(&pile->blocks[--pile->count]);
}

static void free_pile(struct pile *pile)
{
	drop(pile, 0);
}

static int refuse(struct sb_light_report *report, enum sb_light_verdict verdict, int64_t height,
		  struct sb_error *error)
{
	report->verdict = verdict;
	report->height = height;
	return sb_fail(error, -EBADMSG, "height %" PRId64 ": %s: %s", height, sb_light_name(verdict),
		       sb_light_text(verdict));
}

static int fetch(const struct sb_light_source *source, int64_t height, struct sb_light_block *block,
		 struct sb_light_report *report, struct sb_error *error)
{
	int result = source->block(source->context, height, block, error);

	report->fetched++;
	if (result < 0) {
		report->height = height;
		return result;
	}
	if (block->header.height == height)
		return 0;
	sb_light_block_free(block);
	return refuse(report, SB_LIGHT_HEIGHT, height, error);
}

static int add(struct pile *pile, const struct sb_light_source *source, int64_t height,
	       struct sb_light_report *report, struct sb_error *error)
{
	int result;

	if (pile->count == SB_LIGHT_BLOCKS_HELD)
		return sb_fail(error, -E2BIG, "height %" PRId64 ": too many blocks between", height);
	memset(&pile->blocks[pile->count], 0, sizeof(pile->blocks[0]));
	result = fetch(source, height, &pile->blocks[pile->count], report, error);
	if (result == 0)
		pile->count++;
	return result;
}

/* 9/16 of the way: CometBFT's own choice. */
static int64_t pivot_of(int64_t low, int64_t high)
{
	return low + (int64_t)((__int128)(high - low) * 9 / 16);
}

/* Takes a block out of the pile, and what lies above it. */
static void step(struct sb_light_block *verified, struct pile *pile, size_t at)
{
	sb_light_block_free(verified);
	*verified = pile->blocks[at];
	memset(&pile->blocks[at], 0, sizeof(pile->blocks[at]));
	drop(pile, at);
}

/*
 * Tries the farthest block first, then the nearer ones that are there already, then one between.
 * A source cannot make this endless: each new block is strictly between two others.
 */
static int skip(struct sb_light_block *verified, struct pile *pile, const struct sb_light_block *trusted,
		const struct sb_light_source *source, const struct sb_light_rules *rules,
		const struct sb_light_now *now, struct sb_light_report *report, struct sb_error *error)
{
	const struct sb_light_block *from = trusted;
	size_t at = 0;

	for (;;) {
		const struct sb_light_block *next = &pile->blocks[at];
		enum sb_light_verdict verdict = sb_light_verify(&from->header, &from->validators, next,
								rules, now);
		int result;

		if (verdict == SB_LIGHT_OK) {
			step(verified, pile, at);
			from = verified;
			if (at == 0)
				return 0;
			at = 0;
			continue;
		}
		if (verdict != SB_LIGHT_NOT_ENOUGH_TRUST)
			return refuse(report, verdict, next->header.height, error);
		if (at == pile->count - 1) {
			result = add(pile, source, pivot_of(from->header.height, next->header.height),
				     report, error);
			if (result < 0)
				return result;
		}
		at++;
	}
}

int sb_light_sync(struct sb_light_block *trusted, int64_t height, const struct sb_light_source *source,
		  const struct sb_light_rules *rules, const struct sb_light_now *now,
		  struct sb_light_report *report, struct sb_error *error)
{
	sb_cleanup(sb_light_block_free) struct sb_light_block verified = { .header.height = 0 };
	sb_cleanup_free struct pile *pile = calloc(1, sizeof(*pile));
	int result;

	*report = (struct sb_light_report){ .verdict = SB_LIGHT_OK };
	if (!pile)
		return sb_fail(error, -ENOMEM, "out of memory");
	if (height <= trusted->header.height)
		return refuse(report, SB_LIGHT_HEIGHT, height, error);
	result = add(pile, source, height, report, error);
	if (result == 0)
		result = skip(&verified, pile, trusted, source, rules, now, report, error);
	free_pile(pile);
	if (result < 0)
		return result;
	sb_light_block_free(trusted);
	*trusted = verified;
	memset(&verified, 0, sizeof(verified));
	return 0;
}

int sb_light_back(const struct sb_header *trusted, int64_t height, const struct sb_light_source *source,
		  struct sb_header *header, struct sb_light_report *report, struct sb_error *error)
{
	struct sb_header at = *trusted;

	*report = (struct sb_light_report){ .verdict = SB_LIGHT_OK };
	if (height < 1 || height >= trusted->height)
		return refuse(report, SB_LIGHT_HEIGHT, height, error);
	if (trusted->height - height > SB_LIGHT_BACK_MAX)
		return sb_fail(error, -E2BIG, "height %" PRId64 ": more than %d headers back", height,
			       SB_LIGHT_BACK_MAX);
	while (at.height > height) {
		sb_cleanup(sb_light_block_free) struct sb_light_block block = { .header.height = 0 };
		enum sb_light_verdict verdict;
		int result = fetch(source, at.height - 1, &block, report, error);

		if (result < 0)
			return result;
		verdict = sb_light_verify_back(&at, &block.header);
		if (verdict != SB_LIGHT_OK)
			return refuse(report, verdict, block.header.height, error);
		at = block.header;
	}
	*header = at;
	return 0;
}
