// SPDX-License-Identifier: Apache-2.0
/*
 * How many quotes one core checks in a second: each of another device, read from its bytes, with every check and
 * its signature, as a heartbeat's is. JSON, one line. Counted on the process's clock, so that other processes
 * do not matter.
 */
#include "device_world.h"

#include <time.h>

#define QUOTES	512
#define SECONDS	3

struct sample {
	uint8_t *tx;
	size_t length;
	struct device device;
};

static struct sample sample[QUOTES];

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void check_one(const struct sample *one)
{
	Sealbond__SignedTx *tx = sb_message_read(&sealbond__signed_tx__descriptor, one->tx, one->length);
	const Sealbond__DeviceAuth *auth = tx->device;
	struct sb_tpm_signature signature;
	struct sb_tpm_public ak;
	struct sb_quote quote;
	uint8_t values[SB_QUOTE_PCRS][32] = { 0 }, extra[32];
	const uint8_t *at = auth->pcr_values.data;
	struct sb_beacon beacon = { .height = auth->beacon_height };
	struct sb_quote_policy policy = { .ak = &ak, .hierarchy = SB_TPM_RH_ENDORSEMENT_HANDLE, .pcrs = PCRS,
					  .values = (const uint8_t (*)[32])values };

	memcpy(beacon.hash, auth->beacon_hash.data, 32);
	for (unsigned int pcr = 0; pcr < SB_QUOTE_PCRS; pcr++)
		if (PCRS & 1U << pcr) {
			memcpy(values[pcr], at, 32);
			at += 32;
		}
	sb_quote_extra(CHAIN, &beacon, auth->device.data, tx->body.data, tx->body.len, extra);
	memcpy(policy.extra, extra, sizeof(extra));
	if (sb_tpm_public_parse(one->device.ak.area.data, one->device.ak.area.length, &ak) < 0 ||
	    sb_quote_parse(auth->quote.data, auth->quote.len, &quote) != SB_QUOTE_OK ||
	    sb_tpm_signature_parse(auth->signature.data, auth->signature.len, &signature) < 0 ||
	    sb_quote_check(&quote, &signature, &policy) != SB_QUOTE_OK)
		abort();
	sb_message_free(tx);
}

int main(void)
{
	unsigned long count = 0;
	double begun, took;

	for (int i = 0; i < QUOTES; i++) {
		BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

		make_device(&sample[i].device);
		heartbeat_of(&sample[i].device, &heartbeat);
		sample[i].tx = quote_body(&sample[i].device, 7, &body, &sample[i].length);
	}
	begun = now();
	do {
		for (int i = 0; i < QUOTES; i++)
			check_one(&sample[i]);
		count += QUOTES;
		took = now() - begun;
	} while (took < SECONDS);
	printf("{\"quote_checks_per_s_core\": %.0f}\n", (double)count / took);
	return 0;
}
