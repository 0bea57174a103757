// SPDX-License-Identifier: Apache-2.0
/*
 * A member's key that was lost or stolen is replaced by the others, after a while in which it can say no itself. And
 * whatever anybody proposes and votes, somebody can decide the next thing, and blocks are made.
 */
#include "assembly_world.h"

static Sealbond__Change replacing(Sealbond__ReplaceMember *room, const struct person *old, const struct person *by)
{
	sealbond__replace_member__init(room);
	room->key = span32(old->key);
	room->by = span32(by->key);
	return change(SEALBOND__CHANGE__CHANGE_REPLACE, room);
}

static Sealbond__Members *members_of(struct assembly *assembly)
{
	return record_of(&assembly->ledger, &sealbond__members__descriptor, SB_RECORD_MEMBERS, NULL, 0);
}

static uint32_t weight_now(struct assembly *assembly, const struct person *person)
{
	SB_AUTO_MESSAGE Sealbond__Members *members = members_of(assembly);

	return sb_members_weight_of(members, span32(person->key));
}

static Sealbond__Proposal *open_one(struct assembly *assembly, const uint8_t id[32])
{
	return record_of(&assembly->ledger, &sealbond__proposal__descriptor, SB_RECORD_PROPOSAL, id, 32);
}

static bool is_open(struct assembly *assembly, const uint8_t id[32])
{
	SB_AUTO_MESSAGE Sealbond__Proposal *proposal = open_one(assembly, id);

	return proposal;
}

/* All of them have to agree, and one key is gone. */
static int open_unanimous(void **state)
{
	*state = calloc(1, sizeof(struct assembly));
	genesis_of(*state, 3);
	return 0;
}

static void the_others_replace_a_lost_key(void **state)
{
	struct assembly *assembly = *state;
	SB_AUTO_MESSAGE Sealbond__Proposal *waits = NULL;
	SB_AUTO_MESSAGE Sealbond__Members *members = NULL;
	struct person *lost = &assembly->member[2], *new = &assembly->other[0];
	Sealbond__ReplaceMember room;
	Sealbond__Member member;
	Sealbond__Change one = member_of(&member, lost, 0);
	uint8_t id[32];

	/* as any other change it would need the lost key itself */
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	assert_int_equal(weight_now(assembly, lost), 1);
	one = replacing(&room, lost, new);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, id), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->member[0], id, false), SB_TX_VOTED);
	assert_int_equal(votes(assembly, &assembly->member[1], id, false), SB_TX_OK);
	waits = open_one(assembly, id);
	assert_non_null(waits);
	assert_int_equal(waits->effective, assembly->ledger.time + parameters.replace_after);
	assert_int_equal(waits->effective, waits->ends);
	ledger_wait(&assembly->ledger, parameters.replace_after - 1);
	assert_int_equal(weight_now(assembly, lost), 1);
	ledger_wait(&assembly->ledger, 1);
	assert_int_equal(weight_now(assembly, lost), 0);
	assert_int_equal(weight_now(assembly, new), 1);
	assert_false(is_open(assembly, id));
	members = members_of(assembly);
	assert_int_equal(members->threshold, 3);
	assert_string_equal(sb_members_name_of(members, span32(new->key)), "somebody");
	/* the new key decides, the old one does not */
	one = threshold_of(2);
	assert_int_equal(proposes(assembly, lost, 1, &one, NULL), SB_TX_NOT_ALLOWED);
	assert_int_equal(proposes(assembly, new, 1, &one, id), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->member[0], id, false), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->member[1], id, false), SB_TX_OK);
}

static void the_key_itself_says_no(void **state)
{
	struct assembly *assembly = *state;
	struct person *old = &assembly->member[2];
	Sealbond__ReplaceMember room;
	Sealbond__Change one = replacing(&room, old, &assembly->other[0]);
	uint8_t id[32];

	for (int late = 0; late < 2; late++) {
		assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, id), SB_TX_OK);
		assert_int_equal(votes(assembly, &assembly->member[1], id, false), SB_TX_OK);
		if (late)
			ledger_wait(&assembly->ledger, parameters.replace_after - 2 * BLOCK_S);
		assert_int_equal(votes(assembly, old, id, true), SB_TX_OK);
		assert_false(is_open(assembly, id));
		ledger_wait(&assembly->ledger, 2 * parameters.replace_after);
		assert_int_equal(weight_now(assembly, old), 1);
	}
	/* its yes is nobody's: a thief does not replace it alone, nor with one of the two others */
	assert_int_equal(proposes(assembly, old, 1, &one, id), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->member[0], id, false), SB_TX_OK);
	ledger_wait(&assembly->ledger, 2 * parameters.replace_after);
	assert_true(is_open(assembly, id));
	/* while it waits, who was for it can take that back */
	assert_int_equal(votes(assembly, &assembly->member[1], id, false), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->member[1], id, true), SB_TX_OK);
	assert_false(is_open(assembly, id));
	assert_int_equal(weight_now(assembly, old), 1);
}

static void what_cannot_be_replaced(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__ReplaceMember room;
	Sealbond__Member member, second;
	Sealbond__Change many[2] = { replacing(&room, &assembly->other[0], &assembly->other[1]), threshold_of(1) };
	Sealbond__Parameters now = parameters;
	uint8_t bad[32], id[32];

	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_CHANGE);
	many[0] = replacing(&room, &assembly->member[2], &assembly->member[1]);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_CHANGE);
	many[0] = replacing(&room, &assembly->member[2], &assembly->member[2]);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_FIELD);
	many[0] = replacing(&room, &assembly->member[2], &assembly->other[0]);
	assert_int_equal(proposes(assembly, &assembly->member[0], 2, many, NULL), SB_TX_FIELD);
	memset(bad, 0xff, sizeof(bad));
	room.by = span32(bad);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_FIELD);
	room.key.len = 31;
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_FIELD);
	many[0] = replacing(&room, &assembly->member[2], &assembly->other[0]);
	room.name = (char *)"a\nb";
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_FIELD);
	/* one that has nearly all the weight is not taken over by the few while it sleeps */
	many[0] = member_of(&member, &assembly->member[2], 8);
	many[1] = threshold_of(5);
	assert_int_equal(decide(assembly, 2, many), SB_TX_OK);
	many[0] = replacing(&room, &assembly->member[2], &assembly->other[0]);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_CHANGE);
	assert_non_null(strstr(assembly->ledger.last.log, "half of the threshold"));
	/* it replaces the others as it likes, and alone: after a while, too */
	many[0] = replacing(&room, &assembly->member[0], &assembly->other[0]);
	assert_int_equal(proposes(assembly, &assembly->member[2], 1, many, id), SB_TX_OK);
	assert_true(is_open(assembly, id));
	assert_int_equal(weight_now(assembly, &assembly->member[0]), 1);
	/* meanwhile the member has gone: there is nothing to replace */
	many[0] = member_of(&second, &assembly->member[0], 0);
	assert_int_equal(proposes(assembly, &assembly->member[2], 1, many, NULL), SB_TX_OK);
	ledger_wait(&assembly->ledger, 2 * parameters.replace_after);
	assert_int_equal(weight_now(assembly, &assembly->other[0]), 0);
	assert_false(is_open(assembly, id));
	/* a ledger may have no such way */
	now.replace_after = 60;
	many[0] = change(SEALBOND__CHANGE__CHANGE_PARAMETERS, &now);
	assert_int_equal(proposes(assembly, &assembly->member[2], 1, many, NULL), SB_TX_FIELD);
	now.replace_after = 0;
	assert_int_equal(proposes(assembly, &assembly->member[2], 1, many, NULL), SB_TX_OK);
	many[0] = replacing(&room, &assembly->member[1], &assembly->other[0]);
	assert_int_equal(proposes(assembly, &assembly->member[2], 1, many, NULL), SB_TX_CHANGE);
}

/* ---- nobody can end it */

struct dice {
	uint64_t state;
};

static uint32_t throw(struct dice *dice, uint32_t sides)
{
	dice->state = dice->state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(dice->state >> 33) % sides;
}

static struct person *somebody(struct assembly *assembly, struct dice *dice)
{
	uint32_t which = throw(dice, MEMBERS + 4);

	return which < MEMBERS ? &assembly->member[which] : &assembly->other[which - MEMBERS];
}

/* Mostly one who has a vote, whoever that is by now. */
static struct person *speaker(struct assembly *assembly, struct dice *dice)
{
	struct person *who = somebody(assembly, dice);

	for (int i = 0; i < 4 && !weight_now(assembly, who); i++)
		who = somebody(assembly, dice);
	return who;
}

union room {
	Sealbond__Member member;
	Sealbond__Validator validator;
	Sealbond__ReplaceMember replace;
};

static Sealbond__Change any_change(struct assembly *assembly, struct dice *dice, union room *room)
{
	const struct person *who = somebody(assembly, dice);
	uint32_t what = throw(dice, 10);

	if (what < 4)
		return member_of(&room->member, who, throw(dice, 3) * throw(dice, 3));
	if (what < 5)
		return threshold_of(1 + throw(dice, 6));
	if (what < 7)
		return replacing(&room->replace, who, somebody(assembly, dice));
	sealbond__validator__init(&room->validator);
	room->validator.key = span32(validator_key[throw(dice, 4)]);
	room->validator.power = throw(dice, 3) ? throw(dice, 20) : 0;
	return change(SEALBOND__CHANGE__CHANGE_VALIDATOR, &room->validator);
}

static int count_power(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	SB_AUTO_MESSAGE Sealbond__Validator *validator =
		sb_message_read(&sealbond__validator__descriptor, value, length);

	(void)key, (void)key_length;
	assert_non_null(validator);
	*(uint64_t *)context += validator->power;
	return 0;
}

static void goes_on(struct assembly *assembly)
{
	struct sb_records *records = &assembly->ledger.world.records;
	SB_AUTO_MESSAGE Sealbond__Members *members = members_of(assembly);
	const uint8_t kind = SB_RECORD_VALIDATOR;
	uint64_t power = 0;

	assert_non_null(members);
	assert_true(members->threshold >= 1 && sb_members_weight(members) >= members->threshold);
	assert_int_equal(records->each(records->context, &kind, 1, count_power, &power), 0);
	assert_true(power > 0);
}

/* The chain has seen a validator sign twice. */
static void offends(struct assembly *assembly, const uint8_t key[32])
{
	uint8_t hash[32];

	SHA256(key, 32, hash);
	ledger_begin(&assembly->ledger);
	assert_int_equal(sb_machine_offence(assembly->ledger.machine, hash, false, assembly->ledger.height), 0);
	ledger_finish(&assembly->ledger);
}

#define KEPT	8

static void no_sequence_of_votes_ends_it(void **state)
{
	struct assembly *assembly = *state;
	struct dice dice = { 20260927 };
	uint8_t proposal[KEPT][32] = { { 0 } };
	uint32_t seen[200] = { 0 }, code, replaced = 0;

	for (int step = 0; step < 4000; step++) {
		struct person *who = speaker(assembly, &dice);
		uint8_t *id = proposal[throw(&dice, KEPT)];
		SB_AUTO_MESSAGE Sealbond__Proposal *waits = NULL;
		Sealbond__Change many[3];
		union room room[3];
		uint32_t what = throw(&dice, 20), count = 1 + throw(&dice, 3) * throw(&dice, 2);

		code = SB_TX_OK;
		for (uint32_t i = 0; i < count; i++)
			many[i] = any_change(assembly, &dice, &room[i]);
		if (what < 6)
			code = proposes(assembly, who, count, many, id);
		else if (what < 17)
			code = votes(assembly, who, id, !throw(&dice, 5));
		else if (what < 18)
			code = withdraws(assembly, who, id);
		else if (what < 19)
			offends(assembly, validator_key[throw(&dice, 4)]);
		else
			ledger_wait(&assembly->ledger, 1 + throw(&dice, 10800));
		assert_true(code < 200);
		seen[code]++;
		waits = open_one(assembly, id);
		replaced += waits && waits->effective;
		goes_on(assembly);
	}
	/* and each of these was met on the way, by its name */
	assert_true(seen[SB_TX_OK] > 500 && replaced > 20);
	assert_true(seen[SB_TX_LAST_MEMBERS] && seen[SB_TX_LAST_VALIDATOR] && seen[SB_TX_CHANGE] && seen[SB_TX_LIMIT]);
	assert_true(seen[SB_TX_VOTED] && seen[SB_TX_PROPOSAL_OVER] && seen[SB_TX_NOT_ALLOWED]);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_assembly, close_assembly)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_others_replace_a_lost_key, open_unanimous, close_assembly),
		cmocka_unit_test_setup_teardown(the_key_itself_says_no, open_unanimous, close_assembly),
		WITH(what_cannot_be_replaced), WITH(no_sequence_of_votes_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
