// SPDX-License-Identifier: Apache-2.0
/* What a ledger's parameters may be: every bound, and what to do about each. */
#include <string.h>

#include "sealbond/blob.h"
#include "state/change.h"
#include "state/device.h"
#include "state/enrolment.h"
#include "state/overlay.h"

#define REPLACE_LEAST	3600
#define DAY	86400U

struct bound {
	const char *name;
	size_t offset;
	uint32_t least, most;
};

#define FIELD(name)	#name, offsetof(Sealbond__Parameters, name)

static const struct bound bounds[] = {
	{ FIELD(enrolment), 1, SB_ENROL_ROOTS | SB_ENROL_ACTIVATION },
	{ FIELD(enrollers_needed), 0, SB_COMMITMENTS_MAX },
	{ FIELD(admission), 0, SB_ADMIT_VOTE },
	{ FIELD(lease), 30, 31 * DAY },
	{ FIELD(heartbeat_least), 0, 7 * DAY },
	{ FIELD(beacon_age), 10, DAY },
	{ FIELD(devices_most), 1, 10000000 },
	{ FIELD(devices_per_block), 1, 10000 },
	{ FIELD(enrolling_most), 1, 1000000 },
	{ FIELD(enrolling_for), 60, 366 * DAY },
	{ FIELD(hold), 0, 366 * DAY },
	{ FIELD(zones_most), 0, 1000000 },
	{ FIELD(proposals_most), 1, 64 },
	{ FIELD(vote_for), 60, 366 * DAY },
	{ FIELD(replace_after), 0, 90 * DAY },
};

static enum sb_tx_code check_bounds(struct sb_run *run, const char *at, const Sealbond__Parameters *parameters)
{
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		uint32_t value;

		memcpy(&value, (const uint8_t *)parameters + bounds[i].offset, sizeof(value));
		if (value < bounds[i].least || value > bounds[i].most)
			return sb_run_refuse(run, SB_TX_FIELD, "%s.%s: %u, not from %u to %u", at, bounds[i].name, value,
					     bounds[i].least, bounds[i].most);
	}
	return SB_TX_OK;
}

static enum sb_tx_code check_pcrs(struct sb_run *run, const char *at, const Sealbond__Parameters *parameters)
{
	uint32_t cap = parameters->cap_pcr < 24 ? 1U << parameters->cap_pcr : 0;

	if (!cap || cap & SB_CAP_FORBIDDEN)
		return sb_run_refuse(run, SB_TX_FIELD, "%s.cap_pcr: %u; one from 0 to 23 that nobody can reset, usually 14",
				     at, parameters->cap_pcr);
	if (parameters->pcrs_allowed & ~SB_PCR_MASK_ALL || parameters->pcrs_allowed & SB_CAP_FORBIDDEN)
		return sb_run_refuse(run, SB_TX_FIELD, "%s.pcrs_allowed: a mask of PCRs 0 to 23 without 16 and 23", at);
	if (parameters->pcrs & ~parameters->pcrs_allowed || cap & ~parameters->pcrs_allowed)
		return sb_run_refuse(run, SB_TX_FIELD, "%s.pcrs_allowed: must have all of pcrs, and cap_pcr", at);
	return SB_TX_OK;
}

/* Addresses are prefix and index: the same bits with more room give none twice; others might. */
static bool goes_on(ProtobufCBinaryData before, ProtobufCBinaryData now, size_t length)
{
	if (!before.len || !now.len)
		return before.len == now.len;
	return memcmp(before.data, now.data, length) == 0 && now.data[length] <= before.data[length];
}

static enum sb_tx_code check_overlay(struct sb_run *run, const char *at, const Sealbond__Parameters *parameters)
{
	SB_AUTO_MESSAGE Sealbond__Counters *counters = NULL;
	const Sealbond__Parameters *before;

	if (!sb_overlay_prefix(parameters->overlay4, 4))
		return sb_run_refuse(run, SB_TX_FIELD, "%s.overlay4: 4 bytes of a prefix and its length, host bits zero", at);
	if (!sb_overlay_prefix(parameters->overlay6, 16))
		return sb_run_refuse(run, SB_TX_FIELD, "%s.overlay6: 16 bytes of a prefix and its length, host bits zero", at);
	if (!parameters->overlay4.len && !parameters->overlay6.len)
		return sb_run_refuse(run, SB_TX_FIELD, "%s.overlay6: devices need a prefix, this one or overlay4", at);
	counters = sb_run_counters(run);
	if (!counters->next_index)
		return SB_TX_OK;
	before = sb_run_parameters(run);
	if (!goes_on(before->overlay4, parameters->overlay4, 4) || !goes_on(before->overlay6, parameters->overlay6, 16))
		return sb_run_refuse(run, SB_TX_CHANGE, "%s.overlay: devices have addresses of it; it can only get shorter", at);
	return SB_TX_OK;
}

enum sb_tx_code sb_parameters_check(struct sb_run *run, const char *at, const Sealbond__Parameters *parameters)
{
	enum sb_tx_code code = check_bounds(run, at, parameters);

	if (code == SB_TX_OK && parameters->enrolment & SB_ENROL_ACTIVATION && !parameters->enrollers_needed)
		code = sb_run_refuse(run, SB_TX_FIELD, "%s.enrollers_needed: 0; activation needs one at least", at);
	/* An inventory lists EKs, and roots alone speak for the AK: the EK would only be claimed. */
	if (code == SB_TX_OK && parameters->need_known_key && !(parameters->enrolment & SB_ENROL_ACTIVATION))
		code = sb_run_refuse(run, SB_TX_FIELD, "%s.need_known_key: needs activation, enrolment 2 or 3", at);
	if (code == SB_TX_OK && parameters->heartbeat_least >= parameters->lease)
		code = sb_run_refuse(run, SB_TX_FIELD, "%s.heartbeat_least: must be below lease", at);
	/* In less nobody could say no. */
	if (code == SB_TX_OK && parameters->replace_after && parameters->replace_after < REPLACE_LEAST)
		code = sb_run_refuse(run, SB_TX_FIELD, "%s.replace_after: %u; 0, or %d and more", at,
				     parameters->replace_after, REPLACE_LEAST);
	if (code == SB_TX_OK && !sb_text_is_fine(parameters->name, SB_NAME_MAX))
		code = sb_run_refuse(run, SB_TX_FIELD, "%s.name: printable, at most %d bytes", at, SB_NAME_MAX);
	if (code == SB_TX_OK)
		code = check_pcrs(run, at, parameters);
	return code == SB_TX_OK ? check_overlay(run, at, parameters) : code;
}
