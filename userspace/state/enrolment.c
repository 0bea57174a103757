// SPDX-License-Identifier: Apache-2.0
#include "state/enrolment.h"

#include <stdlib.h>
#include <string.h>

#include "state/cert.h"
#include "state/crypto.h"
#include "state/tpm_public.h"

void sb_enrolment_id(const uint8_t device[32], ProtobufCBinaryData ak_name, uint8_t id[SB_ENROLMENT_ID_LEN])
{
	const struct sb_span name = { ak_name.data, ak_name.len };
	uint8_t digest[32];

	sb_hash(SB_TPM_ALG_SHA256, &name, 1, digest);
	memcpy(id, device, 32);
	memcpy(id + 32, digest, SB_ENROLMENT_ID_LEN - 32);
}

void sb_enrolment_keep(Sealbond__Device *enrolment, size_t count, const ProtobufCBinaryData *certificates)
{
	for (size_t i = 0; i < enrolment->n_ek_certificates; i++)
		free(enrolment->ek_certificates[i].data);
	free(enrolment->ek_certificates);
	enrolment->ek_certificates = NULL;
	enrolment->n_ek_certificates = 0;
	if (!count || count > 1 + SB_CHAIN_MAX)
		return;
	for (size_t i = 0; i < count; i++)
		if (!certificates[i].len || certificates[i].len > SB_CERT_MAX)
			return;
	enrolment->ek_certificates = calloc(count, sizeof(*certificates));
	if (!enrolment->ek_certificates)
		abort();
	for (; enrolment->n_ek_certificates < count; enrolment->n_ek_certificates++)
		sb_bytes_set(&enrolment->ek_certificates[enrolment->n_ek_certificates],
			     certificates[enrolment->n_ek_certificates].data, certificates[enrolment->n_ek_certificates].len);
}

static Sealbond__Device *load(struct sb_run *run, const uint8_t id[SB_ENROLMENT_ID_LEN])
{
	return sb_run_load(run, &sealbond__device__descriptor, SB_RECORD_ENROLMENT, id, SB_ENROLMENT_ID_LEN);
}

Sealbond__Device *sb_enrolment_load(struct sb_run *run, const uint8_t device[32], ProtobufCBinaryData ak_name)
{
	uint8_t id[SB_ENROLMENT_ID_LEN];

	sb_enrolment_id(device, ak_name, id);
	return load(run, id);
}

enum sb_tx_code sb_enrolment_save(struct sb_run *run, const uint8_t device[32], const Sealbond__Device *enrolment)
{
	uint8_t id[SB_ENROLMENT_ID_LEN];

	sb_enrolment_id(device, enrolment->ak_name, id);
	return sb_run_save(run, SB_RECORD_ENROLMENT, id, sizeof(id), enrolment);
}

/* Those of one EK: how many, and the oldest that nobody has answered to. */
struct siblings {
	unsigned int count;
	bool has_oldest;
	int64_t due;
	uint8_t oldest[SB_ENROLMENT_ID_LEN];
	bool damaged;
};

static int count_sibling(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct siblings *siblings = context;
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = sb_message_read(&sealbond__device__descriptor, value, length);

	if (!enrolment || key_length < 1 + SB_ENROLMENT_ID_LEN) {
		siblings->damaged = true;
		return 1;
	}
	siblings->count++;
	if (!enrolment->n_commitments && (!siblings->has_oldest || enrolment->due < siblings->due)) {
		siblings->has_oldest = true;
		siblings->due = enrolment->due;
		memcpy(siblings->oldest, key + 1, SB_ENROLMENT_ID_LEN);
	}
	return 0;
}

static enum sb_due kind_of(const Sealbond__Device *enrolment)
{
	return enrolment->n_commitments ? SB_DUE_ANSWERED : SB_DUE_ENROLMENT;
}

static enum sb_tx_code forget(struct sb_run *run, enum sb_due kind, const uint8_t id[SB_ENROLMENT_ID_LEN], int64_t due)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
	enum sb_tx_code code;

	if (counters->enrolling)
		counters->enrolling--;
	code = sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
	if (code == SB_TX_OK)
		code = sb_run_not_due(run, kind, due, id, SB_ENROLMENT_ID_LEN);
	return code == SB_TX_OK ? sb_run_remove(run, SB_RECORD_ENROLMENT, id, SB_ENROLMENT_ID_LEN) : code;
}

static enum sb_tx_code make_room(struct sb_run *run, const uint8_t device[32])
{
	struct siblings siblings = { 0 };

	sb_run_each(run, SB_RECORD_ENROLMENT, device, 32, count_sibling, &siblings);
	if (siblings.damaged)
		return SB_TX_INTERNAL;
	if (siblings.count < SB_ENROLMENTS_PER_EK)
		return SB_TX_OK;
	return siblings.has_oldest ? forget(run, SB_DUE_ENROLMENT, siblings.oldest, siblings.due) :
				     sb_run_refuse(run, SB_TX_LIMIT, "%d enrolments of one EK", SB_ENROLMENTS_PER_EK);
}

/* Two at once: members may have lowered the limit. */
static enum sb_tx_code make_room_for_all(struct sb_run *run)
{
	enum sb_tx_code code = SB_TX_OK;

	for (int i = 0; i < 2 && code == SB_TX_OK; i++) {
		SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);
		uint8_t id[SB_DUE_ID_MAX];
		int64_t due;

		if (counters->enrolling < sb_run_parameters(run)->enrolling_most ||
		    sb_run_first_due(run, SB_DUE_ENROLMENT, &due, id) != SB_ENROLMENT_ID_LEN)
			break;
		code = forget(run, SB_DUE_ENROLMENT, id, due);
	}
	return code;
}

/* One more in this block, and one more that waits. */
static enum sb_tx_code count_in(struct sb_run *run)
{
	const Sealbond__Parameters *parameters = sb_run_parameters(run);
	SB_AUTO_MESSAGE Sealbond__Counters *counters = sb_run_counters(run);

	if (counters->block != (uint64_t)run->height) {
		counters->block = (uint64_t)run->height;
		counters->block_devices = 0;
	}
	if (counters->enrolling >= parameters->enrolling_most)
		return sb_run_refuse(run, SB_TX_LIMIT, "%u devices wait for their proof, and enrollers have answered them", counters->enrolling);
	if (counters->block_devices >= parameters->devices_per_block)
		return sb_run_refuse(run, SB_TX_LIMIT, "%u new devices in this block", counters->block_devices);
	counters->block_devices++;
	counters->enrolling++;
	return sb_run_save(run, SB_RECORD_COUNTERS, NULL, 0, counters);
}

enum sb_tx_code sb_enrolment_add(struct sb_run *run, const uint8_t device[32], Sealbond__Device *enrolment)
{
	uint8_t id[SB_ENROLMENT_ID_LEN];
	enum sb_tx_code code = make_room(run, device);

	if (code == SB_TX_OK)
		code = make_room_for_all(run);
	if (code == SB_TX_OK)
		code = count_in(run);
	if (code != SB_TX_OK)
		return code;
	enrolment->due = run->time + sb_run_parameters(run)->enrolling_for;
	sb_enrolment_id(device, enrolment->ak_name, id);
	code = sb_run_due(run, SB_DUE_ENROLMENT, enrolment->due, id, sizeof(id));
	return code == SB_TX_OK ? sb_run_save(run, SB_RECORD_ENROLMENT, id, sizeof(id), enrolment) : code;
}

enum sb_tx_code sb_enrolment_remove(struct sb_run *run, const uint8_t device[32], const Sealbond__Device *enrolment)
{
	uint8_t id[SB_ENROLMENT_ID_LEN];

	sb_enrolment_id(device, enrolment->ak_name, id);
	return forget(run, kind_of(enrolment), id, enrolment->due);
}

enum sb_tx_code sb_enrolment_answer(struct sb_run *run, const uint8_t device[32], const Sealbond__Device *enrolment)
{
	uint8_t id[SB_ENROLMENT_ID_LEN];
	enum sb_tx_code code;

	sb_enrolment_id(device, enrolment->ak_name, id);
	code = sb_run_not_due(run, SB_DUE_ENROLMENT, enrolment->due, id, sizeof(id));
	return code == SB_TX_OK ? sb_run_due(run, SB_DUE_ANSWERED, enrolment->due, id, sizeof(id)) : code;
}

/* What waits, one after the other: nothing may be changed while they are counted. */
struct waiting {
	Sealbond__Device *first;
};

static int find_waiting(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	struct waiting *waiting = context;
	Sealbond__Device *enrolment = sb_message_read(&sealbond__device__descriptor, value, length);

	(void)key;
	(void)key_length;
	/* one that is proven is somebody's incident */
	if (enrolment && enrolment->state == SEALBOND__DEVICE_STATE__ENROLLING) {
		waiting->first = enrolment;
		return 1;
	}
	sb_message_free(enrolment);
	return 0;
}

unsigned int sb_enrolments_dismiss(struct sb_run *run, const uint8_t device[32])
{
	unsigned int count = 0;

	for (; count < SB_ENROLMENTS_PER_EK; count++) {
		struct waiting waiting = { NULL };
		enum sb_tx_code code;

		if (sb_run_each(run, SB_RECORD_ENROLMENT, device, 32, find_waiting, &waiting) <= 0)
			break;
		code = sb_enrolment_remove(run, device, waiting.first);
		sb_message_free(waiting.first);
		if (code != SB_TX_OK)
			break;
	}
	return count;
}

static enum sb_tx_code expire(struct sb_run *run, enum sb_due kind, unsigned int most)
{
	uint8_t id[SB_DUE_ID_MAX];

	while (most-- && sb_run_take_due(run, kind, id) == SB_ENROLMENT_ID_LEN) {
		enum sb_tx_code code = forget(run, kind, id, 0);

		if (code != SB_TX_OK)
			return code;
	}
	return SB_TX_OK;
}

enum sb_tx_code sb_enrolments_expire(struct sb_run *run, unsigned int most)
{
	enum sb_tx_code code = expire(run, SB_DUE_ENROLMENT, most);

	return code == SB_TX_OK ? expire(run, SB_DUE_ANSWERED, most) : code;
}
