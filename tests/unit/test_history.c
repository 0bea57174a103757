// SPDX-License-Identifier: Apache-2.0
/*
 * A long random history of a plant: devices that enrol, beat, rotate, reboot, clear their TPM and are cloned, change
 * hands and are replaced; owners, enrollers, members and zones that say right and wrong things, of each kind that there
 * is. Replayed it leaves the same records: in another machine,
 * in another process, with another journal between; and a transaction that was refused leaves nothing.
 */
#include "device_world.h"
#include "state/membership.h"

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

#define ZONES		3
#define PROPOSALS	4

static struct device devices[DEVICES];
static struct person people[DEVICES];	/* owners, each of one device when it enrols */
static int owner[DEVICES];		/* whose the device is by now */
static struct person zone[ZONES], second;
static uint64_t zone_version[ZONES];
static uint8_t proposal[PROPOSALS][32];

static struct person *owner_of(const struct device *device)
{
	return &people[owner[device - devices]];
}

static void new_device(int i)
{
	make_device(&devices[i]);
	people[i] = devices[i].owner;
	owner[i] = i;
}

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
	BODY(CHALLENGE, challenge, Challenge, challenge);
	uint8_t commitment[32];

	challenge_of(&plant->enroller[0], device, &challenge, commitment);
	person_says(&plant->ledger, &plant->enroller[0], &body);
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
	person_says(&plant->ledger, chance(20) ? owner_of(device) : &plant->member, &body);
}

/* ---- what becomes of devices: another owner, another device, a place in a zone */

static void hand_over_some(struct plant *plant, struct device *device)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__OfferDevice offer = SEALBOND__OFFER_DEVICE__INIT;
	Sealbond__AcceptDevice accept = SEALBOND__ACCEPT_DEVICE__INIT;
	int to = (int)chance(DEVICES);

	offer.device = accept.device = span32(device->id);
	offer.to = span32(people[to].key);
	body.action_case = SEALBOND__BODY__ACTION_OFFER_DEVICE;
	body.offer_device = &offer;
	person_says(&plant->ledger, owner_of(device), &body);
	if (chance(4) == 0)
		to = (int)chance(DEVICES);
	body.action_case = SEALBOND__BODY__ACTION_ACCEPT_DEVICE;
	body.accept_device = &accept;
	person_says(&plant->ledger, &people[to], &body);
	if (plant->ledger.last.code == SB_TX_OK)
		owner[device - devices] = to;
}

static void replace_some(struct plant *plant, struct device *device)
{
	Sealbond__Membership membership = SEALBOND__MEMBERSHIP__INIT;
	uint8_t tag[SB_TAG_LEN];
	ProtobufCBinaryData tags = { SB_TAG_LEN, tag };
	const struct device *by = &devices[chance(DEVICES)];
	BODY(REPLACE, replace, Replace, replace);

	for (int i = 0; i < DEVICES; i++)
		if (&devices[i] != device && owner[i] == owner[device - devices] && chance(4))
			by = &devices[i];
	sb_tag_point(CHAIN, by->id, tag);
	membership.n_tags = 1;
	membership.tags = &tags;
	membership.sealed = (ProtobufCBinaryData){ 5, (uint8_t *)"boxed" };
	replace.device = span32(device->id);
	replace.by = span32(by->id);
	if (chance(2))
		replace.membership = &membership;
	if (chance(2))
		replace.profile = (ProtobufCBinaryData){ 6, (uint8_t *)"sealed" };
	person_says(&plant->ledger, owner_of(device), &body);
}

static void place_some(struct plant *plant, struct device *device)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__SetMembership set = SEALBOND__SET_MEMBERSHIP__INIT;
	Sealbond__SetProfile profile = SEALBOND__SET_PROFILE__INIT;
	Sealbond__Membership membership = SEALBOND__MEMBERSHIP__INIT;
	uint8_t tag[SB_TAG_LEN];
	ProtobufCBinaryData tags = { SB_TAG_LEN, tag };

	sb_tag_point(CHAIN, device->id, tag);
	membership.n_tags = chance(8) ? 1 : 0;
	membership.tags = &tags;
	membership.sealed = (ProtobufCBinaryData){ chance(8) ? 5 : 0, (uint8_t *)"boxed" };
	set.device = profile.device = span32(device->id);
	if (chance(10))
		set.membership = &membership;
	profile.version = 1 + chance(3);
	profile.sealed = (ProtobufCBinaryData){ 6, (uint8_t *)"sealed" };
	if (chance(2)) {
		body.action_case = SEALBOND__BODY__ACTION_SET_MEMBERSHIP;
		body.set_membership = &set;
	} else {
		body.action_case = SEALBOND__BODY__ACTION_SET_PROFILE;
		body.set_profile = &profile;
	}
	person_says(&plant->ledger, owner_of(device), &body);
}

/* ---- zones, each with its key, and members, two of whom decide */

static void zone_some(struct plant *plant)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__CreateZone create = SEALBOND__CREATE_ZONE__INIT;
	Sealbond__UpdateZone update = SEALBOND__UPDATE_ZONE__INIT;
	Sealbond__DeleteZone delete = SEALBOND__DELETE_ZONE__INIT;
	uint32_t which = chance(ZONES), what = chance(10);
	uint8_t id[16] = { (uint8_t)which };

	create.zone = update.zone = delete.zone = (ProtobufCBinaryData){ 16, id };
	create.key = span32(zone[which].key);
	create.sealed = update.sealed = (ProtobufCBinaryData){ 6, (uint8_t *)"sealed" };
	update.version = zone_version[which] + 1;
	if (what < 4) {
		body.action_case = SEALBOND__BODY__ACTION_CREATE_ZONE;
		body.create_zone = &create;
		person_says(&plant->ledger, &plant->member, &body);
	} else if (what < 8) {
		body.action_case = SEALBOND__BODY__ACTION_UPDATE_ZONE;
		body.update_zone = &update;
		person_says(&plant->ledger, &zone[which], &body);
	} else {
		body.action_case = SEALBOND__BODY__ACTION_DELETE_ZONE;
		body.delete_zone = &delete;
		person_says(&plant->ledger, &zone[which], &body);
	}
	if (plant->ledger.last.code == SB_TX_OK)
		zone_version[which] = what < 4 ? 1 : zone_version[which] + 1;
}

static void propose(struct plant *plant, struct person *by, Sealbond__Change **changes, size_t count)
{
	BODY(PROPOSE, propose, Propose, propose);

	propose.n_changes = count;
	propose.changes = changes;
	propose.title = (char *)"as we said";
	person_says(&plant->ledger, by, &body);
	if (plant->ledger.last.code == SB_TX_OK)
		memcpy(proposal[chance(PROPOSALS)], plant->ledger.last.data, 32);
}

static void second_member(struct plant *plant)
{
	Sealbond__Change change[2] = { SEALBOND__CHANGE__INIT, SEALBOND__CHANGE__INIT }, *changes[] = { &change[0], &change[1] };
	Sealbond__Member member = SEALBOND__MEMBER__INIT;

	make_person(&second, 90000);
	member.key = span32(second.key);
	member.weight = 1;
	member.name = (char *)"bob";
	change[0].change_case = SEALBOND__CHANGE__CHANGE_MEMBER;
	change[0].member = &member;
	change[1].change_case = SEALBOND__CHANGE__CHANGE_THRESHOLD;
	change[1].threshold = 2;
	do
		propose(plant, &plant->member, changes, 2);
	while (plant->ledger.last.code != SB_TX_OK);
}

static void govern_some(struct plant *plant)
{
	Sealbond__Body body = SEALBOND__BODY__INIT;
	Sealbond__Vote vote = SEALBOND__VOTE__INIT;
	Sealbond__Withdraw withdraw = SEALBOND__WITHDRAW__INIT;
	Sealbond__Change change = SEALBOND__CHANGE__INIT, *changes[] = { &change };
	Sealbond__Enroller enroller = SEALBOND__ENROLLER__INIT;
	struct person *by = chance(2) ? &second : &plant->member;
	uint32_t what = chance(10);

	enroller.key = span32(plant->enroller[1].key);
	enroller.name = (char *)(chance(2) ? "desk" : "other desk");
	change.change_case = SEALBOND__CHANGE__CHANGE_ENROLLER;
	change.enroller = &enroller;
	vote.proposal = withdraw.proposal = span32(proposal[chance(PROPOSALS)]);
	vote.against = chance(4) == 0;
	if (what < 4) {
		propose(plant, by, changes, 1);
		return;
	}
	if (what < 8) {
		body.action_case = SEALBOND__BODY__ACTION_VOTE;
		body.vote = &vote;
	} else {
		body.action_case = SEALBOND__BODY__ACTION_WITHDRAW;
		body.withdraw = &withdraw;
	}
	person_says(&plant->ledger, by, &body);
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
	person_says(&plant->ledger, owner_of(device), &body);
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
	else if (what < 76)
		owner_says_some(plant, device, chance(100));
	else if (what < 78)
		import_some(plant);
	else if (what < 80)
		hand_over_some(plant, device);
	else if (what < 82)
		replace_some(plant, device);
	else if (what < 84)
		place_some(plant, device);
	else if (what < 87)
		zone_some(plant);
	else if (what < 90)
		govern_some(plant);
	else if (what < 94)
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

static Sealbond__Body__ActionCase action_of(const struct line *line)
{
	SB_AUTO_MESSAGE Sealbond__SignedTx *tx = sb_message_read(&sealbond__signed_tx__descriptor, line->tx, line->length);
	SB_AUTO_MESSAGE Sealbond__Body *body =
		tx ? sb_message_read(&sealbond__body__descriptor, tx->body.data, tx->body.len) : NULL;

	return body ? body->action_case : SEALBOND__BODY__ACTION__NOT_SET;
}

/* It was a history, not a row of refusals: there is everything in it that can be said, taken and refused. */
static void look_over(void)
{
	uint32_t taken = 0, codes[256] = { 0 }, said[2][256] = { 0 };

	for (size_t i = 0; i < lines; i++) {
		taken += line[i].code == SB_TX_OK;
		codes[line[i].code & 255]++;
		said[line[i].code == SB_TX_OK][action_of(&line[i]) & 255]++;
	}
	assert_true(taken > lines / 5);
	assert_true(codes[SB_TX_QUOTE_CLONE] > 0 && codes[SB_TX_QUOTE_STALE] > 0 && codes[SB_TX_SIGNATURE] > 0);
	for (unsigned int i = 0; i < sealbond__body__descriptor.n_fields; i++) {
		const ProtobufCFieldDescriptor *field = &sealbond__body__descriptor.fields[i];

		if (!said[1][field->id & 255] || !said[0][field->id & 255])
			fail_msg("%s: taken %u times, refused %u times", field->name, said[1][field->id & 255],
				 said[0][field->id & 255]);
	}
}

static void write_history(uint8_t digest[32])
{
	struct plant *plant;
	void *state;

	plant_with(&state, limits_of, NULL);
	plant = state;
	for (int i = 0; i < DEVICES; i++)
		new_device(i);
	for (uint32_t i = 0; i < ZONES; i++)
		make_person(&zone[i], 80000 + i);
	ledger_begin(&plant->ledger);
	second_member(plant);
	ledger_finish(&plant->ledger);
	while (lines < TRANSACTIONS - 16) {
		ledger_begin(&plant->ledger);
		for (uint32_t n = chance(8); n; n--)
			one_thing(plant, &devices[chance(DEVICES)]);
		ledger_finish(&plant->ledger);
		/* What is not enrolled any more comes back as another. */
		for (int i = 0; i < DEVICES; i++)
			if (state_of(&plant->ledger, &devices[i]) == SEALBOND__DEVICE_STATE__REVOKED && chance(20) == 0) {
				free_device(&devices[i]);
				new_device(i);
			}
	}
	look_over();
	record_world_digest(&plant->ledger.world, digest);
	for (int i = 0; i < DEVICES; i++)
		free_device(&devices[i]);
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
