// SPDX-License-Identifier: Apache-2.0
/* People's commands, as they are typed, on a ledger in memory: what they do, and what they say. */
#include "people_world.h"

/* ---- */

static void an_owner_and_its_device(void **state)
{
	struct device *a = &plant->a;

	assert_int_equal(type("owner key --out @/owner --name north"), 0);
	assert_int_equal(type("owner key --out @/owner"), 1);
	SAYS("never written over");
	comes(a, "owner");
	assert_int_equal(type("owner show %s --key @/owner", hex_of(a->id)), 0);
	SAYS(hex_of(a->owner.key));
	assert_int_equal(type("device list"), 0);
	SAYS("awaiting-approval");
	SAYS("its owner has to approve it");
	/* by the first digits of its id */
	assert_int_equal(type("device approve %.8s --key @/owner", hex_of(a->id)), 0);
	SAYS("approved: in block");
	assert_int_equal(state_of(&plant->ledger, a), SEALBOND__DEVICE_STATE__LIVE);
	assert_int_equal(type("device list"), 0);
	SAYS("no heartbeat yet");
	assert_int_equal(beats(&plant->ledger, a), SB_TX_OK);
	assert_int_equal(type("device list --json"), 0);
	SAYS("\"state\":\"live\"");
	SAYS("\"lease\":true");
	SAYS("\"why_not\":null");
	assert_int_equal(type("device suspend %s --why lost --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("device list"), 0);
	SAYS("suspended");
	SAYS("lost");
	assert_int_equal(type("device suspend %s --key @/owner", hex_of(a->id)), 1);
	SAYS("refused (state)");
	assert_int_equal(type("device resume %s --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("device revoke %s --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("device list"), 0);
	SAYS("no device");
	assert_int_equal(type("device list --all"), 0);
	SAYS("revoked");
}

/* An update changes what is measured: the next key waits, and people see why and what lets it go on. */
static void a_boot_that_changes(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	struct device *a = &plant->a;

	assert_int_equal(type("owner key --out @/owner --name north"), 0);
	comes(a, "owner");
	assert_int_equal(type("device approve %s --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(beats(&plant->ledger, a), SB_TX_OK);
	assert_int_equal(type("device list --json"), 0);
	SAYS("\"waits\":null");
	SAYS("\"boot_differs\":null");
	reboot(a);
	a->pcr[4][0] ^= 1;
	a->config[0] = 0xc0;
	fresh_key(a->next);
	assert_int_equal(beats(&plant->ledger, a), SB_TX_OK);
	assert_int_equal(type("device list"), 0);
	SAYS("its next bond key waits");
	SAYS("sealbond device approve");
	SAYS("PCRs 4,14 are not what they were");
	assert_int_equal(type("device list --json"), 0);
	SAYS("\"boot_differs\":\"4,14\"");
	SAYS("\"lease\":true");
	assert_int_equal(type("device approve %s --key @/owner", hex_of(a->id)), 0);
	SAYS("PCRs 4,14 are not what they were");
	SAYS("approved: in block");
	record = device_record(&plant->ledger, a);
	assert_memory_equal(record->next_key.data, a->next, 32);
	assert_int_equal(type("device list --json"), 0);
	SAYS("\"waits\":null");
	SAYS("\"boot_differs\":null");
	assert_int_equal(type("device approve %s --key @/owner", hex_of(a->id)), 1);
	SAYS("nothing with this key waits");
}

static void a_device_changes_hands(void **state)
{
	struct device *a = &plant->a;
	char new_key[65];

	assert_int_equal(type("owner key --out @/owner"), 0);
	assert_int_equal(type("owner key --out @/other"), 0);
	comes(a, "owner");
	assert_int_equal(type("device approve %s --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("owner show %s --key @/other", hex_of(a->id)), 0);
	snprintf(new_key, sizeof(new_key), "%.64s", output);
	assert_int_equal(type("device accept %s --key @/other", hex_of(a->id)), 1);
	SAYS("refused (no-account)");
	SAYS("offered to it");
	assert_int_equal(type("device offer %s --to %s --back --key @/owner", hex_of(a->id), new_key), 2);
	assert_int_equal(type("device offer %s --to %s --key @/owner", hex_of(a->id), new_key), 0);
	assert_int_equal(type("device accept %s --key @/other", hex_of(a->id)), 0);
	assert_int_equal(type("device suspend %s --key @/owner", hex_of(a->id)), 1);
	SAYS("refused (not-allowed)");
	assert_int_equal(type("device suspend %s --key @/other", hex_of(a->id)), 0);
}

static void a_zone(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *record = NULL;
	SealbondPrivate__MembershipContent *content = NULL;
	struct device *a = &plant->a;
	struct sb_key_file zone, conduit;
	uint8_t box_secret[32];
	int64_t height;

	crypto_box_keypair(a->box_key, box_secret);
	assert_int_equal(type("owner key --out @/owner"), 0);
	comes(a, "owner");
	assert_int_equal(type("zone key --out @/zone --name cell"), 0);
	assert_int_equal(type("zone key --out @/conduit"), 0);
	assert_int_equal(type("zone show --zone @/zone"), 1);
	SAYS("zone create");
	assert_int_equal(type("zone create --zone @/zone --key @/member"), 0);
	assert_int_equal(type("zone create --zone @/conduit --conduit --key @/member"), 0);
	assert_int_equal(type("zone create --zone @/zone --key @/member"), 1);
	SAYS("refused (exists)");
	height = plant->ledger.height;
	assert_int_equal(type("zone add %s --zone @/zone --key @/owner --dry-run", hex_of(a->id)), 0);
	SAYS("Not sent");
	assert_int_equal(plant->ledger.height, height);
	assert_int_equal(type("zone add %s --zone @/zone --conduits @/conduit --name pump --key @/owner", hex_of(a->id)), 0);
	SAYS("the zone lists it");
	assert_int_equal(type("zone show --zone @/zone"), 0);
	SAYS("pump");
	assert_int_equal(type("zone show --zone @/zone --json"), 0);
	SAYS("\"version\":2");
	/* what the device makes of it */
	read_key("zone", &zone);
	read_key("conduit", &conduit);
	record = device_record(&plant->ledger, a);
	assert_int_equal(sb_belong_open(a->box_key, box_secret, CHAIN, a->id, record->membership, &content), 0);
	assert_int_equal(content->n_belongings, 2);
	assert_memory_equal(content->belongings[0]->zone.data, zone.zone, 16);
	assert_memory_equal(content->belongings[1]->key.data, conduit.zone_key, 32);
	sb_private_free(content);

	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --mode enforce --hold 2d --exception ntp", hex_of(a->id)), 0);
	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --mode off", hex_of(a->id)), 2);
	assert_int_equal(type("profile show %s --zone @/zone", hex_of(a->id)), 0);
	SAYS("mode enforce");
	SAYS("hold for 172800 s");
	SAYS("exception ntp");
	assert_int_equal(type("profile show %s --zone @/conduit", hex_of(a->id)), 1);
	SAYS("does not open");
	/* what the device could not read is not said to be set */
	assert_int_equal(type("profile set %s --zone @/conduit --key @/owner --mode observe", hex_of(a->id)), 1);
	SAYS("is not this device's zone");
	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --exception ntp:kind=match", hex_of(a->id)), 2);
	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --exception %032d", hex_of(a->id), 0), 2);
	assert_int_equal(type("zone remove %s --zone @/zone --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("zone show --zone @/zone --json"), 0);
	SAYS("\"devices\":[]");
	assert_int_equal(type("profile set %s --zone @/zone --key @/owner --mode observe", hex_of(a->id)), 0);
	SAYS("is in no zone");
	assert_int_equal(type("zone delete --zone @/zone"), 0);
	assert_int_equal(type("zone show --zone @/zone"), 1);
}

static void offer_b_to_a(void)
{
	/* each device has its own key of the owner: the new one is offered to the old one's */
	assert_int_equal(type("owner show %s --key @/owner", hex_of(plant->a.id)), 0);
	output[64] = '\0';
	assert_int_equal(type("device offer %s --to %s --key @/owner", hex_of(plant->b.id), strdupa(output)), 0);
}

/* Two of one owner: A in a zone and in a conduit for some, with a profile; B in none. */
static void a_in_a_zone_and_a_conduit(uint8_t box_secret[32])
{
	struct device *a = &plant->a, *b = &plant->b;
	uint8_t other_secret[32];

	crypto_box_keypair(a->box_key, other_secret);
	crypto_box_keypair(b->box_key, box_secret);
	assert_int_equal(type("owner key --out @/owner"), 0);
	assert_int_equal(type("zone key --out @/zone"), 0);
	assert_int_equal(type("zone key --out @/conduit --name line"), 0);
	assert_int_equal(type("zone create --zone @/zone --key @/member"), 0);
	assert_int_equal(type("zone create --zone @/conduit --conduit --allow tcp/502 --key @/member"), 0);
	comes(a, "owner");
	comes(b, "owner");
	assert_int_equal(type("device approve %s --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("device approve %s --key @/owner", hex_of(b->id)), 0);
	assert_int_equal(type("zone add %s --zone @/zone --conduits @/conduit --name pump --key @/owner", hex_of(a->id)), 0);
	assert_int_equal(type("profile set %s --zone @/zone --mode enforce --key @/owner", hex_of(a->id)), 0);
}

/* Each of the two lists has the one, under its name, and the other as one that knows the key and has left. */
static void lists(const char *zone, const struct device *one, const char *name, const struct device *left)
{
	char line[192];

	assert_int_equal(type("zone show --zone @/%s --json", zone), 0);
	snprintf(line, sizeof(line), "\"devices\":[{\"device\":\"%s\",\"name\":\"%s\"}]", hex_of(one->id), name);
	SAYS(line);
	snprintf(line, sizeof(line), "\"rekey\":[{\"device\":\"%s\",\"why\":\"taken out\"}]", hex_of(left->id));
	SAYS(line);
}

#define REPLACE	"device replace %s --by %s --key @/owner "

static void one_takes_anothers_place(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *before = NULL;
	SB_AUTO_MESSAGE Sealbond__Device *after = NULL;
	SealbondPrivate__MembershipContent *content = NULL;
	SealbondPrivate__ProfileContent *profile = NULL;
	struct device *a = &plant->a, *b = &plant->b;
	struct sb_key_file zone;
	uint8_t box_secret[32];
	int64_t height;

	a_in_a_zone_and_a_conduit(box_secret);
	before = device_record(&plant->ledger, a);
	offer_b_to_a();
	height = plant->ledger.height;
	assert_int_equal(type(REPLACE, hex_of(a->id), hex_of(b->id)), 2);
	SAYS("--zone FILE");
	assert_int_equal(type(REPLACE "--zone @/zone", hex_of(a->id), hex_of(b->id)), 2);
	SAYS("is in 2 zones and conduits, and of 1 of them there is no file: --conduits");
	assert_int_equal(type(REPLACE "--zone @/conduit --conduits @/zone", hex_of(a->id), hex_of(b->id)), 1);
	SAYS("not in the zone");
	assert_int_equal(type(REPLACE "--zone @/zone --conduits @/conduit --dry-run", hex_of(a->id), hex_of(b->id)), 0);
	assert_int_equal(plant->ledger.height, height);
	assert_int_equal(type(REPLACE "--zone @/zone --conduits @/conduit", hex_of(a->id), hex_of(b->id)), 0);
	SAYS("replaced: in block");
	SAYS("zone rekey");
	assert_int_equal(state_of(&plant->ledger, a), SEALBOND__DEVICE_STATE__RETIRED);
	after = device_record(&plant->ledger, b);
	assert_true(sb_bytes_are(after->overlay4, before->overlay4.data, before->overlay4.len));
	/* what the device makes of it: tags of its own, with what the conduit allows, and a profile of the version that counts */
	assert_int_equal(sb_belong_open(b->box_key, box_secret, CHAIN, b->id, after->membership, &content), 0);
	assert_int_equal(content->n_belongings, 2);
	assert_int_equal(content->belongings[1]->rules.len, 8);
	sb_private_free(content);
	read_key("zone", &zone);
	assert_int_equal(sb_profile_open(zone.zone_key, CHAIN, b->id, after->profile->sealed, &profile), 0);
	assert_string_equal(profile->mode, "enforce");
	assert_int_equal(profile->version, after->profile->version);
	sb_private_free(profile);
	lists("zone", b, "pump", a);
	lists("conduit", b, "pump", a);
	height = plant->ledger.height;
	assert_int_equal(type(REPLACE, hex_of(a->id), hex_of(b->id)), 1);
	SAYS("replaced by this device already");
	assert_int_equal(type(REPLACE "--zone @/zone --conduits @/conduit", hex_of(a->id), hex_of(b->id)), 0);
	assert_int_equal(plant->ledger.height, height);
}

/* Between the role and the rosters, and between these: the same command goes on. */
static void a_replacement_is_interrupted(void **state)
{
	uint8_t box_secret[32];
	int64_t height;

	for (int after = 1; after <= 2; after++) {
		struct device *a = &plant->a, *b = &plant->b;

		a_in_a_zone_and_a_conduit(box_secret);
		offer_b_to_a();
		submits_left = after;
		assert_int_equal(type(REPLACE "--zone @/zone --conduits @/conduit", hex_of(a->id), hex_of(b->id)), 1);
		SAYS("not every roster says so: the same command goes on");
		assert_int_equal(state_of(&plant->ledger, a), SEALBOND__DEVICE_STATE__RETIRED);
		submits_left = -1;
		height = plant->ledger.height;
		assert_int_equal(type(REPLACE "--zone @/zone", hex_of(a->id), hex_of(b->id)), 2);
		SAYS("--conduits");
		assert_int_equal(type(REPLACE "--zone @/zone --conduits @/conduit", hex_of(a->id), hex_of(b->id)), 0);
		assert_int_equal(plant->ledger.height - height, 3 - after);
		lists("zone", b, "pump", a);
		lists("conduit", b, "pump", a);
		tear_down(state);
		set_up(state);
	}
}

static void what_cannot_take_a_place(void **state)
{
	struct device *a = &plant->a, *b = &plant->b;
	uint8_t box_secret[32];

	a_in_a_zone_and_a_conduit(box_secret);
	/* what it is in would be lost without a word, and a roster list it */
	assert_int_equal(type("zone key --out @/third"), 0);
	assert_int_equal(type("zone create --zone @/third --key @/member"), 0);
	assert_int_equal(type("zone add %s --zone @/third --key @/owner", hex_of(b->id)), 0);
	assert_int_equal(type(REPLACE "--zone @/zone --conduits @/conduit", hex_of(a->id), hex_of(b->id)), 1);
	SAYS("in another zone or conduit");
	assert_int_equal(type("zone remove %s --zone @/third --key @/owner", hex_of(b->id)), 0);
	assert_int_equal(type(REPLACE "--zone @/zone --conduits @/conduit", hex_of(a->id), hex_of(b->id)), 1);
	SAYS("refused (not-allowed)");
	assert_int_equal(type("owner key --out @/other"), 0);
	assert_int_equal(type("device replace %s --by %s --zone @/zone --conduits @/conduit --key @/other", hex_of(a->id),
			      hex_of(b->id)), 1);
	SAYS("not this owner's");
	/* one in no zone */
	assert_int_equal(type(REPLACE "--zone @/zone", hex_of(b->id), hex_of(a->id)), 2);
	SAYS("is in no zone");
}

static void members_decide(void **state)
{
	char second[65], proposal[65], said[65];
	struct sb_key_file file;

	assert_int_equal(type("member key --out @/second --name bea"), 0);
	read_key("second", &file);
	snprintf(second, sizeof(second), "%s", hex_of(file.key));
	assert_int_equal(type("member list"), 0);
	SAYS("ann");
	assert_int_equal(type("member add %s --weight 1 --name bea --key @/member --dry-run --json", second), 0);
	SAYS("\"dry_run\":true");
	SAYS("\"propose\":{\"changes\":[{\"member\":{");
	assert_int_equal(type("member add %s --name bea --key @/member", second), 0);
	SAYS("Decided: it is so from now on");
	assert_int_equal(type("member threshold 2 --key @/member"), 0);
	assert_int_equal(type("member list"), 0);
	SAYS("bea");
	SAYS("a weight of 2 decides");
	assert_int_equal(type("member replace %s --key @/member", second), 2);
	assert_int_equal(type("member replace %s --by %s --name bea2 --key @/member --dry-run --json", second, second), 0);
	SAYS("\"propose\":{\"changes\":[{\"replace\":{");
	assert_int_equal(type("member replace %s --by %s --key @/member", second, second), 1);
	SAYS("changes[0].by");
	/* from now on two have to agree */
	assert_int_equal(type("member remove %s --key @/member", second), 0);
	SAYS("Not decided: it waits for other members until");
	SAYS("sealbond member vote ");
	snprintf(said, sizeof(said), "%.64s", strstr(output, "member vote ") + 12);
	assert_int_equal(type("member proposals --json"), 0);
	SAYS("\"id\":\"");
	snprintf(proposal, sizeof(proposal), "%.64s", strstr(output, "\"id\":\"") + 6);
	assert_string_equal(said, proposal);
	assert_int_equal(type("member vote %s --against --key @/second", proposal), 0);
	assert_int_equal(type("member vote %s --key @/second", proposal), 1);
	SAYS("refused (proposal-over)");
	assert_int_equal(type("member threshold 9 --key @/member"), 0);
	assert_int_equal(type("member proposals"), 0);
	SAYS("\"threshold\":9");
	snprintf(proposal, sizeof(proposal), "%.64s", output);
	assert_int_equal(type("member vote %s --key @/second", proposal), 1);
	SAYS("refused (last-members)");
	assert_int_equal(type("member withdraw %s --key @/member", proposal), 0);
}

static void references_and_enrollers(void **state)
{
	char values[65] = "", desk[65];
	struct sb_key_file file;

	memset(values, 'a', 64);
	assert_int_equal(type("reference add v1 7=%s 4=%s --name first --key @/member", values, values), 0);
	assert_int_equal(type("reference add v1 7=%s 7=%s --key @/member", values, values), 2);
	assert_int_equal(type("reference add v1 24=%s --key @/member", values), 2);
	assert_int_equal(type("reference list"), 0);
	SAYS("v1  PCRs 4,7  first");
	assert_int_equal(type("ledger show reference v1"), 0);
	SAYS("Proven as of block");
	/* one that cannot fit, by a PCR too few or by one that no device quotes; the cap's may be named */
	assert_int_equal(type("reference add v2 7=%s --key @/member", values), 0);
	SAYS("No device fits it: by the ledger's parameters it needs values of PCRs 4,7, and may have them of");
	SAYS("match_references is not set");
	assert_int_equal(type("reference add v3 4=%s 7=%s 22=%s --key @/member", values, values, values), 0);
	SAYS("No device fits it");
	assert_int_equal(type("reference add v4 4=%s 7=%s 14=%s --key @/member", values, values, values), 0);
	assert_null(strstr(output, "No device fits it"));
	assert_int_equal(type("reference add v5 4=%s 7=%s --key @/member", values, values), 0);
	assert_null(strstr(output, "No device fits it"));
	assert_int_equal(type("reference remove v1 --key @/member"), 0);
	assert_int_equal(type("ledger show reference v1"), 1);
	SAYS("there is no such record");

	assert_int_equal(type("enroller key --out @/desk"), 0);
	read_key("desk", &file);
	snprintf(desk, sizeof(desk), "%s", hex_of(file.key));
	assert_int_equal(type("enroller add %s --name front --url https://desk.example --key @/member", desk), 0);
	assert_int_equal(type("enroller list"), 0);
	SAYS("front  https://desk.example");
	assert_int_equal(type("enroller remove %s --key @/member", desk), 0);
}

/* What is posted is what the state machine compares the opened secret with. */
static void the_commitment_is_the_ledgers(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
	struct device *a = &plant->a;
	uint8_t id[SB_ENROLMENT_ID_LEN], nonce[16] = { 3 }, secret[32], commitment[32];
	const struct person *enroller = &plant->enroller[0];

	assert_int_equal(enrols(&plant->ledger, a), SB_TX_OK);
	assert_int_equal(challenges(&plant->ledger, &plant->enroller[0], a), SB_TX_OK);
	sb_enrolment_id(a->id, (ProtobufCBinaryData){ a->ak_name_length, a->ak_name }, id);
	enrolment = record_of(&plant->ledger, &sealbond__device__descriptor, SB_RECORD_ENROLMENT, id, sizeof(id));
	secret_of(enroller, a, secret);
	sb_challenge_commitment(CHAIN, a->id, (struct sb_span){ a->ak_name, a->ak_name_length }, enroller->key, nonce, secret,
				commitment);
	assert_memory_equal(enrolment->commitments[0]->commitment.data, commitment, 32);
}

static void an_enroller_answers_what_something_speaks_for(void **state)
{
	SB_AUTO_MESSAGE Sealbond__Device *enrolment = NULL;
	struct device *a = &plant->a, *b = &plant->b;
	uint8_t id[SB_ENROLMENT_ID_LEN];
	char path[96];

	assert_int_equal(enrols(&plant->ledger, a), SB_TX_OK);
	assert_int_equal(enrols(&plant->ledger, b), SB_TX_OK);
	assert_int_equal(type("device list"), 0);
	SAYS("an enroller has to answer");
	assert_int_equal(type("enroller serve --once --key @/member"), 2);
	SAYS("needs the key of: enroller");
	assert_int_equal(type("enroller serve --once --key @/enroller"), 0);
	SAYS("0 answered, 0 refused, 2 that nothing speaks for");
	snprintf(path, sizeof(path), "%s/inventory", directory);
	assert_int_equal(sb_file_write(path, "# ours\nzz\n", 10, 0600), 0);
	assert_int_equal(type("enroller serve --once --inventory @/inventory --key @/enroller"), 2);
	SAYS("inventory:2: a device id has 64 hex digits");
	assert_int_equal(sb_file_write(path, hex_of(a->id), 64, 0600), 0);
	assert_int_equal(type("enroller serve --once --inventory @/inventory --key @/enroller"), 0);
	SAYS("1 answered, 0 refused, 1 that nothing speaks for");
	assert_int_equal(type("enroller serve --once --inventory @/inventory --key @/enroller"), 0);
	SAYS("0 answered");
	sb_enrolment_id(a->id, (ProtobufCBinaryData){ a->ak_name_length, a->ak_name }, id);
	enrolment = record_of(&plant->ledger, &sealbond__device__descriptor, SB_RECORD_ENROLMENT, id, sizeof(id));
	assert_int_equal(enrolment->n_commitments, 1);
	assert_true(sb_bytes_are(enrolment->commitments[0]->enroller, plant->enroller[0].key, 32));
	/* a person has looked at the other */
	assert_int_equal(type("enroller challenge %s --key @/enroller", hex_of(b->id)), 0);
	assert_int_equal(type("enroller challenge %s --key @/enroller", hex_of(b->id)), 1);
	SAYS("no enrolment of this device waits");
}

static void an_inventory_is_imported(void **state)
{
	char path[96], *text = malloc(2500 * 65 + 1);
	SB_AUTO_MESSAGE Sealbond__Counters *counters = NULL;
	uint8_t id[32] = { 0 };

	for (int i = 0; i < 2500; i++) {
		memcpy(id, &i, sizeof(i));
		memcpy(text + 65 * i, hex_of(id), 64);
		text[65 * i + 64] = '\n';
	}
	snprintf(path, sizeof(path), "%s/inventory", directory);
	assert_int_equal(sb_file_write(path, text, 2500 * 65, 0600), 0);
	free(text);
	assert_int_equal(type("enroller import @/inventory --key @/enroller"), 0);
	SAYS("2500 of 2500");
	counters = record_of(&plant->ledger, &sealbond__counters__descriptor, SB_RECORD_COUNTERS, NULL, 0);
	assert_int_equal(counters->known_keys, 2500);
	assert_int_equal(type("enroller import @/inventory --remove --key @/enroller"), 0);
	sb_message_free(counters);
	counters = record_of(&plant->ledger, &sealbond__counters__descriptor, SB_RECORD_COUNTERS, NULL, 0);
	assert_true(!counters || counters->known_keys == 0);
}

/* A line that is left out without a word is a device that stays in, or out, unnoticed. */
static void every_line_of_an_inventory_counts(void **state)
{
	static const char *const wrong[] = { "\n %s %s\n", "\n%s pump 4\n", "# ours\n\t%.63s\n", "\n\t zz # %s\n" };
	char path[96], text[512];
	uint8_t id[4][32] = { { 1 }, { 2 }, { 3 }, { 4 } };

	snprintf(path, sizeof(path), "%s/inventory", directory);
	snprintf(text, sizeof(text), "  # ours\n  %s\n\t%s \r\n \t\r\n%s # pump 4\n%s#\n%s", hex_of(id[0]), hex_of(id[1]),
		 hex_of(id[2]), hex_of(id[3]), hex_of(id[1]));
	assert_int_equal(sb_file_write(path, text, strlen(text), 0600), 0);
	assert_int_equal(type("enroller import @/inventory --key @/enroller"), 0);
	SAYS("4 of 4");
	/* by another enroller nothing goes */
	write_key("desk", SB_KEY_ENROLLER, 11);
	assert_int_equal(type("enroller import @/inventory --remove --key @/desk"), 0);
	SAYS("knows 0 devices fewer, not 4");
	assert_int_equal(type("enroller import @/inventory --remove --key @/enroller"), 0);
	SAYS("4 of 4");
	assert_null(strstr(output, "fewer"));
	for (size_t i = 0; i < SB_ARRAY_SIZE(wrong); i++) {
		snprintf(text, sizeof(text), wrong[i], hex_of(id[0]), hex_of(id[1]));
		assert_int_equal(sb_file_write(path, text, strlen(text), 0600), 0);
		assert_int_equal(type("enroller import @/inventory --key @/enroller"), 2);
		SAYS("inventory:2: a device id has 64 hex digits");
	}
	snprintf(text, sizeof(text), "%s\n", hex_of(id[0]));
	assert_int_equal(sb_file_write(path, text, 66, 0600), 0);
	assert_int_equal(type("enroller import @/inventory --key @/enroller"), 2);
	SAYS("is no text");
}

static void records_with_their_proof(void **state)
{
	assert_int_equal(type("ledger status"), 0);
	SAYS("solo: its operator decides alone");
	assert_int_equal(type("ledger show parameters --json"), 0);
	SAYS("\"proven\":true");
	SAYS("\"lease\":86400");
	assert_int_equal(type("ledger show members"), 0);
	assert_int_equal(type("ledger show parameters x"), 2);
	assert_int_equal(type("ledger show device"), 2);
	assert_int_equal(type("ledger show devise x"), 2);
	SAYS("did you mean device?");
	assert_int_equal(type("ledger show account %064d", 0), 1);
	SAYS("there is no such record");
	assert_int_equal(type("ledger list enroller"), 0);
	SAYS("desk");
	SAYS("ledger show proves each");
	assert_int_equal(type("incident list"), 0);
}

/* An endpoint may leave records out of its list; it cannot put one in. */
static void a_list_that_lies(void **state)
{
	assert_int_equal(type("owner key --out @/owner"), 0);
	comes(&plant->a, "owner");
	lies = true;
	assert_int_equal(type("device list"), 0);
	SAYS("no device");
}

static void what_people_get_wrong(void **state)
{
	struct device *a = &plant->a;

	assert_int_equal(type("device list --nothing"), 2);
	SAYS("usage: sealbond device list");
	assert_int_equal(type("device lits"), 2);
	SAYS("did you mean list?");
	assert_int_equal(type("device suspend 12345 --key @/member"), 2);
	SAYS("is no device id");
	assert_int_equal(type("device suspend 123456 --key @/member"), 1);
	SAYS("knows no device that begins so");
	assert_int_equal(type("device suspend %s", hex_of(a->id)), 2);
	SAYS("--key FILE");
	assert_int_equal(type("device suspend %s --key @/none", hex_of(a->id)), 1);
	SAYS("No such file");
	assert_int_equal(type("device suspend %s --key @/member", hex_of(a->id)), 2);
	SAYS("needs the key of: owner");
	assert_int_equal(type("member threshold many --key @/member"), 2);
	assert_int_equal(type("member vote 12 --key @/member"), 2);
	SAYS("is not 64 hex digits");
	assert_int_equal(type("member threshold 1 --key @/member --key @/member"), 2);
	{
		char path[96];

		snprintf(path, sizeof(path), "%s/member", directory);
		chmod(path, 0644);
	}
	assert_int_equal(type("member threshold 1 --key @/member"), 4);
	SAYS("chmod 600");
	assert_int_equal(type("member threshold 1 --key @/member --json"), 4);
	SAYS("\"exit\":4");
}

static void passphrases(void **state)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/words", directory);
	assert_int_equal(sb_file_write(path, "correct horse\n", 14, 0600), 0);
	assert_int_equal(type("member key --out @/locked --passphrase-file @/words"), 0);
	assert_int_equal(type("member threshold 1 --key @/locked --passphrase-file @/words"), 1);
	SAYS("has no account");
	assert_int_equal(sb_file_write(path, "correct hose\n", 13, 0600), 0);
	assert_int_equal(type("member threshold 1 --key @/locked --passphrase-file @/words"), 1);
	SAYS("wrong passphrase");
	chmod(path, 0644);
	assert_int_equal(type("member key --out @/more --passphrase-file @/words"), 4);
	SAYS("others may read it");
}

int main(void)
{
#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH(an_owner_and_its_device), WITH(a_boot_that_changes), WITH(a_device_changes_hands), WITH(a_zone),
		WITH(one_takes_anothers_place), WITH(a_replacement_is_interrupted), WITH(what_cannot_take_a_place),
		WITH(members_decide), WITH(references_and_enrollers), WITH(the_commitment_is_the_ledgers),
		WITH(an_enroller_answers_what_something_speaks_for), WITH(an_inventory_is_imported), WITH(every_line_of_an_inventory_counts),
		WITH(records_with_their_proof), WITH(a_list_that_lies), WITH(what_people_get_wrong), WITH(passphrases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
