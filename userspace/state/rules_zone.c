// SPDX-License-Identifier: Apache-2.0
/* Zones and conduits: a key that speaks for each, and contents that only those inside can read. */
#include "state/change.h"
#include "state/person.h"
#include "state/zone.h"

static enum sb_tx_code check_zone(struct sb_run *run, ProtobufCBinaryData zone, ProtobufCBinaryData key,
				  ProtobufCBinaryData sealed)
{
	if (zone.len != SB_ZONE_ID_LEN)
		return sb_run_refuse(run, SB_TX_FIELD, "zone: %d bytes", SB_ZONE_ID_LEN);
	if (key.len != 32 || !sb_person_key_is_valid(key.data))
		return sb_run_refuse(run, SB_TX_FIELD, "key: a key of a person, 32 bytes");
	if (!sealed.len || sealed.len > SB_ZONE_RECORD_MAX)
		return sb_run_refuse(run, SB_TX_FIELD, "sealed: 1 to %d bytes", SB_ZONE_RECORD_MAX);
	return SB_TX_OK;
}

/* Its key may speak for the zone. */
static enum sb_tx_code let_speak(struct sb_run *run, ProtobufCBinaryData key)
{
	Sealbond__Account account = SEALBOND__ACCOUNT__INIT;

	if (sb_run_has(run, SB_RECORD_ACCOUNT, key.data, 32))
		return SB_TX_OK;
	account.next = 1;
	account.for_zone = true;
	return sb_run_save(run, SB_RECORD_ACCOUNT, key.data, 32, &account);
}

static bool is_member(struct sb_run *run)
{
	SB_AUTO_MESSAGE Sealbond__Members *members = sb_members_load(run);

	return members && sb_members_weight_of(members, (ProtobufCBinaryData){ sizeof(run->signer), run->signer });
}

/* Members decide how many there may be of all; nobody else takes all of the room. */
static enum sb_tx_code count_for(struct sb_run *run)
{
	SB_AUTO_MESSAGE Sealbond__Account *account =
		sb_run_load(run, &sealbond__account__descriptor, SB_RECORD_ACCOUNT, run->signer, 32);
	bool member = is_member(run);

	if (!account)
		return SB_TX_INTERNAL;
	if (account->for_zone && !member)
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "a zone's key makes no zones");
	if (account->zones >= SB_ZONES_PER_ACCOUNT && !member)
		return sb_run_refuse(run, SB_TX_LIMIT, "%u zones of one key: delete one, or let a member make it", account->zones);
	account->zones++;
	return sb_run_save(run, SB_RECORD_ACCOUNT, run->signer, 32, account);
}

/* By a member, an enroller or an owner. Whoever creates it can be told from the transaction; who is in it cannot. */
SB_RULE(create_zone, CreateZone)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	Sealbond__Zone zone = SEALBOND__ZONE__INIT;
	enum sb_tx_code code = check_zone(run, action->zone, action->key, action->sealed);

	if (code != SB_TX_OK)
		return code;
	if (sb_run_has(run, SB_RECORD_ZONE, action->zone.data, SB_ZONE_ID_LEN))
		return sb_run_refuse(run, SB_TX_EXISTS, "zone");
	if (counters->zones >= sb_run_parameters(run)->zones_most)
		return sb_run_refuse(run, SB_TX_LIMIT, "%u zones: delete one, or let the members raise zones_most",
				     counters->zones);
	code = count_for(run);
	if (code != SB_TX_OK)
		return code;
	counters->zones++;
	zone.creator = (ProtobufCBinaryData){ sizeof(run->signer), run->signer };
	zone.key = action->key;
	zone.version = 1;
	zone.sealed = action->sealed;
	zone.conduit = action->conduit;
	code = sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
	if (code == SB_TX_OK)
		code = let_speak(run, action->key);
	if (code == SB_TX_OK)
		code = sb_run_save(run, SB_RECORD_ZONE, action->zone.data, SB_ZONE_ID_LEN, &zone);
	return code;
}

static enum sb_tx_code load_own(struct sb_run *run, ProtobufCBinaryData id, Sealbond__Zone **zone)
{
	*zone = NULL;
	if (id.len != SB_ZONE_ID_LEN)
		return sb_run_refuse(run, SB_TX_FIELD, "zone: %d bytes", SB_ZONE_ID_LEN);
	*zone = sb_run_load(run, &sealbond__zone__descriptor, SB_RECORD_ZONE, id.data, SB_ZONE_ID_LEN);
	if (!*zone)
		return sb_run_refuse(run, SB_TX_UNKNOWN, "zone");
	if (!sb_run_is_by(run, (*zone)->key))
		return sb_run_refuse(run, SB_TX_NOT_ALLOWED, "only the zone's own key may");
	return SB_TX_OK;
}

SB_RULE(update_zone, UpdateZone)
{
	SB_AUTO_MESSAGE Sealbond__Zone *zone = NULL;
	enum sb_tx_code code = load_own(run, action->zone, &zone);

	if (code == SB_TX_OK)
		code = check_zone(run, action->zone, action->key.len ? action->key : zone->key, action->sealed);
	if (code != SB_TX_OK)
		return code;
	if (action->version != zone->version + 1)
		return sb_run_refuse(run, SB_TX_VERSION, "%llu comes next", (unsigned long long)zone->version + 1);
	zone->version = action->version;
	sb_bytes_set(&zone->sealed, action->sealed.data, action->sealed.len);
	if (action->key.len) {
		sb_bytes_set(&zone->key, action->key.data, action->key.len);
		code = let_speak(run, action->key);
	}
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_ZONE, action->zone.data, SB_ZONE_ID_LEN, zone) : code;
}

static enum sb_tx_code discount(struct sb_run *run, const uint8_t id[SB_ZONE_ID_LEN])
{
	SB_AUTO_MESSAGE Sealbond__Zone *zone =
		sb_run_load(run, &sealbond__zone__descriptor, SB_RECORD_ZONE, id, SB_ZONE_ID_LEN);
	SB_AUTO_MESSAGE Sealbond__Account *account = zone && zone->creator.len == 32 ?
		sb_run_load(run, &sealbond__account__descriptor, SB_RECORD_ACCOUNT, zone->creator.data, 32) : NULL;

	if (!account || !account->zones)
		return SB_TX_OK;
	account->zones--;
	return sb_run_save(run, SB_RECORD_ACCOUNT, zone->creator.data, 32, account);
}

enum sb_tx_code sb_zone_remove(struct sb_run *run, const uint8_t id[SB_ZONE_ID_LEN])
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	enum sb_tx_code code;

	if (counters->zones)
		counters->zones--;
	code = sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
	if (code == SB_TX_OK)
		code = discount(run, id);
	return code == SB_TX_OK ? sb_run_remove(run, SB_RECORD_ZONE, id, SB_ZONE_ID_LEN) : code;
}

SB_RULE(delete_zone, DeleteZone)
{
	SB_AUTO_MESSAGE Sealbond__Zone *zone = NULL;
	enum sb_tx_code code = load_own(run, action->zone, &zone);

	return code == SB_TX_OK ? sb_zone_remove(run, action->zone.data) : code;
}
