// SPDX-License-Identifier: Apache-2.0
/* sealbond zone rekey, and zones at their limits. */
#include "people_world.h"

static void write_text(const char *name, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert_int_equal(sb_file_write(path, text, strlen(text), 0600), 0);
}

static void copy_file(const char *from, const char *to)
{
	char path[96];
	uint8_t *data;
	size_t length;

	snprintf(path, sizeof(path), "%s/%s", directory, from);
	assert_int_equal(sb_file_read(path, 65536, &data, &length), 0);
	snprintf(path, sizeof(path), "%s/%s", directory, to);
	assert_int_equal(sb_file_write(path, data, length, 0600), 0);
	free(data);
}

static void set_state(const struct device *device, Sealbond__DeviceState to)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&plant->ledger, device);
	uint8_t key[SB_RECORD_KEY_MAX], *value;
	size_t length, key_length = sb_record_key(SB_RECORD_DEVICE, device->id, 32, key);

	record->state = to;
	value = sb_message_pack(record, &length);
	assert_int_equal(plant->ledger.world.records.put(&plant->ledger.world, key, key_length, value, length), 0);
	free(value);
	ledger_wait(&plant->ledger, 1);
}

/* A and B of one owner in a zone whose file has a passphrase, A in a conduit for some, too, and with a profile. */
static void two_in_a_zone(uint8_t box_secret[2][32])
{
	crypto_box_keypair(plant->a.box_key, box_secret[0]);
	crypto_box_keypair(plant->b.box_key, box_secret[1]);
	write_text("words", "correct horse\n");
	assert_int_equal(type("owner key --out @/owner"), 0);
	comes(&plant->a, "owner");
	comes(&plant->b, "owner");
	assert_int_equal(type("zone key --out @/zone --passphrase-file @/words"), 0);
	assert_int_equal(type("zone key --out @/conduit"), 0);
	assert_int_equal(type("zone create --zone @/zone --key @/member --passphrase-file @/words"), 0);
	assert_int_equal(type("zone create --zone @/conduit --conduit --allow tcp/502,icmp --key @/member"), 0);
	assert_int_equal(type("zone add %s --zone @/zone --conduits @/conduit --name pump --key @/owner --passphrase-file @/words",
			      hex_of(plant->a.id)), 0);
	assert_int_equal(type("zone add %s --zone @/zone --name valve --key @/owner --passphrase-file @/words",
			      hex_of(plant->b.id)), 0);
	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --mode enforce --passphrase-file @/words",
			      hex_of(plant->a.id)), 0);
}

static void read_zone_key(uint8_t key[32])
{
	struct sb_cli cli = { 0 };
	static struct cli_people people;
	struct sb_key_file file;
	char path[96], words[96];

	snprintf(path, sizeof(path), "%s/zone", directory);
	snprintf(words, sizeof(words), "%s/words", directory);
	memset(&people, 0, sizeof(people));
	people.cli = &cli;
	people.passphrase_file = words;
	assert_int_equal(cli_people_key(&people, path, SB_KEY_ZONE, &file), 0);
	memcpy(key, file.zone_key, 32);
}

#define REKEY	"zone rekey --zone @/zone --key @/owner --passphrase-file @/words "
#define SHOW	"zone show --zone @/zone --passphrase-file @/words "

/* What A is told last has the conduit's key, and what it allows, which opens with its tag only as it was. */
static void conduit_is_kept(const uint8_t box_secret[32])
{
	static const uint8_t allowed[16] = { 6, 3, 0x01, 0xf6, 0x01, 0xf6, 0, 0, 1, 3 };
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&plant->ledger, &plant->a);
	SealbondPrivate__MembershipContent *content = NULL;

	assert_int_equal(sb_belong_open(plant->a.box_key, box_secret, CHAIN, plant->a.id, record->membership, &content), 0);
	assert_int_equal(content->n_belongings, 2);
	assert_int_equal(content->belongings[0]->rules.len, 0);
	assert_int_equal(content->belongings[1]->rules.len, sizeof(allowed));
	assert_memory_equal(content->belongings[1]->rules.data, allowed, sizeof(allowed));
	sb_private_free(content);
	assert_int_equal(type("zone show --zone @/conduit --json"), 0);
	SAYS("\"allowed\":[\"tcp/502\",\"icmp\"]");
	SAYS(hex_of(plant->a.id));
	SAYS("\"rekey_due\":false");
}

static void a_conduit_gets_a_new_key(void **state)
{
	uint8_t box_secret[2][32];

	two_in_a_zone(box_secret);
	conduit_is_kept(box_secret[0]);
	assert_int_equal(type("zone add %s --zone @/conduit --key @/owner", hex_of(plant->b.id)), 0);
	assert_int_equal(type("zone remove %s --zone @/conduit --key @/owner", hex_of(plant->b.id)), 0);
	copy_file("conduit", "conduit.before");
	assert_int_equal(type("zone rekey --zone @/conduit --key @/owner --conduits @/zone --passphrase-file @/words --json"), 0);
	SAYS("\"told\":1");
	conduit_is_kept(box_secret[0]);
	/* With a copy of the conduit's file that is behind, A is told the conduit's key that it has now. */
	copy_file("conduit", "conduit.after");
	copy_file("conduit.before", "conduit");
	assert_int_equal(type("zone remove %s --zone @/zone --key @/owner --passphrase-file @/words", hex_of(plant->b.id)), 0);
	assert_int_equal(type(REKEY "--conduits @/conduit --json"), 0);
	SAYS("\"told\":1");
	copy_file("conduit.after", "conduit");
	conduit_is_kept(box_secret[0]);
}

static void a_zone_gets_a_new_key(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	SealbondPrivate__MembershipContent *content = NULL;
	SealbondPrivate__ProfileContent *profile = NULL;
	uint8_t box_secret[2][32], before[32], after[32];
	int64_t height;

	two_in_a_zone(box_secret);
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey\":[],\"rekey_due\":false");
	assert_int_equal(type("zone remove %s --zone @/zone --key @/owner --passphrase-file @/words", hex_of(plant->b.id)), 0);
	SAYS("sealbond zone rekey");
	assert_int_equal(type(SHOW), 0);
	SAYS("A new key is due");
	SAYS("taken out");
	SAYS("Make one: sealbond zone rekey");
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey_due\":true");
	/* what A is in beside the zone cannot be told from the ledger */
	assert_int_equal(type(REKEY), 2);
	SAYS("--conduits FILE");
	height = plant->ledger.height;
	assert_int_equal(type(REKEY "--conduits @/conduit --dry-run --json"), 0);
	SAYS("\"dry_run\":true");
	SAYS("\"stays\":true");
	assert_int_equal(plant->ledger.height, height);
	read_zone_key(before);
	copy_file("zone", "zone.before");
	assert_int_equal(type(REKEY "--conduits @/conduit --json"), 0);
	SAYS("\"told\":1");
	SAYS("\"profiles\":1");
	read_zone_key(after);
	assert_memory_not_equal(before, after, 32);
	record = device_record(&plant->ledger, &plant->a);
	assert_int_equal(sb_belong_open(plant->a.box_key, box_secret[0], CHAIN, plant->a.id, record->membership, &content), 0);
	assert_int_equal(content->n_belongings, 2);
	assert_memory_equal(content->belongings[0]->key.data, after, 32);
	sb_private_free(content);
	assert_int_equal(sb_profile_open(before, CHAIN, plant->a.id, record->profile->sealed, &profile), -EBADMSG);
	assert_int_equal(sb_profile_open(after, CHAIN, plant->a.id, record->profile->sealed, &profile), 0);
	assert_int_equal(profile->version, 2);
	assert_int_equal(record->profile->version, 2);
	assert_string_equal(profile->mode, "enforce");
	sb_private_free(profile);
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey_due\":false,\"file_behind\":false");
	/* Interrupted before the file was written, or another copy of it: it takes the key over, and makes no other. */
	copy_file("zone.before", "zone");
	assert_int_equal(type(SHOW), 0);
	SAYS("take it over");
	/* A profile by it is sealed to the key that the device has. */
	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --mode observe --passphrase-file @/words",
			      hex_of(plant->a.id)), 0);
	sb_message_free(record);
	record = device_record(&plant->ledger, &plant->a);
	assert_int_equal(sb_profile_open(after, CHAIN, plant->a.id, record->profile->sealed, &profile), 0);
	sb_private_free(profile);
	height = plant->ledger.height;
	assert_int_equal(type(REKEY "--conduits @/conduit"), 0);
	SAYS("has the key that the zone has already");
	assert_int_equal(plant->ledger.height, height);
	read_zone_key(before);
	assert_memory_equal(before, after, 32);
}

/* Suspended ones stay; who is revoked or frozen leaves. */
static void who_leaves_with_the_old_key(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	uint8_t box_secret[2][32];

	two_in_a_zone(box_secret);
	assert_int_equal(type("device approve %s --key @/owner", hex_of(plant->a.id)), 0);
	assert_int_equal(type("device approve %s --key @/owner", hex_of(plant->b.id)), 0);
	assert_int_equal(type("device suspend %s --key @/owner", hex_of(plant->a.id)), 0);
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey_due\":false");
	set_state(&plant->b, SEALBOND__DEVICE_STATE__FROZEN_CLONE);
	assert_int_equal(type(SHOW), 0);
	SAYS("and is frozen-clone");
	assert_int_equal(type(REKEY "--conduits @/conduit"), 0);
	SAYS("1 of 1 devices have the new key");
	record = device_record(&plant->ledger, &plant->b);
	assert_null(record->membership);
	assert_int_equal(type(SHOW "--json"), 0);
	SAYS("\"rekey_due\":false");
	assert_null(strstr(output, hex_of(plant->b.id)));
	set_state(&plant->b, SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(type("zone add %s --zone @/zone --key @/owner --passphrase-file @/words", hex_of(plant->b.id)), 0);
	assert_int_equal(type("device revoke %s --key @/owner", hex_of(plant->b.id)), 0);
	assert_int_equal(type(REKEY "--conduits @/conduit --json"), 0);
	SAYS("\"told\":1,\"left\":1");
}

static void a_zone_of_two_owners(void **state)
{
	uint8_t box_secret[2][32];
	int64_t height;

	crypto_box_keypair(plant->b.box_key, box_secret[1]);
	write_text("words", "correct horse\n");
	assert_int_equal(type("owner key --out @/owner"), 0);
	assert_int_equal(type("owner key --out @/other"), 0);
	crypto_box_keypair(plant->a.box_key, box_secret[0]);
	comes(&plant->a, "owner");
	comes(&plant->b, "other");
	assert_int_equal(type("zone key --out @/zone"), 0);
	assert_int_equal(type("zone create --zone @/zone --key @/member"), 0);
	assert_int_equal(type("zone add %s --zone @/zone --key @/owner", hex_of(plant->a.id)), 0);
	assert_int_equal(type("zone add %s --zone @/zone --key @/other", hex_of(plant->b.id)), 0);
	height = plant->ledger.height;
	assert_int_equal(type(REKEY), 1);
	SAYS("1 devices are another owner's");
	assert_int_equal(plant->ledger.height, height);
	assert_int_equal(type(REKEY "--others-later"), 0);
	SAYS("1 devices of other owners wait");
	assert_int_equal(type("zone add %s --zone @/zone --key @/other", hex_of(plant->b.id)), 0);
}

/* A roster with all the devices that it has room for: one more is refused before anybody was told anything. */
static void a_zone_that_is_full(void **state)
{
	SealbondPrivate__ZoneContent *content = sb_zone_content_new("cell");
	Sealbond__Zone zone = SEALBOND__ZONE__INIT;
	uint8_t key[SB_RECORD_KEY_MAX], device[32], proof[64] = { 1 }, *value, *sealed = NULL;
	struct sb_key_file file;
	size_t length, key_length;
	int64_t height;

	assert_int_equal(type("owner key --out @/owner"), 0);
	comes(&plant->a, "owner");
	assert_int_equal(type("zone key --out @/zone"), 0);
	read_key("zone", &file);
	for (int i = 0; i < 437; i++) {
		randombytes_buf(device, sizeof(device));
		sb_zone_content_put(content, device, "pump 17, hall 4, north of gate 2", proof);
	}
	assert_int_equal(sb_zone_seal(file.zone, file.zone_key, CHAIN, content, &sealed, &zone.sealed.len), 0);
	zone.sealed.data = sealed;
	zone.key = span32(file.key);
	zone.version = 1;
	key_length = sb_record_key(SB_RECORD_ZONE, file.zone, 16, key);
	value = sb_message_pack(&zone, &length);
	assert_int_equal(plant->ledger.world.records.put(&plant->ledger.world, key, key_length, value, length), 0);
	ledger_wait(&plant->ledger, 1);
	height = plant->ledger.height;
	assert_int_equal(type("zone add %s --zone @/zone --name pump-no-438-of-this-cell-in-hall-4 --key @/owner",
			      hex_of(plant->a.id)), 1);
	SAYS("the zone is full: 438 devices");
	assert_int_equal(plant->ledger.height, height);
	/* The same of a conduit: nobody is told anything. */
	assert_int_equal(type("zone key --out @/side"), 0);
	assert_int_equal(type("zone create --zone @/side --key @/member"), 0);
	height = plant->ledger.height;
	assert_int_equal(type("zone add %s --zone @/side --conduits @/zone --name pump-no-438-of-this-cell-in-hall-4 --key @/owner",
			      hex_of(plant->a.id)), 1);
	SAYS("conduit \"cell\" is full");
	assert_int_equal(plant->ledger.height, height);
	free(value);
	free(sealed);
	sb_private_free(content);
}

/* A is in a zone and a conduit; another zone has nothing in it. */
static void one_in_two(void)
{
	uint8_t box_secret[32];

	crypto_box_keypair(plant->a.box_key, box_secret);
	assert_int_equal(type("owner key --out @/owner"), 0);
	comes(&plant->a, "owner");
	for (const char *const *name = (const char *const[]){ "zone", "other", "conduit", NULL }; *name; name++) {
		assert_int_equal(type("zone key --out @/%s", *name), 0);
		assert_int_equal(type("zone create --zone @/%s --key @/member%s", *name, **name == 'c' ? " --conduit" : ""), 0);
	}
	assert_int_equal(type("zone add %s --zone @/zone --name pump --key @/owner", hex_of(plant->a.id)), 0);
}

static size_t tags_of_a(void)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = device_record(&plant->ledger, &plant->a);

	return record->membership ? record->membership->n_tags : 0;
}

#define ADD	"zone add %s --key @/owner "
#define REMOVE	"zone remove %s --key @/owner "

/* What is said again for a conduit's sake leaves the rest as it is, or says so. */
static void what_zone_add_keeps(void **state)
{
	const char *id = strdupa(hex_of(plant->a.id));

	one_in_two();
	assert_int_equal(type("profile set %s --zone @/zone --mode enforce --key @/owner", id), 0);
	assert_int_equal(type(ADD "--zone @/zone --conduits @/conduit", id), 0);
	assert_null(strstr(output, "profile"));
	for (const char *const *name = (const char *const[]){ "zone", "conduit", NULL }; *name; name++) {
		assert_int_equal(type("zone show --zone @/%s --json", *name), 0);
		SAYS("\"name\":\"pump\"}");
	}
	assert_int_equal(type(ADD "--zone @/other", id), 0);
	SAYS("Its profile is under another key");
	SAYS("sealbond profile set");
}

/* From one of two; then from one that it has left for another. */
static void what_zone_remove_takes(void **state)
{
	const char *id = strdupa(hex_of(plant->a.id));

	one_in_two();
	assert_int_equal(type(ADD "--zone @/zone --conduits @/conduit", id), 0);
	assert_int_equal(type(REMOVE "--zone @/conduit", id), 0);
	SAYS("in 1 more zones and conduits, and is in none of them now");
	assert_int_equal(tags_of_a(), 0);
	assert_int_equal(type(ADD "--zone @/other", id), 0);
	assert_int_equal(type(REMOVE "--zone @/zone", id), 0);
	SAYS("By its own record the device is not in it");
	assert_int_equal(tags_of_a(), 1);
	assert_int_equal(type(REMOVE "--zone @/zone", id), 1);
	/* interrupted: the device is still to be told */
	submits_left = 1;
	assert_int_equal(type(REMOVE "--zone @/other", id), 1);
	submits_left = -1;
	assert_int_equal(tags_of_a(), 1);
	assert_int_equal(type("zone remove %s --zone @/other", id), 1);
	SAYS("with --key OWNER it is told");
	assert_int_equal(type(REMOVE "--zone @/other", id), 0);
	assert_int_equal(tags_of_a(), 0);
	/* one that is over cannot be told anything, and need not */
	assert_int_equal(type(ADD "--zone @/other", id), 0);
	assert_int_equal(type("device revoke %s --key @/owner", id), 0);
	assert_int_equal(type(REMOVE "--zone @/other", id), 0);
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(a_zone_gets_a_new_key), WITH(a_conduit_gets_a_new_key), WITH(who_leaves_with_the_old_key),
		WITH(a_zone_of_two_owners), WITH(a_zone_that_is_full), WITH(what_zone_add_keeps), WITH(what_zone_remove_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
