// SPDX-License-Identifier: Apache-2.0
/* Two devices of one owner in one zone share nothing on the ledger that would tell so. */
#include <stddef.h>
#include <stdint.h>

static void seen(const char *what, const void *data, size_t length);
static void seen_transaction(const uint8_t *tx, size_t length);
#define LEDGER_SENT(ledger, tx, length) \
	do { \
		seen_transaction(tx, length); \
		seen("its result's data", (ledger)->last.data, (ledger)->last.data_length); \
		seen("its result's log", (ledger)->last.log, strlen((ledger)->last.log)); \
	} while (0)

#include "device_world.h"

#include <sodium.h>

#include "owner/belong.h"
#include "owner/transaction.h"

/*
 * Everything that a reader of the ledger has got of a device: its transactions with their results, which are what blocks
 * and events have, and its records, keys and values. All are taken apart to their fields, at any depth; no eight bytes of
 * a field of one device may stand anywhere in a field of the other, but for what is allowed below. A number counts with
 * its eight bytes where it is large enough to tell anybody by. What is not compared are the encoding's own bytes between
 * the fields: there is one encoding only, so that they say nothing beside the fields.
 */
#define WINDOW	8
#define NUMBER	(1 << 20)

struct buffer {
	const char *what;
	uint8_t *data;
	bool *masked;
	size_t length;
};
struct pool {
	struct buffer buffer[2000];
	size_t count;
};
static struct pool pools[3], *filling;	/* of one, of two, and of their zone */

static void seen(const char *what, const void *data, size_t length)
{
	struct buffer *buffer;

	if (!filling || !length)
		return;
	assert_true(filling->count < SB_ARRAY_SIZE(filling->buffer));
	buffer = &filling->buffer[filling->count++];
	buffer->what = what;
	buffer->length = length;
	buffer->data = malloc(length);
	buffer->masked = calloc(length, sizeof(bool));
	memcpy(buffer->data, data, length);
}

static void take_apart(const ProtobufCMessage *message);

static void take_field(const ProtobufCFieldDescriptor *field, const void *at)
{
	uint64_t number = 0;
	uint8_t big[8];

	switch (field->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		if (*(ProtobufCMessage *const *)at)
			take_apart(*(ProtobufCMessage *const *)at);
		return;
	case PROTOBUF_C_TYPE_BYTES:
		seen(field->name, ((const ProtobufCBinaryData *)at)->data, ((const ProtobufCBinaryData *)at)->len);
		return;
	case PROTOBUF_C_TYPE_STRING:
		if (*(char *const *)at)
			seen(field->name, *(char *const *)at, strlen(*(char *const *)at));
		return;
	case PROTOBUF_C_TYPE_INT64: case PROTOBUF_C_TYPE_UINT64: case PROTOBUF_C_TYPE_FIXED64:
		number = *(const uint64_t *)at;
		break;
	case PROTOBUF_C_TYPE_UINT32: case PROTOBUF_C_TYPE_ENUM: case PROTOBUF_C_TYPE_BOOL:
		number = *(const uint32_t *)at;
		break;
	default:
		fail_msg("%s: a type that this test does not know", field->name);
	}
	if (number < NUMBER)
		return;
	for (int i = 0; i < 8; i++)
		big[i] = (uint8_t)(number >> (56 - 8 * i));
	seen(field->name, big, sizeof(big));
}

static size_t size_of(const ProtobufCFieldDescriptor *field)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_BYTES:
		return sizeof(ProtobufCBinaryData);
	case PROTOBUF_C_TYPE_UINT32: case PROTOBUF_C_TYPE_ENUM: case PROTOBUF_C_TYPE_BOOL:
		return 4;
	default:
		return 8;
	}
}

static void take_apart(const ProtobufCMessage *message)
{
	const ProtobufCMessageDescriptor *type = message->descriptor;
	const uint8_t *base = (const uint8_t *)message;

	for (unsigned int i = 0; i < type->n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &type->fields[i];

		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			const uint8_t *array = *(uint8_t *const *)(base + field->offset);

			for (size_t n = *(const size_t *)(base + field->quantifier_offset); n; n--)
				take_field(field, array + (n - 1) * size_of(field));
		} else if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) ||
			   *(const uint32_t *)(base + field->quantifier_offset) == field->id) {
			take_field(field, base + field->offset);
		}
	}
}

static void seen_transaction(const uint8_t *tx, size_t length)
{
	SB_AUTO_MESSAGE Sealbond__SignedTx *whole = NULL;
	SB_AUTO_MESSAGE Sealbond__Body *body = NULL;

	if (!filling)
		return;
	whole = sb_message_read(&sealbond__signed_tx__descriptor, tx, length);
	assert_non_null(whole);
	body = sb_message_read(&sealbond__body__descriptor, whole->body.data, whole->body.len);
	assert_non_null(body);
	sb_bytes_set(&whole->body, NULL, 0);
	take_apart(&whole->base);
	take_apart(&body->base);
}

/* A record's value by its kind; what is no message is taken as it is. */
static void seen_record(const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	const ProtobufCMessageDescriptor *type =
		key[0] == SB_RECORD_DEVICE || key[0] == SB_RECORD_ENROLMENT ? &sealbond__device__descriptor :
		key[0] == SB_RECORD_ACCOUNT ? &sealbond__account__descriptor :
		key[0] == SB_RECORD_ZONE ? &sealbond__zone__descriptor :
		key[0] == SB_RECORD_DUE ? &sealbond__due__descriptor : NULL;
	SB_AUTO_MESSAGE ProtobufCMessage *message = type ? sb_message_read(type, value, length) : NULL;

	if (!filling)
		return;
	seen("a record's key", key, key_length);
	if (message)
		take_apart(message);
	else
		seen("a record's value", value, length);
}

static void mask(struct pool *pool, const void *value, size_t length)
{
	for (size_t b = 0; b < pool->count; b++) {
		struct buffer *buffer = &pool->buffer[b];

		for (size_t at = 0; at + length <= buffer->length; at++)
			if (memcmp(buffer->data + at, value, length) == 0)
				memset(buffer->masked + at, 1, length);
	}
}

struct window {
	uint8_t bytes[WINDOW];
	const struct buffer *of;
	size_t at;
};

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, WINDOW);
}

static struct window *windows_of(const struct pool *pool, size_t *count)
{
	size_t room = 0;
	struct window *list;

	for (size_t b = 0; b < pool->count; b++)
		room += pool->buffer[b].length;
	list = calloc(room + 1, sizeof(*list));
	*count = 0;
	for (size_t b = 0; b < pool->count; b++) {
		const struct buffer *buffer = &pool->buffer[b];

		for (size_t at = 0; at + WINDOW <= buffer->length; at++) {
			if (memchr(buffer->masked + at, 1, WINDOW))
				continue;
			memcpy(list[*count].bytes, buffer->data + at, WINDOW);
			list[*count].of = buffer;
			list[(*count)++].at = at;
		}
	}
	qsort(list, *count, sizeof(*list), by_bytes);
	return list;
}

/* How many values there are, each counted once; says where they stand. */
static size_t common(const struct pool *a, const struct pool *b, bool say)
{
	size_t count_a, count_b, found = 0, j = 0;
	struct window *of_a = windows_of(a, &count_a), *of_b = windows_of(b, &count_b);

	for (size_t i = 0; i < count_a; i++) {
		if (i && by_bytes(&of_a[i], &of_a[i - 1]) == 0)
			continue;
		while (j < count_b && by_bytes(&of_b[j], &of_a[i]) < 0)
			j++;
		if (j == count_b || by_bytes(&of_b[j], &of_a[i]) != 0)
			continue;
		found++;
		if (!say)
			continue;
		print_message("both have ");
		for (int k = 0; k < WINDOW; k++)
			print_message("%02x", of_a[i].bytes[k]);
		print_message(": %s at %zu of %zu, %s at %zu of %zu\n", of_a[i].of->what, of_a[i].at, of_a[i].of->length,
			      of_b[j].of->what, of_b[j].at, of_b[j].of->length);
	}
	free(of_a);
	free(of_b);
	return found;
}

/* An owner with its library, not the tests' people: derived keys, real membership, real profile. */
struct owned {
	struct device *device;
	uint8_t secret[32], box_secret[32];
	uint64_t sequence;
};

static void owner_sends(struct plant *plant, struct owned *owned, const Sealbond__Body *body)
{
	uint8_t *tx;
	size_t length;

	assert_int_equal(sb_transaction_make(owned->secret, CHAIN, owned->sequence++, body, &tx, &length), 0);
	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_OK);
	free(tx);
}

static void device_sends(struct plant *plant, struct owned *owned, const Sealbond__Body *body)
{
	size_t length;
	uint8_t *tx = quote_body(owned->device, plant->ledger.height, body, &length);

	assert_int_equal(ledger_send(&plant->ledger, tx, length), SB_TX_OK);
	free(tx);
}

static void heartbeat_with_endpoints(struct plant *plant, struct owned *owned, const struct sb_key_file *zone)
{
	const struct sb_about about = { SB_PURPOSE_ENDPOINTS, CHAIN, owned->device->id, 32 };
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);
	const uint8_t *keys[] = { zone->zone_key };
	uint8_t sealed[SB_ENVELOPE_SHARED_LEN];

	/* the same words of both: behind one NAT */
	assert_int_equal(sb_envelope_share(keys, 1, &about, (const uint8_t *)"192.0.2.1:51820", 15, sealed), 0);
	heartbeat_of(owned->device, &heartbeat);
	heartbeat.endpoints = (ProtobufCBinaryData){ sizeof(sealed), sealed };
	device_sends(plant, owned, &body);
}

static void owner_assigns(struct plant *plant, struct owned *owned, const struct sb_key_file *zone)
{
	SealbondPrivate__ProfileContent profile = SEALBOND_PRIVATE__PROFILE_CONTENT__INIT;
	SB_AUTO_MESSAGE Sealbond__Membership *membership = NULL;
	Sealbond__SetMembership set = SEALBOND__SET_MEMBERSHIP__INIT;
	Sealbond__SetProfile set_profile = SEALBOND__SET_PROFILE__INIT;
	Sealbond__Approve approve = SEALBOND__APPROVE__INIT;
	Sealbond__Body body = SEALBOND__BODY__INIT;
	uint8_t proof[64], *sealed;
	size_t length;

	body.action_case = SEALBOND__BODY__ACTION_APPROVE;
	body.approve = &approve;
	approve.device = span32(owned->device->id);
	approve.current_key = span32(owned->device->current);
	owner_sends(plant, owned, &body);
	assert_int_equal(sb_belong_make(zone, 1, CHAIN, owned->device->id, owned->device->box_key, &membership, proof), 0);
	body.action_case = SEALBOND__BODY__ACTION_SET_MEMBERSHIP;
	body.set_membership = &set;
	set.device = span32(owned->device->id);
	set.membership = membership;
	owner_sends(plant, owned, &body);
	profile.mode = (char *)"enforce";
	assert_int_equal(sb_profile_seal(zone->zone_key, CHAIN, owned->device->id, &profile, &sealed, &length), 0);
	body.action_case = SEALBOND__BODY__ACTION_SET_PROFILE;
	body.set_profile = &set_profile;
	set_profile.device = span32(owned->device->id);
	set_profile.version = 1;
	set_profile.sealed = (ProtobufCBinaryData){ length, sealed };
	owner_sends(plant, owned, &body);
	free(sealed);
}

static void live_with_owner(struct plant *plant, struct owned *owned, struct device *device,
			    const uint8_t master[32], const struct sb_key_file *zone)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	BODY(ENROL, enrol, Enrol, enrol);
	uint8_t key[32], derived[32], master_public[32];

	owned->device = device;
	owned->sequence = 1;
	make_device(device);
	crypto_box_keypair(device->box_key, owned->box_secret);
	/* No two TPMs have counted the same. */
	device->clock.clock = (randombytes_random() | 1ULL << 31) + (uint64_t)(device == &plant->b) * 86400000;
	device->clock.reset_count = randombytes_uniform(1000000) + 1;
	device->clock.restart_count = randombytes_uniform(1000000);
	/*
	 * One image, one boot: the same measured values but for the cap. (Where early boot has measured a security
	 * configuration, its hash is on the ledger, too, and devices with the same one can be told: it says how they
	 * are configured, docs/ledger-people.md.)
	 */
	memset(device->pcr[4], 4, 32);
	memset(device->pcr[7], 7, 32);
	/* (as the device does it, who has the public part only) */
	assert_int_equal(sb_person_key(master, master_public), 0);
	assert_int_equal(sb_owner_key(master_public, CHAIN, device->id, key), 0);
	assert_int_equal(sb_owner_secret(master, CHAIN, device->id, owned->secret), 0);
	assert_int_equal(sb_person_key(owned->secret, derived), 0);
	assert_memory_equal(key, derived, 32);
	enrol_of(device, &enrol);
	enrol.owner = span32(key);
	device_sends(plant, owned, &body);
	assert_int_equal(challenges(&plant->ledger, &plant->enroller[0], device), SB_TX_OK);
	assert_int_equal(activates(&plant->ledger, device, plant->enroller, 1), SB_TX_OK);
	owner_assigns(plant, owned, zone);
	heartbeat_with_endpoints(plant, owned, zone);
	record = device_record(&plant->ledger, device);
	assert_int_equal(record->state, SEALBOND__DEVICE_STATE__LIVE);
}

/* The zone, made by a member, with both in its roster. */
static void make_zone(struct plant *plant, const struct sb_key_file *zone)
{
	SealbondPrivate__ZoneContent *content = sb_zone_content_new("cell 4");
	struct person speaker = { .sequence = 1 };
	uint8_t proof[64], tag[32], *sealed;
	size_t length;

	assert_true(secp256k1_keypair_create(person_context(), &speaker.pair, zone->secret));
	memcpy(speaker.key, zone->key, 32);
	{
		BODY(CREATE_ZONE, create_zone, CreateZone, create);

		assert_int_equal(sb_zone_seal(zone->zone, zone->zone_key, CHAIN, content, &sealed, &length), 0);
		create.zone = (ProtobufCBinaryData){ 16, (uint8_t *)zone->zone };
		create.key = span32(zone->key);
		create.sealed = (ProtobufCBinaryData){ length, sealed };
		assert_int_equal(says(&plant->ledger, &plant->member, &body), SB_TX_OK);
		free(sealed);
	}
	for (int i = 0; i < 2; i++) {
		const uint8_t *id = i ? plant->b.id : plant->a.id;

		assert_int_equal(sb_tag_prove(zone->authority, CHAIN, id, tag, proof), 0);
		sb_zone_content_put(content, id, "pump", proof);
	}
	{
		BODY(UPDATE_ZONE, update_zone, UpdateZone, update);

		assert_int_equal(sb_zone_seal(zone->zone, zone->zone_key, CHAIN, content, &sealed, &length), 0);
		update.zone = (ProtobufCBinaryData){ 16, (uint8_t *)zone->zone };
		update.version = 2;
		update.sealed = (ProtobufCBinaryData){ length, sealed };
		assert_int_equal(says(&plant->ledger, &speaker, &body), SB_TX_OK);
		free(sealed);
	}
	sb_private_free(content);
}

static struct owned one, two;
static const struct sb_key_file *the_zone;
static size_t of_nobody;

static bool has(const uint8_t *data, size_t length, const void *value, size_t value_length)
{
	return memmem(data, length, value, value_length) != NULL;
}

static bool is_of(const struct owned *owned, const uint8_t *data, size_t length)
{
	uint8_t owner[32];

	assert_int_equal(sb_person_key(owned->secret, owner), 0);
	return has(data, length, owned->device->id, 32) || has(data, length, owner, 32) ||
	       has(data, length, owned->device->ak_name, 32) || has(data, length, owned->device->current, 32) ||
	       has(data, length, owned->device->next, 32);
}

/* Key and value of a record as one: whose it is, by any of a device's names. */
static int sort_record(void *context, const uint8_t *key, size_t key_length, const uint8_t *value, size_t length)
{
	size_t whole = key_length + length;
	uint8_t *both = malloc(whole);
	bool of_one, of_two, of_zone;

	memcpy(both, key, key_length);
	memcpy(both + key_length, value, length);
	of_one = is_of(&one, both, whole);
	of_two = is_of(&two, both, whole);
	of_zone = has(both, whole, the_zone->zone, 16) || has(both, whole, the_zone->key, 32);
	if (of_one + of_two + of_zone > 1)
		fail_msg("a record of kind %c has to do with more than one of them", key[0]);
	of_nobody += !of_one && !of_two && !of_zone;
	filling = of_one ? &pools[0] : of_two ? &pools[1] : of_zone ? &pools[2] : NULL;
	seen_record(key, key_length, value, length);
	free(both);
	return 0;
}

/*
 * What two devices may have in common. None of it is an owner's or a zone's: it is the same for devices of different
 * owners. Without what is listed here, nothing is taken out: a value that has one of these beside it is still seen.
 */
static void allow(const struct plant *plant)
{
	static const uint8_t zeros[WINDOW];
	struct { const void *bytes; size_t length; } list[] = {
		/* who vouched for both: the ledger's enroller */
		{ plant->enroller[0].key, 32 },
		/* the measured boot: the same image has the same values (docs/ledger-people.md says so) */
		{ plant->a.pcr[4], 32 }, { plant->a.pcr[7], 32 },
		/* the templates of EK and AK are the same for all TPMs; the points behind them are not */
		{ plant->a.ek.area.data, plant->a.ek.area.length - 66 }, { plant->a.ak.area.data, plant->a.ak.area.length - 66 },
		/* what each TPM's quote begins with, and which PCRs this ledger has quoted */
		{ "\xff\x54\x43\x47\x80\x18\x00\x22\x00\x0b", 10 }, { "\x00\x00\x00\x01\x00\x0b\x03\x90\x40\x00\x00\x20", 12 },
		/* its firmware's version, which a make of TPMs has in common, behind the byte that says "safe" */
		{ "\1\0\0\0\0\0\0\0\1", 9 },
		/* what this test's enroller says instead of ciphertexts (real ones differ: test_credential) */
		{ "a credential", 12 }, { "an encrypted secret", 19 },
		/* nothing: padding, the cap PCR before it was extended, an overlay's prefix */
		{ zeros, sizeof(zeros) },
	};

	for (size_t i = 0; i < SB_ARRAY_SIZE(list); i++)
		for (size_t p = 0; p < SB_ARRAY_SIZE(pools); p++)
			mask(&pools[p], list[i].bytes, list[i].length);
}

static void two_devices_of_one_owner_share_nothing(void **state)
{
	struct plant *plant = calloc(1, sizeof(*plant));
	Sealbond__Parameters parameters;
	struct sb_key_file zone;
	struct sb_records *records;
	uint8_t master[32], master_public[32];
	size_t found;

	sane_parameters(&parameters);
	parameters.enrolment = SB_ENROL_ACTIVATION;
	parameters.pcrs = PCRS;
	plant_open(plant, &parameters, NULL);
	assert_int_equal(sb_person_key_new(master, master_public), 0);
	assert_int_equal(sb_key_file_new(&zone, SB_KEY_ZONE, "cell 4"), 0);
	the_zone = &zone;
	filling = &pools[0];
	live_with_owner(plant, &one, &plant->a, master, &zone);
	filling = &pools[1];
	live_with_owner(plant, &two, &plant->b, master, &zone);
	filling = &pools[2];
	make_zone(plant, &zone);
	records = &plant->ledger.world.records;
	assert_true(records->each(records->context, "", 0, sort_record, NULL) >= 0);
	filling = NULL;
	assert_true(pools[0].count > 70 && pools[1].count > 70 && pools[2].count > 8 && of_nobody > 3);
	/* The search finds what it looks for: the enroller is in both, until it is allowed. */
	assert_true(common(&pools[0], &pools[1], false) > 32 - WINDOW);
	allow(plant);
	found = common(&pools[0], &pools[1], true) + common(&pools[0], &pools[2], true) +
		common(&pools[1], &pools[2], true);
	assert_int_equal(found, 0);
	for (size_t p = 0; p < SB_ARRAY_SIZE(pools); p++)
		for (size_t b = 0; b < pools[p].count; b++) {
			free(pools[p].buffer[b].data);
			free(pools[p].buffer[b].masked);
		}
	ledger_close(&plant->ledger);
	free_device(&plant->a);
	free_device(&plant->b);
	free(plant);
}

static int setup(void **state)
{
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(two_devices_of_one_owner_share_nothing) };

	return cmocka_run_group_tests(tests, setup, NULL);
}
