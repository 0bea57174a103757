/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Devices with a TPM, a kernel that caps it, and a helper that says something: what a good one says, and a hook
 * for each place where a bad one says something else. Beside them a ledger with a member and enrollers.
 */
#ifndef DEVICE_WORLD_H
#define DEVICE_WORLD_H

#include "tpm_world.h"

#include "ledger_world.h"
#include "sealbond/blob.h"
#include "state/attest.h"
#include "state/device.h"
#include "state/endorse.h"
#include "state/enrolment.h"

#define EK_ATTRIBUTES	(SB_TPM_FIXED_TPM | SB_TPM_FIXED_PARENT | SB_TPM_SENSITIVE_DATA_ORIGIN | \
			 SB_TPM_ADMIN_WITH_POLICY | SB_TPM_RESTRICTED | SB_TPM_DECRYPT)
#define EK_TEMPLATE	{ EK_ATTRIBUTES, SB_TPM_ALG_SHA256, SB_TPM_ALG_NULL, 0, SB_TPM_ALG_AES, SB_TPM_CURVE_P256 }
#define PCRS		(1U << 4 | 1U << 7 | 1U << 14)
#define CAP		14
#define ENROLLERS	3

/* What a device is about to send; a hook changes one thing. */
struct statement {
	struct quote_said said;
	Sealbond__DeviceAuth auth;
	Sealbond__CapClaim cap;
	struct bytes values, body;
	struct sb_beacon beacon;
	const struct tpm_key *signs;
};

struct device {
	struct tpm_key ek, ak;
	uint8_t id[32], ak_name[SB_TPM_NAME_MAX];
	size_t ak_name_length;
	struct sb_quote_clock clock;
	uint8_t pcr[SB_QUOTE_PCRS][32];	/* the cap as it is before the kernel's */
	uint32_t pcrs, assurance;
	uint8_t current[32], next[32], config[32], box_key[32];
	uint8_t outcome;
	struct person owner;
	/* hooks, of the next transaction only: before the quote is made, and after it is signed */
	void (*before)(struct device *device, struct statement *statement);
	void (*after)(struct device *device, struct statement *statement);
};

/* A key that was never there: a number, hashed. */
static inline void fresh_key(uint8_t key[32])
{
	static uint32_t number;

	number++;
	SHA256((const uint8_t *)&number, sizeof(number), key);
}

static inline void make_device(struct device *device)
{
	static uint32_t number = 1000;
	struct tpm_template ek = EK_TEMPLATE, ak = AK_TEMPLATE;

	memset(device, 0, sizeof(*device));
	make_ec_key(&device->ek, &ek);
	make_ec_key(&device->ak, &ak);
	sb_device_id_of(&device->ek.public, device->id);
	device->ak_name_length = sb_tpm_name(&device->ak.public, device->ak_name);
	device->clock = (struct sb_quote_clock){ 1000000, 7, 0, true };
	device->pcrs = PCRS;
	device->assurance = SB_ASSURANCE_FULL;
	fresh_key(device->current);
	fresh_key(device->next);
	fresh_key(device->box_key);
	device->outcome = SB_CAP_MADE;
	make_person(&device->owner, ++number);
}

static inline void free_device(struct device *device)
{
	free_key(&device->ek);
	free_key(&device->ak);
}

/* Power off and on: the kernel unseals what was its next key, if it was rotated; the clock starts where it was saved. */
static inline void reboot(struct device *device)
{
	device->clock.reset_count++;
	device->clock.restart_count = 0;
	device->clock.clock -= device->clock.clock % 4096;
	device->clock.safe = false;
	device->outcome = SB_CAP_UNSEALED;
}

static inline ProtobufCBinaryData span32(const uint8_t *bytes)
{
	return (ProtobufCBinaryData){ 32, (uint8_t *)bytes };
}

static inline ProtobufCBinaryData pb(const struct bytes *bytes)
{
	return (ProtobufCBinaryData){ bytes->length, (uint8_t *)bytes->data };
}

static inline bool is_zero(const uint8_t key[32])
{
	static const uint8_t zero[32];

	return memcmp(key, zero, 32) == 0;
}

static inline void fill_cap(const struct device *device, struct statement *s)
{
	struct sb_cap_claim claim = { .has_config = !is_zero(device->config), .outcome = device->outcome };
	uint8_t value[32];

	sealbond__cap_claim__init(&s->cap);
	s->cap.outcome = device->outcome;
	if (claim.has_config)
		s->cap.config = span32(device->config);
	if (!is_zero(device->current))
		s->cap.current = span32(device->current);
	if (!is_zero(device->next))
		s->cap.next = span32(device->next);
	if (!is_zero(device->pcr[CAP]))
		s->cap.prior = span32(device->pcr[CAP]);
	memcpy(claim.config, device->config, 32);
	memcpy(claim.current, device->current, 32);
	memcpy(claim.next, device->next, 32);
	sb_cap_value(device->pcr[CAP], &claim, value);
	s->values.length = 0;
	for (unsigned int pcr = 0; pcr < SB_QUOTE_PCRS; pcr++)
		if (device->pcrs & 1U << pcr)
			put(&s->values, pcr == CAP ? value : device->pcr[pcr], 32);
}

static inline void fill_said(struct device *device, struct statement *s)
{
	const struct sb_span values = { s->values.data, s->values.length };

	device->clock.clock += 1000;
	s->said = (struct quote_said){ .magic = 0xff544347, .type = 0x8018, .bank_count = 1, .bank = SB_TPM_ALG_SHA256,
				       .extra_length = 32, .clock = device->clock, .safe = device->clock.safe,
				       .firmware = 1, .pcrs = device->pcrs, .select_size = 3 };
	sb_quote_extra(CHAIN, &s->beacon, device->id, s->body.data, s->body.length, s->said.extra);
	s->said.signer.length = sb_tpm_qualified_name(&device->ak.public, SB_TPM_RH_ENDORSEMENT_HANDLE,
						      s->said.signer.data);
	sb_hash(SB_TPM_ALG_SHA256, &values, 1, s->said.pcr_digest);
}

/* The transaction, to be freed: a quote over the body, with the latest block as its beacon. */
static inline uint8_t *quote_body(struct device *device, int64_t beacon, const Sealbond__Body *body, size_t *length)
{
	Sealbond__SignedTx tx = SEALBOND__SIGNED_TX__INIT;
	struct statement s = { .signs = &device->ak, .beacon.height = (uint64_t)beacon };
	struct bytes quote, signature;
	uint8_t *packed, *whole;
	size_t packed_length;

	packed = sb_message_pack(body, &packed_length);
	put(&s.body, packed, packed_length);
	free(packed);
	block_hash_of(beacon, s.beacon.hash);
	fill_cap(device, &s);
	fill_said(device, &s);
	sealbond__device_auth__init(&s.auth);
	s.auth.device = span32(device->id);
	s.auth.beacon_height = s.beacon.height;
	s.auth.beacon_hash = span32(s.beacon.hash);
	if (device->before)
		device->before(device, &s);
	build_quote(&s.said, &quote);
	sign(s.signs, quote.data, quote.length, &signature);
	s.auth.pcr_values = pb(&s.values);
	s.auth.quote = pb(&quote);
	s.auth.signature = pb(&signature);
	s.auth.cap = &s.cap;
	if (device->after)
		device->after(device, &s);
	device->before = device->after = NULL;
	tx.body = pb(&s.body);
	tx.auth_case = SEALBOND__SIGNED_TX__AUTH_DEVICE;
	tx.device = &s.auth;
	whole = sb_message_pack(&tx, length);
	return whole;
}

static inline uint32_t attests(struct ledger *ledger, struct device *device, const Sealbond__Body *body)
{
	size_t length;
	uint8_t *tx = quote_body(device, ledger->height, body, &length);
	uint32_t code = ledger_send(ledger, tx, length);

	free(tx);
	return code;
}

#define BODY(NAME, name, Message, message) \
	Sealbond__Body body = SEALBOND__BODY__INIT; \
	Sealbond__##Message message; \
	sealbond__##name##__init(&message); \
	body.action_case = SEALBOND__BODY__ACTION_##NAME; \
	body.name = &message

static inline void heartbeat_of(const struct device *device, Sealbond__Heartbeat *heartbeat)
{
	sealbond__heartbeat__init(heartbeat);
	heartbeat->assurance = device->assurance;
}

static inline uint8_t *heartbeat_tx(struct ledger *ledger, struct device *device, size_t *length)
{
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

	heartbeat_of(device, &heartbeat);
	return quote_body(device, ledger->height, &body, length);
}

static inline uint32_t beats(struct ledger *ledger, struct device *device)
{
	size_t length;
	uint8_t *tx = heartbeat_tx(ledger, device, &length);
	uint32_t code = ledger_send(ledger, tx, length);

	free(tx);
	return code;
}

/* What a device says when it enrols; iak and certificates are added by those who test them. */
static inline void enrol_of(const struct device *device, Sealbond__Enrol *enrol)
{
	sealbond__enrol__init(enrol);
	enrol->ek_public = pb(&device->ek.area);
	enrol->ak_public = pb(&device->ak.area);
	enrol->owner = span32(device->owner.key);
	enrol->box_key = span32(device->box_key);
	enrol->pcrs = device->pcrs;
	enrol->assurance = device->assurance;
}

static inline uint32_t enrols(struct ledger *ledger, struct device *device)
{
	BODY(ENROL, enrol, Enrol, enrol);

	enrol_of(device, &enrol);
	return attests(ledger, device, &body);
}

/* The enroller's secret for a device: the same each time. */
static inline void secret_of(const struct person *enroller, const struct device *device, uint8_t secret[32])
{
	uint8_t both[64];

	memcpy(both, enroller->key, 32);
	memcpy(both + 32, device->id, 32);
	SHA256(both, sizeof(both), secret);
}

/* commitment: room for what the challenge points to. */
static inline void challenge_of(const struct person *enroller, const struct device *device,
				Sealbond__Challenge *challenge, uint8_t commitment[32])
{
	static uint8_t nonce[16] = { 3 }, blob[] = "a credential", encrypted[] = "an encrypted secret";
	struct bytes text = { .length = 0 };
	uint8_t secret[32];

	secret_of(enroller, device, secret);
	put(&text, "sealbond challenge v1", 22);
	put_be(&text, strlen(CHAIN), 1);
	put(&text, CHAIN, strlen(CHAIN));
	put(&text, device->id, 32);
	put(&text, device->ak_name, device->ak_name_length);
	put(&text, enroller->key, 32);
	put(&text, nonce, sizeof(nonce));
	put(&text, secret, sizeof(secret));
	SHA256(text.data, text.length, commitment);
	sealbond__challenge__init(challenge);
	challenge->device = span32(device->id);
	challenge->ak_name = (ProtobufCBinaryData){ device->ak_name_length, (uint8_t *)device->ak_name };
	challenge->nonce = (ProtobufCBinaryData){ sizeof(nonce), nonce };
	challenge->commitment = span32(commitment);
	challenge->credential_blob = (ProtobufCBinaryData){ sizeof(blob), blob };
	challenge->encrypted_secret = (ProtobufCBinaryData){ sizeof(encrypted), encrypted };
}

/* The enroller's transaction, to be freed. */
static inline uint8_t *challenge_tx(struct person *enroller, const struct device *device, size_t *length)
{
	BODY(CHALLENGE, challenge, Challenge, challenge);
	uint8_t commitment[32];

	challenge_of(enroller, device, &challenge, commitment);
	return sign_body(enroller, &body, length);
}

static inline uint32_t challenges(struct ledger *ledger, struct person *enroller, const struct device *device)
{
	BODY(CHALLENGE, challenge, Challenge, challenge);
	uint8_t commitment[32];

	challenge_of(enroller, device, &challenge, commitment);
	return says(ledger, enroller, &body);
}

/* With the secrets of so many enrollers, ascending by key. */
static inline uint32_t activates_with(struct ledger *ledger, struct device *device, const struct person *enrollers,
				      size_t count, int changed)
{
	BODY(ACTIVATE, activate, Activate, activate);
	Sealbond__OpenedSecret opened[ENROLLERS], *secrets[ENROLLERS];
	uint8_t secret[ENROLLERS][32];

	for (size_t i = 0; i < count; i++) {
		secret_of(&enrollers[i], device, secret[i]);
		secret[i][5] ^= (uint8_t)(changed == (int)i);
		sealbond__opened_secret__init(&opened[i]);
		opened[i].enroller = span32(enrollers[i].key);
		opened[i].secret = span32(secret[i]);
		secrets[i] = &opened[i];
		for (size_t j = i; j && memcmp(secrets[j]->enroller.data, secrets[j - 1]->enroller.data, 32) < 0; j--) {
			Sealbond__OpenedSecret *lower = secrets[j];

			secrets[j] = secrets[j - 1];
			secrets[j - 1] = lower;
		}
	}
	activate.n_secrets = count;
	activate.secrets = secrets;
	activate.ak_name = (ProtobufCBinaryData){ device->ak_name_length, device->ak_name };
	return attests(ledger, device, &body);
}

static inline uint32_t activates(struct ledger *ledger, struct device *device, const struct person *enrollers, size_t count)
{
	return activates_with(ledger, device, enrollers, count, -1);
}

/* Of the owner, about its device. */
#define OWNER_SAYS(ACTION, name, Message)								\
	static inline uint32_t name##s(struct ledger *ledger, struct person *owner, const struct device *device) \
	{												\
		BODY(ACTION, name, Message, name);							\
													\
		name.device = span32(device->id);							\
		return says(ledger, owner, &body);							\
	}
OWNER_SAYS(SUSPEND, suspend, Suspend)
OWNER_SAYS(RESUME, resume, Resume)
OWNER_SAYS(REVOKE, revoke, Revoke)
OWNER_SAYS(RETIRE, retire, Retire)

static inline uint32_t approves(struct ledger *ledger, struct person *owner, const struct device *device, const uint8_t key[32])
{
	BODY(APPROVE, approve, Approve, approve);

	approve.device = span32(device->id);
	approve.current_key = span32(key);
	return says(ledger, owner, &body);
}

static inline uint32_t resolves(struct ledger *ledger, struct person *owner, const uint8_t incident[32], bool keep_frozen)
{
	BODY(RESOLVE_INCIDENT, resolve_incident, ResolveIncident, resolve_incident);

	resolve_incident.incident = span32(incident);
	resolve_incident.keep_frozen = keep_frozen;
	resolve_incident.note = (char *)"looked at";
	return says(ledger, owner, &body);
}

/* The record as it is now; NULL: there is none. For SB_AUTO_MESSAGE. */
static inline void *record_of(struct ledger *ledger, const ProtobufCMessageDescriptor *type, enum sb_record_kind kind,
			      const void *id, size_t id_length)
{
	uint8_t key[SB_RECORD_KEY_MAX];
	size_t length, key_length = sb_record_key(kind, id, id_length, key);
	const uint8_t *value;
	void *message;

	if (ledger->world.records.get(&ledger->world, key, key_length, &value, &length) < 0)
		return NULL;
	message = sb_message_read(type, value, length);
	assert_non_null(message);
	return message;
}

static inline Sealbond__Device *device_record(struct ledger *ledger, const struct device *device)
{
	return record_of(ledger, &sealbond__device__descriptor, SB_RECORD_DEVICE, device->id, 32);
}

static inline Sealbond__DeviceState state_of(struct ledger *ledger, const struct device *device)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(ledger, device);

	return record ? record->state : SEALBOND__DEVICE_STATE__NONE;
}

static inline int64_t lease_of(struct ledger *ledger, const struct device *device)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(ledger, device);

	assert_non_null(record);
	return record->lease_end - ledger->time;
}

/* A ledger with one member and three enrollers. */
struct plant {
	struct ledger ledger;
	struct person member, enroller[ENROLLERS];
	struct device a, b;
};

static inline void plant_open(struct plant *plant, const Sealbond__Parameters *parameters, const struct bytes *root)
{
	Sealbond__Genesis genesis = SEALBOND__GENESIS__INIT;
	Sealbond__Member member = SEALBOND__MEMBER__INIT, *members[] = { &member };
	Sealbond__Enroller enroller[ENROLLERS], *enrollers[ENROLLERS];
	Sealbond__TrustRoot trust = SEALBOND__TRUST_ROOT__INIT, *roots[] = { &trust };

	make_person(&plant->member, 1);
	member.key = span32(plant->member.key);
	member.weight = 1;
	member.name = (char *)"ann";
	for (uint32_t i = 0; i < ENROLLERS; i++) {
		make_person(&plant->enroller[i], 10 + i);
		sealbond__enroller__init(&enroller[i]);
		enroller[i].key = span32(plant->enroller[i].key);
		enroller[i].name = (char *)"desk";
		enrollers[i] = &enroller[i];
	}
	genesis.parameters = (Sealbond__Parameters *)parameters;
	genesis.n_members = 1;
	genesis.members = members;
	genesis.threshold = 1;
	genesis.n_enrollers = ENROLLERS;
	genesis.enrollers = enrollers;
	if (root) {
		trust.certificate = pb(root);
		trust.name = (char *)"vendor";
		genesis.n_roots = 1;
		genesis.roots = roots;
	}
	ledger_open(&plant->ledger, &genesis);
}

/* Its way onto a ledger that asks for the first k enrollers and its owner. */
static inline void bring_live(struct plant *plant, struct device *device, size_t k)
{
	assert_int_equal(enrols(&plant->ledger, device), SB_TX_OK);
	for (size_t i = 0; i < k; i++)
		assert_int_equal(challenges(&plant->ledger, &plant->enroller[i], device), SB_TX_OK);
	assert_int_equal(activates(&plant->ledger, device, plant->enroller, k), SB_TX_OK);
	assert_int_equal(approves(&plant->ledger, &device->owner, device, device->current), SB_TX_OK);
	assert_int_equal(beats(&plant->ledger, device), SB_TX_OK);
	assert_int_equal(state_of(&plant->ledger, device), SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(lease_of(&plant->ledger, device), 86400);
}

/* With two devices that are not enrolled; activation by one enroller, and what a test changes. */
static inline int plant_with(void **state, void (*change)(Sealbond__Parameters *parameters), const struct bytes *root)
{
	struct plant *plant = calloc(1, sizeof(*plant));
	Sealbond__Parameters parameters;

	assert_non_null(plant);
	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ACTIVATION;
	parameters.pcrs = PCRS;
	if (change)
		change(&parameters);
	plant_open(plant, &parameters, root);
	make_device(&plant->a);
	make_device(&plant->b);
	*state = plant;
	return 0;
}

static inline void need_two(Sealbond__Parameters *parameters)
{
	parameters->enrollers_needed = 2;
}

/* Activation takes two enrollers. */
static inline int two_enrollers(void **state)
{
	return plant_with(state, need_two, NULL);
}

/* With one, and a is live. */
static inline int plant_with_a(void **state)
{
	plant_with(state, NULL, NULL);
	bring_live(*state, &((struct plant *)*state)->a, 1);
	return 0;
}

static inline int plant_close(void **state)
{
	struct plant *plant = *state;

	ledger_close(&plant->ledger);
	free_device(&plant->a);
	free_device(&plant->b);
	free(plant);
	return 0;
}

#endif
