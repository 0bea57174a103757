// SPDX-License-Identifier: Apache-2.0
/*
 * Members decide: one proposes, others vote, and with enough weight the changes are made at once and as one. Where a
 * member alone has the weight, its proposal is the decision.
 *
 * A member's key that was lost or stolen is replaced by the others, also where they have not the threshold's weight
 * without it; but only after a while, in which that key itself can say no.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "state/change.h"

#define CHANGES_MOST		16
#define TITLE_MAX		200
#define PROPOSAL_MAX		49152	/* bytes of the changes: beside 256 votes they fit in a record */
#define EXPIRE_IN_BLOCK		64

/* The members, if the signer is one of them. *members is freed by the caller in any case. */
static enum sb_tx_code by_member(struct sb_run *run, Sealbond__Members **members)
{
	*members = sb_members_load(run);
	if (!*members || !sb_members_weight_of(*members, (ProtobufCBinaryData){ 32, run->signer }))
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "only a member may");
	return SB_TX_OK;
}

/* As it is now: votes of those who are members no more do not count. */
static uint64_t weight_of(const Sealbond__Members *members, size_t count, const ProtobufCBinaryData *keys)
{
	uint64_t weight = 0;

	for (size_t i = 0; i < count; i++)
		weight += sb_members_weight_of(members, keys[i]);
	return weight;
}

static enum sb_tx_code check_proposal(struct sb_run *run, const Sealbond__Propose *action)
{
	enum sb_tx_code code = SB_TX_OK;
	char at[32];

	if (!action->n_changes || action->n_changes > CHANGES_MOST)
		return sb_run_refuse(run, SB_TX_FIELD, "changes: 1 to %d", CHANGES_MOST);
	if (!sb_text_is_fine(action->title, TITLE_MAX))
		return sb_run_refuse(run, SB_TX_FIELD, "title: printable, at most %d bytes", TITLE_MAX);
	if (protobuf_c_message_get_packed_size(&action->base) > PROPOSAL_MAX)
		return sb_run_refuse(run, SB_TX_LIMIT, "a proposal has at most %d bytes: make two of it", PROPOSAL_MAX);
	for (size_t i = 0; i < action->n_changes && code == SB_TX_OK; i++) {
		snprintf(at, sizeof(at), "changes[%zu]", i);
		code = sb_change_check(run, at, action->changes[i]);
		if (code == SB_TX_OK && action->changes[i]->change_case == SEALBOND__CHANGE__CHANGE_REPLACE &&
		    action->n_changes != 1)
			code = sb_run_refuse(run, SB_TX_FIELD, "%s: a member's replacement is a proposal of its own", at);
	}
	return code;
}

/* What replaces a member, or NULL. It stands alone in its proposal: what comes later is nothing but that. */
static const Sealbond__ReplaceMember *replacement(size_t count, Sealbond__Change *const *changes)
{
	return count == 1 && changes[0]->change_case == SEALBOND__CHANGE__CHANGE_REPLACE ? changes[0]->replace : NULL;
}

/*
 * The weight with which the others replace a member: the threshold's, or all that they have. With less than half of
 * the threshold a few could take over a ledger whose members sleep. 0: they cannot.
 */
static uint64_t replacing_weight(const Sealbond__Members *members, const Sealbond__ReplaceMember *replace)
{
	uint64_t others = sb_members_weight(members) - sb_members_weight_of(members, replace->key);

	if (others >= members->threshold)
		return members->threshold;
	return 2 * others >= members->threshold ? others : 0;
}

static enum sb_tx_code may_replace(struct sb_run *run, const Sealbond__Members *members,
				   const Sealbond__ReplaceMember *replace)
{
	const char *why = !sb_run_parameters(run)->replace_after ? "this ledger's parameters have no replace_after" :
			  !sb_members_weight_of(members, replace->key) ? "there is no such member" :
			  sb_members_weight_of(members, replace->by) ? "the new key is a member's already" :
			  !replacing_weight(members, replace) ? "the others have less than half of the threshold's weight" :
			  NULL;

	return why ? sb_run_refuse(run, SB_TX_CHANGE, "changes[0]: %s", why) : SB_TX_OK;
}

/* Counts the open proposals of a member, and of all. */
static enum sb_tx_code count_proposal(struct sb_run *run, const uint8_t proposer[32], int by)
{
	SB_AUTO_MESSAGE Sealbond__Account *account =
		sb_run_load(run, &sealbond__account__descriptor, SB_RECORD_ACCOUNT, proposer, 32);
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	enum sb_tx_code code;

	if (!account)
		return SB_TX_INTERNAL;
	/* Of each member, so that nobody can take the others' room to remove it. */
	if (by > 0 && account->proposals >= sb_run_parameters(run)->proposals_most)
		return sb_run_refuse(run, SB_TX_LIMIT, "%u proposals of this member are open: withdraw one",
				     account->proposals);
	account->proposals += (uint32_t)by;
	counters->proposals += (uint32_t)by;
	code = sb_run_save(run, SB_RECORD_ACCOUNT, proposer, 32, account);
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters) : code;
}

/* Of the others alone: the key itself has another word in it. */
static uint64_t others_weight(const Sealbond__Members *members, const Sealbond__ReplaceMember *replace, size_t count,
			      const ProtobufCBinaryData *keys)
{
	uint64_t weight = 0;

	for (size_t i = 0; i < count; i++)
		if (!sb_bytes_are(keys[i], replace->key.data, 32))
			weight += sb_members_weight_of(members, keys[i]);
	return weight;
}

/* Enough are for a replacement: from now on it waits, for the key itself. */
static bool settle(struct sb_run *run, const Sealbond__Members *members, const Sealbond__ReplaceMember *replace,
		   Sealbond__Proposal *proposal)
{
	uint64_t needed = replacing_weight(members, replace);

	if (proposal->effective || !needed ||
	    others_weight(members, replace, proposal->n_approved, proposal->approved) < needed)
		return false;
	proposal->effective = proposal->ends = run->time + sb_run_parameters(run)->replace_after;
	return true;
}

SB_RULE(propose, Propose)
{
	SB_AUTO_MESSAGE Sealbond__Members *members = NULL;
	Sealbond__Proposal proposal = SEALBOND__PROPOSAL__INIT;
	ProtobufCBinaryData signer = { 32, run->signer };
	const Sealbond__ReplaceMember *replace;
	enum sb_tx_code code = by_member(run, &members);

	if (code == SB_TX_OK)
		code = check_proposal(run, action);
	if (code != SB_TX_OK)
		return code;
	sb_run_answer(run, run->id, sizeof(run->id));
	replace = replacement(action->n_changes, action->changes);
	if (replace)
		code = may_replace(run, members, replace);
	else if (sb_members_weight_of(members, signer) >= members->threshold)
		return sb_changes_make(run, action->n_changes, action->changes);
	if (code == SB_TX_OK)
		code = sb_succession_may(run, "changes[0]", action->changes[0]->change_case);
	if (code != SB_TX_OK)
		return code;
	proposal.proposer = signer;
	proposal.n_changes = action->n_changes;
	proposal.changes = action->changes;
	proposal.title = action->title;
	proposal.ends = run->time + sb_run_parameters(run)->vote_for;
	proposal.n_approved = 1;
	proposal.approved = &signer;
	code = count_proposal(run, run->signer, 1);
	if (code == SB_TX_OK && replace)
		settle(run, members, replace, &proposal);
	if (code == SB_TX_OK)
		code = sb_run_due(run, SB_DUE_PROPOSAL, proposal.ends, run->id, sizeof(run->id));
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_PROPOSAL, run->id, sizeof(run->id), &proposal) : code;
}

/* It is decided, withdrawn or over. */
static enum sb_tx_code close_proposal(struct sb_run *run, const uint8_t id[32], const Sealbond__Proposal *proposal)
{
	enum sb_tx_code code = count_proposal(run, proposal->proposer.data, -1);

	if (code == SB_TX_OK)
		code = sb_run_not_due(run, SB_DUE_PROPOSAL, proposal->ends, id, 32);
	return code == SB_TX_OK ? sb_run_remove(run, SB_RECORD_PROPOSAL, id, 32) : code;
}

static enum sb_tx_code load_open(struct sb_run *run, ProtobufCBinaryData id, Sealbond__Proposal **proposal)
{
	*proposal = NULL;
	if (id.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "proposal: 32 bytes");
	*proposal = sb_run_load(run, &sealbond__proposal__descriptor, SB_RECORD_PROPOSAL, id.data, 32);
	if (!*proposal || (*proposal)->ends <= run->time)
		return sb_run_refuse(run, SB_TX_PROPOSAL_OVER, NULL);
	return SB_TX_OK;
}

static bool take_out(size_t *count, ProtobufCBinaryData *keys, const uint8_t key[32])
{
	for (size_t i = 0; i < *count; i++) {
		if (!sb_bytes_are(keys[i], key, 32))
			continue;
		free(keys[i].data);
		memmove(keys + i, keys + i + 1, (*count - i - 1) * sizeof(*keys));
		--*count;
		return true;
	}
	return false;
}

static void put_in(size_t *count, ProtobufCBinaryData **keys, const uint8_t key[32])
{
	ProtobufCBinaryData *longer = realloc(*keys, (*count + 1) * sizeof(**keys));

	if (!longer)
		abort();
	longer[*count] = (ProtobufCBinaryData){ 0 };
	sb_bytes_set(&longer[*count], key, 32);
	*keys = longer;
	++*count;
}

/* Votes of those who have left make room for those who have come. */
static void forget_the_left(const Sealbond__Members *members, size_t *count, ProtobufCBinaryData *keys)
{
	for (size_t i = *count; i-- > 0;)
		if (!sb_members_weight_of(members, keys[i]))
			take_out(count, keys, keys[i].data);
}

/* After the vote is noted. The key itself says no with its one vote, until its time is over. */
static enum sb_tx_code vote_replacement(struct sb_run *run, const Sealbond__Members *members,
					const Sealbond__ReplaceMember *replace, Sealbond__Proposal *proposal,
					const Sealbond__Vote *action, bool before)
{
	const uint8_t *id = action->proposal.data;
	uint64_t needed = replacing_weight(members, replace), no;
	int64_t ended = proposal->ends;
	enum sb_tx_code code = SB_TX_OK;

	no = others_weight(members, replace, proposal->n_against, proposal->against);
	if ((action->against && sb_run_is_by(run, replace->key)) || !needed ||
	    sb_members_weight(members) - sb_members_weight_of(members, replace->key) - no < needed)
		return close_proposal(run, id, proposal);
	/* Who has decided it can also think better of it. */
	if (proposal->effective && others_weight(members, replace, proposal->n_approved, proposal->approved) < needed)
		return close_proposal(run, id, proposal);
	if (before)
		return sb_run_refuse(run, SB_TX_VOTED, NULL);
	if (settle(run, members, replace, proposal)) {
		code = sb_run_not_due(run, SB_DUE_PROPOSAL, ended, id, 32);
		if (code == SB_TX_OK)
			code = sb_run_due(run, SB_DUE_PROPOSAL, proposal->ends, id, 32);
	}
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_PROPOSAL, id, 32, proposal) : code;
}

SB_RULE(vote, Vote)
{
	SB_AUTO_MESSAGE Sealbond__Members *members = NULL;
	SB_AUTO_MESSAGE Sealbond__Proposal *proposal = NULL;
	const Sealbond__ReplaceMember *replace;
	enum sb_tx_code code = by_member(run, &members);
	uint64_t yes, no;
	bool before;

	if (code == SB_TX_OK)
		code = load_open(run, action->proposal, &proposal);
	if (code != SB_TX_OK)
		return code;
	forget_the_left(members, &proposal->n_approved, proposal->approved);
	forget_the_left(members, &proposal->n_against, proposal->against);
	if (action->against) {
		take_out(&proposal->n_approved, proposal->approved, run->signer);
		before = take_out(&proposal->n_against, proposal->against, run->signer);
		put_in(&proposal->n_against, &proposal->against, run->signer);
	} else {
		take_out(&proposal->n_against, proposal->against, run->signer);
		before = take_out(&proposal->n_approved, proposal->approved, run->signer);
		put_in(&proposal->n_approved, &proposal->approved, run->signer);
	}
	yes = weight_of(members, proposal->n_approved, proposal->approved);
	no = weight_of(members, proposal->n_against, proposal->against);
	sb_run_answer(run, action->proposal.data, 32);
	replace = replacement(proposal->n_changes, proposal->changes);
	if (replace)
		return vote_replacement(run, members, replace, proposal, action, before);
	if (yes >= members->threshold) {
		code = close_proposal(run, action->proposal.data, proposal);
		return code == SB_TX_OK ? sb_changes_make(run, proposal->n_changes, proposal->changes) : code;
	}
	if (sb_members_weight(members) - no < members->threshold)
		return close_proposal(run, action->proposal.data, proposal);
	if (before)
		return sb_run_refuse(run, SB_TX_VOTED, NULL);
	return sb_run_save(run, SB_RECORD_PROPOSAL, action->proposal.data, 32, proposal);
}

SB_RULE(withdraw, Withdraw)
{
	SB_AUTO_MESSAGE Sealbond__Proposal *proposal = NULL;
	enum sb_tx_code code = load_open(run, action->proposal, &proposal);

	if (code != SB_TX_OK)
		return code;
	if (!sb_run_is_by(run, proposal->proposer))
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "only who has proposed may withdraw");
	return close_proposal(run, action->proposal.data, proposal);
}

/* A node that does not know the rules that its ledger has decided on must not go on with its own. */
static void check_rules(struct sb_run *run)
{
	SB_AUTO_MESSAGE Sealbond__Rules *rules = sb_run_load(run, &sealbond__rules__descriptor, SB_RECORD_RULES, NULL, 0);

	if (rules && rules->version > SB_RULES_KNOWN && run->height >= rules->height && !run->error)
		run->error = -EPROTONOSUPPORT;
}

/*
 * Its time has come without a no. Members and weights may be others than when it was decided: then there is nothing to
 * replace, or not by these, and it is over. Nothing of that is refused: there is nobody to refuse it to.
 */
static enum sb_tx_code make_replacement(struct sb_run *run, const Sealbond__Proposal *proposal)
{
	const Sealbond__ReplaceMember *replace = replacement(proposal->n_changes, proposal->changes);
	SB_AUTO_MESSAGE Sealbond__Members *members = sb_members_load(run);
	Sealbond__Member gone = SEALBOND__MEMBER__INIT, come = SEALBOND__MEMBER__INIT;
	enum sb_tx_code code;
	uint64_t needed;

	if (!replace || !members || sb_run_has(run, SB_RECORD_SUCCESSION, NULL, 0))
		return run->error ? SB_TX_INTERNAL : SB_TX_OK;
	needed = replacing_weight(members, replace);
	if (!sb_members_weight_of(members, replace->key) || sb_members_weight_of(members, replace->by) || !needed ||
	    others_weight(members, replace, proposal->n_approved, proposal->approved) < needed)
		return SB_TX_OK;
	gone.key = replace->key;
	come.key = replace->by;
	come.weight = sb_members_weight_of(members, replace->key);
	come.name = replace->name[0] ? replace->name : (char *)sb_members_name_of(members, replace->key);
	sb_members_set(members, &come);
	sb_members_set(members, &gone);
	code = sb_run_account(run, replace->by.data);
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_MEMBERS, NULL, 0, members) : code;
}

enum sb_tx_code sb_begin_proposals(struct sb_run *run)
{
	uint8_t id[SB_DUE_ID_MAX];
	enum sb_tx_code code = SB_TX_OK;

	check_rules(run);
	if (run->error)
		return SB_TX_INTERNAL;
	for (unsigned int i = 0; i < EXPIRE_IN_BLOCK && code == SB_TX_OK; i++) {
		SB_AUTO_MESSAGE Sealbond__Proposal *proposal = NULL;

		if (sb_run_take_due(run, SB_DUE_PROPOSAL, id) != 32)
			break;
		proposal = sb_run_load(run, &sealbond__proposal__descriptor, SB_RECORD_PROPOSAL, id, 32);
		if (proposal)
			code = close_proposal(run, id, proposal);
		if (code == SB_TX_OK && proposal && proposal->effective)
			code = make_replacement(run, proposal);
	}
	return code;
}
