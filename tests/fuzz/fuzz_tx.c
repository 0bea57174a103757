// SPDX-License-Identifier: Apache-2.0
/*
 * Arbitrary bytes as a transaction at the door, or (by the first byte) as what a person says whose signature has
 * been believed. A ledger stands behind it on which every key has an account and every device is the signer's.
 * Whatever comes, nothing is out of bounds, and what is refused leaves nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "state/journal.h"
#include "state/machine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t parameters[512], account[16], device[1024], enroller[64], members[128];
static size_t parameters_length, account_length, device_length, enroller_length, members_length;
static const uint8_t signer[32];

static void set_up(void)
{
	Sealbond__Parameters p = SEALBOND__PARAMETERS__INIT;
	Sealbond__Account a = SEALBOND__ACCOUNT__INIT;
	Sealbond__Device d = SEALBOND__DEVICE__INIT;
	Sealbond__Enroller e = SEALBOND__ENROLLER__INIT;
	Sealbond__Member m = SEALBOND__MEMBER__INIT, *list[] = { &m };
	Sealbond__Members all = SEALBOND__MEMBERS__INIT;
	ProtobufCBinaryData zero = { 32, (uint8_t *)signer };

	p.enrolment = p.admission = p.enrollers_needed = 1;
	p.lease = p.beacon_age = p.enrolling_for = p.vote_for = 3600;
	p.pcrs_allowed = 0xffff;
	p.cap_pcr = 14;
	p.devices_most = p.devices_per_block = p.enrolling_most = p.zones_most = p.proposals_most = 10;
	parameters_length = sealbond__parameters__pack(&p, parameters);
	a.next = 1;
	account_length = sealbond__account__pack(&a, account);
	d.state = SEALBOND__DEVICE_STATE__LIVE;
	d.owner = d.key = d.candidate = d.incident = zero;
	d.index = 3;
	device_length = sealbond__device__pack(&d, device);
	e.key = m.key = zero;
	e.name = m.name = (char *)"x";
	m.weight = 1;
	enroller_length = sealbond__enroller__pack(&e, enroller);
	all.n_members = all.threshold = 1;
	all.members = list;
	members_length = sealbond__members__pack(&all, members);
}

static int get(void *context, const void *key, size_t key_length, const uint8_t **value, size_t *length)
{
	switch (*(const uint8_t *)key) {
	case SB_RECORD_PARAMETERS: *value = parameters; *length = parameters_length; return 0;
	case SB_RECORD_ACCOUNT: *value = account; *length = account_length; return 0;
	case SB_RECORD_DEVICE: *value = device; *length = device_length; return 0;
	case SB_RECORD_ENROLLER: *value = enroller; *length = enroller_length; return 0;
	case SB_RECORD_MEMBERS: *value = members; *length = members_length; return 0;
	default: return -ENOENT;
	}
}

static int each(void *context, const void *prefix, size_t prefix_length,
		int (*tell)(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length),
		void *tell_context)
{
	return 0;
}

static int block_hash(void *context, uint64_t height, uint8_t hash[32], int64_t *seconds)
{
	memset(hash, 0, 32);
	*seconds = 1000;
	return height < 100 ? 0 : -ENOENT;
}

static struct sb_records below = { .get = get, .each = each, .block_hash = block_hash };

#define CASE(NAME, name)	case SEALBOND__BODY__ACTION_##NAME: return sb_rule_##name(run, body->name)

static enum sb_tx_code call(struct sb_run *run, const Sealbond__Body *body)
{
	switch (body->action_case) {
	CASE(CHALLENGE, challenge); CASE(IMPORT_KEYS, import_keys); CASE(APPROVE, approve); CASE(SUSPEND, suspend);
	CASE(RESUME, resume); CASE(REVOKE, revoke); CASE(RETIRE, retire); CASE(REPLACE, replace);
	CASE(OFFER_DEVICE, offer_device); CASE(ACCEPT_DEVICE, accept_device); CASE(SET_MEMBERSHIP, set_membership);
	CASE(SET_PROFILE, set_profile); CASE(RESOLVE_INCIDENT, resolve_incident); CASE(CREATE_ZONE, create_zone);
	CASE(UPDATE_ZONE, update_zone); CASE(DELETE_ZONE, delete_zone); CASE(PROPOSE, propose); CASE(VOTE, vote);
	CASE(WITHDRAW, withdraw);
	default: return SB_TX_OK;	/* of a device, or nothing */
	}
}

static void believed(const uint8_t *data, size_t size)
{
	struct sb_journal *journal = sb_journal_new(&below);
	struct sb_tx_result result = { .code = 0 };
	struct sb_run run = { .records = sb_journal_records(journal), .chain = "plant", .height = 50, .time = 1010,
			      .is_person = true, .result = &result };
	SB_AUTO_MESSAGE Sealbond__Body *body = sb_message_read(&sealbond__body__descriptor, data, size);

	if (body && call(&run, body) != SB_TX_OK && !result.log[0] && !run.error)
		abort();
	sb_message_free(run.parameters);
	sb_journal_free(journal);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sb_tx_result result;
	uint8_t *copy;

	if (!size)
		return 0;
	if (!parameters_length)
		set_up();
	copy = malloc(size);
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	if (data[0] & 1)
		believed(copy, size - 1);
	else if (sb_machine_check(&below, "plant", 50, 1010, copy, size - 1, &result) < 0)
		abort();
	free(copy);
	return 0;
}
