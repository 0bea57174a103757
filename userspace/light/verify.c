// SPDX-License-Identifier: Apache-2.0
#include "light/verify.h"

#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/ed25519.h"

bool sb_light_rules_valid(const struct sb_light_rules *rules)
{
	uint64_t numerator = rules->trust_numerator, denominator = rules->trust_denominator;

	return rules->trusting_period > 0 && rules->drift >= 0 && denominator > 0 &&
	       numerator * 3 >= denominator && numerator <= denominator;
}

bool sb_light_expired(const struct sb_header *trusted, const struct sb_light_rules *rules,
		      const struct sb_light_now *now)
{
	return sb_time_compare(sb_time_add(trusted->time, rules->trusting_period), now->time) <= 0;
}

static bool id_complete(const struct sb_block_id *id)
{
	return id->hash.there && id->parts > 0 && id->parts_hash.there;
}

/* The first block has no parent, every other one names a whole id. */
static bool header_well_formed(const struct sb_header *header)
{
	return header->height > 0 && header->validators.there && header->next_validators.there &&
	       header->time.nanos >= 0 && header->time.nanos < 1000000000;
}

static bool commit_well_formed(const struct sb_commit *commit)
{
	if (commit->height < 1 || commit->round < 0 || !id_complete(&commit->block) ||
	    !commit->count || commit->count > SB_VALIDATORS_MAX)
		return false;
	for (size_t i = 0; i < commit->count; i++)
		if (commit->votes[i].flag < SB_VOTE_ABSENT || commit->votes[i].flag > SB_VOTE_NIL)
			return false;
	return true;
}

static bool same_hash(const struct sb_chain_hash *hash, const uint8_t bytes[SB_CHAIN_HASH_LEN])
{
	return hash->there && memcmp(hash->bytes, bytes, SB_CHAIN_HASH_LEN) == 0;
}

static enum sb_light_verdict check_set(const struct sb_validator_set *set)
{
	struct sb_validator_set copy = *set;

	if (sb_validator_set_sum(&copy) < 0 || copy.power != set->power)
		return SB_LIGHT_POWER;
	return SB_LIGHT_OK;
}

enum sb_light_verdict sb_light_check(const struct sb_light_block *block, const char *chain)
{
	const struct sb_header *header = &block->header;
	const struct sb_commit *commit = &block->commit;
	uint8_t hash[SB_CHAIN_HASH_LEN];

	if (header->block_version != SB_BLOCK_PROTOCOL)
		return SB_LIGHT_VERSION;
	if (strcmp(header->chain, chain) != 0)
		return SB_LIGHT_CHAIN;
	if (!header_well_formed(header) || !commit_well_formed(commit))
		return SB_LIGHT_MALFORMED;
	sb_header_hash(header, hash);
	if (commit->height != header->height || !same_hash(&commit->block.hash, hash))
		return SB_LIGHT_COMMIT;
	if (check_set(&block->validators) != SB_LIGHT_OK)
		return SB_LIGHT_POWER;
	sb_validator_set_hash(&block->validators, hash);
	return same_hash(&header->validators, hash) ? SB_LIGHT_OK : SB_LIGHT_VALIDATORS;
}

/* The power that must be exceeded; the product needs more than 64 bits. */
static int64_t part_of(int64_t power, uint32_t numerator, uint32_t denominator)
{
	return (int64_t)((unsigned __int128)power * numerator / denominator);
}

/* Votes of one commit that are to be verified, many at once. */
struct votes {
	const char *chain;
	const struct sb_commit *commit;
	size_t count;
	struct sb_ed25519_item item[SB_ED25519_ALL];
	uint8_t message[SB_ED25519_ALL][SB_VOTE_BYTES_MAX];
};

/* Few are not worth it; and where not all are valid each is looked at by itself. */
#define FEW	4

static bool all_signed(struct votes *votes)
{
	size_t count = votes->count;

	votes->count = 0;
	if (count > FEW && sb_ed25519_verify_all(votes->item, count))
		return true;
	for (size_t i = 0; i < count; i++) {
		const struct sb_ed25519_item *item = &votes->item[i];

		if (!sb_ed25519_verify(item->key, item->message, item->length, item->signature))
			return false;
	}
	return true;
}

/* False: one of those so far is not valid. */
static bool add_vote(struct votes *votes, const struct sb_validator *validator, size_t index)
{
	size_t at = votes->count++;

	votes->item[at].key = validator->key;
	votes->item[at].signature = votes->commit->votes[index].signature;
	votes->item[at].message = votes->message[at];
	votes->item[at].length = sb_vote_bytes(votes->chain, votes->commit, index, votes->message[at]);
	return votes->count < SB_ED25519_ALL || all_signed(votes);
}

static bool address_is(const struct sb_validator *validator, const struct sb_commit_vote *vote)
{
	return memcmp(validator->address, vote->address, SB_CHAIN_ADDRESS_LEN) == 0;
}

/* Votes whose signature was found valid already, by index, and under which key. */
struct proven {
	const uint8_t *key[SB_VALIDATORS_MAX];
};

static bool is_proven(const struct proven *proven, size_t index, const struct sb_validator *validator)
{
	return proven->key[index] &&
	       memcmp(proven->key[index], validator->key, SB_ED25519_KEY_LEN) == 0;
}

/* By index. What is not needed for two thirds is not verified, but its address must fit. */
static enum sb_light_verdict commit_of(const struct sb_light_block *block,
				       const struct proven *proven)
{
	const struct sb_validator_set *set = &block->validators;
	const struct sb_commit *commit = &block->commit;
	int64_t needed = part_of(set->power, 2, 3), tally = 0;
	struct votes votes = { .chain = block->header.chain, .commit = commit, .count = 0 };

	if (commit->count != set->count)
		return SB_LIGHT_SET_SIZE;
	for (size_t i = 0; i < set->count; i++)
		if (commit->votes[i].flag != SB_VOTE_ABSENT &&
		    !address_is(&set->validators[i], &commit->votes[i]))
			return SB_LIGHT_ADDRESS;
	for (size_t i = 0; i < set->count && tally <= needed; i++) {
		if (commit->votes[i].flag != SB_VOTE_COMMIT)
			continue;
		if (!is_proven(proven, i, &set->validators[i]) && !add_vote(&votes, &set->validators[i], i))
			return SB_LIGHT_SIGNATURE;
		tally += set->validators[i].power;
	}
	if (!all_signed(&votes))
		return SB_LIGHT_SIGNATURE;
	return tally > needed ? SB_LIGHT_OK : SB_LIGHT_NOT_ENOUGH_POWER;
}

enum sb_light_verdict sb_light_commit(const struct sb_light_block *block)
{
	const struct proven nothing = { { NULL } };

	return commit_of(block, &nothing);
}

static const struct sb_validator *find(const struct sb_validator_set *set,
				       const struct sb_commit_vote *vote)
{
	for (size_t i = 0; i < set->count; i++)
		if (address_is(&set->validators[i], vote))
			return &set->validators[i];
	return NULL;
}

/* By address: whom the trusted set does not know does not count. */
static enum sb_light_verdict trusting(const struct sb_validator_set *trusted,
				      const struct sb_light_block *block,
				      const struct sb_light_rules *rules, struct proven *proven)
{
	int64_t tally = 0, needed = part_of(trusted->power, rules->trust_numerator,
					    rules->trust_denominator);
	const struct sb_commit *commit = &block->commit;
	struct votes votes = { .chain = block->header.chain, .commit = commit, .count = 0 };
	bool seen[SB_VALIDATORS_MAX] = { false };

	for (size_t i = 0; i < commit->count && tally <= needed; i++) {
		const struct sb_validator *validator;

		if (commit->votes[i].flag != SB_VOTE_COMMIT)
			continue;
		validator = find(trusted, &commit->votes[i]);
		if (!validator)
			continue;
		if (seen[validator - trusted->validators])
			return all_signed(&votes) ? SB_LIGHT_TWICE : SB_LIGHT_SIGNATURE;
		seen[validator - trusted->validators] = true;
		if (!add_vote(&votes, validator, i))
			return SB_LIGHT_SIGNATURE;
		proven->key[i] = validator->key;
		tally += validator->power;
	}
	if (!all_signed(&votes))
		return SB_LIGHT_SIGNATURE;
	return tally > needed ? SB_LIGHT_OK : SB_LIGHT_NOT_ENOUGH_TRUST;
}

static enum sb_light_verdict after(const struct sb_header *trusted, const struct sb_header *header,
				   const struct sb_light_rules *rules,
				   const struct sb_light_now *now)
{
	if (header->height <= trusted->height)
		return SB_LIGHT_HEIGHT;
	if (sb_time_compare(header->time, trusted->time) <= 0)
		return SB_LIGHT_TIME;
	if (now->known && sb_time_compare(header->time, sb_time_add(now->time, rules->drift)) >= 0)
		return SB_LIGHT_FUTURE;
	return SB_LIGHT_OK;
}

enum sb_light_verdict sb_light_verify(const struct sb_header *trusted,
				      const struct sb_validator_set *trusted_set,
				      const struct sb_light_block *block,
				      const struct sb_light_rules *rules,
				      const struct sb_light_now *now)
{
	struct proven proven = { { NULL } };
	enum sb_light_verdict verdict;

	if (sb_light_expired(trusted, rules, now))
		return SB_LIGHT_EXPIRED;
	verdict = sb_light_check(block, trusted->chain);
	if (verdict == SB_LIGHT_OK)
		verdict = after(trusted, &block->header, rules, now);
	if (verdict != SB_LIGHT_OK)
		return verdict;
	/* The costly check of the new validators' signatures comes last. */
	if (block->header.height == trusted->height + 1) {
		if (!same_hash(&trusted->next_validators, block->header.validators.bytes))
			return SB_LIGHT_NEXT_VALIDATORS;
	} else {
		verdict = check_set(trusted_set);
		if (verdict == SB_LIGHT_OK)
			verdict = trusting(trusted_set, block, rules, &proven);
		if (verdict != SB_LIGHT_OK)
			return verdict;
	}
	return commit_of(block, &proven);
}

enum sb_light_verdict sb_light_verify_back(const struct sb_header *trusted,
					   const struct sb_header *header)
{
	uint8_t hash[SB_CHAIN_HASH_LEN];

	if (header->block_version != SB_BLOCK_PROTOCOL)
		return SB_LIGHT_VERSION;
	if (strcmp(header->chain, trusted->chain) != 0)
		return SB_LIGHT_CHAIN;
	if (!header_well_formed(header))
		return SB_LIGHT_MALFORMED;
	if (header->height != trusted->height - 1)
		return SB_LIGHT_HEIGHT;
	if (sb_time_compare(header->time, trusted->time) >= 0)
		return SB_LIGHT_TIME;
	sb_header_hash(header, hash);
	return same_hash(&trusted->last_block.hash, hash) ? SB_LIGHT_OK : SB_LIGHT_NOT_PARENT;
}

static const struct {
	const char *name, *text;
} texts[] = {
	[SB_LIGHT_OK] = { "ok", "The header is proven." },
	[SB_LIGHT_EXPIRED] = { "trust-expired", "What this device trusts is older than the trusting period." },
	[SB_LIGHT_MALFORMED] = { "malformed", "A field that no header or commit has." },
	[SB_LIGHT_CHAIN] = { "other-chain", "The header is of another chain." },
	[SB_LIGHT_VERSION] = { "other-version", "The header is of another block protocol." },
	[SB_LIGHT_HEIGHT] = { "wrong-height", "The header's height is not the one that can follow." },
	[SB_LIGHT_TIME] = { "wrong-time", "The header's time does not follow the trusted one's." },
	[SB_LIGHT_FUTURE] = { "from-future", "The header is later than this device's clock allows." },
	[SB_LIGHT_COMMIT] = { "other-commit", "The signatures are for another block." },
	[SB_LIGHT_VALIDATORS] = { "wrong-validators", "The validators are not those that the header names." },
	[SB_LIGHT_NEXT_VALIDATORS] = { "wrong-next-validators",
		"The validators are not those that the header before announced." },
	[SB_LIGHT_SET_SIZE] = { "wrong-set-size", "There is not one vote for each validator." },
	[SB_LIGHT_POWER] = { "bad-power", "A validator's power is not positive, or their sum is out of bounds." },
	[SB_LIGHT_ADDRESS] = { "wrong-address", "A vote has the address of another validator." },
	[SB_LIGHT_SIGNATURE] = { "wrong-signature", "A validator's signature is not valid." },
	[SB_LIGHT_TWICE] = { "double-vote", "A validator has voted twice in one commit." },
	[SB_LIGHT_NOT_ENOUGH_TRUST] = { "not-enough-trust", "Too few of the trusted validators have signed." },
	[SB_LIGHT_NOT_ENOUGH_POWER] = { "not-enough-power", "Not more than two thirds of the power have signed." },
	[SB_LIGHT_NOT_PARENT] = { "not-parent", "The header is not the one that the trusted one follows." },
};

_Static_assert(SB_ARRAY_SIZE(texts) == SB_LIGHT_VERDICTS, "a text for each verdict");

const char *sb_light_name(enum sb_light_verdict verdict)
{
	return (unsigned int)verdict < SB_LIGHT_VERDICTS ? texts[verdict].name : "unknown";
}

const char *sb_light_text(enum sb_light_verdict verdict)
{
	return (unsigned int)verdict < SB_LIGHT_VERDICTS ? texts[verdict].text : "Unknown.";
}
