// SPDX-License-Identifier: Apache-2.0
/*
 * A long random history of a plant: devices that enrol, beat, rotate, reboot, clear their TPM and are cloned;
 * owners and enrollers who say right and wrong things. Replayed it leaves the same records: in another machine,
 * in another process, with another journal between; and a transaction that was refused leaves nothing.
 */
#include "device_world.h"

#include <sys/wait.h>
#include <unistd.h>

#define DEVICES		24
#define TRANSACTIONS	10000

struct line {
	int64_t height, time;
	uint8_t *tx;
	size_t length;
	uint32_t code;
};

static struct line line[TRANSACTIONS];
static size_t lines;
static uint64_t seed = 88172645463325252ULL;

/* xorshift64 */
static uint32_t chance(uint32_t sides)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % sides;
}

/* Delivered in the block under way; the records of that block are not to be read before it ends. */
static uint32_t deliver(struct ledger *ledger, uint8_t *tx, size_t length)
{
	assert_true(lines < TRANSACTIONS);
	assert_int_equal(sb_machine_deliver(ledger->machine, tx, length, &ledger->last), 0);
	line[lines++] = (struct line){ ledger->height, ledger->time, tx, length, ledger->last.code };
	return ledger->last.code;
}

static void person_says(struct ledger *ledger, struct person *person, const Sealbond__Body *body)
{
	size_t length;
	uint8_t *tx = sign_body(person, body, &length);

	if (chance(50) == 0)
		tx[length - 1 - chance(40)] ^= (uint8_t)(1 + chance(255));
	/* A word that was refused may have been repeated, and taken: then the account has moved on. */
	if (deliver(ledger, tx, length) != SB_TX_OK && ledger->last.code != SB_TX_SEQUENCE)
		person->sequence--;
}

static void device_says(struct ledger *ledger, struct device *device, const Sealbond__Body *body)
{
	int64_t back = chance(5) ? 1 : 1 + chance(4);
	size_t length;
	uint8_t *tx = quote_body(device, ledger->height - back, body, &length);

	if (chance(50) == 0)
		tx[length - 1 - chance(100)] ^= (uint8_t)(1 + chance(255));
	deliver(ledger, tx, length);
}

static void enrol_some(struct plant *plant, struct device *device)
{
	BODY(ENROL, enrol, Enrol, enrol);

	enrol_of(device, &enrol);
	device_says(&plant->ledger, device, &body);
}

static void beat_some(struct plant *plant, struct device *device)
{
	BODY(HEARTBEAT, heartbeat, Heartbeat, heartbeat);

	heartbeat_of(device, &heartbeat);
	heartbeat.profile_version = chance(3);
	device_says(&plant->ledger, device, &body);
}

static void rotate_some(struct plant *plant, struct device *device)
{
	BODY(ROTATE_KEY, rotate_key, RotateKey, rotate_key);

	rotate_key.key = span32(device->next);
	device_says(&plant->ledger, device, &body);
	if (plant->ledger.last.code != SB_TX_OK)
		return;
	reboot(device);
	memcpy(device->current, device->next, 32);
	fresh_key(device->next);
	device->outcome = SB_CAP_NEXT_MADE;
}

static void activate_some(struct plant *plant, struct device *device)
{
	BODY(ACTIVATE, activate, Activate, activate);
	Sealbond__OpenedSecret opened, *secrets[1] = { &opened };
	uint8_t secret[32];

	secret_of(&plant->enroller[0], device, secret);
	sealbond__opened_secret__init(&opened);
	opened.enroller = span32(plant->enroller[0].key);
	opened.secret = span32(secret);
	activate.n_secrets = 1;
	activate.secrets = secrets;
	activate.ak_name = (ProtobufCBinaryData){ device->ak_name_length, device->ak_name };
	device_says(&plant->ledger, device, &body);
}

static void challenge_some(struct plant *plant, struct device *device)
{
	uint8_t blob[4] = { 1 }, nonce[16] = { 3 }, secret[32], commitment[32];
	BODY(CHALLENGE, challenge, Challenge, challenge);
	struct person *enroller = &plant->enroller[0];
	struct bytes text = { .length = 0 };

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
	challenge.device = span32(device->id);
	challenge.ak_name = (ProtobufCBinaryData){ device->ak_name_length, device->ak_name };
	challenge.nonce = (ProtobufCBinaryData){ 16, nonce };
	challenge.commitment = span32(commitment);
	challenge.credential_blob = challenge.encrypted_secret = (ProtobufCBinaryData){ 4, blob };
	person_says(&plant->ledger, enroller, &body);
}

static void import_some(struct plant *plant)
{
	uint8_t list[16] = { 1 }, id[3][32];
	ProtobufCBinaryData ids[3] = { span32(id[0]), span32(id[1]), span32(id[2]) };
	BODY(IMPORT_KEYS, import_keys, ImportKeys, import_keys);

	for (int i = 0; i < 3; i++) {
		memset(id[i], 0, 32);
		id[i][0] = (uint8_t)chance(20);
	}
	import_keys.list = (ProtobufCBinaryData){ 16, list };
	import_keys.n_devices = 3;
	import_keys.devices = ids;
	import_keys.remove = chance(2);
	person_says(&plant->ledger, &plant->enroller[chance(ENROLLERS)], &body);
}

/* The owner's word, or a stranger's. */
static void owner_says_some(struct plant *plant, struct device *device, uint32_t what)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__Approve approve = SEALBOND__APPROVE__INIT;
	Sealbond__Suspend suspend = SEALBOND__SUSPEND__INIT;
	Sealbond__Resume resume = SEALBOND__RESUME__INIT;
	Sealbond__Revoke revoke = SEALBOND__REVOKE__INIT;
	Sealbond__Retire retire = SEALBOND__RETIRE__INIT;

	approve.device = suspend.device = resume.device = revoke.device = retire.device = span32(device->id);
	approve.current_key = span32(device->current);
	if (what < 60) {
		body.action_case = SEALBOND__BODY__ACTION_APPROVE;
		body.approve = &approve;
	} else if (what < 75) {
		body.action_case = SEALBOND__BODY__ACTION_SUSPEND;
		body.suspend = &suspend;
	} else if (what < 96) {
		body.action_case = SEALBOND__BODY__ACTION_RESUME;
		body.resume = &resume;
	} else if (what < 97) {
		body.action_case = SEALBOND__BODY__ACTION_REVOKE;
		body.revoke = &revoke;
	} else {
		body.action_case = SEALBOND__BODY__ACTION_RETIRE;
		body.retire = &retire;
	}
	person_says(&plant->ledger, chance(20) ? &device->owner : &plant->member, &body);
}

/* The last transaction but some, as it was, once more. */
static void repeat_some(struct plant *plant)
{
	const struct line *before = lines ? &line[lines - 1 - chance(lines < 30 ? (uint32_t)lines : 30)] : NULL;
	uint8_t *tx;

	if (!before)
		return;
	tx = malloc(before->length);
	assert_non_null(tx);
	memcpy(tx, before->tx, before->length);
	deliver(&plant->ledger, tx, before->length);
}

/* Of frozen devices the owners resolve the incidents, sooner or later. */
static void resolve_some(struct plant *plant, struct device *device)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&plant->ledger, device);
	BODY(RESOLVE_INCIDENT, resolve_incident, ResolveIncident, resolve_incident);

	if (!record || record->incident.len != 32)
		return;
	resolve_incident.incident = record->incident;
	person_says(&plant->ledger, &device->owner, &body);
}

static void one_thing(struct plant *plant, struct device *device)
{
	uint32_t what = chance(100);

	/* What is not there has little to say but that it wants to be. */
	if (chance(5) && state_of(&plant->ledger, device) == SEALBOND__DEVICE_STATE__NONE)
		what = chance(28);
	if (chance(5) && state_of(&plant->ledger, device) == SEALBOND__DEVICE_STATE__AWAITING_APPROVAL)
		what = 70;
	if (what < 12)
		enrol_some(plant, device);
	else if (what < 20)
		challenge_some(plant, device);
	else if (what < 28)
		activate_some(plant, device);
	else if (what < 58)
		beat_some(plant, device);
	else if (what < 64)
		rotate_some(plant, device);
	else if (what < 68)
		reboot(device);
	else if (what < 69)
		device->clock = (struct sb_quote_clock){ chance(1000), chance(3), 0, true };
	else if (what < 80)
		owner_says_some(plant, device, chance(100));
	else if (what < 84)
		import_some(plant);
	else if (what < 90)
		repeat_some(plant);
	else
		resolve_some(plant, device);
}

static void limits_of(Sealbond__Parameters *parameters)
{
	parameters->enrolling_most = 12;
	parameters->enrolling_for = 500;
	parameters->devices_per_block = 4;
	parameters->beacon_age = 20;
	parameters->heartbeat_least = 1;
}

static void write_history(uint8_t digest[32])
{
	static struct device device[DEVICES];
	struct plant *plant;
	void *state;
	uint32_t taken = 0, codes[256] = { 0 };

	plant_with(&state, limits_of, NULL);
	plant = state;
	for (int i = 0; i < DEVICES; i++)
		make_device(&device[i]);
	while (lines < TRANSACTIONS - 8) {
		ledger_begin(&plant->ledger);
		for (uint32_t n = chance(8); n; n--)
			one_thing(plant, &device[chance(DEVICES)]);
		ledger_finish(&plant->ledger);
		/* What is not enrolled any more comes back as another. */
		for (int i = 0; i < DEVICES; i++)
			if (state_of(&plant->ledger, &device[i]) == SEALBOND__DEVICE_STATE__REVOKED && chance(20) == 0) {
				free_device(&device[i]);
				make_device(&device[i]);
			}
	}
	for (size_t i = 0; i < lines; i++) {
		taken += line[i].code == SB_TX_OK;
		codes[line[i].code & 255]++;
	}
	/* It was a history, not a row of refusals, and there were clones in it. */
	assert_true(taken > lines / 5);
	assert_true(codes[SB_TX_QUOTE_CLONE] > 0 && codes[SB_TX_QUOTE_STALE] > 0 && codes[SB_TX_SIGNATURE] > 0);
	record_world_digest(&plant->ledger.world, digest);
	for (int i = 0; i < DEVICES; i++)
		free_device(&device[i]);
	plant_close(&state);
}

/*
 * The same lines once more. @without: refused ones are left out. @twice: each block is begun a second time,
 * after it was thrown away half way. @checked: each is asked about at the door before.
 */
static void replay(uint8_t digest[32], bool without, bool twice, bool checked)
{
	struct plant *plant;
	void *state;

	plant_with(&state, limits_of, NULL);
	plant = state;
	for (size_t i = 0; i < lines;) {
		struct ledger *ledger = &plant->ledger;
		size_t end = i;

		while (ledger->height + 1 < line[i].height)
			ledger_wait(ledger, BLOCK_S);
		while (end < lines && line[end].height == line[i].height)
			end++;
		ledger_begin(ledger);
		assert_int_equal(ledger->height, line[i].height);
		if (twice) {
			for (size_t j = i; j < (i + end) / 2; j++)
				sb_machine_deliver(ledger->machine, line[j].tx, line[j].length, &ledger->last);
			sb_machine_abort(ledger->machine);
			assert_int_equal(sb_machine_begin(ledger->machine, ledger->height, ledger->time), 0);
		}
		for (; i < end; i++) {
			struct sb_tx_result at_door;

			if (without && line[i].code != SB_TX_OK && line[i].code != SB_TX_QUOTE_CLONE)
				continue;
			if (checked)
				assert_int_equal(sb_machine_check(&ledger->world.records, CHAIN, ledger->height, ledger->time,
								  line[i].tx, line[i].length, &at_door), 0);
			assert_int_equal(sb_machine_deliver(ledger->machine, line[i].tx, line[i].length, &ledger->last), 0);
			assert_int_equal(ledger->last.code, line[i].code);
		}
		ledger_finish(ledger);
	}
	/* Blocks behind the last line, for what falls due in them. */
	record_world_digest(&plant->ledger.world, digest);
	plant_close(&state);
}

static void in_another_process(uint8_t digest[32])
{
	int ends[2], status;
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		replay(digest, false, false, false);
		_exit(write(ends[1], digest, 32) == 32 ? 0 : 1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], digest, 32), 32);
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void history(void **state)
{
	uint8_t original[32], again[32];

	write_history(original);
	replay(again, false, false, false);
	assert_memory_equal(original, again, 32);
	replay(again, true, false, false);
	assert_memory_equal(original, again, 32);
	replay(again, false, true, true);
	assert_memory_equal(original, again, 32);
	/* Signatures that were seen at the door are not looked at again: what comes of it is the same. */
	ledger_verified = sb_verified_new();
	assert_non_null(ledger_verified);
	replay(again, false, true, true);
	assert_memory_equal(original, again, 32);
	sb_verified_free(sb_take_ptr(ledger_verified));
	in_another_process(again);
	assert_memory_equal(original, again, 32);
	for (size_t i = 0; i < lines; i++)
		free(line[i].tx);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(history) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
