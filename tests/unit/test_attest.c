// SPDX-License-Identifier: Apache-2.0
/*
 * A device's heartbeat, wrong in one thing at a time: each is refused by its own name, and the same device's next
 * good one is taken.
 */
#include "device_world.h"

static struct tpm_key stranger;

static void magic(struct device *d, struct statement *s) { s->said.magic ^= 1; }
static void type(struct device *d, struct statement *s) { s->said.type = 0x8017; }
static void fewer_pcrs(struct device *d, struct statement *s) { s->said.pcrs &= ~(1U << 4); }
static void more_pcrs(struct device *d, struct statement *s) { s->said.pcrs |= 1U << 16; }
static void other_bank(struct device *d, struct statement *s) { s->said.bank = SB_TPM_ALG_SHA1; }
static void other_body(struct device *d, struct statement *s) { s->body.data[s->body.length - 1] ^= 1; }
static void other_signer(struct device *d, struct statement *s) { s->signs = &stranger; }
static void safe_two(struct device *d, struct statement *s) { s->said.safe = 2; }
static void no_signature(struct device *d, struct statement *s) { s->auth.signature.len = 0; }
static void long_quote(struct device *d, struct statement *s) { s->auth.quote.len++; }
static void fewer_values(struct device *d, struct statement *s) { s->auth.pcr_values.len -= 32; }
static void odd_values(struct device *d, struct statement *s) { s->auth.pcr_values.len -= 1; }
static void other_value(struct device *d, struct statement *s) { s->values.data[0] ^= 1; }
static void no_cap(struct device *d, struct statement *s) { s->auth.cap = NULL; }
static void short_config(struct device *d, struct statement *s)
{
	s->cap.config = (ProtobufCBinaryData){ 31, d->box_key };
}

static void short_next(struct device *d, struct statement *s) { s->cap.next.len = 31; }

static void short_prior(struct device *d, struct statement *s)
{
	s->cap.prior = (ProtobufCBinaryData){ 31, d->box_key };
}

static void short_key(struct device *d, struct statement *s) { s->cap.current.len = 31; }
static void other_outcome(struct device *d, struct statement *s) { s->cap.outcome = SB_CAP_UNSEALED; }
static void no_outcome(struct device *d, struct statement *s) { s->cap.outcome = 5; }
static void other_key(struct device *d, struct statement *s) { s->cap.next = span32(d->box_key); }
static void other_prior(struct device *d, struct statement *s) { s->cap.prior = span32(d->box_key); }
static void with_config(struct device *d, struct statement *s) { s->cap.config = span32(d->box_key); }
static void no_hash(struct device *d, struct statement *s) { s->auth.beacon_hash.len = 0; }
static void other_fork(struct device *d, struct statement *s) { s->beacon.hash[0] ^= 1; }
static void future(struct device *d, struct statement *s) { s->auth.beacon_height++; }
static void no_height(struct device *d, struct statement *s) { s->auth.beacon_height = 0; }
static void short_id(struct device *d, struct statement *s) { s->auth.device.len = 16; }

static void other_scheme(struct device *d, struct statement *s)
{
	static struct tpm_key key;

	key = d->ak;
	key.public.scheme_hash = SB_TPM_ALG_SHA384;
	s->signs = &key;
}

/* The owner's hierarchy, where the TPM would hide its counters. */
static void other_hierarchy(struct device *d, struct statement *s)
{
	s->said.signer.length = sb_tpm_qualified_name(&d->ak.public, 0x40000001, s->said.signer.data);
}

static void other_chain(struct device *d, struct statement *s)
{
	sb_quote_extra("plant2", &s->beacon, d->id, s->body.data, s->body.length, s->said.extra);
}

static void other_id(struct device *d, struct statement *s)
{
	sb_quote_extra(CHAIN, &s->beacon, d->box_key, s->body.data, s->body.length, s->said.extra);
}

/* A right cap, but for keys that the kernel does not hold: the PCR would have another value. */
static void false_keys(struct device *d, struct statement *s)
{
	s->cap.current = span32(d->box_key);
}

static void unknown_device(struct device *d, struct statement *s)
{
	s->auth.device = span32(d->box_key);
}

static void each_check(void **state)
{
	static const struct {
		void (*before)(struct device *d, struct statement *s), (*after)(struct device *d, struct statement *s);
		uint32_t code;
	} cases[] = {
		{ magic, NULL, SB_TX_QUOTE_MAGIC }, { type, NULL, SB_TX_QUOTE_TYPE },
		{ fewer_pcrs, NULL, SB_TX_QUOTE_SELECTION }, { more_pcrs, NULL, SB_TX_QUOTE_SELECTION },
		{ other_bank, NULL, SB_TX_QUOTE_SELECTION }, { other_scheme, NULL, SB_TX_QUOTE_SCHEME },
		{ other_signer, NULL, SB_TX_QUOTE_SIGNATURE }, { other_hierarchy, NULL, SB_TX_QUOTE_SIGNER },
		{ other_chain, NULL, SB_TX_QUOTE_EXTRA }, { other_id, NULL, SB_TX_QUOTE_EXTRA },
		{ NULL, other_body, SB_TX_QUOTE_EXTRA }, { safe_two, NULL, SB_TX_QUOTE_MALFORMED },
		{ NULL, no_signature, SB_TX_QUOTE_MALFORMED }, { NULL, long_quote, SB_TX_QUOTE_MALFORMED },
		{ NULL, other_value, SB_TX_QUOTE_PCR_DIGEST }, { NULL, fewer_values, SB_TX_FIELD },
		{ NULL, odd_values, SB_TX_FIELD }, { NULL, no_cap, SB_TX_FIELD }, { NULL, short_key, SB_TX_FIELD },
		{ NULL, short_config, SB_TX_FIELD }, { NULL, short_next, SB_TX_FIELD }, { NULL, short_prior, SB_TX_FIELD },
		{ NULL, no_outcome, SB_TX_FIELD }, { NULL, other_outcome, SB_TX_CAP }, { NULL, other_key, SB_TX_CAP },
		{ NULL, other_prior, SB_TX_CAP }, { NULL, with_config, SB_TX_CAP }, { NULL, false_keys, SB_TX_CAP },
		{ NULL, no_hash, SB_TX_FIELD }, { other_fork, NULL, SB_TX_BEACON_UNKNOWN },
		{ NULL, future, SB_TX_BEACON_UNKNOWN }, { NULL, no_height, SB_TX_BEACON_UNKNOWN },
		{ NULL, short_id, SB_TX_FIELD }, { NULL, unknown_device, SB_TX_UNKNOWN_DEVICE },
	};
	struct plant *plant = *state;
	struct device *a = &plant->a;

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		uint8_t before[32], after[32];

		record_world_digest(&plant->ledger.world, before);
		a->before = cases[i].before;
		a->after = cases[i].after;
		assert_string_equal(sb_tx_name(beats(&plant->ledger, a)), sb_tx_name(cases[i].code));
		record_world_digest(&plant->ledger.world, after);
		assert_memory_equal(before, after, 32);
	}
	assert_int_equal(beats(&plant->ledger, a), SB_TX_OK);
}

/* A beacon of this chain, but from before the time that the ledger allows. */
static void stale_beacon(void **state)
{
	struct plant *plant = *state;
	size_t length;
	uint8_t *tx = heartbeat_tx(&plant->ledger, &plant->a, &length);

	ledger_wait(&plant->ledger, 600 - BLOCK_S);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_OK);
	free(tx);
	tx = heartbeat_tx(&plant->ledger, &plant->a, &length);
	ledger_wait(&plant->ledger, 600);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_BEACON_STALE);
	/* One that the store has forgotten altogether. */
	memset(plant->ledger.world.block, 0, sizeof(plant->ledger.world.block));
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_BEACON_STALE);
	free(tx);
}

static void replay(void **state)
{
	struct plant *plant = *state;
	size_t length, other_length;
	uint8_t *tx = heartbeat_tx(&plant->ledger, &plant->a, &length), *other;

	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_OK);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_QUOTE_STALE);
	/* In the same block, too. */
	other = heartbeat_tx(&plant->ledger, &plant->a, &other_length);
	ledger_begin(&plant->ledger);
	assert_int_equal(sb_machine_deliver(plant->ledger.machine, other, other_length, &plant->ledger.last), 0);
	assert_int_equal(plant->ledger.last.code, SB_TX_OK);
	assert_int_equal(sb_machine_deliver(plant->ledger.machine, other, other_length, &plant->ledger.last), 0);
	assert_int_equal(plant->ledger.last.code, SB_TX_QUOTE_STALE);
	ledger_finish(&plant->ledger);
	assert_int_equal(state_of(&plant->ledger, &plant->a), SEALBOND__DEVICE_STATE__LIVE);
	free(other);
	free(tx);
}

/* The quote of one device under another's name. */
static void somebody_elses(void **state)
{
	struct plant *plant = *state;
	struct device mixed;

	bring_live(plant, &plant->b, 1);
	mixed = plant->b;
	mixed.ak = plant->a.ak;
	assert_int_equal(beats(&plant->ledger, &mixed), SB_TX_QUOTE_SIGNER);
}

/* What a device enrols with is looked at before its quote: the AK's form, attribute by attribute. */
static uint32_t enrols_with(struct plant *plant, const struct tpm_template *ak)
{
	struct device *b = &plant->b;
	uint32_t code;

	free_key(&b->ak);
	make_ec_key(&b->ak, ak);
	b->ak_name_length = sb_tpm_name(&b->ak.public, b->ak_name);
	code = enrols(&plant->ledger, b);
	return code;
}

static void ak_form(void **state)
{
	static const struct {
		uint32_t attributes;	/* that are the other way round */
		uint32_t code;
	} cases[] = {
		{ SB_TPM_FIXED_TPM, SB_TX_AK_NOT_FIXED_TPM }, { SB_TPM_FIXED_PARENT, SB_TX_AK_NOT_FIXED_PARENT },
		{ SB_TPM_SENSITIVE_DATA_ORIGIN, SB_TX_AK_NOT_MADE_INSIDE },
		{ SB_TPM_RESTRICTED, SB_TX_AK_NOT_RESTRICTED }, { SB_TPM_SIGN, SB_TX_AK_NOT_SIGN },
		{ SB_TPM_DECRYPT, SB_TX_AK_DECRYPT },
	};
	struct plant *plant = *state;
	struct tpm_template t = AK_TEMPLATE;

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		t = (struct tpm_template)AK_TEMPLATE;
		t.attributes ^= cases[i].attributes;
		assert_string_equal(sb_tx_name(enrols_with(plant, &t)), sb_tx_name(cases[i].code));
	}
	t = (struct tpm_template)AK_TEMPLATE;
	t.curve = SB_TPM_CURVE_P384;
	assert_int_equal(enrols_with(plant, &t), SB_TX_AK_ALGORITHM);
	t = (struct tpm_template)AK_TEMPLATE;
	t.name_alg = SB_TPM_ALG_SHA384;
	assert_int_equal(enrols_with(plant, &t), SB_TX_FIELD);
	t = (struct tpm_template)AK_TEMPLATE;
	t.symmetric = SB_TPM_ALG_AES;
	assert_int_equal(enrols_with(plant, &t), SB_TX_AK_SCHEME);
	t = (struct tpm_template)AK_TEMPLATE;
	assert_int_equal(enrols_with(plant, &t), SB_TX_OK);
}

static void enrol_changed(struct plant *plant, void (*change)(struct plant *plant, Sealbond__Enrol *enrol), uint32_t code)
{
	BODY(ENROL, enrol, Enrol, enrol);

	enrol_of(&plant->b, &enrol);
	change(plant, &enrol);
	assert_string_equal(sb_tx_name(attests(&plant->ledger, &plant->b, &body)), sb_tx_name(code));
}

static void cut_ak(struct plant *p, Sealbond__Enrol *e) { e->ak_public.len--; }
static void cut_ek(struct plant *p, Sealbond__Enrol *e) { e->ek_public.len--; }
static void as_ek(struct plant *p, Sealbond__Enrol *e) { e->ek_public = pb(&p->a.ek.area); }
static void pcr_23(struct plant *p, Sealbond__Enrol *e) { e->pcrs |= 1U << 23; }
static void no_cap_pcr(struct plant *p, Sealbond__Enrol *e) { e->pcrs &= ~(1U << CAP); }
static void pcr_not_allowed(struct plant *p, Sealbond__Enrol *e) { e->pcrs |= 1U << 17; }
static void owner_short(struct plant *p, Sealbond__Enrol *e) { e->owner.len = 31; }
static void no_box_key(struct plant *p, Sealbond__Enrol *e) { e->box_key.len = 0; }
static void no_assurance(struct plant *p, Sealbond__Enrol *e) { e->assurance = 0; }
static void much_assurance(struct plant *p, Sealbond__Enrol *e) { e->assurance = 4; }
static void bench(struct plant *p, Sealbond__Enrol *e) { e->assurance = SB_ASSURANCE_BENCH; }

/* No x of a point. */
static void owner_off_curve(struct plant *p, Sealbond__Enrol *e)
{
	static uint8_t key[32];

	memset(key, 0xff, sizeof(key));
	e->owner = span32(key);
}

static void enrol_fields(void **state)
{
	struct plant *plant = *state;

	enrol_changed(plant, cut_ak, SB_TX_AK_MALFORMED);
	enrol_changed(plant, cut_ek, SB_TX_EK_NAME);
	enrol_changed(plant, as_ek, SB_TX_EK_NAME);		/* swapped: the id is not of this EK */
	enrol_changed(plant, pcr_23, SB_TX_PCRS);
	enrol_changed(plant, no_cap_pcr, SB_TX_PCRS);
	enrol_changed(plant, pcr_not_allowed, SB_TX_PCRS);
	enrol_changed(plant, owner_short, SB_TX_FIELD);
	enrol_changed(plant, owner_off_curve, SB_TX_FIELD);
	enrol_changed(plant, no_box_key, SB_TX_FIELD);
	enrol_changed(plant, no_assurance, SB_TX_FIELD);
	enrol_changed(plant, much_assurance, SB_TX_FIELD);
	enrol_changed(plant, bench, SB_TX_BENCH);
	plant->b.outcome = SB_CAP_NONE;
	assert_int_equal(enrols(&plant->ledger, &plant->b), SB_TX_KEY_UNKNOWN);
}

/* The mask of PCRs that a device may have, by the ledger's parameters. */
static void masks(void **state)
{
	static const struct {
		uint32_t must, allowed, cap, asked;
		bool fits;
	} cases[] = {
		{ 1 << 7, 0xffff, 14, 1 << 7 | 1 << 14, true }, { 1 << 7, 0xffff, 14, 1 << 7, false },
		{ 1 << 7, 0xffff, 14, 1 << 14, false }, { 1 << 7, 0xffff, 14, 1 << 7 | 1 << 14 | 1 << 4, true },
		{ 1 << 7, 0xffff, 14, 1 << 7 | 1 << 14 | 1 << 17, false },
		/* Anybody may reset these two, whatever the parameters say. */
		{ 1 << 7, 0xffffff, 14, 1 << 7 | 1 << 14 | 1 << 16, false },
		{ 1 << 7, 0xffffff, 14, 1 << 7 | 1 << 14 | 1 << 23, false },
		/* Parameters that no vote makes. */
		{ 1 << 7, 0xffffffff, 14, 1 << 7 | 1 << 14 | 1 << 24, false },
		{ 1 << 7, 0xffffff, 32 + 14, 1 << 7 | 1 << 14, false },
	};
	Sealbond__Parameters parameters = SEALBOND__PARAMETERS__INIT;

	for (size_t i = 0; i < SB_ARRAY_SIZE(cases); i++) {
		parameters.pcrs = cases[i].must;
		parameters.pcrs_allowed = cases[i].allowed;
		parameters.cap_pcr = cases[i].cap;
		if (sb_pcrs_fit(&parameters, cases[i].asked) != cases[i].fits)
			fail_msg("case %zu", i);
	}
}

/* The store cannot say which block was where: the node stops, nobody is refused. */
static void store_without_blocks(void **state)
{
	struct plant *plant = *state;
	struct ledger *ledger = &plant->ledger;
	size_t length;
	uint8_t *tx = heartbeat_tx(ledger, &plant->a, &length);

	ledger_begin(ledger);
	ledger->world.blocks_fail = -EIO;
	assert_int_equal(sb_machine_deliver(ledger->machine, tx, length, &ledger->last), -EIO);
	assert_int_equal(ledger->last.code, SB_TX_INTERNAL);
	ledger->world.blocks_fail = 0;
	ledger_finish(ledger);
	free(tx);
}

/* An EK that could sign, move, or do without AES is none, whatever its Name says. */
static void ek_form(void **state)
{
	static const uint32_t turned[] = { SB_TPM_FIXED_TPM, SB_TPM_FIXED_PARENT, SB_TPM_SENSITIVE_DATA_ORIGIN,
					   SB_TPM_RESTRICTED, SB_TPM_DECRYPT, SB_TPM_SIGN };
	struct plant *plant = *state;
	struct device *b = &plant->b;

	for (size_t i = 0; i <= SB_ARRAY_SIZE(turned); i++) {
		struct tpm_template t = EK_TEMPLATE;

		if (i < SB_ARRAY_SIZE(turned))
			t.attributes ^= turned[i];
		else
			t.symmetric = SB_TPM_ALG_NULL;
		free_key(&b->ek);
		make_ec_key(&b->ek, &t);
		sb_device_id_of(&b->ek.public, b->id);
		assert_int_equal(enrols(&plant->ledger, b), SB_TX_EK_NAME);
	}
}

/* Both configurations' hash and what a shim has left in the PCR before are part of the cap. */
static void cap_whole(void **state)
{
	struct plant *plant = *state;
	struct device *a = &plant->a;

	memset(a->config, 0xc0, 32);
	memset(a->pcr[CAP], 0x51, 32);
	assert_int_equal(beats(&plant->ledger, a), SB_TX_OK);
}

int main(void)
{
#define WITH_A(test) cmocka_unit_test_setup_teardown(test, plant_with_a, plant_close)
	const struct CMUnitTest tests[] = {
		WITH_A(each_check), WITH_A(stale_beacon), WITH_A(replay), WITH_A(somebody_elses), WITH_A(ak_form),
		WITH_A(enrol_fields), WITH_A(ek_form), WITH_A(cap_whole),
		WITH_A(masks), WITH_A(store_without_blocks),
	};
	struct tpm_template t = AK_TEMPLATE;
	int failed;

	make_ec_key(&stranger, &t);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free_key(&stranger);
	return failed;
}
