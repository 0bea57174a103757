// SPDX-License-Identifier: Apache-2.0
#include "state/boot.h"

#include <string.h>

#include "sealbond/blob.h"
#include "state/crypto.h"
#include "state/heartbeat.h"
#include "state/reference.h"

/* Where the PCR's value stands among those of a mask, ascending. */
static uint8_t *value_of(const Sealbond__BootState *boot, unsigned int pcr)
{
	return boot->values.data + 32 * (size_t)__builtin_popcount(boot->pcrs & ((1U << pcr) - 1));
}

static bool is_whole(uint32_t pcrs, ProtobufCBinaryData values)
{
	return !(pcrs >> SB_PCRS) && values.len == 32 * (size_t)__builtin_popcount(pcrs);
}

Sealbond__BootState *sb_boot_of(const Sealbond__Parameters *parameters, uint32_t pcrs, ProtobufCBinaryData values,
				const Sealbond__CapClaim *cap)
{
	struct sb_cap_claim claim = { .has_config = cap && cap->config.len == 32 };
	Sealbond__BootState *boot;
	uint8_t prior[32] = { 0 };

	if (!cap || !is_whole(pcrs, values) || parameters->cap_pcr >= SB_PCRS || !(pcrs & 1U << parameters->cap_pcr))
		return NULL;
	if (claim.has_config)
		memcpy(claim.config, cap->config.data, 32);
	if (cap->prior.len == 32)
		memcpy(prior, cap->prior.data, 32);
	boot = sb_message_new(&sealbond__boot_state__descriptor);
	boot->pcrs = pcrs;
	sb_bytes_set(&boot->values, values.data, values.len);
	sb_cap_before(prior, &claim, value_of(boot, parameters->cap_pcr));
	return boot;
}

Sealbond__BootState *sb_boot_last(const Sealbond__Parameters *parameters, const Sealbond__Device *device)
{
	return sb_boot_of(parameters, device->pcrs, device->pcr_values, device->cap);
}

void sb_boot_digest(const Sealbond__BootState *boot, uint8_t digest[32])
{
	static const uint8_t tag[] = SB_BOOT_INPUT;
	const uint8_t mask[4] = { (uint8_t)(boot->pcrs >> 24), (uint8_t)(boot->pcrs >> 16), (uint8_t)(boot->pcrs >> 8),
				  (uint8_t)boot->pcrs };
	const struct sb_span parts[] = {
		{ tag, sizeof(tag) }, { mask, sizeof(mask) }, { boot->values.data, boot->values.len },
	};

	sb_hash(SB_TPM_ALG_SHA256, parts, sizeof(parts) / sizeof(parts[0]), digest);
}

uint32_t sb_boot_differs(const Sealbond__BootState *one, const Sealbond__BootState *other)
{
	uint32_t differ;

	if (!one || !other)
		return (one ? one->pcrs : 0) | (other ? other->pcrs : 0);
	differ = one->pcrs ^ other->pcrs;
	if (!is_whole(one->pcrs, one->values) || !is_whole(other->pcrs, other->values))
		return one->pcrs | other->pcrs;
	for (unsigned int pcr = 0; pcr < SB_PCRS; pcr++)
		if (one->pcrs & other->pcrs & 1U << pcr && memcmp(value_of(one, pcr), value_of(other, pcr), 32) != 0)
			differ |= 1U << pcr;
	return differ;
}

bool sb_boot_is_admitted(struct sb_run *run, const Sealbond__Device *device)
{
	const Sealbond__DeviceAuth *auth = run->device_auth;
	SB_AUTO_MESSAGE Sealbond__BootState *now =
		sb_boot_of(sb_run_parameters(run), device->pcrs, auth->pcr_values, auth->cap);
	uint32_t differ;

	if (!now)
		return false;
	differ = sb_boot_differs(device->boot, now);
	return !differ || sb_reference_fits(run, now, differ);
}

void sb_boot_keep(struct sb_run *run, Sealbond__Device *device)
{
	Sealbond__BootState *boot = sb_boot_last(sb_run_parameters(run), device);

	sb_message_free(device->boot);
	device->boot = boot;
}
