// SPDX-License-Identifier: Apache-2.0
/* Whatever members decide about validators: those who run can make the next block. */
#include "assembly_world.h"

#define KEYS	8

static uint8_t key[KEYS][32];

static int open_chain(void **state)
{
	open_assembly(state);
	for (int i = 0; i < KEYS; i++)
		if (i < 4)
			memcpy(key[i], validator_key[i], 32);
		else
			fresh_key(key[i]);
	return 0;
}

static void sleeps(struct assembly *assembly, const uint8_t who[32])
{
	memcpy(assembly->ledger.asleep[assembly->ledger.sleepers++], who, 32);
}

static void wakes_up(struct assembly *assembly)
{
	assembly->ledger.sleepers--;
}

/* Until the chain makes its blocks with what was decided last. */
static void settle(struct assembly *assembly)
{
	for (int i = 0; i <= SB_VALIDATORS_GAP; i++)
		ledger_wait(&assembly->ledger, BLOCK_S);
	assert_true(ledger_goes_on(&assembly->ledger));
}

static uint32_t sets(struct assembly *assembly, const uint8_t who[32], uint64_t power)
{
	Sealbond__Validator room;
	Sealbond__Change one = validator_of(&room, who, power);

	return decide(assembly, 1, &one);
}

static void the_chain_can_go_on(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Validator room[2];
	Sealbond__Change many[2];

	/* a third of the power may be new, no more */
	assert_int_equal(sets(assembly, key[3], 15), SB_TX_LAST_VALIDATOR);
	assert_int_equal(sets(assembly, key[3], 14), SB_TX_OK);
	/* removal always works, until the last */
	for (int i = 0; i < 3; i++) {
		settle(assembly);
		assert_int_equal(sets(assembly, key[i], 0), SB_TX_OK);
	}
	settle(assembly);
	assert_int_equal(sets(assembly, key[3], 0), SB_TX_LAST_VALIDATOR);
	assert_int_equal(sets(assembly, key[0], 0), SB_TX_CHANGE);
	/* nor by putting another in its place at once */
	many[0] = validator_of(&room[0], key[0], 1000);
	many[1] = validator_of(&room[1], key[3], 0);
	assert_int_equal(decide(assembly, 2, many), SB_TX_LAST_VALIDATOR);
}

static Sealbond__Body vote_for(Sealbond__Vote *vote, const uint8_t id[32])
{
	Sealbond__Body body = SEALBOND__BODY__INIT;

	sealbond__vote__init(vote);
	vote->proposal = span32(id);
	body.action_case = SEALBOND__BODY__ACTION_VOTE;
	body.vote = vote;
	return body;
}

/* In the block under way. */
static uint32_t votes_now(struct assembly *assembly, struct person *by, const uint8_t id[32])
{
	struct ledger *ledger = &assembly->ledger;
	Sealbond__Vote vote;
	Sealbond__Body body = vote_for(&vote, id);
	size_t length;
	uint8_t *tx = sign_body(by, &body, &length);

	assert_int_equal(sb_machine_deliver(ledger->machine, tx, length, &ledger->last), 0);
	note_code(ledger->last.code);
	if (ledger->last.code)
		by->sequence--;
	free(tx);
	return ledger->last.code;
}

/* Three that do not run, decided in one block: each would be harmless alone. */
static void three_in_one_block(void **state)
{
	struct assembly *assembly = *state;
	uint8_t id[3][32];

	for (int i = 0; i < 3; i++) {
		Sealbond__Validator room;
		Sealbond__Change one = validator_of(&room, key[3 + i], 10);

		sleeps(assembly, key[3 + i]);
		assert_int_equal(proposes(assembly, &assembly->member[i], 1, &one, id[i]), SB_TX_OK);
	}
	ledger_begin(&assembly->ledger);
	for (int i = 0; i < 3; i++)
		assert_int_equal(votes_now(assembly, &assembly->member[i ? 0 : 1], id[i]),
				 i ? SB_TX_VALIDATORS_CHANGE : SB_TX_OK);
	ledger_finish(&assembly->ledger);
	/* one change in three blocks, so that what is judged is what the chain uses */
	for (int i = 0; i < SB_VALIDATORS_GAP; i++)
		assert_int_equal(votes(assembly, &assembly->member[0], id[1], false), SB_TX_VALIDATORS_CHANGE);
	assert_non_null(strstr(assembly->ledger.last.log, "vote again"));
	assert_int_equal(votes(assembly, &assembly->member[0], id[1], false), SB_TX_VALIDATORS_ASLEEP);
	assert_non_null(strstr(assembly->ledger.last.log, "30 of 50"));
	settle(assembly);
}

static void who_never_signed_counts_as_asleep(void **state)
{
	struct assembly *assembly = *state;

	sleeps(assembly, key[3]);
	assert_int_equal(sets(assembly, key[3], 10), SB_TX_OK);
	/* days later */
	ledger_wait(&assembly->ledger, 3 * 86400);
	settle(assembly);
	assert_int_equal(sets(assembly, key[4], 10), SB_TX_VALIDATORS_ASLEEP);
	assert_int_equal(sets(assembly, key[0], 0), SB_TX_VALIDATORS_ASLEEP);
	assert_int_equal(sets(assembly, key[3], 20), SB_TX_VALIDATORS_ASLEEP);
	wakes_up(assembly);
	ledger_wait(&assembly->ledger, BLOCK_S);
	assert_int_equal(sets(assembly, key[4], 10), SB_TX_OK);
	settle(assembly);
	assert_int_equal(sets(assembly, key[0], 0), SB_TX_OK);
	settle(assembly);
}

static void a_dead_one_is_removed_or_replaced(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Validator room[2];
	Sealbond__Change many[2];

	assert_int_equal(sets(assembly, key[3], 10), SB_TX_OK);
	settle(assembly);
	/* one of four, and its successor does not run yet */
	sleeps(assembly, key[2]);
	sleeps(assembly, key[4]);
	settle(assembly);
	many[0] = validator_of(&room[0], key[4], 10);
	many[1] = validator_of(&room[1], key[2], 0);
	assert_int_equal(decide(assembly, 2, many), SB_TX_OK);
	settle(assembly);
	assert_int_equal(sets(assembly, key[4], 0), SB_TX_OK);
	settle(assembly);
	assert_int_equal(sets(assembly, key[1], 0), SB_TX_OK);
	settle(assembly);
}

static void a_block_without_a_commit_changes_none(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Validator room;
	Sealbond__Change one = validator_of(&room, key[3], 10);
	const uint8_t stranger[1][SB_ADDRESS_LEN] = { { 7 } };
	uint8_t id[32];

	assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, id), SB_TX_OK);
	/* as a chain's first one is */
	ledger_begin(&assembly->ledger);
	sb_machine_signed(assembly->ledger.machine, stranger, 0);
	assert_int_equal(votes_now(assembly, &assembly->member[1], id), SB_TX_VALIDATORS_ASLEEP);
	ledger_finish(&assembly->ledger);
	/* a chain whose validators are others than the records': the embedded one's is its own */
	ledger_begin(&assembly->ledger);
	sb_machine_signed(assembly->ledger.machine, stranger, 1);
	assert_int_equal(votes_now(assembly, &assembly->member[1], id), SB_TX_OK);
	ledger_finish(&assembly->ledger);
}

static void who_signs_twice_goes_all_the_same(void **state)
{
	struct assembly *assembly = *state;
	struct ledger *ledger = &assembly->ledger;
	uint8_t address[SB_ADDRESS_LEN];

	for (int i = 0; i < 3; i++) {
		sb_signer_address(key[i], address);
		ledger_begin(ledger);
		assert_int_equal(sb_machine_offence(ledger->machine, address, false, ledger->height), 0);
		ledger_finish(ledger);
		assert_int_equal(ledger->set[(ledger->height + 2) % 4].count, i < 2 ? 2 - i : 1);
		/* that is a change, too */
		if (i < 2)
			assert_int_equal(sets(assembly, key[3], 4), SB_TX_VALIDATORS_CHANGE);
	}
	settle(assembly);
	assert_int_equal(sets(assembly, key[3], 4), SB_TX_OK);
	settle(assembly);
}

/* Whoever is asleep: those who sleep are chosen so that the chain goes on until there is a vote. */
static void no_vote_halts_it(void **state)
{
	struct assembly *assembly = *state;
	struct ledger *ledger = &assembly->ledger;
	uint32_t seed = 20261127, seen[200] = { 0 };
	bool awake[KEYS] = { true, true, true };

	for (int i = 3; i < KEYS; i++)
		sleeps(assembly, key[i]);
	for (int step = 0; step < 3000; step++) {
		uint32_t what = (seed = seed * 1664525 + 1013904223) >> 8, who = (what >> 4) % KEYS;

		if (what % 4 == 0) {
			bool fine = true;

			awake[who] = !awake[who];
			ledger->sleepers = 0;
			for (int i = 0; i < KEYS; i++)
				if (!awake[i])
					sleeps(assembly, key[i]);
			for (int64_t ahead = 0; ahead < 2; ahead++) {
				ledger->height += ahead;
				fine = fine && ledger_goes_on(ledger);
				ledger->height -= ahead;
			}
			if (!fine) {
				/* more than the chain bears, whatever is decided */
				awake[who] = true;
				for (size_t i = 0; i < ledger->sleepers; i++)
					if (memcmp(ledger->asleep[i], key[who], 32) == 0)
						memcpy(ledger->asleep[i], ledger->asleep[--ledger->sleepers], 32);
			}
		} else {
			Sealbond__Validator room[2];
			Sealbond__Change many[2] = {
				validator_of(&room[0], key[who], (what >> 8) % 3 ? 5 + (what >> 10) % 8 : 0),
				validator_of(&room[1], key[(what >> 14) % KEYS], (what >> 17) % 2 ? 5 + (what >> 18) % 8 : 0),
			};

			seen[decide(assembly, 1 + (what >> 22) % 2, many)]++;
		}
		for (int64_t i = 0; i < (what >> 12) % 4; i++)
			ledger_wait(ledger, BLOCK_S);
		assert_true(ledger_goes_on(ledger));
	}
	assert_true(seen[SB_TX_OK] > 100 && seen[SB_TX_VALIDATORS_ASLEEP] > 20 && seen[SB_TX_VALIDATORS_CHANGE] > 5);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_chain, close_assembly)
	const struct CMUnitTest tests[] = {
		WITH(the_chain_can_go_on), WITH(three_in_one_block), WITH(who_never_signed_counts_as_asleep),
		WITH(a_dead_one_is_removed_or_replaced), WITH(a_block_without_a_commit_changes_none),
		WITH(who_signs_twice_goes_all_the_same), WITH(no_vote_halts_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
