// SPDX-License-Identifier: Apache-2.0
/* Zones and conduits: a key that speaks for each, and contents that only those inside can read. */
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

/* By anybody with an account. Whoever creates it can be told from the transaction; who is in it cannot. */
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
	counters->zones++;
	zone.key = action->key;
	zone.version = 1;
	zone.sealed = action->sealed;
	zone.conduit = action->conduit;
	code = sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
	if (code == SB_TX_OK)
		code = sb_run_account(run, action->key.data);
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
		code = sb_run_account(run, action->key.data);
	}
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_ZONE, action->zone.data, SB_ZONE_ID_LEN, zone) : code;
}

enum sb_tx_code sb_zone_remove(struct sb_run *run, const uint8_t id[SB_ZONE_ID_LEN])
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	enum sb_tx_code code;

	if (counters->zones)
		counters->zones--;
	code = sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
	return code == SB_TX_OK ? sb_run_remove(run, SB_RECORD_ZONE, id, SB_ZONE_ID_LEN) : code;
}

SB_RULE(delete_zone, DeleteZone)
{
	SB_AUTO_MESSAGE Sealbond__Zone *zone = NULL;
	enum sb_tx_code code = load_own(run, action->zone, &zone);

	return code == SB_TX_OK ? sb_zone_remove(run, action->zone.data) : code;
}
