// SPDX-License-Identifier: Apache-2.0
/* Makes what members have decided. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "state/change.h"
#include "state/crypto.h"
#include "state/device.h"
#include "state/enrolment.h"
#include "state/tpm_public.h"
#include "state/zone.h"

struct validators {
	struct {
		uint8_t key[32];
		uint64_t power;
		bool awake;	/* has signed the last block */
	} one[SB_VALIDATORS_MOST];
	size_t count;
	uint64_t power;
	bool damaged;
};

_Static_assert(SB_SIGNERS_MOST >= SB_VALIDATORS_MOST, "all can have signed");

struct making {
	struct sb_run *run;
	Sealbond__Members *members;
	bool members_changed, validators_changed;
	char at[32];
};

static enum sb_tx_code cannot(struct making *making, const char *why)
{
	return sb_run_refuse(making->run, SB_TX_CHANGE, "%s: %s", making->at, why);
}

static int count_one(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	(void)key;
	(void)key_length;
	(void)value;
	(void)length;
	++*(size_t *)context;
	return 0;
}

/* Room for one more of its kind; one that is there already takes none. */
static enum sb_tx_code room_for(struct making *making, enum sb_record_kind kind, const void *id, size_t id_length,
				size_t most)
{
	size_t count = 0;

	if (sb_run_has(making->run, kind, id, id_length))
		return SB_TX_OK;
	sb_run_each(making->run, kind, NULL, 0, count_one, &count);
	if (count >= most)
		return sb_run_refuse(making->run, SB_TX_LIMIT, "%s: %zu are the most: remove one in the same proposal",
				     making->at, most);
	return SB_TX_OK;
}

static enum sb_tx_code put(struct making *making, enum sb_record_kind kind, const void *id, size_t id_length,
			   size_t most, const void *message)
{
	enum sb_tx_code code = room_for(making, kind, id, id_length, most);

	return code == SB_TX_OK ? sb_run_save(making->run, kind, id, id_length, message) : code;
}

static enum sb_tx_code take_away(struct making *making, enum sb_record_kind kind, ProtobufCBinaryData id)
{
	if (!sb_run_has(making->run, kind, id.data, id.len))
		return cannot(making, "there is none to remove");
	return sb_run_remove(making->run, kind, id.data, id.len);
}

static enum sb_tx_code make_member(struct making *making, const Sealbond__Member *member)
{
	making->members_changed = true;
	if (!sb_members_set(making->members, member))
		return cannot(making, "there is no such member to remove");
	return member->weight ? sb_run_account(making->run, member->key.data) : SB_TX_OK;
}

static enum sb_tx_code make_enroller(struct making *making, const Sealbond__Enroller *enroller)
{
	enum sb_tx_code code = put(making, SB_RECORD_ENROLLER, enroller->key.data, 32, SB_ENROLLERS_MOST, enroller);

	return code == SB_TX_OK ? sb_run_account(making->run, enroller->key.data) : code;
}

static void hash_of(const void *data, size_t length, uint8_t id[32])
{
	const struct sb_span whole = { data, length };

	sb_hash(SB_TPM_ALG_SHA256, &whole, 1, id);
}

static enum sb_tx_code make_root(struct making *making, const Sealbond__TrustRoot *root)
{
	uint8_t id[32];

	hash_of(root->certificate.data, root->certificate.len, id);
	return put(making, SB_RECORD_ROOT, id, sizeof(id), SB_ROOTS_MOST, root);
}

static enum sb_tx_code make_validator(struct making *making, const Sealbond__Validator *validator)
{
	making->validators_changed = true;
	if (!validator->power)
		return take_away(making, SB_RECORD_VALIDATOR, validator->key);
	return put(making, SB_RECORD_VALIDATOR, validator->key.data, 32, SB_VALIDATORS_MOST, validator);
}

static enum sb_tx_code make_release(struct making *making, const Sealbond__Release *release)
{
	if (!release->name[0])
		return take_away(making, SB_RECORD_RELEASE, release->id);
	return put(making, SB_RECORD_RELEASE, release->id.data, release->id.len, SB_RELEASES_MOST, release);
}

static enum sb_tx_code make_endpoint(struct making *making, const Sealbond__Endpoint *endpoint)
{
	enum sb_tx_code code;
	uint8_t id[32];

	hash_of(endpoint->url, strlen(endpoint->url), id);
	code = endpoint->name[0] ? put(making, SB_RECORD_ENDPOINT, id, sizeof(id), SB_ENDPOINTS_MOST, endpoint) :
				   take_away(making, SB_RECORD_ENDPOINT, (ProtobufCBinaryData){ sizeof(id), id });
	return code == SB_TX_OK ? sb_endpoints_list(making->run) : code;
}

/* Every node has to have the new rules by then: one that has not ends there (sb_begin_proposals). */
static enum sb_tx_code make_rules(struct making *making, const Sealbond__Rules *rules)
{
	SB_AUTO_MESSAGE Sealbond__Rules *now = sb_run_load(making->run, &sealbond__rules__descriptor, SB_RECORD_RULES,
							    NULL, 0);

	if (rules->version <= (now ? now->version : 1))
		return cannot(making, "rules only go forward");
	if (rules->height < making->run->height + SB_RULES_NOTICE)
		return cannot(making, "the height must be 100 blocks ahead at least");
	return sb_run_save(making->run, SB_RECORD_RULES, NULL, 0, rules);
}

static enum sb_tx_code make_zone_remove(struct making *making, ProtobufCBinaryData zone)
{
	if (!sb_run_has(making->run, SB_RECORD_ZONE, zone.data, zone.len))
		return cannot(making, "there is no such zone");
	return sb_zone_remove(making->run, zone.data);
}

/* Where an owner approves, members do not take that away from it. */
static enum sb_tx_code make_admit(struct making *making, ProtobufCBinaryData device)
{
	if (sb_run_parameters(making->run)->admission != SB_ADMIT_VOTE)
		return cannot(making, "admission is not by vote on this ledger");
	return sb_device_admit(making->run, device.data);
}

static enum sb_tx_code make_dismiss(struct making *making, ProtobufCBinaryData device)
{
	return sb_enrolments_dismiss(making->run, device.data) ? SB_TX_OK : cannot(making, "no enrolment of it waits");
}

static enum sb_tx_code make_one(struct making *making, const Sealbond__Change *change)
{
	struct sb_run *run = making->run;

	switch (change->change_case) {
	case SEALBOND__CHANGE__CHANGE_MEMBER:
		return make_member(making, change->member);
	case SEALBOND__CHANGE__CHANGE_THRESHOLD:
		making->members_changed = true;
		making->members->threshold = change->threshold;
		return SB_TX_OK;
	case SEALBOND__CHANGE__CHANGE_ENROLLER:
		return make_enroller(making, change->enroller);
	case SEALBOND__CHANGE__CHANGE_ENROLLER_REMOVE:
		return take_away(making, SB_RECORD_ENROLLER, change->enroller_remove);
	case SEALBOND__CHANGE__CHANGE_ROOT:
		return make_root(making, change->root);
	case SEALBOND__CHANGE__CHANGE_ROOT_REMOVE:
		return take_away(making, SB_RECORD_ROOT, change->root_remove);
	case SEALBOND__CHANGE__CHANGE_REFERENCE:
		return put(making, SB_RECORD_REFERENCE, change->reference->id.data, change->reference->id.len,
			   SB_REFERENCES_MOST, change->reference);
	case SEALBOND__CHANGE__CHANGE_REFERENCE_REMOVE:
		return take_away(making, SB_RECORD_REFERENCE, change->reference_remove);
	case SEALBOND__CHANGE__CHANGE_PARAMETERS:
		return sb_run_save(run, SB_RECORD_PARAMETERS, NULL, 0, change->parameters);
	case SEALBOND__CHANGE__CHANGE_VALIDATOR:
		return make_validator(making, change->validator);
	case SEALBOND__CHANGE__CHANGE_GRANT_KEYS:
		return sb_run_save(run, SB_RECORD_GRANT_KEYS, NULL, 0, change->grant_keys);
	case SEALBOND__CHANGE__CHANGE_REVOKE:
		return sb_device_revoke(run, change->revoke.data, "by the members' vote");
	case SEALBOND__CHANGE__CHANGE_RELEASE:
		return make_release(making, change->release);
	case SEALBOND__CHANGE__CHANGE_RULES:
		return make_rules(making, change->rules);
	case SEALBOND__CHANGE__CHANGE_ENDPOINT:
		return make_endpoint(making, change->endpoint);
	case SEALBOND__CHANGE__CHANGE_UNFREEZE:
		return sb_incident_resolve(run, change->unfreeze.data, false, "by the members' vote");
	case SEALBOND__CHANGE__CHANGE_ADMIT:
		return make_admit(making, change->admit);
	case SEALBOND__CHANGE__CHANGE_ZONE_REMOVE:
		return make_zone_remove(making, change->zone_remove);
	case SEALBOND__CHANGE__CHANGE_DISMISS:
		return make_dismiss(making, change->dismiss);
	case SEALBOND__CHANGE__CHANGE_CLOSE:
		return sb_succession_close(run, making->at, change->close);
	case SEALBOND__CHANGE__CHANGE_SUCCESSION:
		return sb_succession_make(run, making->at, change->succession);
	default:
		return SB_TX_FIELD;
	}
}

static int read_validator(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct validators *all = context;
	SB_AUTO_MESSAGE Sealbond__Validator *validator =
		sb_message_read(&sealbond__validator__descriptor, value, length);

	(void)key;
	(void)key_length;
	all->damaged = !validator || validator->key.len != 32 || all->count == SB_VALIDATORS_MOST;
	if (all->damaged)
		return 1;
	memcpy(all->one[all->count].key, validator->key.data, 32);
	all->one[all->count++].power = validator->power;
	all->power += validator->power;
	return 0;
}

static void read_validators(struct sb_run *run, struct validators *all)
{
	memset(all, 0, sizeof(*all));
	sb_run_each(run, SB_RECORD_VALIDATOR, NULL, 0, read_validator, all);
	if (all->damaged && !run->error)
		run->error = -EUCLEAN;
}

static bool has_signed(const struct sb_signers *signers, const uint8_t key[32])
{
	uint8_t address[SB_ADDRESS_LEN];

	sb_signer_address(key, address);
	for (size_t i = 0; i < signers->count; i++)
		if (memcmp(signers->address[i], address, sizeof(address)) == 0)
			return true;
	return false;
}

/*
 * Where the last block was signed, but by none of these, they are not the chain's: an embedded chain goes on with its
 * one validator, whatever the records say.
 */
static void wake(const struct sb_run *run, struct validators *all)
{
	bool any = false;

	for (size_t i = 0; i < all->count; i++) {
		all->one[i].awake = !run->signers || has_signed(run->signers, all->one[i].key);
		any = any || all->one[i].awake;
	}
	for (size_t i = 0; i < all->count && !any && run->signers->count; i++)
		all->one[i].awake = true;
}

/* Power that those have who had it before: if all the others slept, it alone would have to commit. */
static uint64_t power_that_stays(const struct validators *before, const struct validators *after, bool awake)
{
	uint64_t stays = 0;

	for (size_t i = 0; i < after->count; i++)
		for (size_t j = 0; j < before->count; j++)
			if (memcmp(after->one[i].key, before->one[j].key, 32) == 0 && (!awake || before->one[j].awake))
				stays += after->one[i].power < before->one[j].power ? after->one[i].power :
										      before->one[j].power;
	return stays;
}

/*
 * The chain uses a change from the second block after it on, so what is judged here has to be what it uses now, or
 * several changes that are each harmless would not be so together. Who has signed is known of this set alone.
 */
static enum sb_tx_code note_change(struct sb_run *run)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	uint64_t height = (uint64_t)run->height, last = counters->validators_changed;

	/* (above it: of the chain whose records this one goes on with) */
	if (run->signers && last && height >= last && height - last <= SB_VALIDATORS_GAP)
		return sb_run_refuse(run, SB_TX_VALIDATORS_CHANGE, "they did in block %llu", (unsigned long long)last);
	counters->validators_changed = height;
	return sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
}

static enum sb_tx_code finish_validators(struct making *making, struct validators *before)
{
	struct validators after;
	enum sb_tx_code code;
	uint64_t awake;

	read_validators(making->run, &after);
	if (making->run->error || !before->count)
		return making->run->error ? SB_TX_INTERNAL : SB_TX_OK;
	if (!after.count)
		return sb_run_refuse(making->run, SB_TX_LAST_VALIDATOR, "one has to stay");
	if (3 * power_that_stays(before, &after, false) <= 2 * after.power)
		return sb_run_refuse(making->run, SB_TX_LAST_VALIDATOR,
				     "more than two thirds of the power must be of those who have it now; go in steps");
	code = note_change(making->run);
	if (code != SB_TX_OK)
		return code;
	wake(making->run, before);
	awake = power_that_stays(before, &after, true);
	if (3 * awake <= 2 * after.power)
		return sb_run_refuse(making->run, SB_TX_VALIDATORS_ASLEEP, "%llu of %llu", (unsigned long long)awake,
				     (unsigned long long)after.power);
	return SB_TX_OK;
}

static enum sb_tx_code finish_members(struct making *making)
{
	const Sealbond__Members *members = making->members;
	uint64_t weight = sb_members_weight(members);

	if (members->n_members > SB_MEMBERS_MOST)
		return sb_run_refuse(making->run, SB_TX_LIMIT, "%d members are the most", SB_MEMBERS_MOST);
	if (!members->threshold || weight < members->threshold)
		return sb_run_refuse(making->run, SB_TX_LAST_MEMBERS,
				     "their weight would be %llu, the threshold %u: lower it in the same proposal",
				     (unsigned long long)weight, members->threshold);
	return sb_run_save(making->run, SB_RECORD_MEMBERS, NULL, 0, members);
}

enum sb_tx_code sb_changes_make(struct sb_run *run, size_t count, Sealbond__Change *const *changes)
{
	SB_AUTO_MESSAGE Sealbond__Members *members = sb_members_load(run);
	struct making making = { .run = run, .members = members };
	enum sb_tx_code code = SB_TX_OK;
	struct validators before;

	if (!members)
		making.members = members = sb_message_new(&sealbond__members__descriptor);
	read_validators(run, &before);
	for (size_t i = 0; i < count && code == SB_TX_OK; i++) {
		snprintf(making.at, sizeof(making.at), "changes[%zu]", i);
		code = sb_succession_may(run, making.at, changes[i]->change_case);
		if (code == SB_TX_OK)
			code = make_one(&making, changes[i]);
	}
	if (code == SB_TX_OK && making.validators_changed)
		code = finish_validators(&making, &before);
	return code == SB_TX_OK && making.members_changed ? finish_members(&making) : code;
}
