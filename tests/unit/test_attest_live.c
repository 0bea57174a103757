// SPDX-License-Identifier: Apache-2.0
/*
 * A ledger and a device whose keys and quotes come from a software TPM: what a TPM makes when it is asked for
 * something else than the helper asks for is refused, each by its own name, and nothing of it stays.
 */
#include "swtpm_world.h"

#include <tss2/tss2_mu.h>

#include "device_world.h"

/* How the TPM is asked, where a test asks otherwise. */
static struct {
	TPM2B_PUBLIC template;
	ESYS_TR hierarchy;
	uint32_t pcrs;		/* what it quotes */
	int64_t back;		/* blocks between the beacon and the tip */
	bool other_fork, other_keys;
} ask;

static struct tpm_key dummy;	/* signs what the TPM's own quote takes the place of */

static void ask_for_ak(void)
{
	TPMT_PUBLIC *area = &ask.template.publicArea;

	memset(&ask, 0, sizeof(ask));
	area->type = TPM2_ALG_ECC;
	area->nameAlg = TPM2_ALG_SHA256;
	area->objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
				 TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_NODA | TPMA_OBJECT_RESTRICTED |
				 TPMA_OBJECT_SIGN_ENCRYPT;
	area->parameters.eccDetail.symmetric.algorithm = TPM2_ALG_NULL;
	area->parameters.eccDetail.scheme.scheme = TPM2_ALG_ECDSA;
	area->parameters.eccDetail.scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
	area->parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
	area->parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
	ask.hierarchy = ESYS_TR_RH_ENDORSEMENT;
	ask.pcrs = PCRS;
}

static ESYS_TR open_ak(TPM2B_PUBLIC **public)
{
	const TPM2B_SENSITIVE_CREATE sensitive = { 0 };
	const TPML_PCR_SELECTION pcrs = { 0 };
	const TPM2B_DATA outside = { 0 };
	ESYS_TR handle;

	assert_int_equal(Esys_CreatePrimary(swtpm.tpm->esys, ask.hierarchy, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
					    &sensitive, &ask.template, &outside, &pcrs, &handle, public, NULL, NULL, NULL), 0);
	return handle;
}

static void take_ak(struct device *device)
{
	TPM2B_PUBLIC *public = NULL;
	ESYS_TR handle = open_ak(&public);

	memset(&device->ak, 0, sizeof(device->ak));
	assert_int_equal(Tss2_MU_TPMT_PUBLIC_Marshal(&public->publicArea, device->ak.area.data,
						     sizeof(device->ak.area.data), &device->ak.area.length), 0);
	assert_int_equal(sb_tpm_public_parse(device->ak.area.data, device->ak.area.length, &device->ak.public), 0);
	device->ak_name_length = sb_tpm_name(&device->ak.public, device->ak_name);
	Esys_Free(public);
	Esys_FlushContext(swtpm.tpm->esys, handle);
}

/* TPM2_Quote over what the statement asks for, by a key as it is asked for, in the statement's place. */
static void by_tpm(struct device *device, struct statement *s)
{
	static struct bytes quote, signature;
	const TPMT_SIG_SCHEME own = { .scheme = TPM2_ALG_NULL }, ecdsa = { .scheme = TPM2_ALG_ECDSA,
		.details.ecdsa.hashAlg = TPM2_ALG_SHA256 };
	bool has_own = ask.template.publicArea.parameters.eccDetail.scheme.scheme != TPM2_ALG_NULL;
	TPML_PCR_SELECTION selection = { .count = 1, .pcrSelections[0] = { .hash = TPM2_ALG_SHA256, .sizeofSelect = 3 } };
	TPM2B_DATA extra = { .size = 32 };
	TPM2B_ATTEST *attest = NULL;
	TPMT_SIGNATURE *signed_by = NULL;
	struct sb_error error;
	uint8_t values[SB_TPM_PCRS][32];
	ESYS_TR handle = open_ak(NULL);

	memcpy(extra.buffer, s->said.extra, 32);
	for (int i = 0; i < 3; i++)
		selection.pcrSelections[0].pcrSelect[i] = (BYTE)(ask.pcrs >> 8 * i);
	assert_int_equal(Esys_Quote(swtpm.tpm->esys, handle, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &extra,
				    has_own ? &own : &ecdsa, &selection, &attest, &signed_by), 0);
	Esys_FlushContext(swtpm.tpm->esys, handle);
	quote.length = signature.length = 0;
	put(&quote, attest->attestationData, attest->size);
	assert_int_equal(Tss2_MU_TPMT_SIGNATURE_Marshal(signed_by, signature.data, sizeof(signature.data),
							&signature.length), 0);
	assert_int_equal(sb_tpm_pcrs(swtpm.tpm, PCRS, values, &error), 0);
	s->values.length = 0;
	for (unsigned int pcr = 0; pcr < SB_TPM_PCRS; pcr++)
		if (PCRS & 1U << pcr)
			put(&s->values, values[pcr], 32);
	s->auth.pcr_values = pb(&s->values);
	s->auth.quote = pb(&quote);
	s->auth.signature = pb(&signature);
	if (ask.other_keys)
		s->cap.current = span32(device->box_key);
	Esys_Free(attest);
	Esys_Free(signed_by);
}

static void with_dummy(struct device *device, struct statement *s)
{
	s->signs = &dummy;
	/* Another block is at this height where the device looks: it follows another fork. */
	if (!ask.other_fork)
		return;
	s->beacon.hash[0] ^= 1;
	sb_quote_extra(CHAIN, &s->beacon, device->id, s->body.data, s->body.length, s->said.extra);
}

static uint8_t *tx_by_tpm(struct ledger *ledger, struct device *device, const Sealbond__Body *body, size_t *length)
{
	device->before = with_dummy;
	device->after = by_tpm;
	return quote_body(device, ledger->height - ask.back, body, length);
}

static uint32_t attests_by_tpm(struct ledger *ledger, struct device *device, const Sealbond__Body *body)
{
	size_t length;
	uint8_t *tx = tx_by_tpm(ledger, device, body, &length);
	uint32_t code = ledger_send(ledger, tx, length);

	free(tx);
	return code;
}

static uint32_t enrols_by_tpm(struct plant *plant)
{
	BODY(ENROL, enrol, Enrol, enrol);

	take_ak(&plant->a);
	enrol_of(&plant->a, &enrol);
	return attests_by_tpm(&plant->ledger, &plant->a, &body);
}

static uint8_t *beat_by_tpm(struct plant *plant, size_t *length)
{
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

	heartbeat_of(&plant->a, &heartbeat);
	return tx_by_tpm(&plant->ledger, &plant->a, &body, length);
}

static uint32_t beats_by_tpm(struct plant *plant)
{
	size_t length;
	uint8_t *tx = beat_by_tpm(plant, &length);
	uint32_t code = ledger_send(&plant->ledger, tx, length);

	free(tx);
	return code;
}

/* What the kernel does with the cap PCR when it has made its keys. */
static void cap(const struct device *device)
{
	const struct { uint8_t tag[sizeof(SB_CAP_TAG)], current[32], next[32], outcome; } *none = NULL;
	struct bytes text = { .length = 0 };
	uint8_t digest[32];

	put(&text, SB_CAP_TAG, sizeof(none->tag));
	put(&text, device->current, 32);
	put(&text, device->next, 32);
	put(&text, &device->outcome, 1);
	SHA256(text.data, text.length, digest);
	extend_pcr(CAP, digest);
}

static int set_up(void **state)
{
	struct tpm_template t = AK_TEMPLATE;
	struct plant *plant;
	struct sb_error error;
	struct sb_ek ek;

	swtpm_set_up(state);
	plant_with(state, NULL, NULL);
	plant = *state;
	make_ec_key(&dummy, &t);
	free_device(&plant->a);
	memset(&plant->a.ek, 0, sizeof(plant->a.ek));
	memset(&plant->a.ak, 0, sizeof(plant->a.ak));
	assert_int_equal(sb_tpm_ek(swtpm.tpm, &ek, &error), 0);
	put(&plant->a.ek.area, ek.area, ek.area_length);
	assert_int_equal(sb_tpm_public_parse(plant->a.ek.area.data, ek.area_length, &plant->a.ek.public), 0);
	sb_device_id_of(&plant->a.ek.public, plant->a.id);
	cap(&plant->a);
	ask_for_ak();
	return 0;
}

static int tear_down(void **state)
{
	free_key(&dummy);
	plant_close(state);
	return swtpm_tear_down(state);
}

#define REFUSED(call, change, want) do {						\
	ask_for_ak();									\
	change;										\
	assert_string_equal(sb_tx_name(call), sb_tx_name(want));			\
	ask_for_ak();									\
} while (0)

#define ATTRIBUTES	ask.template.publicArea.objectAttributes
#define DETAIL		ask.template.publicArea.parameters.eccDetail

/* Keys that a TPM makes, and a ledger must not take for an attestation key. */
static void wrong_keys(void **state)
{
	struct plant *plant = *state;

	REFUSED(enrols_by_tpm(plant), DETAIL.curveID = TPM2_ECC_NIST_P384, SB_TX_AK_ALGORITHM);
	REFUSED(enrols_by_tpm(plant), ATTRIBUTES &= ~TPMA_OBJECT_RESTRICTED, SB_TX_AK_NOT_RESTRICTED);
	REFUSED(enrols_by_tpm(plant), (ATTRIBUTES &= ~TPMA_OBJECT_RESTRICTED, DETAIL.scheme.scheme = TPM2_ALG_NULL),
		SB_TX_AK_NOT_RESTRICTED);
	REFUSED(enrols_by_tpm(plant), (ATTRIBUTES &= ~TPMA_OBJECT_RESTRICTED, ATTRIBUTES |= TPMA_OBJECT_DECRYPT,
				       DETAIL.scheme.scheme = TPM2_ALG_NULL), SB_TX_AK_NOT_RESTRICTED);
	REFUSED(enrols_by_tpm(plant), (ATTRIBUTES &= ~(TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT)),
		SB_TX_AK_NOT_FIXED_TPM);
	/* Good in itself, but of the owner's hierarchy, where the TPM veils its counters. */
	REFUSED(enrols_by_tpm(plant), ask.hierarchy = ESYS_TR_RH_OWNER, SB_TX_QUOTE_SIGNER);
	assert_int_equal(enrols_by_tpm(plant), SB_TX_OK);
}

static uint32_t enrols_with_ek(struct plant *plant, const struct tpm_key *ek)
{
	BODY(ENROL, enrol, Enrol, enrol);

	take_ak(&plant->a);
	enrol_of(&plant->a, &enrol);
	enrol.ek_public = pb(&ek->area);
	return attests_by_tpm(&plant->ledger, &plant->a, &body);
}

/* Under the id of its own EK with another's area, and as another device with its own AK. */
static void swapped_ek(void **state)
{
	struct plant *plant = *state;
	uint8_t id[32];

	assert_int_equal(enrols_with_ek(plant, &plant->b.ek), SB_TX_EK_NAME);
	/* An AK is no EK. */
	take_ak(&plant->a);
	memcpy(id, plant->a.id, 32);
	sb_device_id_of(&plant->a.ak.public, plant->a.id);
	assert_int_equal(enrols_with_ek(plant, &plant->a.ak), SB_TX_EK_NAME);
	memcpy(plant->a.id, id, 32);
	assert_int_equal(enrols_with_ek(plant, &plant->a.ek), SB_TX_OK);
}

static void bring_up(struct plant *plant)
{
	BODY(ACTIVATE, activate, Activate, activate);
	Sealbond__OpenedSecret opened, *secrets[1] = { &opened };
	uint8_t secret[32];

	assert_int_equal(enrols_by_tpm(plant), SB_TX_OK);
	assert_int_equal(challenges(&plant->ledger, &plant->enroller[0], &plant->a), SB_TX_OK);
	secret_of(&plant->enroller[0], &plant->a, secret);
	sealbond__opened_secret__init(&opened);
	opened.enroller = span32(plant->enroller[0].key);
	opened.secret = span32(secret);
	activate.n_secrets = 1;
	activate.secrets = secrets;
	activate.ak_name = (ProtobufCBinaryData){ plant->a.ak_name_length, plant->a.ak_name };
	assert_int_equal(attests_by_tpm(&plant->ledger, &plant->a, &body), SB_TX_OK);
	assert_int_equal(approves(&plant->ledger, &plant->a.owner, &plant->a, plant->a.current), SB_TX_OK);
}

/* Heartbeats of a device that is in, each wrong in one thing. */
static void wrong_quotes(void **state)
{
	struct plant *plant = *state;
	size_t length;
	uint8_t *tx;

	bring_up(plant);
	assert_int_equal(beats_by_tpm(plant), SB_TX_OK);
	assert_int_equal(state_of(&plant->ledger, &plant->a), SEALBOND__DEVICE_STATE__LIVE);
	REFUSED(beats_by_tpm(plant), ask.pcrs &= ~(1U << 4), SB_TX_QUOTE_SELECTION);
	REFUSED(beats_by_tpm(plant), ask.pcrs |= 1U << 16, SB_TX_QUOTE_SELECTION);
	REFUSED(beats_by_tpm(plant), ask.other_fork = true, SB_TX_BEACON_UNKNOWN);
	REFUSED(beats_by_tpm(plant), ask.other_keys = true, SB_TX_CAP);
	/* Another key of this very TPM. */
	REFUSED(beats_by_tpm(plant), (ATTRIBUTES &= ~TPMA_OBJECT_NODA), SB_TX_QUOTE_SIGNER);
	tx = beat_by_tpm(plant, &length);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_OK);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_QUOTE_STALE);
	free(tx);
	tx = beat_by_tpm(plant, &length);
	ledger_wait(&plant->ledger, 601);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_BEACON_STALE);
	free(tx);
	assert_int_equal(beats_by_tpm(plant), SB_TX_OK);
	/* Somebody extends the cap PCR: the kernel's keys are not proven any more. */
	extend_pcr(CAP, plant->a.box_key);
	assert_int_equal(beats_by_tpm(plant), SB_TX_CAP);
}

/* The TPM's own counters: after a reset its quotes are newer though its clock may stand lower. */
static void boots(void **state)
{
	struct plant *plant = *state;

	bring_up(plant);
	assert_int_equal(beats_by_tpm(plant), SB_TX_OK);
	for (int i = 0; i < 4; i++) {
		swtpm_stop(i % 2);
		swtpm_start();
		plant->a.outcome = SB_CAP_UNSEALED;
		cap(&plant->a);
		assert_int_equal(beats_by_tpm(plant), SB_TX_OK);
	}
	assert_int_equal(state_of(&plant->ledger, &plant->a), SEALBOND__DEVICE_STATE__LIVE);
}

/* Root extends the cap PCR of the running machine by a cap of its own, and explains the value that it gets. */
static void capped_again(void **state)
{
	struct plant *plant = *state;
	struct device *a = &plant->a;
	struct sb_cap_claim claim = { .outcome = a->outcome };
	BODY(ROTATE_KEY, rotate_key, RotateKey, rotate_key);
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	uint8_t next[32];

	bring_up(plant);
	assert_int_equal(beats_by_tpm(plant), SB_TX_OK);
	memcpy(next, a->next, 32);
	memcpy(claim.current, a->current, 32);
	memcpy(claim.next, a->next, 32);
	sb_cap_value(a->pcr[CAP], &claim, a->pcr[CAP]);
	fresh_key(a->next);
	a->outcome = SB_CAP_UNSEALED;
	cap(a);
	assert_int_equal(beats_by_tpm(plant), SB_TX_OK);
	rotate_key.key = span32(a->next);
	assert_int_equal(attests_by_tpm(&plant->ledger, a, &body), SB_TX_KEY_UNKNOWN);
	record = device_record(&plant->ledger, a);
	assert_memory_equal(record->next_key.data, next, 32);
	/* The next boot is a good one again. */
	swtpm_stop(true);
	swtpm_start();
	memset(a->pcr[CAP], 0, 32);
	fresh_key(a->next);
	a->outcome = SB_CAP_NEXT_MADE;
	cap(a);
	assert_int_equal(beats_by_tpm(plant), SB_TX_OK);
	rotate_key.key = span32(a->next);
	assert_int_equal(attests_by_tpm(&plant->ledger, a, &body), SB_TX_OK);
}

int main(void)
{
#define LIVE(name)	cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = { LIVE(wrong_keys), LIVE(swapped_ek), LIVE(wrong_quotes), LIVE(boots),
		LIVE(capped_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
