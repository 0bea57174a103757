// SPDX-License-Identifier: Apache-2.0
#include "light/evidence.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "light/json_write.h"

static bool same(const struct sb_chain_hash *a, const struct sb_chain_hash *b)
{
	return a->there == b->there && (!a->there || memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0);
}

/* A header that does not follow from the blocks before: whoever signed it made the state up. */
static bool is_lunatic(const struct sb_header *conflicting, const struct sb_header *trusted)
{
	return !same(&conflicting->validators, &trusted->validators) ||
	       !same(&conflicting->next_validators, &trusted->next_validators) ||
	       !same(&conflicting->consensus, &trusted->consensus) || conflicting->app.length != trusted->app.length ||
	       memcmp(conflicting->app.bytes, trusted->app.bytes, trusted->app.length) != 0 ||
	       !same(&conflicting->last_results, &trusted->last_results);
}

static const struct sb_validator *find(const struct sb_validator_set *set, const uint8_t address[SB_CHAIN_ADDRESS_LEN])
{
	for (size_t i = 0; i < set->count; i++)
		if (memcmp(set->validators[i].address, address, SB_CHAIN_ADDRESS_LEN) == 0)
			return &set->validators[i];
	return NULL;
}

/* By power descending, then address ascending (types/validator_set.go, ValidatorsByVotingPower). */
static int in_order(const void *a, const void *b)
{
	const struct sb_validator *left = a, *right = b;

	if (left->power != right->power)
		return left->power < right->power ? 1 : -1;
	return memcmp(left->address, right->address, sizeof(left->address));
}

/* Whom it convicts (GetByzantineValidators): of two rounds nobody can say it. *list has room for all votes. */
static size_t convicts(const struct sb_attack *attack, bool lunatic, struct sb_validator *list)
{
	const struct sb_commit *commit = &attack->conflicting->commit, *other = &attack->trusted->commit;
	const struct sb_validator_set *set = lunatic ? &attack->common->validators : &attack->conflicting->validators;
	size_t count = 0;

	if (!lunatic && commit->round != other->round)
		return 0;
	for (size_t i = 0; i < commit->count; i++) {
		const struct sb_validator *one;

		if (commit->votes[i].flag != SB_VOTE_COMMIT)
			continue;
		if (!lunatic && (i >= other->count || other->votes[i].flag != SB_VOTE_COMMIT))
			continue;
		one = find(set, commit->votes[i].address);
		if (one)
			list[count++] = *one;
	}
	qsort(list, count, sizeof(*list), in_order);
	return count;
}

static json_object *put_number(int64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRId64, number);
	return json_object_new_string(text);
}

static json_object *put_light_block(const struct sb_light_block *block)
{
	json_object *object = json_object_new_object(), *set = json_object_new_object(), *proposer;
	const struct sb_validator *of = find(&block->validators, block->header.proposer);
	size_t at = of ? (size_t)(of - block->validators.validators) : 0;

	json_object_object_add(set, "validators",
			       sb_json_put_validators(&block->validators, 0, block->validators.count));
	proposer = sb_json_put_validators(&block->validators, at, 1);
	json_object_object_add(set, "proposer", json_object_get(json_object_array_get_idx(proposer, 0)));
	json_object_put(proposer);
	json_object_object_add(object, "signed_header", sb_json_put_signed_header(block));
	json_object_object_add(object, "validator_set", set);
	return object;
}

json_object *sb_attack_evidence(const struct sb_attack *attack)
{
	bool lunatic = is_lunatic(&attack->conflicting->header, &attack->trusted->header);
	const struct sb_light_block *base = lunatic ? attack->common : attack->trusted;
	sb_cleanup_free struct sb_validator *list = NULL;
	struct sb_validator_set convicted;
	json_object *value, *object;
	char time[SB_JSON_TIME_ROOM];

	if (!base || attack->conflicting->header.height != attack->trusted->header.height)
		return NULL;
	list = calloc(attack->conflicting->commit.count + 1, sizeof(*list));
	if (!list)
		return NULL;
	convicted = (struct sb_validator_set){ .validators = list };
	convicted.count = convicts(attack, lunatic, list);
	value = json_object_new_object();
	json_object_object_add(value, "ConflictingBlock", put_light_block(attack->conflicting));
	json_object_object_add(value, "CommonHeight", put_number(base->header.height));
	json_object_object_add(value, "ByzantineValidators", sb_json_put_validators(&convicted, 0, convicted.count));
	json_object_object_add(value, "TotalVotingPower", put_number(base->validators.power));
	json_object_object_add(value, "Timestamp", json_object_new_string(sb_json_put_time(time, base->header.time)));
	object = json_object_new_object();
	json_object_object_add(object, "type", json_object_new_string("tendermint/LightClientAttackEvidence"));
	json_object_object_add(object, "value", value);
	return object;
}
