// SPDX-License-Identifier: Apache-2.0
#include "state/attest.h"

#include <errno.h>
#include <string.h>

#include "sealbond/blob.h"
#include "state/crypto.h"
#include "state/device.h"
#include "state/enrolment.h"
#include "state/verified.h"

void sb_device_id_of(const struct sb_tpm_public *ek, uint8_t device_id[32])
{
	static const uint8_t tag[] = SB_DEVICE_ID_INPUT;
	uint8_t name[SB_TPM_NAME_MAX];
	const struct sb_span parts[] = { { tag, sizeof(tag) }, { name, sb_tpm_name(ek, name) } };

	sb_hash(SB_TPM_ALG_SHA256, parts, 2, device_id);
}

bool sb_pcrs_fit(const Sealbond__Parameters *parameters, uint32_t pcrs)
{
	uint32_t must = parameters->pcrs | 1U << (parameters->cap_pcr & 31);

	return parameters->cap_pcr < SB_PCRS && (pcrs & must) == must && !(pcrs & ~(parameters->pcrs_allowed | must)) &&
	       !(pcrs & SB_CAP_FORBIDDEN) && !(pcrs & ~SB_PCR_MASK_ALL);
}

static bool is_empty_or(ProtobufCBinaryData field, size_t length)
{
	return !field.len || field.len == length;
}

static enum sb_tx_code read_cap(struct sb_run *run, const Sealbond__CapClaim *from, struct sb_cap_claim *cap,
				uint8_t prior[32])
{
	if (!from || !is_empty_or(from->config, 32) || !is_empty_or(from->current, 32) ||
	    !is_empty_or(from->next, 32) || !is_empty_or(from->prior, 32) || from->outcome > SB_CAP_CANDIDATE)
		return sb_run_refuse(run, SB_TX_FIELD, "cap");
	*cap = (struct sb_cap_claim){ .has_config = from->config.len, .outcome = (uint8_t)from->outcome };
	memset(prior, 0, 32);
	if (from->config.len)
		memcpy(cap->config, from->config.data, 32);
	if (from->current.len)
		memcpy(cap->current, from->current.data, 32);
	if (from->next.len)
		memcpy(cap->next, from->next.data, 32);
	if (from->prior.len)
		memcpy(prior, from->prior.data, 32);
	return SB_TX_OK;
}

/* A block below this one, not too long ago. What the store has forgotten is older than any that is taken. */
static enum sb_tx_code check_beacon(struct sb_run *run, const Sealbond__DeviceAuth *auth, struct sb_beacon *beacon)
{
	int64_t seconds, age;
	uint8_t hash[32];
	int result;

	if (auth->beacon_hash.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "beacon_hash");
	if (!auth->beacon_height || auth->beacon_height >= (uint64_t)run->height)
		return sb_run_refuse(run, SB_TX_BEACON_UNKNOWN, "height %llu",
				     (unsigned long long)auth->beacon_height);
	result = run->records->block_hash(run->records->context, auth->beacon_height, hash, &seconds);
	if (result == -ENOENT)
		return sb_run_refuse(run, SB_TX_BEACON_STALE, NULL);
	if (result < 0) {
		run->error = result;
		return SB_TX_INTERNAL;
	}
	if (memcmp(hash, auth->beacon_hash.data, 32) != 0)
		return sb_run_refuse(run, SB_TX_BEACON_UNKNOWN, "another block is at height %llu",
				     (unsigned long long)auth->beacon_height);
	age = run->time - seconds;
	if (age > (int64_t)sb_run_parameters(run)->beacon_age)
		return sb_run_refuse(run, SB_TX_BEACON_STALE, "%lld s old", (long long)age);
	beacon->height = auth->beacon_height;
	memcpy(beacon->hash, hash, 32);
	return SB_TX_OK;
}

/* The values that came, by PCR number. */
static bool place_values(ProtobufCBinaryData from, uint32_t pcrs, uint8_t values[SB_QUOTE_PCRS][32])
{
	const uint8_t *at = from.data;

	if (pcrs >> SB_QUOTE_PCRS || from.len != 32 * (size_t)__builtin_popcount(pcrs))
		return false;
	for (unsigned int pcr = 0; pcr < SB_QUOTE_PCRS; pcr++)
		if (pcrs & 1U << pcr) {
			memcpy(values[pcr], at, 32);
			at += 32;
		}
	return true;
}

/* Whose keys and PCRs the quote is held against. */
struct whose {
	struct sb_tpm_public ak;
	uint32_t pcrs;
};

static enum sb_tx_code read_whose(struct sb_run *run, ProtobufCBinaryData area, uint32_t pcrs, struct whose *whose)
{
	enum sb_ak_verdict verdict = SB_AK_MALFORMED;

	if (sb_tpm_public_parse(area.data, area.len, &whose->ak) == 0)
		verdict = sb_ak_check(&whose->ak);
	whose->pcrs = pcrs;
	return verdict == SB_AK_OK ? SB_TX_OK : sb_run_refuse(run, SB_TX_AK + verdict, NULL);
}

static enum sb_tx_code check_enrol(struct sb_run *run, const Sealbond__Enrol *enrol, struct whose *whose)
{
	struct sb_tpm_public ek;
	uint8_t id[32];

	if (sb_tpm_public_parse(enrol->ek_public.data, enrol->ek_public.len, &ek) < 0)
		return sb_run_refuse(run, SB_TX_EK_NAME, NULL);
	sb_device_id_of(&ek, id);
	if (memcmp(id, run->signer, 32) != 0)
		return sb_run_refuse(run, SB_TX_EK_NAME, "the device id is not of this EK");
	if (!sb_pcrs_fit(sb_run_parameters(run), enrol->pcrs))
		return sb_run_refuse(run, SB_TX_PCRS, "mask 0x%06x", enrol->pcrs);
	return read_whose(run, enrol->ak_public, enrol->pcrs, whose);
}

static bool is_signed(struct sb_run *run, const struct sb_quote *quote, struct sb_span bytes,
		      const struct sb_tpm_signature *signature, const struct sb_tpm_public *ak)
{
	static const uint8_t tag[] = "quote";
	struct sb_verified *verified = run->records->verified;
	uint8_t id[32], name[SB_TPM_NAME_MAX], digest[32];
	const struct sb_span parts[] = { { tag, sizeof(tag) }, { name, sb_tpm_name(ak, name) }, { digest, 32 }, bytes };

	sb_hash(SB_TPM_ALG_SHA256, &quote->whole, 1, digest);
	sb_hash(SB_TPM_ALG_SHA256, parts, sizeof(parts) / sizeof(parts[0]), id);
	if (sb_verified_has(verified, id))
		return true;
	if (!sb_quote_is_signed(quote, signature, ak))
		return false;
	sb_verified_add(verified, id);
	return true;
}

static enum sb_tx_code check_quote(struct sb_run *run, ProtobufCBinaryData body, const Sealbond__DeviceAuth *auth,
				   const struct whose *whose, struct sb_attested *attested)
{
	uint8_t values[SB_QUOTE_PCRS][32] = { 0 }, prior[32], cap_value[32];
	const Sealbond__Parameters *parameters = sb_run_parameters(run);
	unsigned int cap_pcr = parameters->cap_pcr;
	struct sb_quote_policy policy = { .ak = &whose->ak, .hierarchy = SB_TPM_RH_ENDORSEMENT_HANDLE,
					  .pcrs = whose->pcrs, .values = (const uint8_t (*)[32])values,
					  .firmware = parameters->n_firmware ? parameters->firmware : NULL,
					  .firmware_count = parameters->n_firmware };
	struct sb_tpm_signature signature;
	enum sb_quote_verdict verdict;
	enum sb_tx_code code = read_cap(run, auth->cap, &attested->cap, prior);

	if (code != SB_TX_OK)
		return code;
	if (!place_values(auth->pcr_values, whose->pcrs, values))
		return sb_run_refuse(run, SB_TX_FIELD, "pcr_values: %zu bytes for mask 0x%06x", auth->pcr_values.len,
				     whose->pcrs);
	verdict = sb_quote_parse(auth->quote.data, auth->quote.len, &attested->quote);
	if (verdict == SB_QUOTE_OK && sb_tpm_signature_parse(auth->signature.data, auth->signature.len, &signature) < 0)
		verdict = SB_QUOTE_MALFORMED;
	if (verdict != SB_QUOTE_OK)
		return sb_run_refuse(run, SB_TX_QUOTE + verdict, NULL);
	sb_cap_value(prior, &attested->cap, cap_value);
	if (cap_pcr >= SB_QUOTE_PCRS || !(whose->pcrs & 1U << cap_pcr) || memcmp(values[cap_pcr], cap_value, 32) != 0)
		return sb_run_refuse(run, SB_TX_CAP, "PCR %u", cap_pcr);
	sb_quote_extra(run->chain, &attested->beacon, run->signer, body.data, body.len, policy.extra);
	verdict = sb_quote_match(&attested->quote, &signature, &policy);
	if (verdict == SB_QUOTE_OK && !is_signed(run, &attested->quote, (struct sb_span){ auth->signature.data,
						 auth->signature.len }, &signature, &whose->ak))
		verdict = SB_QUOTE_SIGNATURE;
	return verdict == SB_QUOTE_OK ? SB_TX_OK : sb_run_refuse(run, SB_TX_QUOTE + verdict, NULL);
}

enum sb_order_verdict sb_attest_place(const struct sb_run *run, const Sealbond__LastQuote *last)
{
	const struct sb_beacon beacon = { .height = run->device_auth->beacon_height };
	struct sb_last_quote before = { .there = last };

	if (last) {
		before.clock = (struct sb_quote_clock){ last->clock, last->reset_count, last->restart_count, last->safe };
		before.committed = last->committed;
		before.begun = last->begun;
	}
	return sb_quote_place(&before, &run->quote->clock, &beacon);
}

/* The record that has the keys: of the device, or of what it has asked for and nobody has proven. */
static Sealbond__Device *load_record(struct sb_run *run, const Sealbond__Body *body)
{
	if (body->action_case == SEALBOND__BODY__ACTION_ACTIVATE)
		return sb_enrolment_load(run, run->signer, body->activate->ak_name);
	return sb_device_load(run, run->signer);
}

static enum sb_tx_code check_known(struct sb_run *run, ProtobufCBinaryData bytes, const Sealbond__DeviceAuth *auth,
				   const Sealbond__Body *body, struct sb_attested *attested)
{
	SB_AUTO_MESSAGE Sealbond__Device *device = load_record(run, body);
	struct whose whose;
	enum sb_tx_code code;

	if (!device)
		return sb_run_refuse(run, SB_TX_UNKNOWN_DEVICE, NULL);
	code = read_whose(run, device->ak_public, device->pcrs, &whose);
	if (code == SB_TX_OK)
		code = check_quote(run, bytes, auth, &whose, attested);
	if (code != SB_TX_OK)
		return code;
	switch (sb_attest_place(run, device->last)) {
	case SB_ORDER_NEWER:
		return SB_TX_OK;
	case SB_ORDER_CLONE:
		/* What is not proven cannot be cloned: anybody may have made its keys. */
		if (device->state != SEALBOND__DEVICE_STATE__ENROLLING)
			return sb_run_refuse(run, SB_TX_QUOTE_CLONE, NULL);
		/* fallthrough */
	default:
		return sb_run_refuse(run, SB_TX_QUOTE_STALE, NULL);
	}
}

enum sb_tx_code sb_attest(struct sb_run *run, ProtobufCBinaryData bytes, const Sealbond__DeviceAuth *auth,
			  const Sealbond__Body *body, struct sb_attested *attested)
{
	struct whose whose;
	enum sb_tx_code code;

	if (auth->device.len != 32)
		return sb_run_refuse(run, SB_TX_FIELD, "device");
	memcpy(run->signer, auth->device.data, 32);
	run->device_auth = auth;
	run->quote = &attested->quote;
	code = check_beacon(run, auth, &attested->beacon);
	if (code != SB_TX_OK)
		return code;
	if (body->action_case != SEALBOND__BODY__ACTION_ENROL)
		return check_known(run, bytes, auth, body, attested);
	code = check_enrol(run, body->enrol, &whose);
	return code == SB_TX_OK ? check_quote(run, bytes, auth, &whose, attested) : code;
}

void sb_attest_note(const struct sb_run *run, Sealbond__Device *device)
{
	const Sealbond__DeviceAuth *auth = run->device_auth;
	const struct sb_quote *quote = run->quote;
	Sealbond__LastQuote *last = sb_message_new(&sealbond__last_quote__descriptor);
	Sealbond__CapClaim *cap = sb_message_new(&sealbond__cap_claim__descriptor);

	last->clock = quote->clock.clock;
	last->reset_count = quote->clock.reset_count;
	last->restart_count = quote->clock.restart_count;
	last->safe = quote->clock.safe;
	last->firmware = quote->firmware;
	last->committed = (uint64_t)run->height;
	last->time = run->time;
	/* The first quote of a record begins its history. */
	last->begun = device->last ? device->last->begun : (uint64_t)run->height;
	sb_message_free(device->last);
	device->last = last;
	sb_bytes_set(&cap->config, auth->cap->config.data, auth->cap->config.len);
	sb_bytes_set(&cap->current, auth->cap->current.data, auth->cap->current.len);
	sb_bytes_set(&cap->next, auth->cap->next.data, auth->cap->next.len);
	sb_bytes_set(&cap->prior, auth->cap->prior.data, auth->cap->prior.len);
	cap->outcome = auth->cap->outcome;
	sb_message_free(device->cap);
	device->cap = cap;
	sb_bytes_set(&device->pcr_values, auth->pcr_values.data, auth->pcr_values.len);
}
