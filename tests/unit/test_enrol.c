// SPDX-License-Identifier: Apache-2.0
/* How devices come onto a ledger: by activation; what strangers cannot do. */
#include "device_world.h"

static void k_of_n(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;

	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_UNKNOWN_DEVICE);
	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__NONE);
	assert_int_equal(challenges(ledger, &plant->member, a), SB_TX_NOT_ALLOWED);
	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, plant->enroller, 0), SB_TX_NOT_ENOUGH_ENROLLERS);
	assert_int_equal(activates(ledger, a, plant->enroller, 1), SB_TX_NOT_ENOUGH_ENROLLERS);
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_UNKNOWN);
	assert_int_equal(challenges(ledger, &plant->enroller[1], a), SB_TX_OK);
	assert_int_equal(activates_with(ledger, a, plant->enroller, 2, 1), SB_TX_SECRET);
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_OK);
	assert_memory_equal(ledger->last.data, a->id, 32);
	record = device_record(ledger, a);
	assert_int_equal(record->state, SEALBOND__DEVICE_STATE__AWAITING_APPROVAL);
	assert_int_equal(record->proven, SB_PROVEN_ACTIVATION);
	assert_int_equal(record->n_commitments, 0);
	assert_int_equal(record->overlay4.len, 0);
	/* Each commitment is used once. */
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_UNKNOWN_DEVICE);
	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_UNKNOWN_DEVICE);
	assert_int_equal(enrols(ledger, a), SB_TX_EXISTS);
}

/* An enroller's word binds chain, device, AK, enroller and nonce: none of them may be another. */
static void same_secret_twice(struct device *d, struct statement *s)
{
	SB_AUTO_MESSAGE Sealbond__Body *body = sb_message_read(&sealbond__body__descriptor, s->body.data, s->body.length);
	Sealbond__Activate *activate = body->activate;
	uint8_t *packed;

	sb_bytes_set(&activate->secrets[1]->enroller, activate->secrets[0]->enroller.data, 32);
	sb_bytes_set(&activate->secrets[1]->secret, activate->secrets[0]->secret.data, 32);
	packed = sb_message_pack(body, &s->body.length);
	memcpy(s->body.data, packed, s->body.length);
	free(packed);
	sb_quote_extra(CHAIN, &s->beacon, d->id, s->body.data, s->body.length, s->said.extra);
}

static void secrets_of_others(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, other;

	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(challenges(ledger, &plant->enroller[i], a), SB_TX_OK);
	a->before = same_secret_twice;
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_FIELD);
	/* An AK of somebody's own beside the same EK: the enrollers have not answered to that one. */
	other = *a;
	other.ak = plant->b.ak;
	other.ak_name_length = sb_tpm_name(&other.ak.public, other.ak_name);
	assert_int_equal(activates(ledger, &other, plant->enroller, 2), SB_TX_UNKNOWN_DEVICE);
	assert_int_equal(enrols(ledger, &other), SB_TX_OK);
	assert_int_equal(activates(ledger, &other, plant->enroller, 2), SB_TX_UNKNOWN);
	/* Who says another AK's name signs with the wrong one. */
	memcpy(other.ak_name, a->ak_name, a->ak_name_length);
	assert_int_equal(activates(ledger, &other, plant->enroller, 2), SB_TX_QUOTE_SIGNER);
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_OK);
}

static void challenge_fields(void **state)
{
	struct plant *plant = *state;
	BODY(CHALLENGE, challenge, Challenge, challenge);
	uint8_t bytes[600] = { 1 };
	const struct {
		size_t device, name, nonce, commitment, blob, encrypted;
	} wrong[] = {
		{ 31, 34, 16, 32, 60, 256 }, { 32, 35, 16, 32, 60, 256 }, { 32, 34, 15, 32, 60, 256 }, { 32, 34, 16, 33, 60, 256 },
		{ 32, 34, 16, 32, 0, 256 }, { 32, 34, 16, 32, 257, 256 }, { 32, 34, 16, 32, 60, 0 }, { 32, 34, 16, 32, 60, 515 },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++) {
		challenge.device = (ProtobufCBinaryData){ wrong[i].device, bytes };
		challenge.ak_name = (ProtobufCBinaryData){ wrong[i].name, bytes };
		challenge.nonce = (ProtobufCBinaryData){ wrong[i].nonce, bytes };
		challenge.commitment = (ProtobufCBinaryData){ wrong[i].commitment, bytes };
		challenge.credential_blob = (ProtobufCBinaryData){ wrong[i].blob, bytes };
		challenge.encrypted_secret = (ProtobufCBinaryData){ wrong[i].encrypted, bytes };
		assert_int_equal(says(&plant->ledger, &plant->enroller[0], &body), SB_TX_FIELD);
	}
}

/* A device that asks again keeps what enrollers have answered; its newer box key counts. */
static void asks_again(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;

	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_OK);
	fresh_key(a->box_key);
	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	a->clock.clock -= 2000;
	assert_int_equal(enrols(ledger, a), SB_TX_QUOTE_STALE);
	a->clock.clock += 2000;
	assert_int_equal(challenges(ledger, &plant->enroller[1], a), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[1], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_OK);
	record = device_record(ledger, a);
	assert_memory_equal(record->box_key.data, a->box_key, 32);
}

static void owner_approves(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, *b = &plant->b;
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *other = NULL;

	/* Before its device is proven an owner's key is nobody's. */
	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_NO_ACCOUNT);
	for (int i = 0; i < 2; i++)
		assert_int_equal(challenges(ledger, &plant->enroller[i], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__AWAITING_APPROVAL);
	assert_int_equal(approves(ledger, &plant->member, a, a->current), SB_TX_NOT_ALLOWED);
	assert_int_equal(approves(ledger, &a->owner, a, a->next), SB_TX_KEY_UNKNOWN);
	assert_int_equal(approves(ledger, &a->owner, b, a->current), SB_TX_UNKNOWN_DEVICE);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	bring_live(plant, b, 2);
	record = device_record(ledger, a);
	other = device_record(ledger, b);
	assert_memory_equal(record->key.data, a->current, 32);
	assert_memory_equal(record->next_key.data, a->next, 32);
	assert_memory_equal(record->overlay4.data, "\x0a\x4d\x00\x01", 4);
	assert_memory_equal(other->overlay4.data, "\x0a\x4d\x00\x02", 4);
	assert_memory_equal(other->overlay6.data, "\xfd\x77\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
}

static void by_vote(Sealbond__Parameters *parameters)
{
	parameters->admission = SB_ADMIT_VOTE;
	parameters->enrollers_needed = 1;
}

static int vote(void **state)
{
	return plant_with(state, by_vote, NULL);
}

static void owner_cannot_where_members_vote(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, plant->enroller, 1), SB_TX_OK);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_NOT_ALLOWED);
}

static void openly(Sealbond__Parameters *parameters)
{
	parameters->admission = SB_ADMIT_OPEN;
	parameters->enrollers_needed = 1;
	parameters->devices_most = 1;
	parameters->overlay4.len = 0;
}

static int open_admission(void **state)
{
	return plant_with(state, openly, NULL);
}

static void open_to_all(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, *b = &plant->b;

	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, plant->enroller, 1), SB_TX_OK);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	/* One is all that this ledger takes; what is removed makes room. */
	assert_int_equal(enrols(ledger, b), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], b), SB_TX_OK);
	assert_int_equal(activates(ledger, b, plant->enroller, 1), SB_TX_LIMIT);
	assert_int_equal(retires(ledger, &a->owner, a), SB_TX_OK);
	assert_int_equal(activates(ledger, b, plant->enroller, 1), SB_TX_OK);
	assert_int_equal(state_of(ledger, b), SEALBOND__DEVICE_STATE__LIVE);
}

/* A bond key that another device has, or had: never again. */
static void key_of_another(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, *b = &plant->b;

	bring_live(plant, a, 2);
	memcpy(b->current, a->next, 32);
	assert_int_equal(enrols(ledger, b), SB_TX_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(challenges(ledger, &plant->enroller[i], b), SB_TX_OK);
	assert_int_equal(activates(ledger, b, plant->enroller, 2), SB_TX_OK);
	assert_int_equal(approves(ledger, &b->owner, b, b->current), SB_TX_KEY_USED);
}

static void little_room(Sealbond__Parameters *parameters)
{
	parameters->enrolling_most = 10;
	parameters->devices_per_block = 2;
	parameters->enrolling_for = 1000;
	parameters->enrollers_needed = 2;
}

static int limits_set(void **state)
{
	return plant_with(state, little_room, NULL);
}

static unsigned int waiting(struct ledger *ledger)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters =
		record_of(ledger, &sealbond__counters__descriptor, SB_RECORD_COUNTERS, NULL, 0);

	return counters ? counters->enrolling : 0;
}

static void limits(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device many[11];
	size_t length[3], records = ledger->world.count;
	uint8_t *tx[3];

	for (size_t i = 0; i < SB_ARRAY_SIZE(many); i++)
		make_device(&many[i]);
	for (int i = 0; i < 3; i++) {
		BODY(ENROL, enrol, Enrol, enrol);

		enrol_of(&many[i], &enrol);
		tx[i] = quote_body(&many[i], ledger->height, &body, &length[i]);
	}
	ledger_begin(ledger);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sb_machine_deliver(ledger->machine, tx[i], length[i], &ledger->last), 0);
		assert_int_equal(ledger->last.code, i < 2 ? SB_TX_OK : SB_TX_LIMIT);
		free(tx[i]);
	}
	ledger_finish(ledger);
	for (size_t i = 2; i < SB_ARRAY_SIZE(many); i++)
		assert_int_equal(enrols(ledger, &many[i]), SB_TX_OK);
	assert_int_equal(waiting(ledger), 10);
	/* Nobody has proven them: they are forgotten, and leave nothing but the counters. */
	ledger_wait(ledger, 1000);
	ledger_wait(ledger, 10);
	assert_int_equal(waiting(ledger), 0);
	assert_int_equal(ledger->world.count, records + 1);
	assert_int_equal(enrols(ledger, &many[10]), SB_TX_OK);
	for (size_t i = 0; i < SB_ARRAY_SIZE(many); i++)
		free_device(&many[i]);
}

/* The member decides alone. */
static uint32_t proposed(struct ledger *ledger, struct person *member, Sealbond__Change *one)
{
	BODY(PROPOSE, propose, Propose, propose);

	propose.n_changes = 1;
	propose.changes = &one;
	propose.title = (char *)"away";
	return says(ledger, member, &body);
}

/* Somebody without a TPM makes pairs of keys, which a ledger with activation cannot tell from others. */
static void strangers_keep_nobody_out(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device many[25], *a = &plant->a, *b = &plant->b;
	Sealbond__Change one = SEALBOND__CHANGE__INIT;

	for (size_t i = 0; i < SB_ARRAY_SIZE(many); i++)
		make_device(&many[i]);
	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_OK);
	for (int i = 0; i < 12; i++)
		assert_int_equal(enrols(ledger, &many[i]), SB_TX_OK);
	assert_int_equal(waiting(ledger), 10);
	/* the oldest have gone, but not the one that an enroller has answered */
	assert_int_equal(challenges(ledger, &plant->enroller[0], &many[2]), SB_TX_UNKNOWN_DEVICE);
	assert_int_equal(enrols(ledger, b), SB_TX_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(challenges(ledger, &plant->enroller[i], b), SB_TX_OK);
	for (int i = 12; i < 25; i++)
		assert_int_equal(enrols(ledger, &many[i]), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[1], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_OK);
	assert_int_equal(activates(ledger, b, plant->enroller, 2), SB_TX_OK);
	/* all answered: there is no room, until the members have dismissed one */
	assert_int_equal(waiting(ledger), 8);
	for (int i = 0; i < 2; i++)
		assert_int_equal(enrols(ledger, &many[i]), SB_TX_OK);
	for (int i = 0; i < 25; i++)
		if (i < 2 || i >= 17)
			assert_int_equal(challenges(ledger, &plant->enroller[0], &many[i]), SB_TX_OK);
	assert_int_equal(enrols(ledger, &many[5]), SB_TX_LIMIT);
	one.change_case = SEALBOND__CHANGE__CHANGE_DISMISS;
	one.dismiss = span32(many[20].id);
	assert_int_equal(proposed(ledger, &plant->member, &one), SB_TX_OK);
	assert_int_equal(proposed(ledger, &plant->member, &one), SB_TX_CHANGE);
	one.dismiss.len = 31;
	assert_int_equal(proposed(ledger, &plant->member, &one), SB_TX_FIELD);
	assert_int_equal(waiting(ledger), 9);
	assert_int_equal(enrols(ledger, &many[5]), SB_TX_OK);
	/* and those are forgotten in time, too */
	ledger_wait(ledger, 1000);
	ledger_wait(ledger, 10);
	assert_int_equal(waiting(ledger), 0);
	for (size_t i = 0; i < SB_ARRAY_SIZE(many); i++)
		free_device(&many[i]);
}

/* When its time would have come, it does not take another's place with it. */
static void dismissed_for_good(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	Sealbond__Change one = SEALBOND__CHANGE__INIT;

	one.change_case = SEALBOND__CHANGE__CHANGE_DISMISS;
	one.dismiss = span32(plant->a.id);
	for (int answered = 0; answered < 2; answered++) {
		assert_int_equal(enrols(ledger, &plant->a), SB_TX_OK);
		if (answered)
			assert_int_equal(challenges(ledger, &plant->enroller[0], &plant->a), SB_TX_OK);
		ledger_wait(ledger, 500);
		assert_int_equal(enrols(ledger, &plant->b), SB_TX_OK);
		assert_int_equal(proposed(ledger, &plant->member, &one), SB_TX_OK);
		assert_int_equal(waiting(ledger), 1);
		ledger_wait(ledger, 300);
		ledger_wait(ledger, 300);
		assert_int_equal(waiting(ledger), 1);
		ledger_wait(ledger, 1000);
		ledger_wait(ledger, 10);
		assert_int_equal(waiting(ledger), 0);
	}
}

/* Somebody who knows a device's EK, which is public, enrols it with attestation keys of his own, again and again. */
static void stranger_with_public_ek(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, fake[SB_ENROLMENTS_PER_EK + 2];

	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_OK);
	for (size_t i = 0; i < SB_ARRAY_SIZE(fake); i++) {
		make_device(&fake[i]);
		free_key(&fake[i].ek);
		fake[i].ek = a->ek;
		memcpy(fake[i].id, a->id, 32);
		/* The oldest of his make room for the newest, not the one that an enroller has answered. */
		assert_int_equal(enrols(ledger, &fake[i]), SB_TX_OK);
	}
	assert_int_equal(waiting(ledger), SB_ENROLMENTS_PER_EK);
	assert_int_equal(challenges(ledger, &plant->enroller[1], a), SB_TX_OK);
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_OK);
	assert_int_equal(approves(ledger, &a->owner, a, a->current), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	/* Once the device is live the same words change nothing about it. */
	for (size_t i = 0; i < SB_ARRAY_SIZE(fake); i++)
		enrols(ledger, &fake[i]);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(lease_of(ledger, a), 86400);
	assert_int_equal(activates(ledger, &fake[9], plant->enroller, 2), SB_TX_UNKNOWN);
	assert_int_equal(state_of(ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	for (size_t i = 0; i < SB_ARRAY_SIZE(fake); i++)
		free_key(&fake[i].ak);
}

/* As many keys of one EK as there may be, an enroller's word for each of them: nobody makes room any more. */
static void all_answered(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device more[SB_ENROLMENTS_PER_EK + 1];

	for (size_t i = 0; i < SB_ARRAY_SIZE(more); i++) {
		make_device(&more[i]);
		free_key(&more[i].ek);
		more[i].ek = plant->a.ek;
		memcpy(more[i].id, plant->a.id, 32);
		assert_int_equal(enrols(ledger, &more[i]), i < SB_ENROLMENTS_PER_EK ? SB_TX_OK : SB_TX_LIMIT);
		if (i < SB_ENROLMENTS_PER_EK)
			assert_int_equal(challenges(ledger, &plant->enroller[0], &more[i]), SB_TX_OK);
	}
	assert_int_equal(waiting(ledger), SB_ENROLMENTS_PER_EK);
	for (size_t i = 0; i < SB_ARRAY_SIZE(more); i++)
		free_key(&more[i].ak);
}

/* Whoever is not proven yet cannot be cloned: an older quote is only stale. */
static void clone_of_nobody(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a;

	assert_int_equal(enrols(ledger, a), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[0], a), SB_TX_OK);
	assert_int_equal(challenges(ledger, &plant->enroller[1], a), SB_TX_OK);
	a->clock.reset_count--;
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_QUOTE_STALE);
	a->clock.reset_count++;
	assert_int_equal(activates(ledger, a, plant->enroller, 2), SB_TX_OK);
}

/* Enrolments in the store that cannot be read are the node's fault. */
static void damaged_enrolments(void **state)
{
	struct plant *plant = *state;
	struct record_world *world = &plant->ledger.world;
	uint8_t id[SB_ENROLMENT_ID_LEN] = { 0 }, key[SB_RECORD_KEY_MAX];
	/* one that is no message, and one whose key is too short */
	const size_t id_length[2] = { sizeof(id), 40 }, value_length[2] = { 1, 0 };

	memcpy(id, plant->a.id, 32);
	for (int i = 0; i < 2; i++) {
		size_t length = sb_record_key(SB_RECORD_ENROLMENT, id, id_length[i], key);

		assert_int_equal(world->records.put(world, key, length, (const uint8_t *)"\xff", value_length[i]), 0);
		assert_int_equal(enrols(&plant->ledger, &plant->a), SB_TX_INTERNAL);
		assert_int_equal(world->records.remove(world, key, length), 0);
	}
	assert_int_equal(enrols(&plant->ledger, &plant->a), SB_TX_OK);
}

/* With proof that the EK's TPM holds another AK, too, the device is frozen until its owner has decided which. */
static void second_with_proof(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	struct device *a = &plant->a, second;
	SB_AUTO_MESSAGE Sealbond__Device *frozen = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *after = NULL;

	bring_live(plant, a, 2);
	second = *a;
	second.ak = plant->b.ak;
	second.ak_name_length = sb_tpm_name(&second.ak.public, second.ak_name);
	fresh_key(second.current);
	fresh_key(second.next);
	assert_int_equal(enrols(ledger, &second), SB_TX_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(challenges(ledger, &plant->enroller[i], &second), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(activates(ledger, &second, plant->enroller, 2), SB_TX_OK);
	frozen = device_record(ledger, a);
	assert_int_equal(frozen->state, SEALBOND__DEVICE_STATE__FROZEN_CLONE);
	assert_true(frozen->lease_end <= ledger->time);
	assert_int_equal(beats(ledger, a), SB_TX_STATE);
	assert_int_equal(enrols(ledger, &second), SB_TX_STATE);
	assert_int_equal(approves(ledger, &a->owner, a, second.current), SB_TX_STATE);
	assert_int_equal(resolves(ledger, &a->owner, frozen->incident.data, false), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_OK);
	assert_int_equal(approves(ledger, &a->owner, a, second.next), SB_TX_KEY_UNKNOWN);
	assert_int_equal(approves(ledger, &a->owner, a, second.current), SB_TX_OK);
	assert_int_equal(beats(ledger, a), SB_TX_QUOTE_SIGNER);
	assert_int_equal(beats(ledger, &second), SB_TX_OK);
	after = device_record(ledger, a);
	assert_memory_equal(after->key.data, second.current, 32);
	assert_memory_equal(after->overlay4.data, frozen->overlay4.data, 4);
	assert_int_equal(waiting(ledger), 0);
}

int main(void)
{
#define TEST(test, setup) cmocka_unit_test_setup_teardown(test, setup, plant_close)
	const struct CMUnitTest tests[] = {
		TEST(k_of_n, two_enrollers), TEST(secrets_of_others, two_enrollers), TEST(challenge_fields, two_enrollers),
		TEST(asks_again, two_enrollers), TEST(owner_approves, two_enrollers),
		TEST(owner_cannot_where_members_vote, vote), TEST(open_to_all, open_admission),
		TEST(key_of_another, two_enrollers), TEST(limits, limits_set),
		TEST(strangers_keep_nobody_out, limits_set), TEST(dismissed_for_good, limits_set),
		TEST(stranger_with_public_ek, two_enrollers),
		TEST(all_answered, two_enrollers),
		TEST(clone_of_nobody, two_enrollers), TEST(damaged_enrolments, two_enrollers),
		TEST(second_with_proof, two_enrollers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
