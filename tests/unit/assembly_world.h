/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger with three members, two of whom decide, and what they propose. */
#ifndef ASSEMBLY_WORLD_H
#define ASSEMBLY_WORLD_H

#include "device_world.h"
#include "state/change.h"

#define MEMBERS	3

struct assembly {
	struct ledger ledger;
	struct person member[MEMBERS], other[4];
};

static Sealbond__Parameters parameters;
static uint8_t validator_key[4][32];

static inline void genesis_of(struct assembly *assembly, uint32_t threshold)
{
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Member member[MEMBERS], *members[MEMBERS];
	Sealbond__Validator validator[3], *validators[3];

	for (uint32_t i = 0; i < MEMBERS; i++) {
		make_person(&assembly->member[i], 1 + i);
		sealbond__member__init(&member[i]);
		member[i].key = span32(assembly->member[i].key);
		member[i].weight = 1;
		member[i].name = (char *)"somebody";
		members[i] = &member[i];
		fresh_key(validator_key[i]);
		sealbond__validator__init(&validator[i]);
		validator[i].key = span32(validator_key[i]);
		validator[i].power = 10;
		validators[i] = &validator[i];
	}
	fresh_key(validator_key[3]);
	for (uint32_t i = 0; i < 4; i++)
		make_person(&assembly->other[i], 20 + i);
	sane_parameters(&parameters);
	parameters.proposals_most = 2;
	parameters.zones_most = 2;
	parameters.replace_after = 7200;
	genesis.parameters = &parameters;
	genesis.n_members = MEMBERS;
	genesis.members = members;
	genesis.n_validators = 3;
	genesis.validators = validators;
	genesis.threshold = threshold;
	ledger_open(&assembly->ledger, &genesis);
}

static inline int open_assembly(void **state)
{
	*state = calloc(1, sizeof(struct assembly));
	genesis_of(*state, 2);
	return 0;
}

static inline int close_assembly(void **state)
{
	struct assembly *assembly = *state;

	ledger_close(&assembly->ledger);
	free(assembly);
	return 0;
}

static inline uint32_t proposes(struct assembly *assembly, struct person *by, size_t count, Sealbond__Change *changes,
			 uint8_t id[32])
{
	BODY(PROPOSE, propose, Propose, propose);
	Sealbond__Change *list[20];
	uint32_t code;

	for (size_t i = 0; i < count; i++)
		list[i] = &changes[i];
	propose.n_changes = count;
	propose.changes = list;
	propose.title = (char *)"as we said";
	code = says(&assembly->ledger, by, &body);
	if (code == SB_TX_OK && id) {
		assert_int_equal(assembly->ledger.last.data_length, 32);
		memcpy(id, assembly->ledger.last.data, 32);
	}
	return code;
}

static inline uint32_t votes(struct assembly *assembly, struct person *by, const uint8_t id[32], bool against)
{
	BODY(VOTE, vote, Vote, vote);

	vote.proposal = span32(id);
	vote.against = against;
	return says(&assembly->ledger, by, &body);
}

static inline uint32_t withdraws(struct assembly *assembly, struct person *by, const uint8_t id[32])
{
	BODY(WITHDRAW, withdraw, Withdraw, withdraw);

	withdraw.proposal = span32(id);
	return says(&assembly->ledger, by, &body);
}

/* Two of three decide. */
static inline uint32_t decide(struct assembly *assembly, size_t count, Sealbond__Change *changes)
{
	uint8_t id[32];
	uint32_t code = proposes(assembly, &assembly->member[0], count, changes, id);

	if (code != SB_TX_OK)
		return code;
	code = votes(assembly, &assembly->member[1], id, false);
	if (code != SB_TX_OK)
		assert_int_equal(withdraws(assembly, &assembly->member[0], id), SB_TX_OK);
	return code;
}

static inline Sealbond__Change change(Sealbond__Change__ChangeCase which, void *what)
{
	Sealbond__Change made = SEALBOND__CHANGE__INIT;

	made.change_case = which;
	made.member = what;	/* the same place for all messages */
	return made;
}

static inline Sealbond__Change threshold_of(uint32_t threshold)
{
	Sealbond__Change made = SEALBOND__CHANGE__INIT;

	made.change_case = SEALBOND__CHANGE__CHANGE_THRESHOLD;
	made.threshold = threshold;
	return made;
}

static inline Sealbond__Change named(Sealbond__Change__ChangeCase which, const void *id, size_t length)
{
	Sealbond__Change made = SEALBOND__CHANGE__INIT;

	made.change_case = which;
	made.revoke = (ProtobufCBinaryData){ length, (uint8_t *)id };
	return made;
}

static inline Sealbond__Change validator_of(Sealbond__Validator *room, const uint8_t key[32], uint64_t power)
{
	sealbond__validator__init(room);
	room->key = span32(key);
	room->power = power;
	return change(SEALBOND__CHANGE__CHANGE_VALIDATOR, room);
}

static inline Sealbond__Change member_of(Sealbond__Member *room, const struct person *person, uint32_t weight)
{
	sealbond__member__init(room);
	room->key = span32(person->key);
	room->weight = weight;
	return change(SEALBOND__CHANGE__CHANGE_MEMBER, room);
}

#endif
