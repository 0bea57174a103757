// SPDX-License-Identifier: Apache-2.0
/* What a ledger begins with: the same checks as for what members decide later. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "state/change.h"

struct beginning {
	struct sb_run *run;
	const char *list;
	size_t number;
};

/* One entry, as if it had been decided. */
static enum sb_tx_code begin_with(struct beginning *begin, Sealbond__Change *change)
{
	enum sb_tx_code code;
	char at[48];

	if (begin->list)
		snprintf(at, sizeof(at), "%s[%zu]", begin->list, begin->number++);
	else
		snprintf(at, sizeof(at), "grant_keys");
	code = sb_change_check(begin->run, at, change);
	if (code != SB_TX_OK)
		return code;
	code = sb_changes_make(begin->run, 1, &change);
	/* (its place in the list is not that in the changes) */
	return code == SB_TX_CHANGE ? sb_run_refuse(begin->run, code, "%s", at) : code;
}

static enum sb_tx_code begin_members(struct sb_run *run, const Sealbond__Genesis *genesis)
{
	Sealbond__Members *members = sb_message_new(&sealbond__members__descriptor);
	enum sb_tx_code code = SB_TX_OK;
	char at[48];

	if (!genesis->n_members || genesis->n_members > SB_MEMBERS_MOST)
		code = sb_run_refuse(run, SB_TX_FIELD, "members: 1 to %d, who decide", SB_MEMBERS_MOST);
	for (size_t i = 0; i < genesis->n_members && code == SB_TX_OK; i++) {
		const Sealbond__Member *member = genesis->members[i];
		Sealbond__Change change = SEALBOND__CHANGE__INIT;

		change.change_case = SEALBOND__CHANGE__CHANGE_MEMBER;
		change.member = genesis->members[i];
		snprintf(at, sizeof(at), "members[%zu]", i);
		code = sb_change_check(run, at, &change);
		if (code != SB_TX_OK)
			break;
		if (!member->weight)
			code = sb_run_refuse(run, SB_TX_FIELD, "%s.weight: 1 or more", at);
		else if (sb_members_weight_of(members, member->key))
			code = sb_run_refuse(run, SB_TX_FIELD, "%s.key: twice", at);
		else if (sb_members_set(members, member))
			code = sb_run_account(run, member->key.data);
	}
	members->threshold = genesis->threshold;
	if (code == SB_TX_OK && (!genesis->threshold || genesis->threshold > sb_members_weight(members)))
		code = sb_run_refuse(run, SB_TX_FIELD, "threshold: 1 to %llu, the weight of all members",
				     (unsigned long long)sb_members_weight(members));
	if (code == SB_TX_OK)
		code = sb_run_save(run, SB_RECORD_MEMBERS, NULL, 0, members);
	sb_message_free(members);
	return code;
}

#define EACH(name, CASE, field)									\
static enum sb_tx_code begin_##name(struct sb_run *run, const Sealbond__Genesis *genesis)	\
{												\
	struct beginning begin = { run, #name, 0 };						\
	enum sb_tx_code code = SB_TX_OK;							\
												\
	for (size_t i = 0; i < genesis->n_##name && code == SB_TX_OK; i++) {			\
		Sealbond__Change change = SEALBOND__CHANGE__INIT;				\
												\
		change.change_case = SEALBOND__CHANGE__CHANGE_##CASE;				\
		change.field = genesis->name[i];						\
		code = begin_with(&begin, &change);						\
	}											\
	return code;										\
}
EACH(enrollers, ENROLLER, enroller)
EACH(roots, ROOT, root)
EACH(references, REFERENCE, reference)
EACH(endpoints, ENDPOINT, endpoint)

/* All come at once: there is nobody yet whose power they could take. */
static enum sb_tx_code begin_validators(struct sb_run *run, const Sealbond__Genesis *genesis)
{
	enum sb_tx_code code = SB_TX_OK;
	char at[48];

	if (genesis->n_validators > SB_VALIDATORS_MOST)
		return sb_run_refuse(run, SB_TX_LIMIT, "validators: at most %d", SB_VALIDATORS_MOST);
	for (size_t i = 0; i < genesis->n_validators && code == SB_TX_OK; i++) {
		const Sealbond__Validator *validator = genesis->validators[i];
		Sealbond__Change change = SEALBOND__CHANGE__INIT;

		change.change_case = SEALBOND__CHANGE__CHANGE_VALIDATOR;
		change.validator = genesis->validators[i];
		snprintf(at, sizeof(at), "validators[%zu]", i);
		code = sb_change_check(run, at, &change);
		if (code != SB_TX_OK)
			break;
		if (!validator->power)
			code = sb_run_refuse(run, SB_TX_FIELD, "%s.power: 1 or more", at);
		else if (sb_run_has(run, SB_RECORD_VALIDATOR, validator->key.data, 32))
			code = sb_run_refuse(run, SB_TX_FIELD, "%s.key: twice", at);
		else
			code = sb_run_save(run, SB_RECORD_VALIDATOR, validator->key.data, 32, validator);
	}
	return code;
}

static enum sb_tx_code begin_grant_keys(struct sb_run *run, const Sealbond__Genesis *genesis)
{
	struct beginning begin = { run, NULL, 0 };
	Sealbond__Change change = SEALBOND__CHANGE__INIT;

	if (!genesis->grant_keys)
		return SB_TX_OK;
	change.change_case = SEALBOND__CHANGE__CHANGE_GRANT_KEYS;
	change.grant_keys = genesis->grant_keys;
	return begin_with(&begin, &change);
}

/* ---- a state that another chain had */

struct doomed {
	uint8_t key[SB_VALIDATORS_MOST][SB_RECORD_KEY_MAX];
	size_t length[SB_VALIDATORS_MOST], count;
};

static int note_doomed(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct doomed *doomed = context;

	(void)value;
	(void)length;
	if (doomed->count == SB_VALIDATORS_MOST || key_length > SB_RECORD_KEY_MAX)
		return 1;
	memcpy(doomed->key[doomed->count], key, key_length);
	doomed->length[doomed->count++] = key_length;
	return 0;
}

/* All of a kind, of which there are few. */
static enum sb_tx_code remove_all(struct sb_run *run, enum sb_record_kind kind)
{
	struct doomed doomed = { .count = 0 };

	sb_run_each(run, kind, NULL, 0, note_doomed, &doomed);
	for (size_t i = 0; i < doomed.count && !run->error; i++)
		run->error = run->records->remove(run->records->context, doomed.key[i], doomed.length[i]);
	return run->error ? SB_TX_INTERNAL : SB_TX_OK;
}

static enum sb_tx_code put_records(struct sb_run *run, const Sealbond__Genesis *genesis)
{
	for (size_t i = 0; i < genesis->n_records; i++) {
		const Sealbond__Record *record = genesis->records[i];

		if (!record->key.len || record->key.len > SB_RECORD_KEY_MAX || !record->value.len ||
		    record->value.len > SB_RECORD_MAX)
			return sb_run_refuse(run, SB_TX_FIELD, "records[%zu]: a key and a value", i);
		run->error = run->records->put(run->records->context, record->key.data, record->key.len,
					       record->value.data, record->value.len);
		if (run->error)
			return SB_TX_INTERNAL;
	}
	return SB_TX_OK;
}

static bool is_whole(struct sb_run *run)
{
	SB_AUTO_MESSAGE Sealbond__Parameters *parameters =
		sb_run_load(run, &sealbond__parameters__descriptor, SB_RECORD_PARAMETERS, NULL, 0);
	SB_AUTO_MESSAGE Sealbond__Members *members = sb_members_load(run);

	/* what cannot be read is no fault of a store here */
	if (run->error == -EUCLEAN)
		run->error = 0;
	return parameters && members && members->n_members;
}

static enum sb_tx_code list_endpoints(struct sb_run *run)
{
	enum sb_tx_code code = sb_endpoints_list(run);

	if (run->error != -EUCLEAN)
		return code;
	run->error = 0;
	return sb_run_refuse(run, SB_TX_FIELD, "records: an endpoint that cannot be read, or more than %d", SB_ENDPOINTS_MOST);
}

static enum sb_tx_code begin_from_records(struct sb_run *run, const Sealbond__Genesis *genesis)
{
	enum sb_tx_code code;

	if (genesis->parameters || genesis->n_members || genesis->threshold || genesis->n_enrollers || genesis->n_roots ||
	    genesis->n_references)
		return sb_run_refuse(run, SB_TX_FIELD, "records: besides them only validators, grant_keys and endpoints");
	code = put_records(run, genesis);
	/* (with those of its key before, nobody's transaction could be said twice) */
	if (code == SB_TX_OK && !is_whole(run))
		code = sb_run_refuse(run, SB_TX_FIELD, "records: parameters or members are missing: not a whole state");
	if (code == SB_TX_OK)
		code = sb_succession_begin(run);
	if (code == SB_TX_OK && genesis->n_validators)
		code = remove_all(run, SB_RECORD_VALIDATOR);
	if (code == SB_TX_OK && genesis->n_validators)
		code = begin_validators(run, genesis);
	if (code == SB_TX_OK)
		code = begin_grant_keys(run, genesis);
	if (code == SB_TX_OK && genesis->n_endpoints)
		code = remove_all(run, SB_RECORD_ENDPOINT);
	if (code == SB_TX_OK)
		code = begin_endpoints(run, genesis);
	/* (a state from before there was such a list) */
	return code == SB_TX_OK && !genesis->n_endpoints ? list_endpoints(run) : code;
}

enum sb_tx_code sb_genesis(struct sb_run *run, const Sealbond__Genesis *genesis)
{
	static enum sb_tx_code (*const steps[])(struct sb_run *run, const Sealbond__Genesis *genesis) = {
		begin_members, begin_enrollers, begin_roots, begin_references, begin_grant_keys, begin_validators,
		begin_endpoints,
	};
	enum sb_tx_code code;

	if (genesis->n_records)
		return begin_from_records(run, genesis);
	if (!genesis->parameters)
		return sb_run_refuse(run, SB_TX_FIELD, "parameters: a ledger needs them");
	code = sb_parameters_check(run, "parameters", genesis->parameters);
	if (code == SB_TX_OK)
		code = sb_run_save(run, SB_RECORD_PARAMETERS, NULL, 0, genesis->parameters);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && code == SB_TX_OK; i++)
		code = steps[i](run, genesis);
	return code;
}
