// SPDX-License-Identifier: Apache-2.0
/* What the chain itself proves against a validator: two blocks signed at one height, or a lie to a light client. */
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "state/change.h"
#include "state/crypto.h"
#include "state/tpm_public.h"
#include "state/device.h"

void sb_signer_address(const uint8_t key[32], uint8_t address[SB_ADDRESS_LEN])
{
	const struct sb_span whole = { key, 32 };
	uint8_t hash[32];

	sb_hash(SB_TPM_ALG_SHA256, &whole, 1, hash);
	memcpy(address, hash, SB_ADDRESS_LEN);
}

struct search {
	const uint8_t *address;
	uint8_t key[32];
	char name[SB_NAME_MAX + 1];
	size_t count;
	bool found;
};

static int look(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct search *search = context;
	SB_AUTO_MESSAGE Sealbond__Validator *validator =
		sb_message_read(&sealbond__validator__descriptor, value, length);
	uint8_t address[SB_ADDRESS_LEN];

	(void)key;
	(void)key_length;
	if (!validator || validator->key.len != 32)
		return 0;
	search->count++;
	sb_signer_address(validator->key.data, address);
	if (memcmp(address, search->address, SB_ADDRESS_LEN) != 0)
		return 0;
	search->found = true;
	memcpy(search->key, validator->key.data, 32);
	snprintf(search->name, sizeof(search->name), "%s", validator->name);
	return 0;
}

/* The same evidence comes to the same incident. */
static void name_incident(struct sb_run *run, const uint8_t address[SB_ADDRESS_LEN], bool fork, int64_t height)
{
	const uint64_t number = htobe64((uint64_t)height);
	const uint8_t kind = fork;
	const struct sb_span spans[] = {
		{ (const uint8_t *)"sealbond offence v1", sizeof("sealbond offence v1") },
		{ address, SB_ADDRESS_LEN }, { &kind, 1 }, { (const uint8_t *)&number, sizeof(number) },
	};

	sb_hash(SB_TPM_ALG_SHA256, spans, 4, run->id);
}

static enum sb_tx_code tell(struct sb_run *run, const struct search *search, bool fork, int64_t height, bool removed)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	Sealbond__Incident incident = SEALBOND__INCIDENT__INIT;
	char address[2 * SB_ADDRESS_LEN + 1], text[256];
	enum sb_tx_code code;

	for (size_t i = 0; i < SB_ADDRESS_LEN; i++)
		snprintf(address + 2 * i, 3, "%02X", search->address[i]);
	snprintf(text, sizeof(text), "validator %s%s%s %s at height %lld; %s", address, search->name[0] ? " " : "",
		 search->name, fork ? "has signed another chain for a light client" : "has signed two different blocks",
		 (long long)height, removed ? "it is none any more" : search->found ? "it is the last and stays" :
		 "it was none any more");
	incident.kind = fork ? SB_INCIDENT_FORK : SB_INCIDENT_EQUIVOCATION;
	incident.time = run->time;
	incident.height = (uint64_t)run->height;
	incident.text = text;
	incident.evidence = (ProtobufCBinaryData){ SB_ADDRESS_LEN, (uint8_t *)search->address };
	counters->incidents++;
	if (removed)
		counters->validators_changed = (uint64_t)run->height;
	code = sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_INCIDENT, run->id, sizeof(run->id), &incident) : code;
}

enum sb_tx_code sb_offence(struct sb_run *run, const uint8_t address[SB_ADDRESS_LEN], bool fork, int64_t height)
{
	struct search search = { .address = address };
	enum sb_tx_code code = SB_TX_OK;
	bool removed;

	name_incident(run, address, fork, height);
	if (sb_run_has(run, SB_RECORD_INCIDENT, run->id, sizeof(run->id)))
		return SB_TX_OK;
	sb_run_each(run, SB_RECORD_VALIDATOR, NULL, 0, look, &search);
	removed = search.found && search.count > 1;
	if (removed)
		code = sb_run_remove(run, SB_RECORD_VALIDATOR, search.key, sizeof(search.key));
	return code == SB_TX_OK ? tell(run, &search, fork, height, removed) : code;
}
