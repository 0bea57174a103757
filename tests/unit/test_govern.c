// SPDX-License-Identifier: Apache-2.0
/* What members decide, and that whatever they decide, somebody can decide the next thing. */
#include "assembly_world.h"
#include "state/zone.h"

static uint32_t weight_now(struct assembly *assembly, const struct person *person)
{
	SB_AUTO_MESSAGE Sealbond__Members *members =
		record_of(&assembly->ledger, &sealbond__members__descriptor, SB_RECORD_MEMBERS, NULL, 0);

	return sb_members_weight_of(members, span32(person->key));
}

static bool is_open(struct assembly *assembly, const uint8_t id[32])
{
	SB_AUTO_MESSAGE Sealbond__Proposal *proposal =
		record_of(&assembly->ledger, &sealbond__proposal__descriptor, SB_RECORD_PROPOSAL, id, 32);

	return proposal;
}

static void enough_weight_decides(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Member member;
	Sealbond__Change one = member_of(&member, &assembly->other[0], 1);
	uint8_t id[32];

	assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, id), SB_TX_OK);
	assert_true(is_open(assembly, id));
	assert_int_equal(weight_now(assembly, &assembly->other[0]), 0);
	assert_int_equal(votes(assembly, &assembly->member[0], id, false), SB_TX_VOTED);
	assert_int_equal(votes(assembly, &assembly->member[2], id, true), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->member[2], id, true), SB_TX_VOTED);
	assert_int_equal(votes(assembly, &assembly->member[1], id, false), SB_TX_OK);
	assert_int_equal(weight_now(assembly, &assembly->other[0]), 1);
	assert_false(is_open(assembly, id));
	assert_int_equal(votes(assembly, &assembly->member[2], id, false), SB_TX_PROPOSAL_OVER);
	/* the new member decides from now on */
	one = member_of(&member, &assembly->other[1], 1);
	assert_int_equal(proposes(assembly, &assembly->other[0], 1, &one, id), SB_TX_OK);
}

static void a_mind_can_be_changed_and_enough_against_closes(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Member member;
	Sealbond__Change one = member_of(&member, &assembly->other[0], 1);
	uint8_t id[32];

	assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, id), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->member[0], id, true), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->member[1], id, false), SB_TX_OK);
	assert_int_equal(weight_now(assembly, &assembly->other[0]), 0);
	assert_int_equal(votes(assembly, &assembly->member[2], id, true), SB_TX_OK);
	assert_false(is_open(assembly, id));
	assert_int_equal(weight_now(assembly, &assembly->other[0]), 0);
}

static void who_may(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Member member;
	Sealbond__Change one = member_of(&member, &assembly->other[0], 1);
	static const uint8_t nothing[32];
	BODY(VOTE, vote, Vote, vote);
	uint8_t id[32];

	assert_int_equal(proposes(assembly, &assembly->other[0], 1, &one, NULL), SB_TX_NO_ACCOUNT);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	one = member_of(&member, &assembly->other[0], 0);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	/* it has an account, but no vote any more */
	assert_int_equal(proposes(assembly, &assembly->other[0], 1, &one, NULL), SB_TX_NOT_ALLOWED);
	one = threshold_of(1);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, id), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->other[0], id, false), SB_TX_NOT_ALLOWED);
	assert_int_equal(withdraws(assembly, &assembly->member[1], id), SB_TX_NOT_ALLOWED);
	assert_int_equal(withdraws(assembly, &assembly->member[0], id), SB_TX_OK);
	assert_int_equal(withdraws(assembly, &assembly->member[0], id), SB_TX_PROPOSAL_OVER);
	assert_int_equal(votes(assembly, &assembly->member[0], nothing, false), SB_TX_PROPOSAL_OVER);
	vote.proposal = (ProtobufCBinaryData){ 31, id };
	assert_int_equal(says(&assembly->ledger, &assembly->member[0], &body), SB_TX_FIELD);
}

/* Votes of who has left do not count, and a member cannot take all the room for proposals. */
static void who_has_left_does_not_count(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Member member, second;
	Sealbond__Change one = member_of(&member, &assembly->other[0], 5), two[2];
	uint8_t id[32], other_id[32];

	assert_int_equal(proposes(assembly, &assembly->member[2], 1, &one, id), SB_TX_OK);
	assert_int_equal(proposes(assembly, &assembly->member[2], 1, &one, NULL), SB_TX_OK);
	assert_int_equal(proposes(assembly, &assembly->member[2], 1, &one, NULL), SB_TX_LIMIT);
	two[0] = member_of(&second, &assembly->member[2], 0);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, two, other_id), SB_TX_OK);
	assert_int_equal(votes(assembly, &assembly->member[1], other_id, false), SB_TX_OK);
	assert_int_equal(weight_now(assembly, &assembly->member[2]), 0);
	/* one vote more would be two, but the first is nobody's */
	assert_int_equal(votes(assembly, &assembly->member[0], id, false), SB_TX_OK);
	assert_true(is_open(assembly, id));
	assert_int_equal(weight_now(assembly, &assembly->other[0]), 0);
	assert_int_equal(votes(assembly, &assembly->member[1], id, false), SB_TX_OK);
	assert_int_equal(weight_now(assembly, &assembly->other[0]), 5);
}

static void a_proposal_ends(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Change one = threshold_of(1);
	uint8_t id[32];

	assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, id), SB_TX_OK);
	ledger_wait(&assembly->ledger, parameters.vote_for + 1);
	assert_false(is_open(assembly, id));
	assert_int_equal(votes(assembly, &assembly->member[1], id, false), SB_TX_PROPOSAL_OVER);
	/* and its room is free again */
	for (int i = 0; i < 2; i++)
		assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, id), SB_TX_OK);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, NULL), SB_TX_LIMIT);
	assert_int_equal(withdraws(assembly, &assembly->member[0], id), SB_TX_OK);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, &one, NULL), SB_TX_OK);
}

static void members_who_can_decide_remain(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Member room[3];
	Sealbond__Change many[4];

	many[0] = threshold_of(4);
	assert_int_equal(decide(assembly, 1, many), SB_TX_LAST_MEMBERS);
	many[0] = member_of(&room[0], &assembly->member[2], 0);
	many[1] = member_of(&room[1], &assembly->member[1], 0);
	assert_int_equal(decide(assembly, 2, many), SB_TX_LAST_MEMBERS);
	assert_int_equal(weight_now(assembly, &assembly->member[2]), 1);
	/* with the threshold lowered in the same proposal, in any order */
	many[2] = threshold_of(1);
	assert_int_equal(decide(assembly, 3, many), SB_TX_OK);
	assert_int_equal(weight_now(assembly, &assembly->member[1]), 0);
	/* alone now: what it proposes is decided, but not its own end */
	many[0] = member_of(&room[0], &assembly->member[0], 0);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_LAST_MEMBERS);
	many[1] = member_of(&room[1], &assembly->other[0], 1);
	assert_int_equal(proposes(assembly, &assembly->member[0], 2, many, NULL), SB_TX_OK);
	assert_int_equal(weight_now(assembly, &assembly->other[0]), 1);
	assert_int_equal(weight_now(assembly, &assembly->member[0]), 0);
	many[0] = member_of(&room[0], &assembly->other[1], 0);
	assert_int_equal(proposes(assembly, &assembly->other[0], 1, many, NULL), SB_TX_CHANGE);
}

/* All sequences of three random changes: whatever is taken leaves somebody who can decide. */
static void no_sequence_ends_it(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Member room[3];
	Sealbond__Validator validators[3];
	uint32_t seed = 12345, taken = 0;

	for (int round = 0; round < 150; round++) {
		SB_AUTO_MESSAGE Sealbond__Members *members = NULL;
		Sealbond__Change many[3];

		for (int i = 0; i < 3; i++) {
			const struct person *who;

			seed = seed * 1664525 + 1013904223;
			who = seed >> 8 & 1 ? &assembly->member[(seed >> 10) % 3] : &assembly->other[(seed >> 10) % 4];
			many[i] = seed >> 20 & 1 ? member_of(&room[i], who, (seed >> 16) % 3) :
				  seed >> 21 & 1 ? threshold_of(1 + (seed >> 16) % 4) :
				  validator_of(&validators[i], validator_key[(seed >> 12) % 4], (seed >> 16) % 12);
		}
		/* everybody who is a member agrees; what a candidate has proposed is decided when there is enough */
		members = record_of(&assembly->ledger, &sealbond__members__descriptor, SB_RECORD_MEMBERS, NULL, 0);
		for (int p = 0, done = 0; p < 7 && !done; p++) {
			struct person *who = p < 3 ? &assembly->member[p] : &assembly->other[p - 3];
			uint8_t id[32];

			if (!sb_members_weight_of(members, span32(who->key)) ||
			    proposes(assembly, who, 3, many, id) != SB_TX_OK)
				continue;
			done = 1;
			for (int q = 0; q < 7 && is_open(assembly, id); q++) {
				struct person *voter = q < 3 ? &assembly->member[q] : &assembly->other[q - 3];

				if (voter != who && sb_members_weight_of(members, span32(voter->key)))
					(void)votes(assembly, voter, id, false);
			}
			taken += !is_open(assembly, id);
			if (is_open(assembly, id))
				assert_int_equal(withdraws(assembly, who, id), SB_TX_OK);
		}
		sb_message_free(members);
		members = record_of(&assembly->ledger, &sealbond__members__descriptor, SB_RECORD_MEMBERS, NULL, 0);
		assert_non_null(members);
		assert_true(members->threshold >= 1 && sb_members_weight(members) >= members->threshold);
	}
	assert_true(taken > 20);
}

static size_t endpoints_now(struct assembly *assembly, const char *first)
{
	SB_AUTO_MESSAGE Sealbond__Endpoints *all =
		record_of(&assembly->ledger, &sealbond__endpoints__descriptor, SB_RECORD_ENDPOINTS, NULL, 0);

	if (first)
		assert_string_equal(all->endpoints[0]->url, first);
	return all ? all->n_endpoints : 0;
}

/* One record has all of them, so that nobody who is asked can leave one out. */
static void endpoints_are_in_one_record(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Endpoint endpoint = SEALBOND__ENDPOINT__INIT;
	Sealbond__Change one = change(SEALBOND__CHANGE__CHANGE_ENDPOINT, &endpoint);
	char url[64];

	assert_int_equal(endpoints_now(assembly, NULL), 0);
	endpoint.name = (char *)"one";
	endpoint.url = url;
	for (size_t i = 0; i < SB_ENDPOINTS_MOST; i++) {
		snprintf(url, sizeof(url), "http://192.0.2.%zu:26657", i);
		assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
		assert_int_equal(endpoints_now(assembly, NULL), i + 1);
	}
	strcpy(url, "http://192.0.2.200:26657");
	assert_int_equal(decide(assembly, 1, &one), SB_TX_LIMIT);
	assert_int_equal(endpoints_now(assembly, NULL), SB_ENDPOINTS_MOST);
	endpoint.name = (char *)"";
	for (size_t i = 1; i < SB_ENDPOINTS_MOST; i++) {
		snprintf(url, sizeof(url), "http://192.0.2.%zu:26657", i);
		assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	}
	assert_int_equal(endpoints_now(assembly, "http://192.0.2.0:26657"), 1);
	strcpy(url, "http://192.0.2.0:26657");
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	assert_int_equal(endpoints_now(assembly, NULL), 0);
}

static void lists_come_and_go(void **state)
{
	static const uint8_t certificate[] = { 0x30, 0x00 };
	struct assembly *assembly = *state;
	Sealbond__Enroller enroller = SEALBOND__ENROLLER__INIT;
	Sealbond__Reference reference = SEALBOND__REFERENCE__INIT;
	Sealbond__Release release = SEALBOND__RELEASE__INIT;
	Sealbond__Endpoint endpoint = SEALBOND__ENDPOINT__INIT;
	Sealbond__TrustRoot root = SEALBOND__TRUST_ROOT__INIT;
	Sealbond__GrantKeys keys = SEALBOND__GRANT_KEYS__INIT;
	Sealbond__Change one;
	uint8_t point[64] = { 1 }, value[32] = { 2 };
	ProtobufCBinaryData values[] = { { 32, value } }, points[] = { { 64, point }, { 64, point } };

	enroller.key = span32(assembly->other[0].key);
	enroller.name = (char *)"desk";
	enroller.url = (char *)"https://desk.example";
	one = change(SEALBOND__CHANGE__CHANGE_ENROLLER, &enroller);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	one = named(SEALBOND__CHANGE__CHANGE_ENROLLER_REMOVE, assembly->other[0].key, 32);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_CHANGE);
	enroller.url = (char *)"ftp://desk";
	one = change(SEALBOND__CHANGE__CHANGE_ENROLLER, &enroller);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);

	reference.id = (ProtobufCBinaryData){ 2, (uint8_t *)"v1" };
	reference.pcrs = 1 << 7;
	reference.n_values = 1;
	reference.values = values;
	one = change(SEALBOND__CHANGE__CHANGE_REFERENCE, &reference);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	one = named(SEALBOND__CHANGE__CHANGE_REFERENCE_REMOVE, "v1", 2);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	reference.pcrs = 3 << 7;
	one = change(SEALBOND__CHANGE__CHANGE_REFERENCE, &reference);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);

	release.id = (ProtobufCBinaryData){ 2, (uint8_t *)"r1" };
	one = change(SEALBOND__CHANGE__CHANGE_RELEASE, &release);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_CHANGE);
	release.name = (char *)"release 1";
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);
	release.release_key = points[0];
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);

	endpoint.url = (char *)"https://ledger.example:26657";
	endpoint.name = (char *)"north";
	one = change(SEALBOND__CHANGE__CHANGE_ENDPOINT, &endpoint);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	endpoint.name = (char *)"";
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_CHANGE);

	root.certificate = (ProtobufCBinaryData){ sizeof(certificate), (uint8_t *)certificate };
	one = change(SEALBOND__CHANGE__CHANGE_ROOT, &root);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);

	keys.n_keys = 1;
	keys.keys = points;
	keys.threshold = 1;
	one = change(SEALBOND__CHANGE__CHANGE_GRANT_KEYS, &keys);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	keys.threshold = 2;
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);
	keys.n_keys = 2;
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);	/* the same twice */
}

static void forms(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Member member;
	Sealbond__Change many[17];
	Sealbond__Rules rules = SEALBOND__RULES__INIT;
	uint8_t id[32] = { 1 };

	assert_int_equal(proposes(assembly, &assembly->member[0], 0, many, NULL), SB_TX_FIELD);
	for (int i = 0; i < 17; i++)
		many[i] = threshold_of(1);
	assert_int_equal(proposes(assembly, &assembly->member[0], 17, many, NULL), SB_TX_FIELD);
	many[0] = threshold_of(0);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_FIELD);
	many[0] = member_of(&member, &assembly->other[0], SB_WEIGHT_MAX + 1);
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_FIELD);
	assert_non_null(strstr(assembly->ledger.last.log, "changes[0].weight"));
	many[0] = member_of(&member, &assembly->other[0], 1);
	member.name = (char *)"a\nb";
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_FIELD);
	many[0] = member_of(&member, &assembly->other[0], 1);
	memset(id, 0xff, sizeof(id));
	member.key = span32(id);	/* on no curve */
	assert_int_equal(proposes(assembly, &assembly->member[0], 1, many, NULL), SB_TX_FIELD);
	many[0] = named(SEALBOND__CHANGE__CHANGE_REVOKE, id, 32);
	assert_int_equal(decide(assembly, 1, many), SB_TX_UNKNOWN_DEVICE);
	many[0] = named(SEALBOND__CHANGE__CHANGE_REVOKE, id, 31);
	assert_int_equal(decide(assembly, 1, many), SB_TX_FIELD);
	many[0] = named(SEALBOND__CHANGE__CHANGE_UNFREEZE, id, 32);
	assert_int_equal(decide(assembly, 1, many), SB_TX_UNKNOWN);
	many[0] = named(SEALBOND__CHANGE__CHANGE_ADMIT, id, 32);
	assert_int_equal(decide(assembly, 1, many), SB_TX_CHANGE);	/* not by vote here */
	many[0] = named(SEALBOND__CHANGE__CHANGE_ZONE_REMOVE, id, 16);
	assert_int_equal(decide(assembly, 1, many), SB_TX_CHANGE);
	sealbond__change__init(&many[0]);
	assert_int_equal(decide(assembly, 1, many), SB_TX_FIELD);

	rules.version = 1;
	rules.height = assembly->ledger.height + 1000;
	many[0] = change(SEALBOND__CHANGE__CHANGE_RULES, &rules);
	assert_int_equal(decide(assembly, 1, many), SB_TX_CHANGE);
	rules.version = 2;
	rules.height = assembly->ledger.height + 10;
	assert_int_equal(decide(assembly, 1, many), SB_TX_CHANGE);
}

/* A node that does not know the rules which its ledger goes on with must end, not go another way. */
static void unknown_rules_end_the_node(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Rules rules = SEALBOND__RULES__INIT;
	Sealbond__Change one = change(SEALBOND__CHANGE__CHANGE_RULES, &rules);

	rules.version = 2;
	rules.height = assembly->ledger.height + SB_RULES_NOTICE + 2;
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	while (assembly->ledger.height + 1 < rules.height)
		ledger_wait(&assembly->ledger, 1);
	assert_int_equal(sb_machine_begin(assembly->ledger.machine, rules.height, assembly->ledger.time + 1),
			 -EPROTONOSUPPORT);
}

static void parameters_within_bounds(void **state)
{
	struct assembly *assembly = *state;
	Sealbond__Parameters now = parameters;
	Sealbond__Change one = change(SEALBOND__CHANGE__CHANGE_PARAMETERS, &now);
	uint8_t host_bits[5] = { 10, 77, 0, 1, 16 };
	static const struct { size_t offset; uint32_t value; const char *says; } bad[] = {
#define BAD(name, value) { offsetof(Sealbond__Parameters, name), value, "parameters." #name }
		BAD(enrolment, 0), BAD(enrolment, 4), BAD(admission, 3), BAD(lease, 1), BAD(lease, UINT32_MAX),
		BAD(heartbeat_least, 86400), BAD(beacon_age, 0), BAD(pcrs_allowed, 1 << 7), BAD(pcrs_allowed, 1 << 24),
		BAD(pcrs_allowed, 0x1ffff), BAD(pcrs, 1 << 20), BAD(cap_pcr, 16), BAD(cap_pcr, 23), BAD(cap_pcr, 24),
		BAD(devices_most, 0), BAD(proposals_most, 0), BAD(vote_for, 0), BAD(hold, UINT32_MAX),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		now = parameters;
		memcpy((uint8_t *)&now + bad[i].offset, &bad[i].value, 4);
		assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);
		assert_non_null(strstr(assembly->ledger.last.log, "changes[0]."));
	}
	now = parameters;
	now.overlay4 = (ProtobufCBinaryData){ 5, host_bits };
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);
	now = parameters;
	now.overlay4.len = now.overlay6.len = 0;
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);
	now = parameters;
	now.enrolment = 2;
	now.enrollers_needed = 0;
	assert_int_equal(decide(assembly, 1, &one), SB_TX_FIELD);
	now = parameters;
	now.lease = 3600;
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
}

/* ---- zones */

static uint32_t creates(struct assembly *assembly, struct person *by, const uint8_t zone[16], const struct person *key,
			size_t length)
{
	static uint8_t sealed[60001];
	BODY(CREATE_ZONE, create_zone, CreateZone, zone_);

	zone_.zone = (ProtobufCBinaryData){ 16, (uint8_t *)zone };
	zone_.key = span32(key->key);
	zone_.sealed = (ProtobufCBinaryData){ length, sealed };
	return says(&assembly->ledger, by, &body);
}

static void zones(void **state)
{
	static const uint8_t first[16] = { 1 }, second[16] = { 2 }, third[16] = { 3 };
	struct assembly *assembly = *state;
	struct person *key = &assembly->other[0], *next = &assembly->other[1];
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__UpdateZone update = SEALBOND__UPDATE_ZONE__INIT;
	Sealbond__DeleteZone delete = SEALBOND__DELETE_ZONE__INIT;
	Sealbond__Change one = named(SEALBOND__CHANGE__CHANGE_ZONE_REMOVE, second, 16);

	assert_int_equal(creates(assembly, &assembly->member[0], first, key, 0), SB_TX_FIELD);
	assert_int_equal(creates(assembly, &assembly->member[0], first, key, 60001), SB_TX_FIELD);
	assert_int_equal(creates(assembly, &assembly->member[0], first, key, 60000), SB_TX_OK);
	assert_int_equal(creates(assembly, &assembly->member[0], first, key, 100), SB_TX_EXISTS);
	assert_int_equal(creates(assembly, &assembly->member[0], second, key, 100), SB_TX_OK);
	assert_int_equal(creates(assembly, &assembly->member[0], third, key, 100), SB_TX_LIMIT);
	assert_int_equal(creates(assembly, &assembly->other[3], third, key, 100), SB_TX_NO_ACCOUNT);

	body.action_case = SEALBOND__BODY__ACTION_UPDATE_ZONE;
	body.update_zone = &update;
	update.zone = (ProtobufCBinaryData){ 16, (uint8_t *)first };
	update.version = 2;
	update.sealed = (ProtobufCBinaryData){ 5, (uint8_t *)"other" };
	assert_int_equal(says(&assembly->ledger, &assembly->member[0], &body), SB_TX_NOT_ALLOWED);
	update.version = 3;
	assert_int_equal(says(&assembly->ledger, key, &body), SB_TX_VERSION);
	update.version = 2;
	update.key = span32(next->key);
	assert_int_equal(says(&assembly->ledger, key, &body), SB_TX_OK);
	update.version = 3;
	assert_int_equal(says(&assembly->ledger, key, &body), SB_TX_NOT_ALLOWED);
	update.key.len = 0;
	assert_int_equal(says(&assembly->ledger, next, &body), SB_TX_OK);
	update.zone.data = (uint8_t *)third;
	assert_int_equal(says(&assembly->ledger, next, &body), SB_TX_UNKNOWN);
	update.zone.len = 15;
	assert_int_equal(says(&assembly->ledger, next, &body), SB_TX_FIELD);

	body.action_case = SEALBOND__BODY__ACTION_DELETE_ZONE;
	body.delete_zone = &delete;
	delete.zone = (ProtobufCBinaryData){ 16, (uint8_t *)first };
	assert_int_equal(says(&assembly->ledger, key, &body), SB_TX_NOT_ALLOWED);
	assert_int_equal(says(&assembly->ledger, next, &body), SB_TX_OK);
	assert_int_equal(says(&assembly->ledger, next, &body), SB_TX_UNKNOWN);
	assert_int_equal(creates(assembly, &assembly->member[0], third, key, 100), SB_TX_OK);
	/* whoever has the key of one, the members can make room */
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	assert_int_equal(creates(assembly, &assembly->member[0], first, key, 100), SB_TX_OK);
}

static uint32_t zones_of(struct assembly *assembly, const struct person *person)
{
	SB_AUTO_MESSAGE Sealbond__Account *account =
		record_of(&assembly->ledger, &sealbond__account__descriptor, SB_RECORD_ACCOUNT, person->key, 32);

	return account ? account->zones : 0;
}

/* Nobody but a member takes all the room for zones, not even by the keys of its zones. */
static void zones_of_one(void **state)
{
	struct assembly *assembly = *state;
	struct person *desk = &assembly->other[0], *key = &assembly->other[1];
	Sealbond__Enroller enroller = SEALBOND__ENROLLER__INIT;
	Sealbond__Parameters more = parameters;
	Sealbond__Change one = change(SEALBOND__CHANGE__CHANGE_PARAMETERS, &more);
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__DeleteZone delete = SEALBOND__DELETE_ZONE__INIT;
	uint8_t zone[16] = { 0 };

	more.zones_most = 100;
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	enroller.key = span32(desk->key);
	enroller.name = (char *)"desk";
	one = change(SEALBOND__CHANGE__CHANGE_ENROLLER, &enroller);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	for (zone[0] = 0; zone[0] < SB_ZONES_PER_ACCOUNT; zone[0]++)
		assert_int_equal(creates(assembly, desk, zone, key, 1), SB_TX_OK);
	assert_int_equal(creates(assembly, desk, zone, key, 1), SB_TX_LIMIT);
	assert_non_null(strstr(assembly->ledger.last.log, "delete one"));
	assert_int_equal(creates(assembly, key, zone, key, 1), SB_TX_NOT_ALLOWED);
	assert_int_equal(zones_of(assembly, desk), SB_ZONES_PER_ACCOUNT);
	body.action_case = SEALBOND__BODY__ACTION_DELETE_ZONE;
	body.delete_zone = &delete;
	delete.zone = (ProtobufCBinaryData){ 16, zone };
	zone[0] = 7;
	assert_int_equal(says(&assembly->ledger, key, &body), SB_TX_OK);
	assert_int_equal(creates(assembly, desk, zone, key, 1), SB_TX_OK);
	/* the members' word counts as well */
	one = named(SEALBOND__CHANGE__CHANGE_ZONE_REMOVE, zone, 16);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	assert_int_equal(zones_of(assembly, desk), SB_ZONES_PER_ACCOUNT - 1);
	for (zone[0] = 100; zone[0] < 137; zone[0]++)
		assert_int_equal(creates(assembly, &assembly->member[0], zone, &assembly->member[0], 1), SB_TX_OK);
	assert_int_equal(creates(assembly, &assembly->member[0], zone, &assembly->member[0], 1), SB_TX_LIMIT);
	/* a zone's key that becomes more than that may */
	zone[0] = 8;
	assert_int_equal(says(&assembly->ledger, key, &body), SB_TX_OK);
	enroller.key = span32(key->key);
	one = change(SEALBOND__CHANGE__CHANGE_ENROLLER, &enroller);
	assert_int_equal(decide(assembly, 1, &one), SB_TX_OK);
	assert_int_equal(creates(assembly, key, zone, key, 1), SB_TX_OK);
}

/* ---- what a ledger does not begin with */

static void begins_not(Sealbond__Genesis *genesis, const char *says)
{
	struct record_world world;
	struct sb_machine *machine;
	struct sb_tx_result result;

	record_world_init(&world);
	machine = sb_machine_new(&world.records, CHAIN);
	assert_int_equal(sb_machine_init(machine, genesis, START, &result), 0);
	assert_int_not_equal(result.code, SB_TX_OK);
	if (!strstr(result.log, says))
		fail_msg("\"%s\" is not in \"%s\"", says, result.log);
	assert_int_equal(world.count, 0);
	sb_machine_free(machine);
	record_world_free(&world);
}

static void genesis_names_what_is_wrong(void **state)
{
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Member member = SEALBOND__MEMBER__INIT, second, *members[] = { &member, &second };
	Sealbond__Validator validator = SEALBOND__VALIDATOR__INIT, *validators[] = { &validator, &validator };
	Sealbond__Endpoint endpoint = SEALBOND__ENDPOINT__INIT, *endpoints[] = { &endpoint };
	struct person person;

	make_person(&person, 1);
	sane_parameters(&parameters);
	begins_not(&genesis, "parameters:");
	genesis.parameters = &parameters;
	begins_not(&genesis, "members:");
	genesis.n_members = 1;
	genesis.members = members;
	begins_not(&genesis, "members[0].key");
	member.key = span32(person.key);
	begins_not(&genesis, "members[0].weight");
	member.weight = 2;
	begins_not(&genesis, "threshold: 1 to 2");
	genesis.threshold = 3;
	begins_not(&genesis, "threshold: 1 to 2");
	genesis.threshold = 2;
	second = member;
	genesis.n_members = 2;
	begins_not(&genesis, "members[1].key: twice");
	genesis.n_members = 1;
	genesis.n_validators = 2;
	genesis.validators = validators;
	begins_not(&genesis, "validators[0].key");
	validator.key = span32(person.key);
	begins_not(&genesis, "validators[0].power");
	validator.power = 1;
	begins_not(&genesis, "validators[1].key: twice");
	genesis.n_validators = 1;
	genesis.n_endpoints = 1;
	genesis.endpoints = endpoints;
	begins_not(&genesis, "endpoints[0].url");
	parameters.lease = 0;
	begins_not(&genesis, "parameters.lease: 0, not from 30 to");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, open_assembly, close_assembly)
	const struct CMUnitTest tests[] = {
		WITH(enough_weight_decides), WITH(a_mind_can_be_changed_and_enough_against_closes), WITH(who_may),
		WITH(who_has_left_does_not_count), WITH(a_proposal_ends), WITH(members_who_can_decide_remain),
		WITH(no_sequence_ends_it), WITH(endpoints_are_in_one_record), WITH(lists_come_and_go), WITH(forms),
		WITH(unknown_rules_end_the_node), WITH(parameters_within_bounds), WITH(zones), WITH(zones_of_one),
		cmocka_unit_test(genesis_names_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
